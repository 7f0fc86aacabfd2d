"""Rows that never change: what the database refuses by itself, and what happens where it could not."""

import copy
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError

from events.declarations.models import DeclarationVersion
from funding.models import Allocation, FundingSource, Payment
from programmes.models import EvidenceAssessment
from tests.factories import (
    AllocationFactory,
    AssessmentFactory,
    DecisionFactory,
    FundingSourceFactory,
    OrganisationFactory,
    PaymentFactory,
    UserFactory,
    VersionFactory,
    reverse,
)
from tests.refusals import execute, insert, refused_with, undone, with_only, without
from tests.vru_portal.test_publishing import MAKERS
from vru_portal.append_only import (
    REDACTED,
    STAYS_PUBLISHED,
    AppendOnly,
    Guards,
    Reversible,
    redact,
    require_guards,
)
from vru_portal.append_only.guards import expected, unique_columns

pytestmark = pytest.mark.django_db
sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="what only SQLite does")
postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="what only PostgreSQL does")

APPEND_ONLY = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
FROZEN = "A recorded {} cannot be changed or removed: reverse it and record what is right anew."


def label(model):
    return model.__name__ if isinstance(model, type) else None


def recorded(model):
    """Return a row that may not change any more: an assessment once it is decided on, a wording once it is in force."""
    if model is EvidenceAssessment:
        return DecisionFactory().assessment
    return VersionFactory(in_force=True) if model is DeclarationVersion else MAKERS[model]()


def key_of(model):
    return f'"{model._meta.pk.column}"'


def frozen(model):
    return FROZEN.format(model._meta.verbose_name)


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
            return "another"
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
        "Contributor",
        "DeclarationVersion",
        "Entry",
        "TreeNode",
        "RegisterKey",
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
    if name in model.open_fields:
        assert execute(update, value, row.pk) == 1
        return
    guard = f"{model._meta.db_table}_no_update"
    with with_only(guard, of=model._meta.db_table), refused_with(frozen(model)):
        execute(update, value, row.pk)
    for changes in ({field.attname: value}, {name: models.F(name)}):  # the ORM's UPDATE is an UPDATE
        if not field.primary_key and not model.open_fields:
            with with_only(guard, of=model._meta.db_table), refused_with(frozen(model)):
                model._default_manager.filter(pk=row.pk).update(**changes)


@pytest.mark.parametrize("model", [m for m in APPEND_ONLY if not m.open_fields], ids=label)
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


KEYS = [(model, tuple(columns)) for model in APPEND_ONLY for columns in unique_columns(model)]


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
    other = {"public_id": "z" * 10, "reference": "FIN-TWIN", "slug": "twin", "number": 99, "level": 9, "vkey": "twin"}
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
    """SQLite deletes the row that stands in the way without asking the DELETE trigger, unless a connection wants it."""
    row, twin, trace = twin_of(model, columns)
    guard, table = f"{model._meta.db_table}_no_replace", model._meta.db_table
    if connection.vendor == "sqlite":
        ways = [("INSERT OR REPLACE", ""), ("REPLACE", "")]
        execute("PRAGMA recursive_triggers=OFF")
    else:
        ways = []
    keys = ", ".join(f'"{column}"' for column in columns)
    ways.append(("INSERT", f"ON CONFLICT ({keys}) DO UPDATE SET {trace} = excluded.{trace}"))
    try:
        for verb, after in ways:
            with with_only(guard, of=table), refused_with(f"This {model._meta.verbose_name} is recorded already."):
                insert(twin, verb, after)
        if connection.vendor == "sqlite":  # what would happen without it
            with without(*(g.name for g in Guards(connection).wanted.values() if g.table == table)):
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
    decision = DecisionFactory(assessment=assessment)
    with refused_with(frozen(EvidenceAssessment)):
        change.update(need="Less.")
    reverse(decision)
    assert change.update(need="Less.") == 1
    free = AssessmentFactory()
    assert EvidenceAssessment.objects.filter(pk=free.pk)._raw_delete("default") == 1


# Sums -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [FundingSource, Allocation, Payment], ids=label)
@pytest.mark.parametrize("amount", ["0.004", "1.005", "1000000000000.00", "9e999", "NaN", "twelve"])
def test_what_is_no_sum_in_whole_pence_is_no_sum_to_the_database_either(model, amount):
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
    guard = f"{model._meta.db_table}_whole_pence"
    with with_only(guard, of=model._meta.db_table), refused_with("A sum is in pounds and whole pence."):
        execute(statement, *columns.values())


# Redaction ------------------------------------------------------------------------------------------------------------

REDACTABLE = [(model, name) for model in APPEND_ONLY for name in model.redactable]


@pytest.mark.parametrize(("model", "name"), REDACTABLE, ids=lambda value: label(value) or value)
def test_a_text_can_be_taken_out_with_a_reason_and_nothing_else_can_be_done_to_it(model, name):
    row = recorded(model)
    if name == "reason":  # only a reversal has one
        row = reverse(row)
    execute_ = f'UPDATE "{model._meta.db_table}" SET "{name}" = %s, redaction = %s WHERE id = %s'  # noqa: S608
    before = getattr(row, name)
    for text, note in (("Something else", "why"), (REDACTED, ""), (before, "why")):
        with refused_with(frozen(model)):
            execute(execute_, text, note, row.pk)
    with refused_with(frozen(model)):  # nor something else under cover of it
        execute(
            f'UPDATE "{model._meta.db_table}" SET "{name}" = %s, redaction = %s, recorded_at = %s WHERE id = %s',  # noqa: S608
            REDACTED, "why", "2001-02-03 04:05:00+00", row.pk,
        )  # fmt: skip
    redact(row, fields=[name], by=UserFactory(username="kit"), reason="A name. " + "x" * 400)
    row = model._default_manager.get(pk=row.pk)
    assert getattr(row, name) == REDACTED
    assert f"{name} taken out by kit. A name. x" in row.redaction
    with refused_with(frozen(model)):
        execute(execute_, "Written anew", "why", row.pk)


@pytest.mark.usefixtures("history")
def test_what_is_taken_out_is_taken_out_of_the_history_too():
    assessment = AssessmentFactory(need="Of Robin Vale.")
    AssessmentFactory(need="Of somebody else.")
    DecisionFactory(assessment=assessment)
    redact(assessment, fields=["need"], by=UserFactory(), reason="A name.")
    assert list(assessment.history.values_list("need", flat=True)) == [REDACTED]
    assert EvidenceAssessment.history.filter(need="Of somebody else.").count() == 1


def test_two_long_redactions_of_one_row_are_both_told():
    row = AllocationFactory()
    for name in ("purpose", "reasons"):
        redact(row, fields=[name], by=UserFactory(), reason=f"{name}: " + "x" * 290)
    assert "purpose: xxx" in row.redaction
    assert "reasons: xxx" in row.redaction


@pytest.mark.parametrize(
    ("fields", "reason"), [(["purpose"], " "), ([], "Why"), (["amount"], "Why"), (["nope"], "Why")]
)
def test_a_redaction_names_its_fields_and_its_reason(fields, reason):
    row = AllocationFactory()
    with pytest.raises(ValidationError, match=r"Choose from purpose, .*, and say why"):
        redact(row, fields=fields, by=UserFactory(), reason=reason)


# Named records are published ------------------------------------------------------------------------------------------

NAMED = [(model, name) for model in APPEND_ONLY for name in model.names_published]


@pytest.mark.parametrize(("model", "name"), NAMED, ids=lambda value: label(value) or value)
def test_a_row_names_only_what_the_public_sees_and_what_it_names_stays_seen(model, name):
    row = MAKERS[model].unsaved(**({"payee": OrganisationFactory()} if model is Payment else {}))
    named = getattr(row, name)
    table, column = named._meta.db_table, named._meta.verbose_name
    execute(f"UPDATE \"{table}\" SET state = 'draft' WHERE id = %s", named.pk)  # noqa: S608
    with refused_with(f"This {column} is a draft. Publish it first: what is recorded here is public."):
        insert(row)
    execute(f"UPDATE \"{table}\" SET state = 'published' WHERE id = %s", named.pk)  # noqa: S608
    insert(row)
    with refused_with(STAYS_PUBLISHED.format(column)):
        execute(f"UPDATE \"{table}\" SET state = 'draft' WHERE id = %s", named.pk)  # noqa: S608
    named.refresh_from_db()
    named.state = "draft"
    with pytest.raises(ValidationError, match=STAYS_PUBLISHED.format(column)):
        named.full_clean()
    assert execute(f"UPDATE \"{table}\" SET slug = 'renamed' WHERE id = %s", named.pk) == 1  # noqa: S608


# Guards that are not there --------------------------------------------------------------------------------------------

WANTED = list(expected())


def test_each_guard_has_a_name_of_its_own_that_postgresql_does_not_cut():
    names = [guard.name for guard in expected()]
    assert len(names) == len(set(names))
    assert [name for name in names if len(name) > 63] == []


def test_the_database_holds_every_guard_as_it_is_declared():
    guards = Guards(connection)
    assert set(guards.wanted) == {g.name for g in WANTED if connection.vendor != "sqlite" or g.statement != "TRUNCATE"}
    assert guards.missing() == []
    require_guards()


@pytest.mark.parametrize("guard", WANTED, ids=lambda guard: guard.name)
def test_a_missing_guard_is_found(guard):
    if connection.vendor == "sqlite" and guard.statement == "TRUNCATE":
        assert guard.name not in Guards(connection).wanted
        return
    with without(guard.name):
        with pytest.raises(ImproperlyConfigured) as caught:
            require_guards()
        said = str(caught.value)
        assert said.startswith(f"1 of the database's guards are missing or changed: {guard.name}. Rows that must")
        assert "manage.py reconcile" in said
        assert "manage.py migrate" in said
        Guards(connection).install()
        require_guards()


def test_many_missing_guards_are_one_sentence():
    with undone():
        Guards(connection).remove()
        with pytest.raises(ImproperlyConfigured, match=rf"^{len(Guards(connection).wanted)} of .* …\. Rows that must"):
            require_guards()


ALTERED = {
    "sqlite": {
        "never": [
            'DROP TRIGGER "funding_payment_no_update"',
            'CREATE TRIGGER "funding_payment_no_update" BEFORE UPDATE ON "funding_payment" WHEN 0 '
            "BEGIN SELECT RAISE(ABORT, 'No.'); END",
        ],
        "elsewhere": [
            'DROP TRIGGER "funding_payment_no_update"',
            'CREATE TRIGGER "funding_payment_no_update" BEFORE UPDATE ON "funding_allocation" '
            "BEGIN SELECT RAISE(ABORT, 'No.'); END",
        ],
    },
    "postgresql": {
        "disabled": ['ALTER TABLE funding_payment DISABLE TRIGGER "funding_payment_no_update"'],
        "all disabled": ["ALTER TABLE funding_payment DISABLE TRIGGER USER"],
        "for replicas only": ['ALTER TABLE funding_payment ENABLE REPLICA TRIGGER "funding_payment_no_update"'],
        "another function": [
            "CREATE OR REPLACE FUNCTION funding_payment_no_update() RETURNS trigger LANGUAGE plpgsql "
            "AS 'BEGIN RETURN NEW; END'"
        ],
        **{
            name: [
                "DROP TRIGGER funding_payment_no_update ON funding_payment",
                f"CREATE TRIGGER funding_payment_no_update {what} EXECUTE FUNCTION funding_payment_no_update()",
            ]
            for name, what in {
                "never": "BEFORE UPDATE ON funding_payment FOR EACH ROW WHEN (false)",
                "one column": "BEFORE UPDATE OF reference ON funding_payment FOR EACH ROW",
                "another statement": "BEFORE DELETE ON funding_payment FOR EACH ROW",
                "too late": "AFTER UPDATE ON funding_payment FOR EACH ROW",
                "elsewhere": "BEFORE UPDATE ON funding_allocation FOR EACH ROW",
            }.items()
        },
    },
}


@pytest.mark.parametrize("statements", ALTERED[connection.vendor].values(), ids=ALTERED[connection.vendor])
def test_an_altered_guard_is_found(statements):
    with undone():
        for statement in statements:
            execute(statement)
        with pytest.raises(ImproperlyConfigured, match="funding_payment_no_update"):
            require_guards()
        if "REPLICA" not in statements[0]:
            Guards(connection).install()
            require_guards()


@postgresql
def test_money_is_not_recorded_in_a_transaction_that_does_not_see_what_others_commit():
    """It would wait for the others' lock, and then look at the sums as they were before."""
    source = FundingSourceFactory()
    allocation = AllocationFactory.unsaved(funding_source=source)
    bodies = {g.name: g.sql("postgresql") for g in expected() if g.lock}
    assert "funding_allocation_within_source" in bodies
    assert all("current_setting('transaction_isolation') <> 'read committed'" in sql for sql in bodies.values())
    insert(allocation)


@pytest.mark.parametrize("model", [m for m in APPEND_ONLY if issubclass(m, Reversible)], ids=label)
def test_a_reversal_mirrors_all_that_the_guard_compares(model):
    row = recorded(model)
    opposite = row.opposite()
    assert {name: getattr(opposite, name) for name in model.mirrored} == {
        name: getattr(row, name) for name in model.mirrored
    }
    assert opposite.reverses_id == row.pk
    if hasattr(row, "amount"):
        assert opposite.amount == -row.amount
    assert not row.is_reversed
    reverse(row)
    assert model._default_manager.get(pk=row.pk).is_reversed


def test_payments_whose_references_begin_alike_can_both_be_reversed():
    first, second = (PaymentFactory(reference="R" * 51 + letter * 9) for letter in "ab")
    assert reverse(first).reference != reverse(second).reference
