"""What `manage.py reconcile` proves of headings, decisions, variations, returns and conditions."""

from decimal import Decimal

import pytest

from funding.choices import VariationKind
from tests.support.factories import (
    AllocationFactory,
    HeadingFactory,
    OvercommitmentFactory,
    VariationFactory,
)
from tests.support.money.ledger import award, reconciled, year_with_everything
from tests.support.refusals import without_triggers

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("year_is_over")]


@pytest.mark.both
def test_an_over_committed_source_adds_up():
    year = year_with_everything()
    first = year.sources.order_by("position")[0]
    OvercommitmentFactory(funding_source=first, share=Decimal("10.00"))
    award(first, "1099.99")
    code, said = reconciled()
    assert code == 0, said
    assert "-£99.99" in said


def a_variation_below_nothing(year):
    allocation = AllocationFactory(funding_source=year.sources.first())
    names = ("funding_variation_unpaid", "funding_variation_whole_pence")
    return names, lambda: VariationFactory(allocation=allocation, amount=Decimal("100.01"))


def a_move_that_arrives_nowhere(year):
    allocation = AllocationFactory(funding_source=year.sources.first())
    return (), lambda: VariationFactory(allocation=allocation, kind=VariationKind.MOVE)


def a_heading_without_a_decision(year):
    row = {"funding_source": year.sources.first(), "heading": HeadingFactory(), "decision": None}
    return ("funding_allocation_decided",), lambda: AllocationFactory(**row)


@pytest.mark.parametrize(
    ("violation", "sentence"),
    [
        (a_variation_below_nothing, "was released, moved or returned than was awarded"),
        (a_move_that_arrives_nowhere, "moves money that arrived in 0 allocations"),
        (a_heading_without_a_decision, "is for a budget heading, but names no decision"),
    ],
)
def test_what_the_triggers_should_have_kept_out_is_reported(violation, sentence):
    names, act = violation(year_with_everything())
    with without_triggers(*names):
        act()
        code, said = reconciled()
    assert code != 0
    assert sentence in said, said
