"""How a rule is shown to hold: by the database, behind every form; and by `full_clean`, in words."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction

from vru_portal.append_only import Guards


def refused_by_the_database(row: models.Model, **values: Any) -> None:
    """Show that the database itself refuses these values for this stored row, whatever door they come through."""
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**values)


def refused_in_words(row: models.Model, **values: Any) -> dict[str, list[str]]:
    """Show that `full_clean` refuses these values; return what it says of each field."""
    for name, value in values.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return caught.value.message_dict


def said(action: Callable[[], object]) -> dict[str, list[str]]:
    """Return what a rule says of each field where it refuses."""
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        action()
    error = caught.value
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


# Raw SQL: past every rule of Python -----------------------------------------------------------------------------------


def execute(sql: str, *values: Any) -> int:
    """Run one statement; return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


def insert(row: models.Model, verb: str = "INSERT", after: str = "") -> int:
    """Write a row as it stands, whatever the rules would say of it."""
    fields = [f for f in row._meta.local_concrete_fields if not (f.primary_key and row.pk is None)]
    names = ", ".join(f'"{f.column}"' for f in fields)
    marks = ", ".join(["%s"] * len(fields))
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
    return execute(f'{verb} INTO "{row._meta.db_table}" ({names}) VALUES ({marks}) {after}', *values)


@contextmanager
def refused_with(sentence: str) -> Iterator[None]:
    """Show that the database refuses what is done here, in these words."""
    with pytest.raises(IntegrityError, match=re.escape(sentence)), transaction.atomic():
        yield


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is done here."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Take these guards away, and put them back."""
    guards = Guards(connection)
    with undone():
        for name in names:
            execute(guards.drop(guards.wanted[name]))
        yield


def refused_by_its_guard_alone(name: str, act: Callable[[], int]) -> None:
    """Show that a guard refuses this by itself, that all together do, and that nothing does without it."""
    guard = Guards(connection).wanted[name]
    with with_only(name, of=guard.table), refused_with(guard.message):
        act()
    with pytest.raises(IntegrityError), transaction.atomic():
        act()
    with without(name):
        assert act() == 1


@contextmanager
def with_only(name: str, *, of: str) -> Iterator[None]:
    """Take away every guard of a table but this one, and put them back."""
    with without(*(g.name for g in Guards(connection).wanted.values() if g.table == of and g.name != name)):
        yield
