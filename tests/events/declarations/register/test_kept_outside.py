import json
import stat
from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from events.declarations.models import Entry
from events.declarations.register import audit, kept_outside, log
from events.declarations.rules import availability, erasure
from tests.support.personal import (
    CANARIES,
    canaries_left,
    make_declined_invitation,
    make_paper_signature,
    make_signed_entry,
)
from tests.support.signing import invite_and_sign as sign_for
from tests.support.signing import open_signing
from vru_portal.ledger import erasures
from vru_portal.tabular.batches import in_batches

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(db):
    return open_signing()


def test_the_newest_checkpoint_is_kept_and_only_ever_a_newer_one():
    kept_outside.keep_newest_checkpoint()
    assert not kept_outside.checkpoint_file().exists()  # there is no entry yet
    first = sign_for("First", "first@body.example")
    kept_outside.keep_newest_checkpoint()
    assert kept_outside.checkpoint_file().read_text() == first.checkpoint
    second = sign_for("Second", "second@body.example")
    kept_outside.keep_newest_checkpoint()
    assert kept_outside.checkpoint_file().read_text() == second.checkpoint == log.newest_checkpoint()
    names = {path.name for path in kept_outside.checkpoint_file().parent.iterdir()}
    assert {name for name in names if not name.endswith(".key")} == {"checkpoint"}  # no draft is left


def test_an_older_register_never_takes_the_place_of_the_kept_checkpoint():
    sign_for("First", "first@body.example")
    older = transaction.savepoint()
    newest = sign_for("Second", "second@body.example")
    kept_outside.keep_newest_checkpoint()
    transaction.savepoint_rollback(older)
    with pytest.raises(ImproperlyConfigured, match="over 2 entries"):
        kept_outside.keep_newest_checkpoint()
    assert kept_outside.checkpoint_file().read_text() == newest.checkpoint


@pytest.mark.parametrize("content", ["", "\n", "torn", "name\nmany\nroot\n", "name\n-\n"])
def test_a_kept_checkpoint_that_cannot_be_read_closes_signing_and_says_why(content):
    kept_outside.checkpoint_file().write_text(content)
    assert "is not a checkpoint" in " ".join(availability.signing_blockers(availability.version_in_force()))
    with pytest.raises(ImproperlyConfigured, match="is not a checkpoint"):
        kept_outside.keep_newest_checkpoint()


def test_a_checkpoint_of_a_rotated_key_is_the_same_history():
    sign_for("First", "first@body.example")
    kept_outside.keep_newest_checkpoint()
    log.rotate_key()
    sign_for("Second", "second@body.example")
    kept_outside.keep_newest_checkpoint()
    assert kept_outside.checkpoint_file().read_text() == log.newest_checkpoint()


def test_what_is_noted_of_erasures_holds_nothing_about_a_person():
    entry, invitation, paper = make_signed_entry(), make_declined_invitation(), make_paper_signature(confirmed=False)
    erasure.erase_personal_data(entry=entry)
    erasure.forget_invitation(invitation)
    erasure.forget_paper_signature(paper)
    text = erasures.erasures_file().read_text()
    assert [name for name in CANARIES if CANARIES[name] in text] == []
    assert stat.S_IMODE(erasures.erasures_file().stat().st_mode) == 0o600
    kinds = [set(json.loads(line)) - {"at", "made_at", "leaf_hash"} for line in text.splitlines()]
    assert kinds == [{"entry"}, {"invitation"}, {"signingrequest"}, {"invitation"}, {"papersignature"}]


def test_a_line_that_was_cut_off_loses_no_other():
    first, second = make_signed_entry("One"), make_signed_entry("Two")
    before = transaction.savepoint()
    erasure.erase_personal_data(entry=first)
    with erasures.erasures_file().open("a") as file:
        file.write('{"at": "2031-05-')  # the machine lost power before the next one was committed
    erasure.erase_personal_data(entry=second)
    assert set(kept_outside.read_erasures().entries) == {first.pk, second.pk}
    assert list(audit.find_faults()) == []
    transaction.savepoint_rollback(before)
    assert erasure.reapply_erasures() == 2
    assert canaries_left() == set()


def test_where_it_cannot_be_noted_nothing_is_erased(monkeypatch):
    entry = make_signed_entry()

    def fail(line):
        raise OSError("No space left on device")

    monkeypatch.setattr(erasures, "append_line", fail)
    with pytest.raises(OSError, match="No space"):
        erasure.erase_personal_data(entry=entry)
    assert Entry.objects.count() == 1
    assert "name" in canaries_left()


def test_an_erasure_is_noted_before_it_is_committed():
    """So that one which a crash has undone is done again, rather than one that was done coming back."""
    entry = make_signed_entry()
    before = transaction.savepoint()
    erasure.erase_personal_data(entry=entry)
    transaction.savepoint_rollback(before)
    assert erasure.reapply_erasures() == 1
    assert canaries_left() == set()
    assert list(audit.find_faults()) == []


def test_many_erasures_are_looked_for_in_batches(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(kept_outside, "in_batches", partial(in_batches, size=2))
    for number in range(5):
        erasures.append_line({"at": "2031-05-06T10:00:00Z", "entry": number, "leaf_hash": "0" * 64})
    with django_assert_num_queries(5):  # a savepoint, three batches, its release
        assert erasure.reapply_erasures() == 0


def test_another_entry_with_the_number_of_an_erased_one_is_left_alone():
    older = transaction.savepoint()
    erasure.erase_personal_data(entry=make_signed_entry("One"))
    transaction.savepoint_rollback(older)
    other = sign_for("Another history", "someone@body.example")
    assert other.pk in kept_outside.read_erasures().entries
    assert erasure.reapply_erasures() == 0
    assert other.personal.values["email"] == "someone@body.example"


def test_of_a_checkpoint_that_was_kept_elsewhere_and_the_one_here_the_newer_is_kept():
    sign_for("First", "first@body.example")
    kept_outside.keep_newest_checkpoint()
    kept = kept_outside.checkpoint_file().read_text()
    for other in ("", "torn", "name\n0\nroot\n", "name\n1\nanother\n\nsignature\n"):
        kept_outside.adopt_checkpoint(other)
        assert kept_outside.checkpoint_file().read_text() == kept
    kept_outside.adopt_checkpoint("name\n9\nroot\n\nsignature\n")
    assert "over 9 entries" in " ".join(availability.signing_blockers(availability.version_in_force()))


def test_erasures_that_were_recorded_elsewhere_are_added_once():
    erasure.forget_invitation(make_declined_invitation())
    here = erasures.erasures_file().read_text()
    elsewhere = here + '{"made_at": "2031-05-06T10:00:00+00:00", "invitation": 77}\n{"made_at": "20'
    for _ in range(2):
        erasures.adopt_erasures(elsewhere)
    assert erasures.erasures_file().read_text().splitlines() == elsewhere.splitlines()[:2]
