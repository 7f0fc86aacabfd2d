"""Assertions that a rule holds: in the database, behind every form, and in `full_clean`, with a message."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction

from vru_portal.ledger.append_only.database import DatabaseTriggers


def refused_by_the_database(row: models.Model, **values: Any) -> None:
    """Assert that the database itself refuses these values for this stored row."""
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**values)


def refused_in_words(row: models.Model, **values: Any) -> dict[str, list[str]]:
    """Assert that `full_clean` refuses these values. Returns its messages by field."""
    for name, value in values.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return caught.value.message_dict


def validation_messages(action: Callable[[], object]) -> dict[str, list[str]]:
    """Assert that an action raises ValidationError. Returns its messages by field."""
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        action()
    error = caught.value
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


# Raw SQL: past every rule of Python -----------------------------------------------------------------------------------


def execute(sql: str, *values: Any) -> int:
    """Run one statement. Returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


def insert(row: models.Model, verb: str = "INSERT", after: str = "") -> int:
    """Insert a row as it is, past every rule."""
    fields = [f for f in row._meta.local_concrete_fields if not (f.primary_key and row.pk is None)]
    names = ", ".join(f'"{f.column}"' for f in fields)
    marks = ", ".join(["%s"] * len(fields))
    # Text as it is: the portal's fields would clean it on the way.
    values = [
        getattr(row, f.attname)
        if isinstance(f, models.CharField | models.TextField)
        else f.get_db_prep_save(getattr(row, f.attname), connection)
        for f in fields
    ]
    return execute(f'{verb} INTO "{row._meta.db_table}" ({names}) VALUES ({marks}) {after}', *values)


@contextmanager
def refused_with(sentence: str) -> Iterator[None]:
    """Assert that the database refuses what is done in the block, with this message."""
    with pytest.raises(IntegrityError, match=re.escape(sentence)), transaction.atomic():
        yield


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back whatever is done in the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def without_triggers(*names: str) -> Iterator[None]:
    """Remove these triggers for the block."""
    triggers = DatabaseTriggers(connection)
    with rolled_back():
        for name in names:
            execute(triggers.drop_sql(triggers.expected[name]))
        yield


def refused_by_its_trigger_alone(name: str, act: Callable[[], int]) -> None:
    """Assert that a trigger refuses this by itself, that all together do, and that nothing else does without it."""
    trigger = DatabaseTriggers(connection).expected[name]
    with with_only_trigger(name, table=trigger.table), refused_with(trigger.message):
        act()
    with pytest.raises(IntegrityError), transaction.atomic():
        act()
    with without_triggers(name):
        assert act() == 1


@contextmanager
def with_only_trigger(name: str, *, table: str) -> Iterator[None]:
    """Remove every trigger of a table but this one for the block."""
    with without_triggers(
        *(g.name for g in DatabaseTriggers(connection).expected.values() if g.table == table and g.name != name)
    ):
        yield
