"""Hundreds who sign at once in a served portal: nothing is signed twice, nothing is lost."""

import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from tests.support.faults.reporting import rounds
from tests.support.processes.databases import migrated_database, run_python, run_python_for_json
from tests.support.processes.portal_process import SECONDS_TO_STOP, free_port, portal
from tests.support.races.signatories import CHECK, RECEIPT, Answer, Visitor

pytestmark = pytest.mark.server
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
INVITATIONS = rounds(max(200, 25 * ROUNDS))
AT_ONCE, LINKS, FORMS = 4, 50, 20


class Place:
    """A portal with a database and a port of its own."""

    def __init__(self, values: dict[str, str], folder) -> None:
        self.values, self.folder, self.port = values, folder, free_port()

    def say(self, *words: object):
        """Do something to its database; return the result."""
        return run_python_for_json(self.values, "-m", "tests.support.races.signing_place", *map(str, words))

    @contextmanager
    def served(self):
        """Serve it."""
        with portal(self.folder, **{**self.values, "PORT": self.port}) as started:
            started.wait_until_ready()
            yield started

    def verify(self) -> dict[str, Any]:
        """Return what the register holds, and show that it is whole."""
        verified = run_python(self.values, "manage.py", "register", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        return self.say("count")

    def fill_in(self, secrets: list[str]) -> list[tuple[Visitor, dict[str, str]]]:
        """Come to the last page by each of these links; return each visitor with what the button sends."""

        def _fill_in(secret):
            visitor = Visitor(self.port)
            return visitor, visitor.fill_in(secret)

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(_fill_in, secrets))


@pytest.fixture
def place(tmp_path, template):
    with migrated_database(tmp_path / "var", "signing", template) as values:
        yield Place(values, tmp_path / "var")


def twins(visitor: Visitor, number: int) -> list[Visitor]:
    """Return this many windows of one browser."""
    found = [copy(visitor) for _ in range(number)]
    for twin in found:
        twin.cookies = dict(visitor.cookies)
        twin.__post_init__()
    return found


def press_at_once(presses: list[tuple[Visitor, dict[str, str]]], at_once: int) -> list[str]:
    """Press every button, so many at the same moment; return the leaf of each receipt."""
    barrier = Barrier(at_once)

    def _press(press):
        visitor, fields = press
        barrier.wait(SECONDS_TO_STOP)
        visitor.sign(fields)
        return json.loads(visitor.receipt())["leaf"]

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(_press, presses))


def test_two_hundred_people_who_each_press_four_times_make_two_hundred_entries(place, record_property):
    secrets = place.say("invite", INVITATIONS)
    with place.served():
        ready = place.fill_in(secrets)
        began = time.monotonic()
        leaves = press_at_once([(twin, f) for visitor, f in ready for twin in twins(visitor, AT_ONCE)], AT_ONCE)
        took = time.monotonic() - began
    answers = [set(leaves[start : start + AT_ONCE]) for start in range(0, len(leaves), AT_ONCE)]
    assert [len(receipts) for receipts in answers] == [1] * INVITATIONS
    assert len(set.union(*answers)) == INVITATIONS
    found = place.verify()
    assert found == dict.fromkeys(("entries", "live", "signed", "bodies"), INVITATIONS) | {"faults": []}
    record_property(
        "measured",
        f"{connection.vendor}: {INVITATIONS} invitations, {len(leaves)} presses, {found['entries']} entries, "
        f"{len(leaves) / took:.0f} presses a second with their receipts",
    )


def test_fifty_links_of_one_body_make_one_entry(place):
    secrets = place.say("links", LINKS)
    with place.served():
        leaves = press_at_once(place.fill_in(secrets), LINKS)
    assert len(leaves) == LINKS
    assert len(set(leaves)) == 1
    assert place.verify() == dict.fromkeys(("entries", "live", "signed", "bodies"), 1) | {"faults": []}


def test_while_a_wording_is_published_each_form_signs_what_it_has_shown_or_nothing(place, record_property):
    counts: Counter[str] = Counter()
    with place.served():
        for _ in range(3):
            ready = place.fill_in(place.say("invite", FORMS))
            shown = ready[0][1]["text_sha256"]
            with ThreadPoolExecutor(1) as pool:
                publishing = pool.submit(place.say, "publish")
                outcomes: list[tuple[Visitor, Answer]] = []
                for visitor, fields in ready:
                    if len(outcomes) == FORMS - 1:
                        publishing.result()
                    outcomes.append((visitor, visitor.press(fields)))
                    time.sleep(0.1)
            for visitor, said in outcomes:
                counts[f"{said.status}"] += 1
                if said.status == 303:
                    assert said.leads_to == RECEIPT
                    assert json.loads(json.loads(visitor.receipt())["leaf"])["text_sha256"] == shown
                else:
                    assert said.status == 409
                    assert "text" in said.text
            assert outcomes[-1][1].status == 409
    found = place.verify()
    assert (found["bodies"], found["faults"]) == (counts["303"], [])
    assert counts["303"] + counts["409"] == 3 * FORMS
    record_property("measured", f"{connection.vendor}: {counts['303']} signed, {counts['409']} were shown the new text")


def test_the_last_page_is_where_the_button_leads(place):
    """What the tests above press is the button of the page itself."""
    with place.served():
        (secret,) = place.say("invite", 1)
        visitor = Visitor(place.port)
        fields = visitor.fill_in(secret)
        assert {"csrfmiddlewaretoken", "invitation_mark", "checked", "text_sha256"} == set(fields)
        assert f'action="{CHECK}"' in visitor.page(CHECK).text
