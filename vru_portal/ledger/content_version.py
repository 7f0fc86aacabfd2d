"""The version of what the public can read: it changes with every transaction that writes to a table that pages read.

Triggers see to that, so that no form, command or SQL can forget it. Anything that is kept and was made from
these tables is kept with the version, which was read before them. Versions are random, so that a database that was
restored from a backup never repeats one.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

APPS = ("vru_portal", "partners", "programmes", "results", "funding", "events", "declarations")
# Tables that only staff and signatories see, and heartbeats: a change to them must not drop the pages kept in memory.
# Each model is either here or in `READ_BY_PAGES` of the test, which fails if a public page reads one of these.
PRIVATE_MODELS = frozenset({
    "areapopulation", "contentversion", "dailyemail", "filejob", "firstpassword", "head", "headingmapping", "heartbeat",
    "mail", "missedword", "onwardmail", "onwardrequest", "onwardtoken", "papersignature",
    "pending", "preparation", "proposedorder", "reporter", "returndraft", "signingrequest", "submission", "token",
})  # fmt: skip
TABLE = "vru_portal_contentversion"
FUNCTION = "vru_portal_content_changes"
# A row of this table is written by one transaction at a time. None waits for another: a transaction that finds no row
# free adds one, and all rows together are the version. The first statement of a transaction is enough. A savepoint that
# is rolled back takes the setting “noted” back, too.
FUNCTION_BODY = f"""
DECLARE free bigint;
BEGIN
  IF current_setting('vru_portal.content_changes', true) = 'noted' THEN RETURN NULL; END IF;
  SELECT id INTO free FROM {TABLE} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF free IS NULL THEN INSERT INTO {TABLE} (token) VALUES (gen_random_uuid()::text);
  ELSE UPDATE {TABLE} SET token = gen_random_uuid()::text WHERE id = free; END IF;
  PERFORM set_config('vru_portal.content_changes', 'noted', true);
  RETURN NULL;
END"""
WRITES = ("INSERT", "UPDATE", "DELETE")


def content_version() -> str:
    """The present version, as the transactions that have ended made it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT token FROM {TABLE} ORDER BY id")
        return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()[:32]


def public_tables() -> Iterator[str]:
    """The tables that pages for everybody may read."""
    for label in APPS:
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            # History counts as what it is the history of: pages say what has changed, and when.
            if str(model._meta.model_name).removeprefix("historical") not in PRIVATE_MODELS:
                yield model._meta.db_table


def private_tables() -> Iterator[str]:
    """The tables of `PRIVATE_MODELS`, some of which were public in an earlier version of the portal."""
    models = (model for label in APPS for model in apps.get_app_config(label).get_models())
    return (model._meta.db_table for model in models if model._meta.model_name in PRIVATE_MODELS)


def trigger_names(table: str) -> list[str]:
    return [f"{table}_content_{write.lower()}" for write in WRITES]


def install(using: str, **options: Any) -> None:
    """Put the triggers in place; a receiver of `post_migrate`."""
    connected = connections[using]
    with transaction.atomic(using), connected.cursor() as cursor:
        existing = set(connected.introspection.table_names(cursor))
        if TABLE not in existing:
            return
        if connected.vendor == "postgresql":
            cursor.execute("SELECT quote_ident(current_schema())")
            cursor.execute(
                f'CREATE OR REPLACE FUNCTION "{FUNCTION}"() RETURNS trigger LANGUAGE plpgsql '
                f"SET search_path = {cursor.fetchone()[0]}, pg_temp AS $trigger${FUNCTION_BODY}$trigger$"
            )
        else:  # SQLite's one writer needs one row. Its triggers cannot add it: in an INSERT OR IGNORE they would not.
            cursor.execute(f"INSERT INTO {TABLE} (token) SELECT 'none' WHERE NOT EXISTS (SELECT 1 FROM {TABLE})")
        for table in public_tables():
            if table in existing:
                for statement in install_sql(connected, table):
                    cursor.execute(statement)
        for table in private_tables():
            if table in existing:
                for statement in removal_sql(connected, table):
                    cursor.execute(statement)


def install_sql(connected: BaseDatabaseWrapper, table: str) -> Iterator[str]:
    """The statements that put one table's triggers in place, whether or not they are there."""
    if connected.vendor == "postgresql":
        yield (
            f'CREATE OR REPLACE TRIGGER "{table}_content" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{table}" '
            f'FOR EACH STATEMENT EXECUTE FUNCTION "{FUNCTION}"()'
        )
        return
    for name, write in zip(trigger_names(table), WRITES, strict=True):
        yield (
            f'CREATE TRIGGER IF NOT EXISTS "{name}" AFTER {write} ON "{table}" '
            f"BEGIN UPDATE {TABLE} SET token = hex(randomblob(16)); END"
        )


def removal_sql(connected: BaseDatabaseWrapper, table: str) -> Iterator[str]:
    """The statements that take one table's triggers away."""
    if connected.vendor == "postgresql":
        yield f'DROP TRIGGER IF EXISTS "{table}_content" ON "{table}"'
        return
    for name in trigger_names(table):
        yield f'DROP TRIGGER IF EXISTS "{name}"'


def remove(using: str, plan: list[Any], **options: Any) -> None:
    """Take SQLite's triggers away while tables are renamed; a receiver of `pre_migrate`."""
    connected = connections[using]
    if plan and connected.vendor == "sqlite":
        with connected.cursor() as cursor:
            for table in public_tables():
                for statement in removal_sql(connected, table):
                    cursor.execute(statement)
