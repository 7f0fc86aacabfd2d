"""Copies of tables that one connection writes to, and nobody else sees: so that a page which reads takes no lock.

A page that shows what a record will be like needs a database in which it is like that already. Changing the rows in a
transaction that is rolled back would do, but it waits for every writer on SQLite, and on PostgreSQL makes writers of
the same rows wait for the page. A temporary table hides the table of the same name from its own connection, on both
databases: what is written to it locks nothing, and it is gone at the end of the transaction.

Copies have no triggers and no foreign keys. They are for looking at what a rule has accepted already, never for
deciding whether something may be saved.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import connection, transaction
from django.db.models import AutoField, Model

REFERENCES = re.compile(r' REFERENCES "[^"]+" \("[^"]+"\)(?: DEFERRABLE INITIALLY DEFERRED)?')


@contextmanager
def shadow_tables(models: Collection[type[Model]], empty: Collection[type[Model]] = ()) -> Iterator[None]:
    """Let this connection read and write copies of these models' tables inside the block, and forget them after it.

    Those of ``empty`` are only written to, so none of their rows is copied. Whoever writes to another table inside the
    block takes a lock, as ever. Blocks are not nested: a second copy of a table is a fault.
    """
    with reading_transaction(), connection.cursor() as cursor:
        for model in {*models, *empty}:
            copy_table(cursor, model, rows=model not in empty)
        yield
        transaction.set_rollback(True)


@contextmanager
def reading_transaction() -> Iterator[None]:
    """Open a transaction that takes no lock for writing before something is written to the database's own tables."""
    with transaction_mode(None) if connection.vendor == "sqlite" else nullcontext(), transaction.atomic():
        yield


@contextmanager
def transaction_mode(mode: str | None) -> Iterator[None]:
    """Begin SQLite's transactions in this way inside the block, instead of IMMEDIATE as the settings have it."""
    sqlite: Any = connection
    usual, sqlite.transaction_mode = sqlite.transaction_mode, mode
    try:
        yield
    finally:
        sqlite.transaction_mode = usual


def copy_table(cursor: Any, model: type[Model], *, rows: bool) -> None:
    """Make a temporary table of the same name, with or without the rows."""
    table, key, condition = model._meta.db_table, model._meta.pk, "TRUE" if rows else "FALSE"
    if connection.vendor == "sqlite":
        cursor.execute("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = %s", [table])
        (sql,) = cursor.fetchone()
        cursor.execute(REFERENCES.sub("", sql).replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
        cursor.execute(f'INSERT INTO temp."{table}" SELECT * FROM main."{table}" WHERE {condition}')
        return
    cursor.execute("SELECT quote_ident(current_schema())")
    (schema,) = cursor.fetchone()
    cursor.execute(
        f'CREATE TEMPORARY TABLE "{table}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING IDENTITY) ON COMMIT DROP'
    )
    cursor.execute(f'INSERT INTO pg_temp."{table}" SELECT * FROM {schema}."{table}" WHERE {condition}')
    cursor.execute(f'ALTER TABLE pg_temp."{table}" ADD PRIMARY KEY ("{key.column}")')  # GROUP BY leans on it
    if isinstance(key, AutoField):  # its numbers begin anew: below zero, none is another row's
        options = "SET INCREMENT BY -1 SET MINVALUE -1000000 RESTART WITH -1"
        cursor.execute(f'ALTER TABLE pg_temp."{table}" ALTER COLUMN "{key.column}" {options}')
