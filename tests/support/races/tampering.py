"""Somebody with the database's password and no respect: changes of the register's rows, drawn at random."""

# ruff: noqa: S608 - the names in its SQL are those of our own tables

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DataError, IntegrityError, connection, models, transaction
from django.utils import timezone

from events.declarations.choices import CorrectionReason, EntryKind
from events.declarations.models import Entry, Head, Invitation, LiveSignature, PersonalRecord, RegisterKey, TreeNode
from events.declarations.register import audit, log
from events.declarations.rules import corrections, erasure, versions
from tests.support.factories import SectorFactory, VersionFactory
from tests.support.signing import Invited, invite, new_link, open_signing, sign
from vru_portal.ledger.append_only.database import DatabaseTriggers


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """Return the names of a table's columns, the key first."""
    return tuple(str(f.column) for f in model._meta.local_concrete_fields)


# Every column of entries, nodes, head and personal rows, and what depends on them. Left out are numbers that only name
# a row of the database (`id` of a node, of a live signature): nothing refers to them, nothing reads them.
COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Entry: columns_of(Entry),
    TreeNode: columns_of(TreeNode)[1:],
    Head: columns_of(Head),
    PersonalRecord: columns_of(PersonalRecord),
    LiveSignature: ("body_id", "version_id", "entry_id"),
    RegisterKey: ("vkey",),
}


def build_register() -> None:
    """Make a register with an entry of every kind, two versions, two keys, names shown and names erased."""
    first = open_signing()
    entries = [sign(invite(f"Body {n}", f"post@{n}.example", sector=SectorFactory()), name_is_public=n % 2 == 0)
               for n in range(6)]  # fmt: skip
    with transaction.atomic():
        log.lock_head()
        corrections.end_signature(entry=entries[1])
    corrections.correct_entry(
        by=None, entry=entries[2], name="Renamed", sector=entries[2].body.sector, reason=CorrectionReason.RENAMED
    )
    erasure.erase_personal_data(entry=entries[3])
    log.rotate_key()
    versions.publish_version(
        by=None, version=VersionFactory(declaration=first.declaration, number=2, text="Other words.")
    )
    again = Invitation.objects.exclude(email="").filter(version__number=2)[:2]
    for invitation in again:
        sign(Invited(invitation, new_link(invitation)))
    assert set(Entry.objects.values_list("kind", flat=True)) == set(EntryKind.values)
    assert list(audit.find_faults()) == []


@contextmanager
def without_any_trigger() -> Iterator[None]:
    """Take every trigger away, as the owner of a database can; put them back at the end."""
    connection.check_constraints()  # PostgreSQL lets nobody drop a trigger while others wait
    DatabaseTriggers(connection).remove()
    yield
    connection.check_constraints()
    DatabaseTriggers(connection).install()


@dataclass
class Tampering:
    """Draws changes; makes each, asks the audit, takes it back."""

    seed: int
    redrawn: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)  # noqa: S311 - to be drawn again, not to be secret

    def undetected(self, number: int) -> list[str]:
        """Make so many changes; return those that the audit did not find."""
        missed = []
        kinds = [(model, column) for model, columns in COLUMNS.items() for column in columns]
        kinds += [(model, way) for model in COLUMNS for way in ("DELETE", "INSERT")]
        made = 0
        while made < number:
            # each column in turn, so that none is left to chance
            model, what = kinds[made % len(kinds)]
            with transaction.atomic():
                change = self.changed(model, what)
                found = next(audit.find_faults(), None) if change else None
                transaction.set_rollback(True)
            if change is None:
                self.redrawn += 1
                if self.redrawn > 40 * number:
                    raise AssertionError(f"{model.__name__}.{what} cannot be changed: nothing is tried")
                if self.impossible(model, what):
                    kinds.remove((model, what))
                continue
            made += 1
            name = f"{model.__name__}.{what}"
            self.counts[name] = self.counts.get(name, 0) + 1
            if found is None:
                missed.append(change)
        return missed

    def impossible(self, model: type[models.Model], what: str) -> bool:
        """Return whether the database's own constraints let nobody do this: a second head, a head by another name."""
        return model is Head and what in ("INSERT", "id")

    def changed(self, model: type[models.Model], what: str) -> str | None:
        """Change the table; return how, or None where nothing came of it: refused by a constraint, or the same."""
        before = rows_of(model)
        try:
            with transaction.atomic():
                done = getattr(self, what.lower(), self.update)(model, what)
        except (IntegrityError, DataError):
            return None
        return done if rows_of(model) != before else None

    def update(self, model: type[models.Model], column: str) -> str:
        """Change a column of a row."""
        key = model._meta.pk.column
        row = self.draw.choice(list(model._default_manager.values(*{"pk", attribute(model, column)})))
        old = row[attribute(model, column)]
        new = self.other(model, column, old)
        place: Any = model._meta.get_field(attribute(model, column).removesuffix("_id"))
        stored = place.get_db_prep_save(new, connection)
        run(f'UPDATE "{model._meta.db_table}" SET "{column}" = %s WHERE "{key}" = %s', stored, row["pk"])
        return f"{model.__name__} {row['pk']}: {column} {old!r} → {new!r}"

    def delete(self, model: type[models.Model], _: str) -> str:
        """Delete a row."""
        key = self.draw.choice(list(model._default_manager.values_list("pk", flat=True)))
        run(f'DELETE FROM "{model._meta.db_table}" WHERE "{model._meta.pk.column}" = %s', key)
        return f"{model.__name__} {key} deleted"

    def insert(self, model: type[models.Model], _: str) -> str:
        """Add a row like one that is there, in a place that is free."""
        row = self.draw.choice(list(model._default_manager.all()))
        if isinstance(row, Entry):
            row.seq = Entry.objects.count() + self.draw.randint(1, 3)
        elif isinstance(row, TreeNode):
            row.pk, row.index = None, row.index + self.draw.randint(1, 40)
        elif isinstance(row, PersonalRecord):
            row.entry_id = self.draw.randint(1, Entry.objects.count() + 2)
        elif isinstance(row, LiveSignature):
            row.pk, row.entry_id = None, self.draw.randint(1, Entry.objects.count())
            row.body_id = self.draw.choice(list(Entry.objects.values_list("body", flat=True)))
        elif isinstance(row, RegisterKey):
            row.pk, row.vkey = None, row.vkey[:-6] + "AAAAA="
        columns = [f for f in model._meta.local_concrete_fields if not (f.primary_key and row.pk is None)]
        names = ", ".join(f'"{f.column}"' for f in columns)
        values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in columns]
        run(f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({", ".join(["%s"] * len(values))})', *values)
        return f"{model.__name__} added: {row}"

    def other(self, model: type[models.Model], column: str, old: Any) -> Any:
        """Return another value for a column: a nudge, somebody else's, or nonsense."""
        draw = self.draw
        if column in ("recorded_at", "erased_at"):
            step = timedelta(**{draw.choice(["microseconds", "seconds", "days"]): draw.choice([-1, 1, 7])})
            moment = (old or timezone.now()) + step
            return draw.choice([None, moment]) if column == "erased_at" else moment
        if isinstance(old, bool):
            return not old
        if isinstance(old, int) or column.endswith("_id"):
            return draw.choice([None, *((old or 0) + step for step in (-2, -1, 1, 2, 1000))])
        if isinstance(old, list):
            return draw.choice([[], old[::-1], old[:-1], [*old, old[0]], ["0" * 64], [self.nudged(old[0]), *old[1:]]])
        others = [value for value in model._default_manager.values_list(column, flat=True) if value != old]
        if column == "kind":
            others += EntryKind.values
        return draw.choice([self.nudged(old), self.nudged(old), draw.choice([*others, ""]), "nonsense"])

    def nudged(self, text: str) -> str:
        """Return text with one letter changed, doubled, taken out, in the other case, or a blank put in."""
        if not text:
            return " "
        place = self.draw.randrange(len(text))
        letter = text[place]
        new = self.draw.choice(["", letter * 2, letter.swapcase(), f"{letter} ", chr(ord(letter) ^ 1), "0"])
        return text[:place] + new + text[place + 1 :]


def attribute(model: type[models.Model], column: str) -> str:
    """Return the name by which Django has a column."""
    return next(f.attname for f in model._meta.local_concrete_fields if f.column == column)


def rows_of(model: type[models.Model]) -> list[Any]:
    """Return a table as the portal reads it: what is written otherwise and reads the same is no change."""
    return sorted(model._default_manager.values_list(*(attribute(model, c) for c in COLUMNS[model])), key=repr)


def run(sql: str, *values: Any) -> None:
    """Run SQL."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
