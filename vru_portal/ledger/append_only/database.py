"""The triggers that a database holds: installing them, removing them, and refusing to start without them."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from vru_portal.ledger.append_only.declared import declared_triggers
from vru_portal.ledger.append_only.trigger import DELETE, INSERT, TRUNCATE, UPDATE, Trigger

# The bits of PostgreSQL's pg_trigger.tgtype: 1 row-level, 2 before, 4 insert, 8 delete, 16 update, 32 truncate.
POSTGRESQL_TYPES = {INSERT: 1 + 2 + 4, DELETE: 1 + 2 + 8, UPDATE: 1 + 2 + 16, TRUNCATE: 2 + 32}

SQLITE_INSTALLED = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
# Settings of every trigger's function. The search path is fixed: a temporary table of the same name would otherwise
# hide the real one. And a session keeps the plan that it makes for the first rows: reading a whole table is best while
# it is small, and by far the slowest once the same session has added thousands of rows. So none is read as a whole.
SETTINGS = "SET search_path = {schema}, pg_temp SET enable_seqscan = off"
EXPECTED_SETTINGS = "ARRAY['search_path=' || quote_ident(current_schema()) || ', pg_temp', 'enable_seqscan=off']"
# Only triggers that are switched on, fire before every such statement whatever column it changes, and have exactly
# these settings. Anything else counts as missing.
POSTGRESQL_INSTALLED = (
    "SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
    f"WHERE proconfig @> {EXPECTED_SETTINGS} AND proconfig <@ {EXPECTED_SETTINGS} AND NOT tgisinternal "
    "AND tgenabled IN ('O', 'A') AND tgqual IS NULL AND tgattr::text = '' "
    "AND (tgname, tgtype, tgrelid) IN (SELECT name, type, to_regclass(quote_ident(relation)) "
    "FROM unnest(%s::text[], %s::int[], %s::text[]) AS expected (name, type, relation))"
)


@dataclass(frozen=True)
class DatabaseTriggers:
    """The triggers of one database: those expected of it, for the tables it has, and those installed."""

    connection: BaseDatabaseWrapper
    expected: dict[str, Trigger] = field(init=False)

    def __post_init__(self) -> None:
        tables = set(self.connection.introspection.table_names())
        expected = {trigger.name: trigger for trigger in declared_triggers() if trigger.table in tables}
        if self.is_sqlite:  # it has no TRUNCATE
            expected = {name: trigger for name, trigger in expected.items() if trigger.statement != TRUNCATE}
        object.__setattr__(self, "expected", expected)

    @property
    def is_sqlite(self) -> bool:
        return self.connection.vendor == "sqlite"

    def installed(self) -> dict[str, str]:
        """The SQL of each trigger that the database would run, by name; on PostgreSQL, the body of its function."""
        with self.connection.cursor() as cursor:
            if self.is_sqlite:
                cursor.execute(SQLITE_INSTALLED)
            else:
                triggers = self.expected.values()
                names, tables = [t.name for t in triggers], [t.table for t in triggers]
                cursor.execute(POSTGRESQL_INSTALLED, [names, [POSTGRESQL_TYPES[t.statement] for t in triggers], tables])
            return dict(cursor.fetchall())

    def missing(self) -> list[Trigger]:
        """The triggers that the database lacks, or holds in another form than declared."""
        installed = self.installed()
        return [t for name, t in self.expected.items() if installed.get(name) != t.sql(self.connection.vendor)]

    def install(self) -> None:
        with transaction.atomic(self.connection.alias), self.connection.cursor() as cursor:
            schema = None if self.is_sqlite else self._current_schema(cursor)
            for trigger in self.missing():
                cursor.execute(self.drop_sql(trigger))
                for statement in [trigger.sql("sqlite")] if schema is None else postgresql_sql(trigger, schema):
                    cursor.execute(statement)

    def remove(self) -> None:
        """Remove the triggers; from SQLite also those that an earlier version declared."""
        with transaction.atomic(self.connection.alias), self.connection.cursor() as cursor:
            for trigger in self.expected.values():
                cursor.execute(self.drop_sql(trigger))
            for name in self.installed() if self.is_sqlite else ():
                cursor.execute(f'DROP TRIGGER "{name}"')

    def drop_sql(self, trigger: Trigger) -> str:
        on_table = "" if self.is_sqlite else f' ON "{trigger.table}"'
        return f'DROP TRIGGER IF EXISTS "{trigger.name}"{on_table}'

    @staticmethod
    def _current_schema(cursor: Any) -> str:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def postgresql_sql(trigger: Trigger, schema: str) -> list[str]:
    """The statements that put a trigger in place, where there is none of its name."""
    level = "STATEMENT" if trigger.statement == TRUNCATE else "ROW"
    return [
        f'CREATE OR REPLACE FUNCTION "{trigger.name}"() RETURNS trigger LANGUAGE plpgsql '
        f"{SETTINGS.format(schema=schema)} AS $trigger${trigger.sql('postgresql')}$trigger$",
        f'CREATE TRIGGER "{trigger.name}" BEFORE {trigger.statement} ON "{trigger.table}" '
        f'FOR EACH {level} EXECUTE FUNCTION "{trigger.name}"()',
    ]


def remove_triggers_before_migration(using: str, plan: list[Any], **options: Any) -> None:
    """SQLite cannot rename a table that another table's trigger names, and Django renames tables to alter them."""
    if plan and connections[using].vendor == "sqlite":
        DatabaseTriggers(connections[using]).remove()


def install_triggers_after_migration(using: str, **options: Any) -> None:
    DatabaseTriggers(connections[using]).install()


def require_triggers(using: str = "default") -> None:
    """Raise ImproperlyConfigured where a trigger of this database is missing, changed or switched off."""
    if missing := DatabaseTriggers(connections[using]).missing():
        names = ", ".join(trigger.name for trigger in missing[:5]) + (" …" if len(missing) > 5 else "")
        verb = "is" if len(missing) == 1 else "are"
        raise ImproperlyConfigured(
            f"{len(missing)} of the database's triggers {verb} missing or changed: {names}. Rows that must never "
            "change may have been changed since. Check them with manage.py reconcile, then restore the triggers with "
            "manage.py migrate."
        )
