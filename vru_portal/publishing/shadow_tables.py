"""Shadow tables: temporary copies of tables that one connection can write to without taking locks.

To show what a record will be like, a page needs a database in which it already is. Changing the rows in a transaction
that is rolled back would do, but on SQLite it would wait for every other writer, and on PostgreSQL writers of the same
rows would wait for the page. A temporary table hides the table of the same name from its own connection, on both
databases: writing to it locks nothing, and it is gone at the end of the transaction.

The copies have neither triggers nor foreign keys. Use them to look at what the rules have accepted already, never to
decide whether something may be saved.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import connection, transaction
from django.db.models import AutoField, Model

FOREIGN_KEY = re.compile(r' REFERENCES "[^"]+" \("[^"]+"\)(?: DEFERRABLE INITIALLY DEFERRED)?')


@contextmanager
def shadow_tables(models: Collection[type[Model]], empty: Collection[type[Model]] = ()) -> Iterator[None]:
    """Inside the block, this connection reads and writes copies of these models' tables. They are dropped after it.

    The tables of ``empty`` start without rows, as they are only written to. Writing to any other table inside the block
    takes a lock as usual. Blocks cannot be nested: a table cannot have a second copy.
    """
    with _reading_transaction(), connection.cursor() as cursor:
        for model in {*models, *empty}:
            _copy_table(cursor, model, rows=model not in empty)
        yield
        transaction.set_rollback(True)


@contextmanager
def _reading_transaction() -> Iterator[None]:
    """A transaction that takes a write lock only when something is written to the real tables."""
    with _sqlite_transaction_mode(None) if connection.vendor == "sqlite" else nullcontext(), transaction.atomic():
        yield


@contextmanager
def _sqlite_transaction_mode(mode: str | None) -> Iterator[None]:
    """Inside the block, begin SQLite's transactions in this mode instead of IMMEDIATE, which the settings ask for."""
    sqlite: Any = connection
    original, sqlite.transaction_mode = sqlite.transaction_mode, mode
    try:
        yield
    finally:
        sqlite.transaction_mode = original


def _copy_table(cursor: Any, model: type[Model], *, rows: bool) -> None:
    """Create a temporary table of the same name, with or without the rows."""
    table, key, condition = model._meta.db_table, model._meta.pk, "TRUE" if rows else "FALSE"
    if connection.vendor == "sqlite":
        cursor.execute("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = %s", [table])
        (sql,) = cursor.fetchone()
        cursor.execute(FOREIGN_KEY.sub("", sql).replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
        cursor.execute(f'INSERT INTO temp."{table}" SELECT * FROM main."{table}" WHERE {condition}')
        return
    cursor.execute("SELECT quote_ident(current_schema())")
    (schema,) = cursor.fetchone()
    cursor.execute(
        f'CREATE TEMPORARY TABLE "{table}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING IDENTITY) ON COMMIT DROP'
    )
    cursor.execute(f'INSERT INTO pg_temp."{table}" SELECT * FROM {schema}."{table}" WHERE {condition}')
    cursor.execute(f'ALTER TABLE pg_temp."{table}" ADD PRIMARY KEY ("{key.column}")')  # GROUP BY relies on it
    if isinstance(key, AutoField):  # its own sequence: negative IDs collide with no row
        options = "SET INCREMENT BY -1 SET MINVALUE -1000000 RESTART WITH -1"
        cursor.execute(f'ALTER TABLE pg_temp."{table}" ALTER COLUMN "{key.column}" {options}')
