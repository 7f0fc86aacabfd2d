"""Each trigger of the register, by raw SQL: what it refuses, that nothing else would, and what happens without it.

Those that every append-only row has are in tests/vru_portal/ledger.
"""

import pytest
from django.db import connection
from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.models import Entry, Head, LiveSignature, PersonalRecord
from events.declarations.register import log
from tests.support.factories import BodyFactory, EntryFactory, RegisterKeyFactory, VersionFactory
from tests.support.refusals import (
    execute,
    insert,
    refused_by_its_trigger_alone,
    refused_with,
    with_only_trigger,
    without_triggers,
)
from vru_portal.ledger.append_only.database import DatabaseTriggers

pytestmark = pytest.mark.django_db


def updating(table, key, pk, **values):
    """Return what changes one row."""
    sets = ", ".join(f'"{name}" = %s' for name in values)
    return lambda: execute(f'UPDATE "{table}" SET {sets} WHERE "{key}" = %s', *values.values(), pk)  # noqa: S608


def deleting(table, key, pk):
    return lambda: execute(f'DELETE FROM "{table}" WHERE "{key}" = %s', pk)  # noqa: S608


# The log --------------------------------------------------------------------------------------------------------------


def entry_after(*, gap):
    """Return what writes an entry by hand, so far after the log's end."""
    last = EntryFactory()
    copy = Entry.objects.get(pk=last.pk)
    copy.seq, copy.recorded_at = last.seq + 1 + gap, timezone.now()
    return lambda: insert(copy)


def entry_over_the_first():
    """An entry in the place of the first one, as in a log that was rewritten."""
    EntryFactory()
    second = EntryFactory()
    second.seq = 0
    return lambda: insert(second)


def entry_without_a_register():
    return lambda: insert(
        Entry(
            seq=2,
            kind=EntryKind.SIGNED,
            body=BodyFactory(),
            version=VersionFactory(in_force=True),
            leaf="{}",
            leaf_hash="0",
        )
    )


def head(**values):
    """Return what changes the head of a log with an entry."""

    def _head():
        EntryFactory()
        return updating("declarations_head", "id", 1, **values)

    return _head


def head_of_no_entry():
    RegisterKeyFactory()
    return updating("declarations_head", "id", 1, size=1)


def head_removed():
    EntryFactory()
    return deleting("declarations_head", "id", 1)


# The rows that only an entry makes, or ends ---------------------------------------------------------------------------


def personal(**values):
    """Return what changes the personal data behind an entry."""
    return lambda: updating("declarations_personalrecord", "entry_id", EntryFactory().pk, **values)


def personal_of_another_entry():
    first, second = EntryFactory(), EntryFactory()
    bare = log.append_entry(kind=EntryKind.WITHDRAWN, body=second.body, version=second.version, of=second)
    erased = {"entry_id": bare.pk, "disclosed": "", "erased_at": timezone.now()}
    return updating("declarations_personalrecord", "entry_id", first.pk, **erased)


def standing(**wrong):
    """Return what writes a signature by hand, with something else than its entry says."""

    def _standing():
        entry = EntryFactory()
        remove_signature_of(entry)
        made = {name: make(entry) for name, make in wrong.items()}
        row = LiveSignature(**{"body": entry.body, "version": entry.version, "entry": entry} | made)
        return lambda: insert(row)

    return _standing


def remove_signature_of(entry):
    triggers = DatabaseTriggers(connection)
    execute(triggers.drop_sql(triggers.expected["declarations_entry_live_ends_by_entry"]))
    deleting("declarations_livesignature", "entry_id", entry.pk)()
    triggers.install()


def standing_again_after_a_withdrawal():
    """The row of a signature that was withdrawn, written once more."""
    entry = EntryFactory()
    row = entry.live
    withdrawal_of(entry)
    deleting("declarations_livesignature", "id", row.pk)()
    return lambda: insert(row)


def withdrawal_of(entry):
    return log.append_entry(kind=EntryKind.WITHDRAWN, body=entry.body, version=entry.version, of=entry)


def standing_changed():
    live = EntryFactory().live
    return updating("declarations_livesignature", "id", live.pk, version_id=VersionFactory(in_force=True).pk)


def standing_removed():
    return deleting("declarations_livesignature", "id", EntryFactory().live.pk)


def standing_removed_after_a_correction():
    """Not every entry that follows a signature ends it."""
    entry = EntryFactory()
    log.append_entry(
        kind=EntryKind.CORRECTED, body=entry.body, version=entry.version, of=entry, stated={"reason": "sector"}
    )
    return deleting("declarations_livesignature", "id", entry.live.pk)


def standing_removed_because_another_was_withdrawn():
    withdrawal_of(EntryFactory())
    return standing_removed()


TRIGGER_VIOLATIONS = {
    "declarations_entry_in_order": [
        lambda: entry_after(gap=1),
        lambda: entry_after(gap=1000),
        entry_over_the_first,
        entry_without_a_register,
    ],
    "declarations_entry_head_grows": [
        head(size=0),
        head(size=2),
        head(origin="another.example/declaration"),
        head_of_no_entry,
    ],
    "declarations_entry_head_stays": [head_removed],
    "declarations_entry_personal_erased_only": [
        personal(disclosed="{}"),
        personal(disclosed='{"name":{"salt":"00","value":"Somebody else"}}'),
        personal_of_another_entry,
    ],
    "declarations_entry_personal_stays": [
        lambda: deleting("declarations_personalrecord", "entry_id", EntryFactory().pk),
    ],
    "declarations_entry_live_is_signed": [
        standing(entry=withdrawal_of),
        standing(body=lambda _: BodyFactory()),
        standing(version=lambda _: VersionFactory(in_force=True)),
        standing_again_after_a_withdrawal,
    ],
    "declarations_entry_live_stays": [standing_changed],
    "declarations_entry_live_ends_by_entry": [
        standing_removed,
        standing_removed_after_a_correction,
        standing_removed_because_another_was_withdrawn,
    ],
}
CASES = [(name, violation) for name, violations in TRIGGER_VIOLATIONS.items() for violation in violations]
REPLACED = {
    "declarations_entry_head_not_replaced": Head,
    "declarations_entry_personal_not_replaced": PersonalRecord,
    "declarations_entry_live_not_replaced": LiveSignature,
}
TRUNCATED = {
    "declarations_entry_head_not_truncated": Head,
    "declarations_entry_personal_not_truncated": PersonalRecord,
    "declarations_entry_live_not_truncated": LiveSignature,
}


def test_every_trigger_of_the_register_is_violated_here():
    assert {*TRIGGER_VIOLATIONS, *REPLACED, *TRUNCATED} == {
        f"declarations_entry_{trigger.name}" for trigger in Entry.triggers
    }


@pytest.mark.parametrize(("name", "violation"), CASES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(CASES)])
def test_it_is_refused_by_its_trigger_and_by_nothing_else(name, violation):
    refused_by_its_trigger_alone(name, violation())


@pytest.mark.parametrize("name", REPLACED)
def test_no_row_beside_the_log_is_replaced(name):
    """SQLite deletes the conflicting row without firing the DELETE trigger, unless a connection asks for it."""
    EntryFactory()
    row = REPLACED[name]._default_manager.get()
    trigger = DatabaseTriggers(connection).expected[name]
    sqlite = connection.vendor == "sqlite"
    try:
        if sqlite:
            execute("PRAGMA recursive_triggers=OFF")
        with with_only_trigger(name, table=trigger.table), refused_with(trigger.message):
            insert(row, *(["INSERT OR REPLACE"] if sqlite else ["INSERT", "ON CONFLICT DO NOTHING"]))
        if sqlite:
            with without_triggers(name):
                assert insert(row, "INSERT OR REPLACE") == 1
    finally:
        if sqlite:
            execute("PRAGMA recursive_triggers=ON")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("name", TRUNCATED)
def test_no_table_beside_the_log_is_truncated(name):
    EntryFactory()
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    table = TRUNCATED[name]._meta.db_table
    with refused_with("The register only grows."):
        execute(f'TRUNCATE "{table}"')
    with without_triggers(name):
        execute(f'TRUNCATE "{table}"')
        assert not TRUNCATED[name]._default_manager.exists()


def test_what_an_entry_commits_to_can_be_erased():
    entry = EntryFactory()
    assert updating("declarations_personalrecord", "entry_id", entry.pk, disclosed="", erased_at=timezone.now())() == 1
