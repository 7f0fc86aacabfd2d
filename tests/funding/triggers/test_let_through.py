"""What the triggers of the ledger let through, by raw SQL."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from funding.models import FundingSource
from tests.funding.triggers.statements import carry, source_of, takes
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    ColumnFactory,
    DutyFactory,
    PaymentFactory,
    reverse,
)
from tests.support.refusals import execute, insert, refused_with

pytestmark = pytest.mark.django_db


def test_the_last_penny_can_be_allocated_and_what_is_reversed_again():
    source = source_of("0.30")
    for amount in ("0.10", "0.20"):
        last = AllocationFactory(funding_source=source, amount=Decimal(amount))
    reverse(last)
    insert(takes(source, "0.20"))
    assert FundingSource.objects.with_remainder().get(pk=source.pk).remainder == Decimal("0.00")


def test_what_is_carried_forward_can_be_taken_back_and_allocated():
    source = source_of("100.00", year__first_year=2031)
    carried = carry(source, "100.00")
    reverse(carried)
    insert(takes(source, "100.00"))
    reverse(source_of("100.00"))


def test_a_large_sum_is_counted_to_the_penny():
    source = source_of("999999999999.99")
    AllocationFactory(funding_source=source, amount=Decimal("999999999999.98"))
    with refused_with("This is more than is left in the source."):
        insert(takes(source, "0.02"))
    insert(takes(source, "0.01"))


def test_a_decision_on_the_day_itself_is_early_enough():
    insert(AllocationFactory.unsaved(assessment=(made := AssessmentDecisionFactory()).assessment,
                                     initiative=made.assessment.initiative))  # fmt: skip


def test_an_allocation_is_reversed_once_its_payments_are_and_its_decision_once_it_is():
    payment = PaymentFactory()
    reverse(payment)
    reverse(payment.allocation)
    reverse(payment.allocation.assessment.decisions.get())


def test_what_the_duty_does_not_ask_of_this_kind_need_not_be_stated():
    ColumnFactory(duty=(duty := DutyFactory()), list="contracts", field="value_for_money")
    ColumnFactory(duty=duty, list="grants", field="reasons", required=False)
    ColumnFactory(duty=duty, list="items", field="conditions")
    insert(AllocationFactory.unsaved(value_for_money="", reasons="", conditions=""))


def test_a_payment_is_a_fact_whatever_is_wrong_with_it():
    allocation = AllocationFactory()
    insert(PaymentFactory.unsaved(allocation=allocation, amount=Decimal("100000.00"), paid_on=date(2001, 1, 1)))
    reverse(allocation_without_payments := AllocationFactory())
    insert(PaymentFactory.unsaved(allocation=allocation_without_payments))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="what only PostgreSQL does")
def test_a_temporary_table_hides_nothing_of_what_triggers_look_at():
    allocation = takes(source_of("100.00"), "100.01")
    execute("CREATE TEMP TABLE funding_fundingsource AS SELECT * FROM public.funding_fundingsource")
    execute("UPDATE pg_temp.funding_fundingsource SET amount = 1000000")
    with refused_with("This is more than is left in the source."):
        insert(allocation)
