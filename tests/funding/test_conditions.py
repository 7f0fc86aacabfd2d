"""What funders ask in return for their money: met, missed or open, to the penny; and what no condition can be."""

from datetime import date
from decimal import Decimal

import pytest

from funding.choices import ConditionKind, ConditionState, CostKind
from funding.conditions import judged_conditions
from funding.year_accounts import year_accounts
from tests.support.factories import (
    DAY,
    AllocationFactory,
    FulfilmentFactory,
    FundingSourceFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    PaymentFactory,
    SourceConditionFactory,
    VariationFactory,
    YearFactory,
    reverse,
)
from tests.support.refusals import validation_messages
from vru_portal.ledger.cut_off import CutOff

pytestmark = pytest.mark.django_db
MET, MISSED, OPEN = ConditionState.MET, ConditionState.MISSED, ConditionState.OPEN
LAST = date(2032, 3, 31)
AFTER = CutOff(date(2032, 4, 1))


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to(DAY)


@pytest.fixture
def source():
    """A source of which a third is no whole number of pennies."""
    return FundingSourceFactory(year=YearFactory(first_year=2031, spend_by=LAST), amount=Decimal("1000.01"))


def judged(source, cut_off=None):
    accounts = year_accounts(source.year, source.year.sources.standing().select_related("year"), cut_off or CutOff())
    return [(row.state, str(row.required), str(row.counted)) for row in judged_conditions(accounts)]


def condition(source, kind, **stated):
    return SourceConditionFactory(funding_source=source, kind=kind, **{"share": None, "cost_kind": ""} | stated)


def test_at_least_a_share_is_met_to_the_penny(source):
    condition(source, ConditionKind.AT_LEAST, share=Decimal("33.33"), cost_kind=CostKind.INTERVENTIONS)
    AllocationFactory(funding_source=source, amount=Decimal("333.29"))
    # 33.33% of £1,000.01 is £333.303333, which is £333.30
    assert judged(source) == [(OPEN, "333.30", "333.29")]
    assert judged(source, AFTER) == [(MISSED, "333.30", "333.29")]
    AllocationFactory(funding_source=source, amount=Decimal("0.01"))
    assert judged(source) == [(MET, "333.30", "333.30")]


def test_half_a_penny_is_rounded_up():
    source = FundingSourceFactory(amount=Decimal("0.01"))
    condition(source, ConditionKind.AT_LEAST, share=Decimal("50.00"), cost_kind=CostKind.STAFF)
    assert judged(source)[0][1] == "0.01"


def test_at_most_a_sum_is_missed_by_a_penny_and_met_once_the_year_is_over(source):
    heading = HeadingFactory()
    condition(source, ConditionKind.AT_MOST, sum=Decimal("50.00"), heading=heading)
    allocation = AllocationFactory(funding_source=source, heading=heading, amount=Decimal("50.01"))
    AllocationFactory(funding_source=source, heading=HeadingFactory(), amount=Decimal("70.00"))
    assert judged(source) == [(MISSED, "50.00", "50.01")]
    VariationFactory(allocation=allocation, amount=Decimal("0.01"))
    assert judged(source) == [(OPEN, "50.00", "50.00")]
    assert judged(source, AFTER) == [(MET, "50.00", "50.00")]


def test_a_level_counts_its_initiatives_only(source):
    level = LevelFactory()
    condition(source, ConditionKind.AT_LEAST, sum=Decimal("50.00"), level=level)
    AllocationFactory(funding_source=source, initiative=InitiativeFactory(level=level), amount=Decimal("20.00"))
    AllocationFactory(funding_source=source, amount=Decimal("30.00"))
    assert judged(source) == [(OPEN, "50.00", "20.00")]


def test_a_share_of_a_kind_of_cost_follows_what_is_allocated_to_it(source):
    """A set share is for interventions, and a set share of that for evaluating them."""
    condition(
        source, ConditionKind.AT_LEAST, share=Decimal("10.00"), share_of=CostKind.INTERVENTIONS,
        cost_kind=CostKind.EVALUATION,
    )  # fmt: skip
    AllocationFactory(funding_source=source, amount=Decimal("200.00"))
    AllocationFactory(funding_source=source, heading=HeadingFactory(kind=CostKind.INTERVENTIONS))
    AllocationFactory(funding_source=source, heading=HeadingFactory(kind=CostKind.EVALUATION), amount=Decimal("30.00"))
    assert judged(source) == [(MET, "30.00", "30.00")]


def test_what_is_paid_counts_where_the_funder_looks_at_what_was_spent(source):
    condition(
        source, ConditionKind.AT_LEAST, share=Decimal("20.00"), cost_kind=CostKind.INTERVENTIONS, counts_paid=True
    )
    allocation = AllocationFactory(funding_source=source, amount=Decimal("700.00"))
    PaymentFactory(allocation=allocation, amount=Decimal("250.00"))
    PaymentFactory(allocation=allocation, amount=Decimal("-50.01"))
    PaymentFactory(allocation=AllocationFactory(funding_source=source, heading=HeadingFactory()))
    assert judged(source) == [(OPEN, "200.00", "199.99")]
    PaymentFactory(allocation=allocation, amount=Decimal("0.01"), paid_on=date(2031, 4, 30))
    assert judged(source) == [(MET, "200.00", "200.00")]


def test_what_is_paid_late_does_not_make_up_for_too_little_and_is_still_too_much(source, time_machine):
    time_machine.move_to(date(2032, 4, 30))
    heading = HeadingFactory()
    for kind in (ConditionKind.AT_LEAST, ConditionKind.AT_MOST):
        condition(source, kind, sum=Decimal("60.00"), heading=heading, counts_paid=True)
    allocation = AllocationFactory(funding_source=source, heading=heading)
    PaymentFactory(allocation=allocation, amount=Decimal("59.99"))
    assert judged(source) == [(MISSED, "60.00", "59.99"), (MET, "60.00", "59.99")]
    PaymentFactory(allocation=allocation, amount=Decimal("0.02"), paid_on=date(2032, 4, 1))
    assert judged(source) == [(MISSED, "60.00", "59.99"), (MISSED, "60.00", "60.01")]


def test_a_share_of_a_kind_of_cost_follows_what_is_paid_for_it(source):
    condition(
        source, ConditionKind.AT_LEAST, share=Decimal("10.00"), share_of=CostKind.INTERVENTIONS,
        cost_kind=CostKind.EVALUATION, counts_paid=True,
    )  # fmt: skip
    PaymentFactory(allocation=AllocationFactory(funding_source=source), amount=Decimal("50.05"))
    evaluation = HeadingFactory(kind=CostKind.EVALUATION)
    PaymentFactory(
        allocation=AllocationFactory(funding_source=source, heading=evaluation, amount=Decimal("300.00")),
        amount=Decimal("5.00"),
    )
    assert judged(source) == [(OPEN, "5.01", "5.00")]
    accounts = year_accounts(source.year, source.year.sources.standing().select_related("year"))
    (row,) = judged_conditions(accounts)
    assert row.what == "At least 10% of spending on interventions spent on Evaluation"
    assert row.arithmetic == "Required: 10% of £50.05 = £5.01. Paid by then: £5. £0.01 missing."


def test_a_payment_that_is_known_later_counts_later(source, time_machine):
    condition(source, ConditionKind.AT_MOST, sum=Decimal("1.00"), cost_kind=CostKind.INTERVENTIONS, counts_paid=True)
    allocation = AllocationFactory(funding_source=source)
    time_machine.move_to(date(2031, 6, 1))
    PaymentFactory(allocation=allocation)
    assert judged(source, CutOff(date(2031, 5, 31))) == [(OPEN, "1.00", "0")]
    assert judged(source, CutOff(date(2031, 6, 1))) == [(MISSED, "1.00", "12.50")]


def test_match_funding_is_given_by_others_and_never_part_of_the_budget(source):
    row = condition(source, ConditionKind.MATCH, share=Decimal("10.00"))
    FulfilmentFactory(condition=row, amount=Decimal("99.99"))
    assert judged(source) == [(OPEN, "100.00", "99.99")]
    wrong = FulfilmentFactory(condition=row, amount=Decimal("500.00"))
    reverse(wrong)
    FulfilmentFactory(condition=row, amount=Decimal("0.01"))
    assert judged(source) == [(MET, "100.00", "100.00")]
    assert year_accounts(source.year, [source]).total == Decimal("1000.01")


def test_money_is_spent_by_the_day_or_carried_forward_or_returned(source):
    condition(source, ConditionKind.SPEND_BY, by_day=DAY)
    allocation = AllocationFactory(funding_source=source, amount=Decimal("700.00"))
    PaymentFactory(allocation=allocation, amount=Decimal("700.00"))
    assert judged(source) == [(OPEN, "1000.01", "700.00")]
    assert judged(source, AFTER) == [(MISSED, "1000.01", "700.00")]
    FundingSourceFactory(year=YearFactory(first_year=2032), carried_from=source, amount=Decimal("100.00"))
    VariationFactory(allocation=None, funding_source=source, amount=Decimal("200.01"))
    assert judged(source) == [(MET, "700.00", "700.00")]


def test_a_claim_after_the_day_is_too_late(source, time_machine):
    row = condition(source, ConditionKind.CLAIM_BY, by_day=DAY)
    time_machine.move_to(date(2031, 5, 8))
    FulfilmentFactory(condition=row, organisation=None, amount=Decimal("1000.00"))
    FulfilmentFactory(condition=row, organisation=None, amount=Decimal("0.01"), happened_on=date(2031, 5, 7))
    assert judged(source) == [(MISSED, "1000.01", "1000.00")]


def test_the_arithmetic_is_shown(source):
    condition(source, ConditionKind.AT_LEAST, share=Decimal("20.00"), cost_kind=CostKind.STAFF)
    accounts = year_accounts(source.year, source.year.sources.standing().select_related("year"))
    (row,) = judged_conditions(accounts)
    assert row.what == "At least 20% of the source for Staff"
    assert row.arithmetic == "Required: 20% of £1,000.01 = £200. Allocated: nothing yet. £200 missing."


def test_a_condition_counts_as_known_and_as_dated(source, time_machine):
    time_machine.move_to(date(2031, 6, 1))
    stated = date(2031, 6, 1)
    condition(source, ConditionKind.SPEND_BY, by_day=LAST, source__published_on=stated, as_at=stated)
    assert judged(source, CutOff(date(2031, 5, 31))) == []
    assert len(judged(source, CutOff(date(2031, 6, 1)))) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": None},
        {"sum": Decimal("5.00")},
        {"cost_kind": ""},
        {"heading": True},
        {"by_day": DAY},
        {"kind": ConditionKind.MATCH},
        {"kind": ConditionKind.SPEND_BY, "share": None, "cost_kind": ""},
        {"kind": ConditionKind.MATCH, "cost_kind": "", "counts_paid": True},
    ],
    ids=str,
)
def test_a_condition_says_one_thing(wrong):
    wrong = {name: HeadingFactory() if value is True else value for name, value in wrong.items()}
    row = SourceConditionFactory.unsaved()
    for name, value in wrong.items():
        setattr(row, name, value)
    assert validation_messages(row.full_clean)
