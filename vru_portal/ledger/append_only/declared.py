"""The triggers that the models declare.

The SQL made here is compared, character by character, with what the database holds. If you change it, messages
included, add a migration, even an empty one: the portal does not start until it is applied.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.apps import apps
from django.db import models

from vru_portal.ledger.append_only.models import REDACTED, AppendOnly, Reversible, columns_of
from vru_portal.ledger.append_only.trigger import DELETE, INSERT, TRUNCATE, UPDATE, Trigger
from vru_portal.text.typed_dates import EARLIEST, LATEST

# Django's own tables whose rows may change but must not be deleted: the history and the log refer to them.
UNDELETABLE_ROWS = {
    "auth_user": "You cannot delete an account. Deactivate it, so that the history and the log keep its name.",
    "django_admin_log": "Entries of the log cannot be deleted.",
}


def declared_triggers() -> Iterator[Trigger]:
    """Yield every trigger that the database must hold."""
    for model in apps.get_models():
        if issubclass(model, AppendOnly):
            yield from triggers_of(model)
    for table, message in UNDELETABLE_ROWS.items():
        cost = "Records and decisions would remain that nobody can be asked about."
        yield Trigger(f"{table}_no_delete", DELETE, "TRUE", message, table=table, prevents=cost)
        yield Trigger(f"{table}_no_truncate", TRUNCATE, "TRUE", message, table=table, prevents=cost)


def triggers_of(model: type[AppendOnly]) -> Iterator[Trigger]:
    """Yield the triggers of one model: those that come with being append-only, then its own."""
    yield from freezing_triggers(model)
    yield from value_triggers(model)
    yield replacement_trigger(model)
    if issubclass(model, Reversible):
        yield reversal_trigger(model)
    table = model._meta.db_table
    for trigger in model.triggers:
        yield replace(trigger, name=f"{table}_{trigger.name}", table=trigger.table or table)


def freezing_triggers(model: type[AppendOnly]) -> Iterator[Trigger]:
    """Yield the triggers that keep a recorded row as it is."""
    table, label = model._meta.db_table, model._meta.verbose_name
    cost = "Money or decisions could be rewritten without a trace."
    once = f"({model.frozen_when}) AND " if model.frozen_when else ""
    message = f"A recorded {label} cannot be changed or removed. Reverse it, then record the correct one."
    yield Trigger(f"{table}_no_delete", DELETE, f"{once}TRUE", message, table=table, prevents=cost)
    yield Trigger(
        f"{table}_no_update",
        UPDATE,
        f"{once}({forbidden_change_sql(model)})",
        message,
        table=table,
        prevents=cost,
    )
    if model.frozen_when:
        # A row that is not frozen yet may change, but must not take a frozen row's key: SQLite's UPDATE OR REPLACE
        # would then remove the frozen one.
        yield Trigger(f"{table}_key_stays", UPDATE, "NEW.id <> OLD.id", message, table=table, prevents=cost)
    else:
        yield Trigger(f"{table}_no_truncate", TRUNCATE, "TRUE", message, table=table, prevents=cost)


def value_triggers(model: type[AppendOnly]) -> Iterator[Trigger]:
    """Yield the triggers that refuse sums and dates which no form accepts."""
    table, fields = model._meta.db_table, model._meta.local_concrete_fields
    if sums := [f'NEW."{f.column}"' for f in fields if isinstance(f, models.DecimalField)]:
        # SQLite stores any number, and text, in a decimal column; PostgreSQL stores NaN, which it sorts above every
        # number, so that the second condition finds it.
        wrong = " OR ".join(f"{name} <> ROUND({name}, 2) OR ABS({name}) >= 1000000000000" for name in sums)
        yield Trigger(
            f"{table}_whole_pence",
            INSERT,
            wrong,
            "Enter the amount in pounds and whole pence.",
            table=table,
            prevents="Sums would no longer add up to the penny, or at all.",
        )
    if dates := [impossible_date_sql(f) for f in fields if isinstance(f, models.DateField)]:
        yield Trigger(
            f"{table}_real_days",
            INSERT,
            " OR ".join(dates),
            "Enter a real date in the format YYYY-MM-DD.",
            table=table,
            prevents="Rows would be in no financial year, and pages that read them would fail.",
        )


def impossible_date_sql(field: models.DateField[Any, Any]) -> str:
    """SQL that is true where the new row's value is not a date, or is one outside the range of any ledger.

    SQLite stores any text in a date column; PostgreSQL stores infinity, and years that Python cannot read.
    """
    value = f'NEW."{field.column}"'
    outside = f"date({value}) < '{EARLIEST}' OR date({value}) > '{LATEST}'"
    not_exact = "" if isinstance(field, models.DateTimeField) else f" OR date({value}) <> {value}"
    return f"({value} IS NOT NULL AND (date({value}) IS NULL OR {outside}{not_exact}))"


def forbidden_change_sql(model: type[AppendOnly]) -> str:
    """SQL that is true where an UPDATE changes what must not change, or changes nothing at all."""
    if not model.changeable_fields and not model.redactable and not model.frozen_when:
        return "TRUE"
    columns = columns_of(model)
    # `{{differs}}` leaves `{differs}` in the SQL: `Trigger.sql` puts in the operator of each database.
    differs = {name: f'NEW."{column}" {{differs}} OLD."{column}"' for name, column in columns.items()}
    changeable = {*model.changeable_fields, *model.redactable, "redaction"}
    forbidden = [condition for name, condition in differs.items() if name not in changeable]
    # A redactable text may only become REDACTED, and only together with a new note that says why …
    forbidden += [
        f"{differs[name]} AND (NEW.\"{columns[name]}\" <> '{REDACTED}' OR NEW.redaction = OLD.redaction)"
        for name in model.redactable
    ]
    # … and the note may only change together with such a text. Without open fields, nothing else can be meant by an
    # UPDATE, so that one which redacts nothing is refused altogether.
    no_text = f"NOT ({' OR '.join(differs[name] for name in model.redactable) or 'FALSE'})"
    forbidden.append(f"{differs['redaction']} AND {no_text}" if model.changeable_fields else no_text)
    return " OR ".join(f"({condition})" for condition in forbidden)


AS_IT_IS = 'o."{column}" = NEW."{column}"'
IN_ANY_CASE = 'LOWER(o."{column}") = LOWER(NEW."{column}")'


def replacement_trigger(model: type[AppendOnly]) -> Trigger:
    """Refuse an INSERT OR REPLACE, with which SQLite would remove the row that has the key."""
    table = model._meta.db_table
    # NULL equals nothing: two rows without a value do not clash, as in the unique index itself.
    same_key = " OR ".join(" AND ".join(sql.format(column=column) for column, sql in key) for key in unique_keys(model))
    return Trigger(
        f"{table}_no_replace",
        INSERT,
        f'EXISTS (SELECT 1 FROM "{table}" o WHERE {same_key})',
        f"This {model._meta.verbose_name} is already recorded.",
        table=table,
        prevents="A recorded row could be exchanged for another, as if it had been changed.",
    )


def unique_keys(model: type[AppendOnly]) -> Iterator[list[tuple[str, str]]]:
    """Yield each key by which a replacing INSERT could hit an existing row: its columns, and how SQL compares them."""
    columns = columns_of(model)
    yield from ([(columns[f.name], AS_IT_IS)] for f in model._meta.local_concrete_fields if f.unique)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            expressions: Any = constraint.expressions  # all of them are `Lower`
            in_any_case = [source.name for lower in expressions for source in lower.get_source_expressions()]
            yield [
                *((columns[name], AS_IT_IS) for name in constraint.fields),
                *((columns[name], IN_ANY_CASE) for name in in_any_case),
            ]


def reversal_trigger(model: type[Reversible]) -> Trigger:
    """Make a reversal mirror the row that it reverses."""
    table, columns = model._meta.db_table, columns_of(model)
    differs = [f'o."{columns[name]}" {{differs}} NEW."{columns[name]}"' for name in model.mirrored]
    if "amount" in columns:
        # In pence, which are whole numbers to both databases: SQLite has no decimals.
        differs.append("ROUND(o.amount * 100) <> -ROUND(NEW.amount * 100)")
    return Trigger(
        f"{table}_reversal",
        INSERT,
        f'NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM "{table}" o WHERE o.id = NEW.reverses_id '
        f"AND (o.reverses_id IS NOT NULL OR {' OR '.join(differs)}))",
        f"A reversal must reverse the whole of one {model._meta.verbose_name}. You cannot reverse a reversal.",
        f'SELECT 1 FROM "{table}" WHERE id = NEW.reverses_id',
        table,
        prevents="A reversal could cancel more than was ever recorded.",
    )
