"""Statements that write to the ledger by raw SQL."""

from decimal import Decimal
from functools import partial

from django.db import connection

from funding.models import (
    Allocation,
    Decision,
    Fulfilment,
    FundingSource,
    OnwardGrant,
    Overcommitment,
    Payment,
    Regranting,
    SourceCondition,
    Variation,
)
from programmes.models import AssessmentDecision
from tests.support.factories import (
    AllocationFactory,
    FundingSourceFactory,
    UserFactory,
    YearFactory,
)
from tests.support.refusals import execute, insert

MODELS = (
    *(FundingSource, AssessmentDecision, Decision, Allocation, Payment),
    *(Variation, Overcommitment, SourceCondition, Fulfilment, Regranting, OnwardGrant),
)


def source_of(amount, **fields):
    return FundingSourceFactory(amount=Decimal(amount), **fields)


def takes(source, amount, **fields):
    """Return an allocation of this sum that is not recorded yet."""
    return AllocationFactory.unsaved(funding_source=source, amount=Decimal(amount), **fields)


def inserting(row):
    return partial(insert, row)


def updating(row, **values):
    (name, value), table = *values.items(), row._meta.db_table
    return lambda: execute(f'UPDATE "{table}" SET "{name}" = %s WHERE id = %s', value, row.pk)  # noqa: S608


def replacing(row, **values):
    """Return what writes a row over another with the same id: not an UPDATE to SQLite, and an INSERT first to both."""
    (name, value), table = *values.items(), row._meta.db_table
    columns = [f'"{field.column}"' for field in row._meta.local_concrete_fields]
    kept = ", ".join("%s" if column == f'"{name}"' else column for column in columns)
    insert_ = f'INTO "{table}" ({", ".join(columns)}) SELECT {kept} FROM "{table}" WHERE id = %s'  # noqa: S608
    if connection.vendor == "sqlite":
        return lambda: execute(f"INSERT OR REPLACE {insert_}", value, row.pk)
    return lambda: execute(f"INSERT {insert_} ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id", value, row.pk)


def reversing(row, **wrong):
    """Return what reverses a row wrongly."""
    reversal = row.build_reversal()
    reversal.reason, reversal.recorded_by = "Entered twice.", UserFactory()
    for name, value in wrong.items():
        setattr(reversal, name, value)
    return inserting(reversal)


def carry(source, amount, **fields):
    later = fields.pop("year", None) or YearFactory(first_year=source.year.first_year + 1)
    return FundingSourceFactory(year=later, carried_from=source, amount=Decimal(amount), **fields)


def carrying(source, amount, years=1):
    later = YearFactory(first_year=source.year.first_year + years) if years else source.year
    return inserting(FundingSourceFactory.unsaved(year=later, carried_from=source, amount=Decimal(amount)))
