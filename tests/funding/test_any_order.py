"""No order of events overspends a source or breaks a sum."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funding.models import Allocation, FundingSource, Payment
from funding.year_accounts import year_accounts
from tests.support.factories import (
    AssessmentDecisionFactory,
    FundingSourceFactory,
    OrganisationFactory,
    UserFactory,
    YearFactory,
)
from tests.support.money.rules import allocate, carry, pay
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def later():
    """A day after all that is recorded here."""
    with time_machine.travel(datetime(2035, 6, 1, 12, tzinfo=UTC), tick=False):
        yield


PENCE = st.integers(1, 60).map(lambda pence: Decimal(pence) / 100)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["allocate", "reverse", "pay", "refund", "pay back", "carry"]), PENCE, st.integers(0, 9)),
    min_size=4,
    max_size=14,
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_no_order_of_events_overspends_a_source_or_breaks_a_sum(events):
    with transaction.atomic():
        year = YearFactory(first_year=2031)
        YearFactory(first_year=2032)
        source = FundingSourceFactory(year=year, amount=Decimal("1.00"))
        decision = AssessmentDecisionFactory()
        given_ = {"initiative": decision.assessment.initiative, "assessment": decision.assessment}
        given_ |= {"recipient": OrganisationFactory(), "awarded_by": OrganisationFactory(), "funding_source": source}
        for number, (event, amount, which) in enumerate(events):
            allocations = list(Allocation.objects.filter(reverses=None))
            payments = list(Payment.objects.filter(reverses=None))
            try:
                with transaction.atomic():
                    match event:
                        case "allocate":
                            allocate(**given_, amount=amount, purpose=f"Event {number}.")
                        case "carry":
                            carry(source, amount)
                        case "reverse" if allocations:
                            reverse(allocations[which % len(allocations)], by=UserFactory(), reason="Why.")
                        case "pay" | "refund" if allocations:
                            pay(allocations[which % len(allocations)], amount if event == "pay" else -amount)
                        case "pay back" if payments:
                            reverse(payments[which % len(payments)], by=UserFactory(), reason="Why.")
            except ValidationError:
                pass
        accounts = year_accounts(year, FundingSource.objects.filter(year=year).standing())
        (account,) = accounts.sources
        assert account.unallocated >= 0
        assert account.allocated + account.carried + account.unallocated == Decimal("1.00")
        assert account.paid + account.to_pay - account.over + account.refunded_beyond_paid == account.allocated
        assert account.paid == sum((p.amount for p in Payment.objects.all()), Decimal(0))
        assert account.allocated == sum((a.amount for a in Allocation.objects.all()), Decimal(0))
        assert account.carried == sum((s.amount for s in source.carried_into.all()), Decimal(0))
        transaction.set_rollback(True)
