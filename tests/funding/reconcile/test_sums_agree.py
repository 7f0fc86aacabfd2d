"""What is left of a source and of an allocation is stated in SQL, in querysets and in accounts: they agree."""

import random
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from funding.choices import VariationKind
from funding.models import Allocation, FundingSource, Payment, Variation
from funding.models.sums import ALLOWANCE_PENCE, NET_PENCE, PAID_PENCE, SOURCE_PENCE, TAKEN_PENCE
from funding.rules import variations
from funding.rules.allocations import allocate
from funding.rules.sources import allowance_of, carry_forward
from funding.year_accounts import year_accounts
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    FundingSourceFactory,
    HeadingFactory,
    OvercommitmentFactory,
    PaymentFactory,
    UserFactory,
    VariationFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db
STEPS = 60


@pytest.fixture(autouse=True)
def later(time_machine):
    """A day after all that is recorded here."""
    time_machine.move_to(date(2031, 7, 1))


def in_sql(fragment, **names):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {fragment.format(**names)}")
        return Decimal(int(cursor.fetchone()[0])).scaleb(-2)


def pounds(dice, most="60.00"):
    return Decimal(dice.randrange(1, int(Decimal(most) * 100))).scaleb(-2)


def act(dice, by, sources, following, assessment):
    """Do something that may happen to money; what the rules refuse does not happen."""
    source, kind = dice.choice(sources), dice.choice(list(VariationKind))
    allocations = list(Allocation.objects.standing())
    allocation = dice.choice(allocations) if allocations else None
    what = dice.randrange(8)
    if what == 0 or allocation is None:
        of_walk = {"initiative": assessment.initiative, "assessment": assessment}
        subject = {"heading": HeadingFactory()} if dice.random() < 0.5 else of_walk
        row = AllocationFactory.unsaved(funding_source=source, amount=pounds(dice), **subject)
        allocate(by=by, allocation=row)
    elif what == 1:
        PaymentFactory(allocation=allocation, amount=pounds(dice) * dice.choice([1, 1, -1]))
    elif what in (2, 3):
        into = None
        if kind == VariationKind.MOVE:
            into = AllocationFactory.unsaved(funding_source=allocation.funding_source, heading=HeadingFactory())
        amount = None if kind == VariationKind.END else pounds(dice, "20.00")
        variations.vary(
            by=by, variation=VariationFactory.unsaved(allocation=allocation, kind=kind, amount=amount), into=into
        )
    elif what == 4:
        row = VariationFactory.unsaved(allocation=None, funding_source=source, amount=pounds(dice, "9.00"))
        variations.vary(by=by, variation=row)
    elif what == 5:
        carried = FundingSourceFactory.unsaved(year=following, amount=pounds(dice, "9.00"))
        carry_forward(by=by, source=source, carried=carried)
    else:
        model = dice.choice([Allocation, Variation, Payment])
        rows = list(model.objects.standing())
        if rows:
            reverse(dice.choice(rows), by=by, reason="A mistake.")


@pytest.mark.parametrize("seed", range(6))
def test_three_statements_of_one_sum(seed):
    dice, by = random.Random(seed), UserFactory()  # noqa: S311
    year, following = YearFactory(first_year=2031), YearFactory(first_year=2032)
    sources = [FundingSourceFactory(year=year, amount=Decimal("100.07")) for _ in range(2)]
    OvercommitmentFactory(funding_source=sources[0], share=Decimal("12.34"))
    refused, assessment = 0, AssessmentDecisionFactory().assessment
    for _ in range(STEPS):
        try:
            act(dice, by, sources, following, assessment)
        except ValidationError:
            refused += 1
    assert 0 < refused < STEPS
    accounts = year_accounts(year, year.sources.standing().order_by("pk"))
    for account in accounts.sources:
        key = account.source.pk
        found = FundingSource.objects.with_remainder().get(pk=key)
        left = in_sql(SOURCE_PENCE, source=key) - in_sql(TAKEN_PENCE, source=key)
        assert left == found.remainder == account.unallocated
        assert found.allocated == account.allocated
        assert in_sql(ALLOWANCE_PENCE, source=key) == allowance_of(account.source)
        assert left >= -allowance_of(account.source)
    balances = {balance.pk: balance for balance in accounts.balances}
    for allocation in Allocation.objects.filter(reverses=None).with_varied().with_paid():
        balance = balances.get(allocation.pk)
        net = in_sql(NET_PENCE, allocation=allocation.pk)
        assert net == (balance.allocated if balance else 0)
        assert in_sql(PAID_PENCE, allocation=allocation.pk) == allocation.paid
        assert allocation.is_reversed or net == allocation.allocated
        assert net >= 0
