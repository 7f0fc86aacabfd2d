"""Rows that never change: what the database refuses by itself."""

import copy
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError

from funding.models import Allocation, FundingSource, Payment
from programmes.models import EvidenceAssessment
from tests.support.factories import (
    AssessmentDecisionFactory,
    AssessmentFactory,
    PaymentFactory,
    reverse,
)
from tests.support.refusals import execute, insert, refused_with, with_only_trigger, without_triggers
from tests.vru_portal.ledger.rows import APPEND_ONLY, frozen, key_of, label, postgresql, recorded, sqlite
from tests.vru_portal.publishing.test_state import MAKERS
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.ledger.append_only.declared import unique_keys
from vru_portal.ledger.append_only.models import Reversible

pytestmark = pytest.mark.django_db


def another(field, value):
    """Return another value of a column, as the database would take it."""
    match field:
        case models.BooleanField():
            return not value
        case models.DecimalField():
            return (value or Decimal("0.00")) + Decimal("0.01")
        case models.DateTimeField():
            return "2001-02-03 04:05:00+00"
        case models.DateField():
            return date(2001, 2, 3)
        case models.CharField() | models.TextField():
            return "another"[: field.max_length]
        case _:
            return (value or 0) + 1_000


def test_the_ledger_is_what_is_append_only():
    assert {model.__name__ for model in APPEND_ONLY} == {
        "FundingSource",
        "EvidenceAssessment",
        "AssessmentDecision",
        "Allocation",
        "Payment",
        "Explanation",
        "ContractCopy",
        "Regranting",
        "OnwardGrant",
        "Decision",
        "Variation",
        "Overcommitment",
        "SourceCondition",
        "Fulfilment",
        "Contributor",
        "DeclarationVersion",
        "Entry",
        "TreeNode",
        "RegisterKey",
        "ApprovedReturn",
        "ApprovedFigure",
        "ApprovedPart",
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, f.name) for model in APPEND_ONLY for f in model._meta.local_concrete_fields],
    ids=lambda value: label(value) or value,
)
def test_no_column_changes_but_those_that_are_open(model, name):
    row, field = recorded(model), model._meta.get_field(name)
    value = another(field, getattr(row, field.attname))
    update = f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s WHERE {key_of(model)} = %s'  # noqa: S608
    if name in model.changeable_fields:
        assert execute(update, value, row.pk) == 1
        return
    trigger = f"{model._meta.db_table}_no_update"
    with with_only_trigger(trigger, table=model._meta.db_table), refused_with(frozen(model)):
        execute(update, value, row.pk)
    for changes in ({field.attname: value}, {name: models.F(name)}):  # the ORM's UPDATE is an UPDATE
        if not field.primary_key and not model.changeable_fields:
            with with_only_trigger(trigger, table=model._meta.db_table), refused_with(frozen(model)):
                model._default_manager.filter(pk=row.pk).update(**changes)


@pytest.mark.parametrize("model", [m for m in APPEND_ONLY if not m.changeable_fields], ids=label)
def test_an_update_that_changes_nothing_is_refused_too(model):
    row = recorded(model)
    with refused_with(frozen(model)):
        key = key_of(model)
        execute(f'UPDATE "{model._meta.db_table}" SET {key} = {key} WHERE {key} = %s', row.pk)  # noqa: S608


@pytest.mark.parametrize("model", APPEND_ONLY, ids=label)
def test_no_row_is_removed(model):
    row = recorded(model)
    with refused_with(frozen(model)):
        execute(f'DELETE FROM "{model._meta.db_table}" WHERE {key_of(model)} = %s', row.pk)  # noqa: S608
    with refused_with(frozen(model)):
        model._default_manager.filter(pk=row.pk)._raw_delete("default")
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        row.delete()
    assert model._default_manager.filter(pk=row.pk).exists()


@postgresql
@pytest.mark.parametrize("model", APPEND_ONLY, ids=label)
def test_no_table_is_truncated(model):
    recorded(model)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refused_with("cannot be changed or removed"):
        execute(f'TRUNCATE "{model._meta.db_table}" CASCADE')


KEYS = [
    (model, columns)
    for model in APPEND_ONLY
    for columns in dict.fromkeys(tuple(column for column, _ in key) for key in unique_keys(model))
]
# By what a twin is known again.
TRACE = ("recorded_at", datetime.fromisoformat("2001-02-03T04:05:00+00:00"))


def twin_of(model, columns):
    """Return a recorded row, another not recorded that has the same key, and what they do not have in common."""
    row = recorded(model)
    if "reverses_id" in columns:
        row = reverse(row)
    row = model._default_manager.get(pk=row.pk)
    twin = copy.copy(row)
    if row._meta.pk.column not in columns:
        twin.pk = None
    other = {"public_id": "z" * 10, "reference": "FIN-TWIN", "slug": "twin", "number": 99, "vkey": "twin"}
    if isinstance(getattr(twin, "level", None), int):
        other["level"] = 9
    other["correction"] = "Counted again."  # of the second and later numbers
    for name, value in other.items():
        if hasattr(twin, name) and name not in columns:
            setattr(twin, name, value)
    if "reverses_id" not in columns and hasattr(twin, "reverses_id"):
        twin.reverses_id = None
    name, value = TRACE if twin.recorded_at else ("hash", "twin")
    setattr(twin, name, value)
    return row, twin, name


@pytest.mark.parametrize(("model", "columns"), KEYS, ids=lambda value: label(value) or "+".join(value))
def test_no_insert_replaces_a_row(model, columns):
    """SQLite deletes the conflicting row without firing the DELETE trigger, unless a connection asks for it."""
    row, twin, trace = twin_of(model, columns)
    trigger, table = f"{model._meta.db_table}_no_replace", model._meta.db_table
    if connection.vendor == "sqlite":
        ways = [("INSERT OR REPLACE", ""), ("REPLACE", "")]
        execute("PRAGMA recursive_triggers=OFF")
    else:
        ways = []
    keys = ", ".join(f'"{column}"' for column in columns)
    ways.append(("INSERT", f"ON CONFLICT ({keys}) DO UPDATE SET {trace} = excluded.{trace}"))
    try:
        for verb, after in ways:
            with (
                with_only_trigger(trigger, table=table),
                refused_with(f"This {model._meta.verbose_name} is already recorded."),
            ):
                insert(twin, verb, after)
        if connection.vendor == "sqlite":  # what would happen without it
            with without_triggers(
                *(trigger.name for trigger in DatabaseTriggers(connection).expected.values() if trigger.table == table)
            ):
                insert(twin, "INSERT OR REPLACE")
                assert model._default_manager.filter(**{trace: getattr(twin, trace)}).exists()
    finally:
        if connection.vendor == "sqlite":
            execute("PRAGMA recursive_triggers=ON")
    assert getattr(model._default_manager.get(pk=row.pk), trace) == getattr(row, trace)


@sqlite
def test_no_update_of_a_row_that_is_still_open_replaces_a_frozen_one():
    decided, free = recorded(EvidenceAssessment), AssessmentFactory()
    execute("PRAGMA recursive_triggers=OFF")
    try:
        with refused_with(frozen(EvidenceAssessment)):
            execute("UPDATE OR REPLACE programmes_evidenceassessment SET id = %s WHERE id = %s", decided.pk, free.pk)
    finally:
        execute("PRAGMA recursive_triggers=ON")


def test_an_assessment_is_open_until_it_is_decided_on_and_again_once_the_decision_is_reversed():
    assessment = AssessmentFactory()
    change = EvidenceAssessment.objects.filter(pk=assessment.pk)
    assert change.update(need="More.") == 1
    decision = AssessmentDecisionFactory(assessment=assessment)
    with refused_with(frozen(EvidenceAssessment)):
        change.update(need="Less.")
    reverse(decision)
    assert change.update(need="Less.") == 1
    free = AssessmentFactory()
    assert EvidenceAssessment.objects.filter(pk=free.pk)._raw_delete("default") == 1


# Sums -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [FundingSource, Allocation, Payment], ids=label)
@pytest.mark.parametrize("amount", ["0.004", "1.005", "1000000000000.00", "9e999", "NaN", "twelve"])
def test_the_database_also_refuses_sums_that_are_not_in_whole_pence(model, amount):
    row = MAKERS[model].unsaved()
    row.clean_fields()
    columns = {f.column: f.get_db_prep_save(getattr(row, f.attname), connection)
               for f in model._meta.local_concrete_fields if not f.primary_key}  # fmt: skip
    columns["amount"] = amount
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join(["%s"] * len(columns))
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({marks})'  # noqa: S608
    if connection.vendor == "postgresql" and amount != "NaN":
        if amount in ("0.004", "1.005"):
            return  # the column itself rounds to the penny
        with pytest.raises(Exception, match=r"numeric"), transaction.atomic():
            execute(statement, *columns.values())
        return
    trigger = f"{model._meta.db_table}_whole_pence"
    with (
        with_only_trigger(trigger, table=model._meta.db_table),
        refused_with("Enter the amount in pounds and whole pence."),
    ):
        execute(statement, *columns.values())


# Reversals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [m for m in APPEND_ONLY if issubclass(m, Reversible)], ids=label)
def test_a_reversal_mirrors_all_that_the_trigger_compares(model):
    row = recorded(model)
    reversal = row.build_reversal()
    assert {name: getattr(reversal, name) for name in model.mirrored} == {
        name: getattr(row, name) for name in model.mirrored
    }
    assert reversal.reverses_id == row.pk
    if hasattr(row, "amount"):
        assert reversal.amount == -row.amount
    assert not row.is_reversed
    reverse(row)
    assert model._default_manager.get(pk=row.pk).is_reversed


def test_payments_whose_references_begin_alike_can_both_be_reversed():
    first, second = (PaymentFactory(reference="R" * 51 + letter * 9) for letter in "ab")
    assert reverse(first).reference != reverse(second).reference
