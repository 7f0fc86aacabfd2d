"""What becomes of money that will not be spent as it was allocated: the rules, and every sum that follows from them."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from funding.choices import AllocationKind, VariationKind
from funding.models import Allocation, FundingSource, Payment, Variation
from funding.rules import allocations, variations
from funding.statuses import initiative_statuses
from funding.year_accounts import year_accounts
from programmes.choices import InitiativeStatus
from tests.support.factories import (
    DAY,
    AllocationFactory,
    AssessmentDecisionFactory,
    DecisionFactory,
    FundingSourceFactory,
    HeadingFactory,
    InitiativeFactory,
    OrganisationFactory,
    OvercommitmentFactory,
    PaymentFactory,
    UserFactory,
    VariationFactory,
    YearFactory,
    reverse,
)
from tests.support.refusals import insert, validation_messages, without_triggers
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.ledger.cut_off import Basis, CutOff

pytestmark = pytest.mark.django_db
LATER = date(2031, 7, 1)


@pytest.fixture(autouse=True)
def later(time_machine):
    """A day after all that is recorded here."""
    time_machine.move_to(LATER)


@pytest.fixture
def source():
    return FundingSourceFactory(year=YearFactory(first_year=2031), amount=Decimal("100.00"))


@pytest.fixture
def award(source):
    """£60 allocated, £20.50 of it paid."""
    row = AllocationFactory(funding_source=source, amount=Decimal("60.00"), starts_on=DAY)
    PaymentFactory(allocation=row, amount=Decimal("20.50"))
    return row


def vary(allocation, amount, kind=VariationKind.RELEASE, into=None, **fields):
    amount = None if amount is None else Decimal(amount)
    row = VariationFactory.unsaved(allocation=allocation, kind=kind, amount=amount, **fields)
    return variations.vary(by=UserFactory(), variation=row, into=into)


def sums(source, cut_off=None):
    accounts = year_accounts(source.year, source.year.sources.standing(), cut_off or CutOff())
    names = ("allocated", "paid", "to_pay", "over", "returned", "unallocated", "unspent")
    found = {name: str(value) for name in names if (value := getattr(accounts, name))}
    remainder = FundingSource.objects.with_remainder().get(pk=source.pk).remainder
    assert cut_off or remainder == accounts.unallocated
    return found


def test_what_is_released_is_left_of_the_source_again(source, award):
    vary(award, "39.50")
    assert sums(source) == {"allocated": "20.50", "paid": "20.50", "unallocated": "79.50", "unspent": "79.50"}
    AllocationFactory(funding_source=source, amount=Decimal("79.50"))


@pytest.mark.parametrize("kind", [VariationKind.RELEASE, VariationKind.RETURN])
def test_what_is_paid_cannot_be_taken(award, kind):
    said = validation_messages(lambda: vary(award, "39.51", kind))
    assert said == {
        "amount": [
            "£39.51 is £0.01 too much: of £60 allocated, £20.50 is paid, so £39.50 can be released, moved or returned."
        ]
    }
    assert not Variation.objects.exists()


def test_what_is_returned_leaves_the_source(source, award):
    vary(award, "39.50", VariationKind.RETURN)
    assert sums(source) == {
        "allocated": "20.50", "paid": "20.50", "returned": "39.50", "unallocated": "40.00", "unspent": "40.00",
    }  # fmt: skip
    step = VariationFactory.unsaved(allocation=None, funding_source=source, amount=Decimal("40.00"))
    variations.vary(by=UserFactory(), variation=step)
    assert sums(source) == {"allocated": "20.50", "paid": "20.50", "returned": "79.50"}


def test_more_cannot_be_returned_than_is_left(source, award):
    step = VariationFactory.unsaved(allocation=None, funding_source=source, amount=Decimal("40.01"))
    said = validation_messages(lambda: variations.vary(by=UserFactory(), variation=step))
    assert "£40.01 is more than the £40 that is left" in said["amount"][0]


def test_the_end_of_an_award_takes_all_that_is_not_paid(source, award):
    step = vary(award, None, VariationKind.END)
    assert step.amount == Decimal("39.50")
    assert sums(source) == {"allocated": "20.50", "paid": "20.50", "unallocated": "79.50", "unspent": "79.50"}
    assert initiative_statuses()[award.initiative_id] == InitiativeStatus.ENDED
    assert "nothing to end" in str(validation_messages(lambda: vary(award, None, VariationKind.END)))


def test_a_fully_released_award_commissions_nothing(source):
    award = AllocationFactory(funding_source=source)
    assert initiative_statuses()[award.initiative_id] == InitiativeStatus.COMMISSIONED
    vary(award, "100.00")
    assert initiative_statuses()[award.initiative_id] == InitiativeStatus.ASSESSED


def moving_to(**fields):
    same = {"recipient": OrganisationFactory(), "awarded_by": OrganisationFactory(), "purpose": "Torches."}
    return Allocation(kind=AllocationKind.GRANT, **same | fields)


def test_a_move_is_allocated_in_full_to_another_recipient_initiative_or_heading(source, award):
    assessed = AssessmentDecisionFactory().assessment.initiative
    into = moving_to(initiative=assessed)
    step = vary(award, "10.00", VariationKind.MOVE, into)
    arrived = Allocation.objects.get(moved_from=step)
    assert (arrived.amount, arrived.funding_source, arrived.decision) == (step.amount, source, step.decision)
    vary(award, "5.00", VariationKind.MOVE, moving_to(heading=HeadingFactory()))
    assert sums(source) == {
        "allocated": "60.00", "paid": "20.50", "to_pay": "39.50", "unallocated": "40.00", "unspent": "79.50",
    }  # fmt: skip


def test_a_move_that_cannot_arrive_takes_nothing(source, award):
    said = validation_messages(
        lambda: vary(award, "10.00", VariationKind.MOVE, moving_to(initiative=InitiativeFactory()))
    )
    assert "no approved evidence assessment" in said["initiative"][0]
    assert not Variation.objects.exists()


@pytest.mark.parametrize(("kind", "into"), [(VariationKind.MOVE, None), (VariationKind.RELEASE, "something")])
def test_only_a_move_has_somewhere_to_go(award, kind, into):
    assert "kind" in validation_messages(lambda: vary(award, "1.00", kind, into and moving_to()))


def test_a_variation_names_a_decision_by_its_day_and_is_not_before_its_allocation(award):
    late = DecisionFactory(decided_on=DAY + timedelta(days=1))
    assert (
        "Enter that day or a later one"
        in validation_messages(lambda: vary(award, "1.00", decision=late))["varied_on"][0]
    )
    assert "decision" in validation_messages(lambda: vary(award, "1.00", decision=None))
    early = DAY - timedelta(days=1)
    decision = DecisionFactory(decided_on=early)
    said = validation_messages(lambda: vary(award, "1.00", varied_on=early, decision=decision))
    assert "It was allocated on" in said["varied_on"][0]


def test_a_step_that_is_taken_back_counts_no_more(source, award):
    before = sums(source)
    reverse(vary(award, "10.00", VariationKind.RETURN))
    assert sums(source) == before


def test_as_known_and_as_dated(source, award, time_machine):
    time_machine.move_to(DAY + timedelta(days=30))
    vary(award, "39.50", VariationKind.RETURN, varied_on=DAY + timedelta(days=10))

    def returned(days, basis):
        return sums(source, CutOff(DAY + timedelta(days=days), basis)).get("returned")

    assert [returned(days, Basis.DATED) for days in (9, 10)] == [None, "39.50"]
    assert [returned(days, Basis.KNOWN) for days in (29, 30)] == [None, "39.50"]


# Payments after a variation -------------------------------------------------------------------------------------------


def irregular():
    return {row.reference: row.irregularities for row in Payment.objects.with_irregularities() if row.irregularities}


def test_a_refund_that_is_released_makes_no_exception_of_the_payment_before_it(award):
    PaymentFactory(allocation=award, amount=Decimal("39.50"))
    PaymentFactory(allocation=award, amount=Decimal("-15.00"))
    vary(award, "15.00")
    assert irregular() == {}


def test_a_payment_beyond_what_was_left_is_an_exception(award):
    vary(award, None, VariationKind.END)
    late = PaymentFactory(allocation=award, amount=Decimal("0.01"), paid_on=DAY + timedelta(days=1))
    assert irregular() == {late.reference: ["£0.01 over its allocation of £20.50."]}


# Over-commitment ------------------------------------------------------------------------------------------------------


def allocate(source, amount):
    row = AllocationFactory.unsaved(funding_source=source, amount=Decimal(amount))
    return allocations.allocate(by=UserFactory(), allocation=row)


def test_a_source_is_over_committed_only_by_the_share_that_a_published_decision_names(source):
    with pytest.raises(Exception, match="more than is left"):
        allocate(source, "100.01")
    row = OvercommitmentFactory.unsaved(funding_source=source, share=Decimal("10.01"))
    variations.allow_overcommitment(by=UserFactory(), overcommitment=row)
    said = validation_messages(lambda: allocate(source, "110.02"))
    assert said["amount"][0].startswith("£110.02 is £0.01 more than is left in Chest")
    assert "of £100 and the £10.01 that may be allocated beyond it, £0 is allocated" in said["amount"][0]
    allocate(source, "110.01")
    assert sums(source)["unallocated"] == "-10.01"


def test_a_decision_whose_notice_is_not_published_allows_nothing(source):
    row = OvercommitmentFactory.unsaved(funding_source=source, decision=DecisionFactory(notice_url=""))
    said = validation_messages(lambda: variations.allow_overcommitment(by=UserFactory(), overcommitment=row))
    assert "Only a published decision" in said["decision"][0]


# Headings and decisions -----------------------------------------------------------------------------------------------


def test_an_allocation_is_for_one_thing_and_own_costs_are_of_a_heading():
    row = AllocationFactory.unsaved(heading=HeadingFactory())
    assert allocations.allocate(by=UserFactory(), allocation=row).assessment is None
    both = AllocationFactory.unsaved()
    both.heading = HeadingFactory()
    neither = AllocationFactory.unsaved(heading=HeadingFactory())
    neither.heading = None
    for row in (both, neither):
        said = validation_messages(partial(allocations.allocate, by=UserFactory(), allocation=row))
        assert said == {"initiative": ["Choose either an initiative or a budget heading."]}
    said = validation_messages(
        lambda: allocations.allocate(by=UserFactory(), allocation=AllocationFactory.unsaved(kind="own"))
    )
    assert "Own costs belong to a budget heading" in said["kind"][0]


@pytest.mark.both
@pytest.mark.parametrize("for_both", [True, False], ids=["both", "neither"])
def test_the_database_itself_refuses_an_allocation_for_both_and_for_neither(for_both):
    """By SQL, past every rule, and past the triggers, which would refuse some of these for reasons of their own."""
    row = AllocationFactory.unsaved(decision=DecisionFactory())
    row.recorded_at = timezone.now()
    row.recorded_by = UserFactory()
    names = [t.name for t in DatabaseTriggers(connection).expected.values() if t.table == "funding_allocation"]
    if for_both:
        row.heading = HeadingFactory()
    else:
        row.initiative = row.assessment = None
    with without_triggers(*names):
        with pytest.raises(IntegrityError, match="funding_allocation_for_one_thing"), transaction.atomic():
            insert(row)
        row.heading = None if for_both else HeadingFactory()
        assert insert(row) == 1  # what was wrong with it is nothing else


def test_a_heading_that_is_a_draft_gets_no_money_and_one_with_money_stays_published():
    draft = AllocationFactory.unsaved(heading=HeadingFactory(state="draft"))
    assert (
        "is a draft"
        in validation_messages(lambda: allocations.allocate(by=UserFactory(), allocation=draft))["heading"][0]
    )
    heading = AllocationFactory(heading=HeadingFactory()).heading
    assert heading.unpublishing_blocker()


def test_who_decided_held_the_post_on_that_day():
    row = DecisionFactory.unsaved()
    row.decided_by.held_until = DAY - timedelta(days=1)
    said = validation_messages(lambda: variations.decide(by=UserFactory(), decision=row))
    assert "did not hold this post on that day" in said["decided_by"][0]
    row.decided_by.held_until = DAY
    assert variations.decide(by=UserFactory(), decision=row).pk


def test_a_decision_has_reasons_and_a_reference_of_its_own_in_its_year():
    row = DecisionFactory.unsaved(reasons="")
    assert "reasons" in validation_messages(lambda: variations.decide(by=UserFactory(), decision=row))
    first = DecisionFactory(reference="Moor 1")
    again = DecisionFactory.unsaved(year=first.year, reference="moor 1")
    assert (
        "already recorded"
        in validation_messages(lambda: variations.decide(by=UserFactory(), decision=again))["reference"][0]
    )
    reverse(first)
    assert variations.decide(by=UserFactory(), decision=again).pk


def test_money_of_a_year_that_is_all_returned_is_accounted_for(source, client):
    from django.urls import reverse as address

    source.year.spend_by = date(2032, 3, 31)
    source.year.save()
    user = UserFactory(is_superuser=True)
    client.force_login(user)
    assert "is unspent" in client.get(address("admin:index")).text
    step = VariationFactory.unsaved(allocation=None, funding_source=source, amount=Decimal("100.00"))
    variations.vary(by=user, variation=step)
    assert "is unspent" not in client.get(address("admin:index")).text
