"""The guards that the models declare, and those that the database holds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from vru_portal.append_only.guard import DELETE, INSERT, TRUNCATE, UPDATE, Guard
from vru_portal.append_only.rows import REDACTED, STAYS_PUBLISHED, AppendOnly, Reversible, columns_of

# What the models declare ----------------------------------------------------------------------------------------------

# Tables of Django's own whose rows may change, but stay: history and log name them.
STAYING = {
    "auth_user": "An account is never deleted: deactivate it, so that history and log keep its name.",
    "django_admin_log": "What staff did stays in the log.",
}


def expected() -> Iterator[Guard]:
    """Yield every guard that the database must hold."""
    for model in apps.get_models():
        if issubclass(model, AppendOnly):
            yield from guards_of(model)
    for table, sentence in STAYING.items():
        yield Guard(f"{table}_no_delete", DELETE, "TRUE", sentence, table=table)
        yield Guard(f"{table}_no_truncate", TRUNCATE, "TRUE", sentence, table=table)


def guards_of(model: type[AppendOnly]) -> Iterator[Guard]:
    """Yield the guards of one model: those that come with being append-only, then its own."""
    table, label = model._meta.db_table, model._meta.verbose_name
    once = f"({model.frozen_once}) AND " if model.frozen_once else ""
    frozen = f"A recorded {label} cannot be changed or removed: reverse it and record what is right anew."
    yield Guard(f"{table}_no_delete", DELETE, f"{once}TRUE", frozen, table=table)
    yield Guard(f"{table}_no_update", UPDATE, f"{once}({changed(model)})", frozen, table=table)
    if model.frozen_once:  # SQLite's UPDATE OR REPLACE would remove the frozen row whose key another takes
        yield Guard(f"{table}_key_stays", UPDATE, "NEW.id <> OLD.id", frozen, table=table)
    else:
        yield Guard(f"{table}_no_truncate", TRUNCATE, "TRUE", frozen, table=table)
    if sums := [f'NEW."{f.column}"' for f in model._meta.local_concrete_fields if isinstance(f, models.DecimalField)]:
        # SQLite holds any number, and text, in a column of sums; PostgreSQL holds NaN.
        wrong = " OR ".join(f"{name} <> ROUND({name}, 2) OR ABS({name}) >= 1000000000000" for name in sums)
        yield Guard(f"{table}_whole_pence", INSERT, wrong, "A sum is in pounds and whole pence.", table=table)
    if days := [no_day(f) for f in model._meta.local_concrete_fields if isinstance(f, models.DateField)]:
        yield Guard(f"{table}_real_days", INSERT, " OR ".join(days), "A day is written YYYY-MM-DD.", table=table)
    exists = f"This {label} is recorded already."
    keys = " OR ".join(" AND ".join(f'o."{name}" = NEW."{name}"' for name in names) for names in unique_columns(model))
    yield Guard(f"{table}_no_replace", INSERT, f'EXISTS (SELECT 1 FROM "{table}" o WHERE {keys})', exists, table=table)
    if issubclass(model, Reversible):
        yield reversal_guard(model)
    for name in model.names_published:
        yield from published_guards(model, name)
    for guard in model.guards:
        yield Guard(**{**vars(guard), "name": f"{table}_{guard.name}", "table": guard.table or table})


def no_day(column: models.DateField[Any, Any]) -> str:
    """Return the SQL that says whether a column holds what is no day, or one that no ledger holds.

    SQLite holds any text in it; PostgreSQL holds infinity, and years that Python cannot read.
    """
    value = f'NEW."{column.column}"'
    range_ = f"date({value}) < '{FIRST_DAY}' OR date({value}) > '{LAST_DAY}'"
    exact = "" if isinstance(column, models.DateTimeField) else f" OR date({value}) <> {value}"
    return f"({value} IS NOT NULL AND (date({value}) IS NULL OR {range_}{exact}))"


def changed(model: type[AppendOnly]) -> str:
    """Return the SQL that says whether an UPDATE changes what may not change, or nothing at all."""
    if not model.open_fields and not model.redactable and not model.frozen_once:
        return "TRUE"
    columns = columns_of(model)
    differs = {name: f'NEW."{column}" {{differs}} OLD."{column}"' for name, column in columns.items()}
    free = {*model.open_fields, *model.redactable, "redaction"}
    texts = {name: differs[name] for name in model.redactable}
    refused = [condition for name, condition in differs.items() if name not in free]
    # A text changes only to REDACTED, together with the note that says why; and the note only together with a text.
    refused += [
        f"{condition} AND (NEW.\"{columns[name]}\" <> '{REDACTED}' OR NEW.redaction = OLD.redaction)"
        for name, condition in texts.items()
    ]
    no_text = f"NOT ({' OR '.join(texts.values()) or 'FALSE'})"
    refused.append(no_text if not model.open_fields else f"{differs['redaction']} AND {no_text}")
    return " OR ".join(f"({condition})" for condition in refused)


def unique_columns(model: type[AppendOnly]) -> Iterator[list[str]]:
    """Yield the columns of each key by which a replacing INSERT could hit an existing row."""
    yield from ([columns_of(model)[f.name]] for f in model._meta.local_concrete_fields if f.unique)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            yield [columns_of(model)[name] for name in constraint.fields]


def reversal_guard(model: type[Reversible]) -> Guard:
    """Return the guard that holds a reversal to the row that it takes back."""
    table, columns = model._meta.db_table, columns_of(model)
    differs = [f'o."{columns[name]}" {{differs}} NEW."{columns[name]}"' for name in model.mirrored]
    if "amount" in columns:
        differs.append("ROUND(o.amount * 100) <> -ROUND(NEW.amount * 100)")
    return Guard(
        f"{table}_reversal",
        INSERT,
        f'NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM "{table}" o WHERE o.id = NEW.reverses_id '
        f"AND (o.reverses_id IS NOT NULL OR {' OR '.join(differs)}))",
        f"A reversal takes back the whole of one {model._meta.verbose_name}, and no reversal.",
        f'SELECT 1 FROM "{table}" WHERE id = NEW.reverses_id',
        table,
    )


def published_guards(model: type[AppendOnly], name: str) -> Iterator[Guard]:
    """Yield the guards of a relation to what the public must be able to see: when recorded, and ever after."""
    relation: Any = model._meta.get_field(name)
    table, target = model._meta.db_table, relation.remote_field.model._meta
    label, column = target.verbose_name, relation.column
    yield Guard(
        f"{table}_{name}_published",
        INSERT,
        f'EXISTS (SELECT 1 FROM "{target.db_table}" r WHERE r.id = NEW."{column}" AND r.state <> \'published\')',
        f"This {label} is a draft. Publish it first: what is recorded here is public.",
        f'SELECT 1 FROM "{target.db_table}" WHERE id = NEW."{column}"',
        table,
        shared=True,
    )
    for statement, when in ((UPDATE, "changed"), (INSERT, "replaced")):
        yield Guard(
            f"{table}_{name}_stays_{when}",
            statement,
            f'NEW.state <> \'published\' AND EXISTS (SELECT 1 FROM "{table}" r WHERE r."{column}" = NEW.id)',
            STAYS_PUBLISHED.format(label),
            table=target.db_table,
        )


# No day of a ledger lies outside.
FIRST_DAY, LAST_DAY = "1900-01-01", "2199-12-31"

# PostgreSQL's bits (pg_trigger.tgtype): 1 for each row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate.
TRIGGER_TYPES = {INSERT: 1 + 2 + 4, DELETE: 1 + 2 + 8, UPDATE: 1 + 2 + 16, TRUNCATE: 2 + 32}

# What the database holds ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Guards:
    """The guards of one database."""

    connection: BaseDatabaseWrapper
    wanted: dict[str, Guard] = field(init=False)

    def __post_init__(self) -> None:
        tables = set(self.connection.introspection.table_names())
        wanted = {guard.name: guard for guard in expected() if guard.table in tables}
        if self.connection.vendor == "sqlite":
            wanted = {name: guard for name, guard in wanted.items() if guard.statement != TRUNCATE}
        object.__setattr__(self, "wanted", wanted)

    def found(self) -> dict[str, str]:
        """Return the SQL of each trigger in the database that is switched on, by name.

        On PostgreSQL that is its function's, of those that are called before each such statement whatever it changes.
        """
        questions = {
            "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
            "postgresql": (
                "SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
                "WHERE proconfig[1] LIKE 'search_path=%%, pg_temp' AND NOT tgisinternal "
                "AND tgenabled IN ('O', 'A') AND tgqual IS NULL AND tgattr::text = '' "
                "AND (tgname, tgtype, tgrelid) IN (SELECT name, type, to_regclass(quote_ident(relation)) "
                "FROM unnest(%s::text[], %s::int[], %s::text[]) AS wanted (name, type, relation))"
            ),
        }
        with self.connection.cursor() as cursor:
            wanted = [] if self.connection.vendor == "sqlite" else self.wanted.values()
            parameters = zip(*((g.name, TRIGGER_TYPES[g.statement], g.table) for g in wanted), strict=True)
            cursor.execute(questions[self.connection.vendor], [list(names) for names in parameters])
            return dict(cursor.fetchall())

    def missing(self) -> list[Guard]:
        """Return the guards that are not in the database as they are declared."""
        found = self.found()
        return [g for name, g in self.wanted.items() if found.get(name) != g.sql(self.connection.vendor)]

    def install(self) -> None:
        """Put every missing guard in place."""
        with transaction.atomic(self.connection.alias), self.connection.cursor() as cursor:
            schema = ""
            if self.connection.vendor == "postgresql":
                # Where guards look for tables: a temporary one of the same name would hide them otherwise.
                cursor.execute("SELECT quote_ident(current_schema())")
                (schema,) = cursor.fetchone()
            for guard in self.missing():
                cursor.execute(self.drop(guard))
                if self.connection.vendor == "sqlite":
                    cursor.execute(guard.sql("sqlite"))
                    continue
                each = "STATEMENT" if guard.statement == TRUNCATE else "ROW"
                cursor.execute(
                    f'CREATE OR REPLACE FUNCTION "{guard.name}"() RETURNS trigger LANGUAGE plpgsql '
                    f"SET search_path = {schema}, pg_temp AS $guard${guard.sql('postgresql')}$guard$"
                )
                cursor.execute(
                    f'CREATE TRIGGER "{guard.name}" BEFORE {guard.statement} ON "{guard.table}" '
                    f'FOR EACH {each} EXECUTE FUNCTION "{guard.name}"()'
                )

    def remove(self) -> None:
        """Take every guard away."""
        with transaction.atomic(self.connection.alias), self.connection.cursor() as cursor:
            for guard in self.wanted.values():
                cursor.execute(self.drop(guard))

    def drop(self, guard: Guard) -> str:
        """Return the SQL that removes a guard, whether it is there or not."""
        on = "" if self.connection.vendor == "sqlite" else f' ON "{guard.table}"'
        return f'DROP TRIGGER IF EXISTS "{guard.name}"{on}'


def make_way(using: str, plan: list[Any], **options: Any) -> None:
    """Before a migration on SQLite, take the guards away: it cannot rename a table that another's trigger names."""
    if plan and connections[using].vendor == "sqlite":
        Guards(connections[using]).remove()


def put_back(using: str, **options: Any) -> None:
    """After a migration, put the guards back."""
    Guards(connections[using]).install()


def require_guards(using: str = "default") -> None:
    """Raise ImproperlyConfigured where a guard of this database is missing or switched off."""
    if missing := Guards(connections[using]).missing():
        names = ", ".join(guard.name for guard in missing[:5]) + (" …" if len(missing) > 5 else "")
        raise ImproperlyConfigured(
            f"{len(missing)} of the database's guards are missing or changed: {names}. Rows that must never change may "
            "have been changed since. Check them (manage.py reconcile), then put the guards back: manage.py migrate"
        )
