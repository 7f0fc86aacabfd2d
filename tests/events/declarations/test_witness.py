import json
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from events.declarations import rules
from events.declarations.models import Entry
from events.declarations.register import audit, log, witness
from tests.events.declarations.personal import CANARIES, declined, left, on_paper, signed
from tests.signing import open_signing
from tests.signing import signed as sign_for

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(db):
    return open_signing()


def test_the_newest_checkpoint_is_kept_and_only_ever_a_newer_one():
    witness.keep_checkpoint()
    assert not witness.kept_checkpoint().exists()  # there is no entry yet
    first = sign_for("First", "first@body.example")
    witness.keep_checkpoint()
    assert witness.kept_checkpoint().read_text() == first.checkpoint
    second = sign_for("Second", "second@body.example")
    witness.keep_checkpoint()
    assert witness.kept_checkpoint().read_text() == second.checkpoint == log.checkpoint()
    names = {path.name for path in witness.kept_checkpoint().parent.iterdir()}
    assert {name for name in names if not name.endswith(".key")} == {"checkpoint"}  # no draft is left


def test_an_older_register_never_takes_the_place_of_the_kept_checkpoint():
    sign_for("First", "first@body.example")
    older = transaction.savepoint()
    newest = sign_for("Second", "second@body.example")
    witness.keep_checkpoint()
    transaction.savepoint_rollback(older)
    with pytest.raises(ImproperlyConfigured, match="over 2 entries"):
        witness.keep_checkpoint()
    assert witness.kept_checkpoint().read_text() == newest.checkpoint


@pytest.mark.parametrize("content", ["", "\n", "torn", "name\nmany\nroot\n", "name\n-\n"])
def test_a_kept_checkpoint_that_cannot_be_read_closes_signing_and_says_why(content):
    witness.kept_checkpoint().write_text(content)
    assert "holds no checkpoint" in " ".join(rules.why_closed(rules.in_force()))
    with pytest.raises(ImproperlyConfigured, match="holds no checkpoint"):
        witness.keep_checkpoint()


def test_a_checkpoint_of_a_rotated_key_is_the_same_history():
    sign_for("First", "first@body.example")
    witness.keep_checkpoint()
    log.rotate_key()
    sign_for("Second", "second@body.example")
    witness.keep_checkpoint()
    assert witness.kept_checkpoint().read_text() == log.checkpoint()


def test_what_is_noted_of_erasures_holds_nothing_about_a_person():
    entry, invitation, paper = signed(), declined(), on_paper(confirmed=False)
    rules.erase(entry=entry)
    rules.forget(invitation)
    rules.forget_paper(paper)
    text = witness.erasures().read_text()
    assert [name for name in CANARIES if CANARIES[name] in text] == []
    assert stat.S_IMODE(witness.erasures().stat().st_mode) == 0o600
    kinds = [set(json.loads(line)) - {"at", "made_at", "leaf_hash"} for line in text.splitlines()]
    assert kinds == [{"entry"}, {"invitation"}, {"signingrequest"}, {"invitation"}, {"papersignature"}]


def test_a_line_that_was_cut_off_loses_no_other():
    first, second = signed("One"), signed("Two")
    before = transaction.savepoint()
    rules.erase(entry=first)
    with witness.erasures().open("a") as file:
        file.write('{"at": "2031-05-')  # the machine lost power before the next one was committed
    rules.erase(entry=second)
    assert set(witness.erased_before().entries) == {first.pk, second.pk}
    assert list(audit.faults()) == []
    transaction.savepoint_rollback(before)
    assert rules.erase_again() == 2
    assert left() == set()


def test_where_it_cannot_be_noted_nothing_is_erased(monkeypatch):
    entry = signed()

    def fail(line):
        raise OSError("No space left on device")

    monkeypatch.setattr(witness, "write", fail)
    with pytest.raises(OSError, match="No space"):
        rules.erase(entry=entry)
    assert Entry.objects.count() == 1
    assert "name" in left()


def test_an_erasure_is_noted_before_it_is_committed():
    """So that one which a crash has undone is done again, rather than one that was done coming back."""
    entry = signed()
    before = transaction.savepoint()
    rules.erase(entry=entry)
    transaction.savepoint_rollback(before)
    assert rules.erase_again() == 1
    assert left() == set()
    assert list(audit.faults()) == []


def test_many_erasures_are_looked_for_in_batches(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(witness, "BATCH", 2)
    for number in range(5):
        witness.write({"at": "2031-05-06T10:00:00Z", "entry": number, "leaf_hash": "0" * 64})
    with django_assert_num_queries(5):  # a savepoint, three batches, its release
        assert rules.erase_again() == 0


def test_another_entry_with_the_number_of_an_erased_one_is_left_alone():
    older = transaction.savepoint()
    rules.erase(entry=signed("One"))
    transaction.savepoint_rollback(older)
    other = sign_for("Another history", "someone@body.example")
    assert other.pk in witness.erased_before().entries
    assert rules.erase_again() == 0
    assert other.personal.values["email"] == "someone@body.example"
