"""Many who sign at once, on a database of their own, with controls in which the race is lost."""

import os

import pytest
from django.db import connection

from tests.support.processes.databases import migrated_database, run_python_for_json

# One worker runs them one after the other: they are about time.
pytestmark = pytest.mark.xdist_group("races")
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
RACES = {
    "same-button": 5 * ROUNDS,
    "many-links": ROUNDS,
    "paper-and-link": ROUNDS,
    "revoked-meanwhile": ROUNDS,
    "published-meanwhile": ROUNDS,
}


def run(folder, name, template, mode, rounds_of_races):
    """Return how often each outcome of each race came."""
    words = [f"{race_name}:{rounds}" for race_name, rounds in rounds_of_races.items()]
    with migrated_database(folder / "var", name, template) as values:
        return run_python_for_json(values, "-m", "tests.support.races.signing_races", mode, *words)


@pytest.fixture(scope="module")
def races(tmp_path_factory, template):
    return run(tmp_path_factory.mktemp("signing"), "signing", template, "all", RACES)


@pytest.fixture
def race(races, record_property):
    def _race(race_name):
        counts = races[race_name]
        said = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
        record_property("measured", f"{connection.vendor}, {race_name}, {RACES[race_name]} rounds: {said}")
        assert {said for said in counts if "Error " in said or "Timeout" in said} == set(), counts
        assert counts["broken"] == 0, counts
        return counts

    return _race


def test_pressing_the_button_four_times_makes_one_entry_and_gives_its_receipt_four_times(race):
    assert race("same-button")["sign: done"] == 4 * RACES["same-button"]


def test_ten_links_of_one_body_used_together_make_one_entry(race):
    assert race("many-links")["sign: done"] == 10 * ROUNDS


def test_a_signature_on_paper_and_one_by_a_link_make_one_entry(race):
    counts = race("paper-and-link")
    assert counts.get("confirm: done", 0) + counts.get("sign: done", 0) / 2 == ROUNDS


def test_an_invitation_is_signed_or_revoked(race):
    race("revoked-meanwhile")


def test_while_a_version_is_put_in_force_nobody_signs_another_than_the_one_they_have_read(race):
    counts = race("published-meanwhile")
    assert counts["publish: done"] == ROUNDS
    assert counts.get("sign: done", 0) + counts.get("sign: StaleText", 0) == 9 * ROUNDS


def test_afterwards_the_register_is_whole(races):
    assert races["faults"] == []


def test_without_lock_transaction_and_triggers_the_races_are_lost(tmp_path, template):
    """One press gets the receipt and others a fault; and what is in force no more is signed all the same."""
    rounds_of_races = {"same-button": 3, "many-links": 1, "published-meanwhile": 1}
    found = run(tmp_path, "unguarded", template, "nothing", rounds_of_races)
    assert found["same-button"]["broken"] > 0, found
    assert found["many-links"]["broken"] > 0, found
    assert found["published-meanwhile"]["broken"] > 0, found
