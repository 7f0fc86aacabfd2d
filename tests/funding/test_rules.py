"""What the rules say where they refuse: rule, sums and way out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError

from funding.choices import Irregularity
from funding.models import Allocation, Contributor, Payment
from funding.rules import allocations, payments, sources
from funding.rules.payments import check_payment, explain, pay_all
from partners.models import Organisation
from programmes.choices import Outcome
from tests.support.factories import (
    DAY,
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    ColumnFactory,
    ContributorFactory,
    DutyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    UserFactory,
    YearFactory,
)
from tests.support.money.rules import allocate, carry, pay
from tests.support.refusals import validation_messages
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def later():
    """A day after all that is recorded here."""
    with time_machine.travel(datetime(2035, 6, 1, 12, tzinfo=UTC), tick=False):
        yield


# Allocations ----------------------------------------------------------------------------------------------------------


def test_an_allocation_uses_the_latest_assessment_approved_by_its_day():
    initiative = InitiativeFactory()
    made = [
        AssessmentDecisionFactory(assessment__initiative=initiative, decided_on=day).assessment
        for day in (DAY - timedelta(days=2), DAY - timedelta(days=1), DAY + timedelta(days=1))
    ]
    assert allocate(initiative=initiative, assessment=None).assessment == made[1]
    assert allocate(initiative=initiative, assessment=made[0]).assessment == made[0]
    duty = DutyFactory()
    by = UserFactory()
    row = allocations.allocate(
        by=by, allocation=AllocationFactory.unsaved(awarded_by=None, initiative=initiative, assessment=None)
    )
    assert (row.awarded_by, row.recorded_by) == (duty.awarding_body, by)


NOT_APPROVED = "has no approved evidence assessment. Write one and have somebody else approve it"


@pytest.mark.parametrize(
    "make",
    [
        lambda initiative: None,
        lambda initiative: AssessmentFactory(initiative=initiative),
        lambda initiative: AssessmentDecisionFactory(assessment__initiative=initiative, outcome=Outcome.DECLINED),
        lambda initiative: AssessmentDecisionFactory(),
        lambda initiative: reverse(
            AssessmentDecisionFactory(assessment__initiative=initiative), by=UserFactory(), reason="A mistake."
        ),
    ],
    ids=["none", "undecided", "declined", "another initiative's", "reversed"],
)
def test_no_money_without_an_approved_assessment(make):
    initiative = InitiativeFactory(name="Night walks")
    make(initiative)
    (sentence,) = validation_messages(lambda: allocate(initiative=initiative, assessment=None))["initiative"]
    assert sentence.startswith(f"Night walks {NOT_APPROVED}")
    assert not Allocation.objects.exists()


def test_no_money_before_the_day_of_the_approval():
    decision = AssessmentDecisionFactory(assessment__initiative__name="Night walks", decided_on=DAY)
    fields = {"initiative": decision.assessment.initiative, "assessment": None}
    assert validation_messages(lambda: allocate(**fields, awarded_on=DAY - timedelta(days=1))) == {
        "awarded_on": [
            "The evidence assessment of Night walks was approved on 6 May 2031. Enter that day or a later one."
        ]
    }
    assert allocate(**fields, awarded_on=DAY).assessment == decision.assessment


def test_a_penny_more_than_is_left_is_refused_with_the_sums_and_the_last_penny_is_not():
    source = FundingSourceFactory(name="Chest", year__first_year=2031, amount=Decimal("100.00"))
    allocate(funding_source=source, amount="60.00")
    carried = FundingSourceFactory.unsaved(year=None, name="", slug="", amount=Decimal("10.00"))
    YearFactory(first_year=2032)
    sources.carry_forward(by=UserFactory(), source=source, carried=carried)
    assert validation_messages(lambda: allocate(funding_source=source, amount="30.01")) == {
        "amount": [
            "£30.01 is £0.01 more than is left in Chest, 2031-32: of £100, £60 is allocated, £10 is carried forward, "
            "so £30 is left. Allocate that or less, release or reverse another allocation, or choose another source."
        ]
    }
    allocate(funding_source=source, amount="30.00")
    assert "so £0 is left" in validation_messages(lambda: allocate(funding_source=source, amount="0.01"))["amount"][0]


def test_thirty_pence_are_ten_and_twenty():
    source = FundingSourceFactory(amount=Decimal("0.30"))
    for amount in ("0.10", "0.20"):
        last = allocate(funding_source=source, amount=amount)
    assert "so £0 is left" in validation_messages(lambda: allocate(funding_source=source, amount="0.01"))["amount"][0]
    reverse(last, by=UserFactory(), reason="Entered twice.")
    allocate(funding_source=source, amount="0.20", purpose="Lamps.")


def test_nothing_is_taken_from_a_reversed_source():
    source = FundingSourceFactory()
    reverse(source, by=UserFactory(), reason="Not ours.")
    assert validation_messages(lambda: allocate(funding_source=source)) == {
        "funding_source": ["This source was reversed. Choose another source."]
    }


def test_the_same_allocation_twice_is_refused_and_another_like_it_is_not():
    first = allocate()
    same = {
        name: getattr(first, name)
        for name in ("funding_source", "initiative", "recipient", "awarded_on", "amount", "kind", "purpose")
    }
    (sentence,) = validation_messages(lambda: allocate(**same, assessment=None))["__all__"]
    assert sentence == (
        f"The same allocation is already recorded: {first.public_id}. If this is another one, describe the "
        "difference in its purpose."
    )
    allocate(**same | {"purpose": "More lanterns."}, assessment=None)
    reverse(first, by=UserFactory(), reason="Entered twice.")
    allocate(**same, assessment=None)


@pytest.mark.parametrize("name", ["initiative", "recipient", "awarded_by"])
def test_an_allocation_names_no_draft(name):
    row = AllocationFactory.unsaved()
    named = getattr(row, name)
    type(named).objects.filter(pk=named.pk).update(state="draft")
    named.refresh_from_db()
    (sentence,) = validation_messages(lambda: allocations.allocate(by=UserFactory(), allocation=row))[name]
    assert sentence == f"{named} is a draft. Publish it first: allocations are public immediately."


def test_an_allocation_is_not_for_an_initiative_on_a_draft_level():
    row = AllocationFactory.unsaved()
    type(row.initiative.level).objects.update(state="draft")
    row.initiative.refresh_from_db()
    messages = validation_messages(lambda: allocations.allocate(by=UserFactory(), allocation=row))
    assert messages == {"initiative": [f"{row.initiative.level} is a draft. Publish it first."]}


def test_what_the_duty_asks_must_be_stated_in_its_own_words():
    duty = DutyFactory(name="Moor Publishing Order")
    ColumnFactory(duty=duty, list="grants", field="reasons", label="Grounds")
    ColumnFactory(duty=duty, list="grants", field="department", required=False)
    ColumnFactory(duty=duty, list="contracts", field="value_for_money")
    assert validation_messages(lambda: allocate(reasons=" \n", value_for_money="")) == {
        "reasons": ["Enter “Grounds”: Moor Publishing Order requires it to be published."]
    }
    assert set(validation_messages(lambda: allocate(kind="contract", reasons="", value_for_money=""))) == {
        "value_for_money"
    }


@pytest.mark.parametrize("amount", [0.1, "0.001", "twelve"])
def test_a_sum_is_pounds_and_pence(amount):
    row = AllocationFactory.unsaved(amount=amount)
    assert set(validation_messages(lambda: allocations.allocate(by=UserFactory(), allocation=row))) == {"amount"}


def test_an_award_over_years_keeps_its_initiative_and_recipient():
    first = allocate(amount="10.00")
    same = {name: getattr(first, name) for name in ("initiative", "recipient", "awarded_by")}
    second = allocate(**same, amount="20.00", continues=first, assessment=None)
    assert {a.award_total for a in Allocation.objects.with_award_total()} == {Decimal("30.00")}
    message = (
        "An award over several years must have the same initiative or heading and the same recipient each year. "
        "Choose its first allocation."
    )
    wrong = same | {"recipient": OrganisationFactory()}
    assert validation_messages(lambda: allocate(**wrong, continues=first, assessment=None)) == {"continues": [message]}
    assert validation_messages(lambda: allocate(**same, purpose="More.", continues=second, assessment=None)) == {
        "continues": [message]
    }


# Reversals ------------------------------------------------------------------------------------------------------------


def test_a_reversal_says_why_and_takes_back_once():
    row = allocate()
    by = UserFactory()
    assert validation_messages(lambda: reverse(row, by=by, reason="  ")) == {
        "reason": ["Enter a reason. It is shown with the reversal."]
    }
    reversal = reverse(row, by=by, reason=" Entered twice. ")
    assert (reversal.amount, reversal.reason, reversal.reverses, reversal.recorded_by) == (
        -row.amount, "Entered twice.", row, by,
    )  # fmt: skip
    assert validation_messages(lambda: reverse(Allocation.objects.get(pk=row.pk), by=by, reason="Again.")) == {
        "": ["This has already been reversed."]
    }
    assert "This is a reversal" in validation_messages(lambda: reverse(reversal, by=by, reason="Again."))[""][0]


def test_what_hangs_on_a_row_is_reversed_first():
    payment = pay(allocate(), "5.00")
    by, allocation = UserFactory(), payment.allocation
    decision = allocation.assessment.decisions.get()
    assert (
        "This allocation has payments" in validation_messages(lambda: reverse(allocation, by=by, reason="Why."))[""][0]
    )
    assert (
        "Money is allocated on this decision"
        in validation_messages(lambda: reverse(decision, by=by, reason="Why."))[""][0]
    )
    source = allocation.funding_source
    assert (
        "Money of this source is allocated" in validation_messages(lambda: reverse(source, by=by, reason="Why."))[""][0]
    )
    for row in (payment, allocation, decision, source):
        reverse(row, by=by, reason="Why.")
    assert validation_messages(lambda: allocate(initiative=allocation.initiative, assessment=None))["initiative"]


# Carrying forward -----------------------------------------------------------------------------------------------------


def test_what_is_left_becomes_a_source_of_the_next_year():
    source = FundingSourceFactory(name="Chest", slug="chest", year__first_year=2031, amount=Decimal("100.00"))
    ContributorFactory(funding_source=source)
    assert "Add the financial year after 2031-32 first" in validation_messages(lambda: carry(source, "1.00"))[""][0]
    later = YearFactory(first_year=2032)
    allocate(funding_source=source, amount="40.00")
    assert validation_messages(lambda: carry(source, "60.01")) == {
        "amount": [
            "£60.01 is more than the £60 that is left in Chest, 2031-32. To carry forward money that is allocated but "
            "will not be spent, release it first."
        ]
    }
    carried = carry(source, "60.00")
    assert (carried.year, carried.name, carried.slug) == (later, "Carried forward: Chest", "carried-forward-chest")
    assert [c.organisation for c in carried.contributors.all()] == [Contributor.objects.earliest("pk").organisation]
    reverse(carried, by=UserFactory(), reason="A slip.")
    assert [carry(source, "20.00").slug for _ in range(3)] == [f"carried-forward-chest-{n}" for n in (2, 3, 4)]


# Payments: facts, whatever is wrong with them -------------------------------------------------------------------------


def test_a_payment_goes_to_the_recipient_unless_it_names_another():
    allocation = allocate()
    assert pay(allocation, "1.00", payee=None).payee == allocation.recipient
    assert pay(allocation, "1.00", payee=(other := OrganisationFactory())).payee == other


def test_what_is_no_payment_is_refused():
    allocation = allocate()
    first = pay(allocation, "1.00")
    assert (
        "already recorded"
        in validation_messages(lambda: pay(allocation, "1.00", reference=first.reference))["reference"][0]
    )
    draft = OrganisationFactory(state="draft")
    assert (
        "is a draft. Publish it first" in validation_messages(lambda: pay(allocation, "1.00", payee=draft))["payee"][0]
    )
    assert (
        "The date must be today or in the past"
        in validation_messages(lambda: pay(allocation, "1.00", date(2035, 6, 2)))["paid_on"][0]
    )
    pay(allocation, "1.00", date(2035, 6, 1))
    reverse(other := allocate(), by=UserFactory(), reason="Why.")
    reversal = Allocation.objects.get(reverses=other)
    assert "Choose the allocation itself" in validation_messages(lambda: pay(reversal, "1.00"))["allocation"][0]


FLAGS = Irregularity.values


def irregular(*payments):
    """Return which flags each payment has."""
    rows = Payment.objects.with_irregularities().in_bulk([p.pk for p in payments])
    return [{name for name in FLAGS if getattr(rows[p.pk], name)} for p in payments]


@pytest.mark.parametrize(
    ("day", "flags"),
    [
        (date(2031, 3, 31), {"unassessed", "outside"}),
        (date(2031, 4, 1), {"unassessed"}),
        (DAY - timedelta(days=1), {"unassessed"}),
        (DAY, set()),
        (date(2032, 2, 15), set()),
        (date(2032, 2, 16), {"late"}),
        (date(2032, 3, 31), {"late"}),
        (date(2032, 4, 1), {"late", "outside"}),
        (date(2033, 1, 1), {"late", "outside"}),
    ],
)
def test_a_payment_on_a_boundary_is_what_it_is(day, flags):
    year = YearFactory(first_year=2031, spend_by=date(2032, 2, 15))
    allocation = allocate(funding_source=FundingSourceFactory(year=year))
    payment = pay(allocation, "1.00", day)
    assert irregular(payment) == [flags]
    row = Payment.objects.with_irregularities().select_related("allocation__funding_source__year").get(pk=payment.pk)
    assert len(row.irregularities) == len(flags)
    assert all("2031" in sentence or "2032" in sentence for sentence in row.irregularities)
    assert Payment.objects.with_irregularities().irregular().exists() is bool(flags)


def test_over_its_allocation_is_from_the_penny_that_is_too_much():
    source = FundingSourceFactory(year__first_year=2031)
    allocation = allocate(funding_source=source, amount="0.30")
    exact = [pay(allocation, amount) for amount in ("0.10", "0.20")]
    assert irregular(*exact) == [set(), set()]
    too_much = pay(allocation, "0.01")
    assert irregular(*exact, too_much) == [set(), set(), {"over"}]
    earlier = pay(allocation, "0.05", DAY)
    refund = pay(allocation, "-0.06", DAY + timedelta(days=1))
    assert irregular(too_much, earlier, refund) == [{"over"}, {"over"}, set()]
    row = Payment.objects.with_irregularities().select_related("allocation__funding_source__year").get(pk=too_much.pk)
    assert row.irregularities == ["£0.01 over its allocation of £0.30."]
    for one in (too_much, earlier):
        reverse(one, by=UserFactory(), reason="Why.")
    assert not Payment.objects.with_irregularities().irregular().exists()


def test_a_refund_of_more_than_was_paid_is_an_exception():
    allocation = allocate(funding_source=FundingSourceFactory(year__first_year=2031), amount="100.00")
    first = pay(allocation, "10.00", DAY)
    whole = pay(allocation, "-10.00", DAY + timedelta(days=1))
    beyond = pay(allocation, "-2.50", DAY + timedelta(days=2))
    assert irregular(first, whole, beyond) == [set(), set(), {"returned"}]
    row = Payment.objects.with_irregularities().select_related("allocation__funding_source__year").get(pk=beyond.pk)
    assert row.irregularities == ["£2.50 more paid back than had been paid on its allocation."]


def test_nothing_is_allocated_after_the_money_had_to_be_spent():
    year = YearFactory(first_year=2031, spend_by=date(2032, 2, 15))
    source = FundingSourceFactory(year=year)
    with pytest.raises(ValidationError, match="had to be spent by 15 February 2032"):
        allocate(funding_source=source, awarded_on=date(2032, 2, 16))
    assert allocate(funding_source=source, awarded_on=date(2032, 2, 15)).pk


def test_an_exception_is_explained_and_a_contract_shown():
    payment = pay(allocate(kind="contract"), "1.00")
    by = UserFactory()
    assert explain(by=by, payment=payment, text="The oil came late.").recorded_by == by
    assert "text" in validation_messages(lambda: explain(by=by, payment=payment, text=""))
    copy = allocations.add_contract_copy(
        by=by, allocation=payment.allocation, title="Oil", url="https://moor.example.org/oil"
    )
    assert str(copy) == "Oil"
    add = {"by": by, "allocation": payment.allocation, "title": "Oil"}
    assert "url" in validation_messages(lambda: allocations.add_contract_copy(**add, url="javascript:alert(1)"))
    with pytest.raises(ValidationError, match="only to a contract"):
        allocations.add_contract_copy(**add | {"allocation": allocate()}, url="https://moor.example.org/oil")


def checked_payments(*references):
    """Return payments that are checked and not recorded yet."""
    by, allocation = UserFactory(), AllocationFactory(amount=Decimal("1000.00"))
    payments = [PaymentFactory.unsaved(allocation=allocation, reference=reference) for reference in references]
    for payment in payments:
        check_payment(by=by, payment=payment)
    return by, payments


def test_payments_are_recorded_together():
    by, payments = checked_payments("A-1", "A-2")
    assert pay_all(by=by, payments=payments) == {}
    assert [*Payment.objects.values_list("reference", "recorded_by")] == [("A-1", by.pk), ("A-2", by.pk)]


def test_of_payments_that_are_recorded_together_each_is_refused_that_has_become_impossible():
    by, payments = checked_payments("A-1", "A-2", "A-3")
    PaymentFactory(reference="a-2")  # meanwhile
    refused = pay_all(by=by, payments=payments)
    assert [*refused] == [1]
    assert "already recorded" in refused[1].messages[0]
    assert Payment.objects.count() == 3


def test_no_payment_is_recorded_to_a_payee_that_is_a_draft_since_the_check():
    by, payments = checked_payments("A-1", "A-2")
    payments[1].payee = OrganisationFactory()
    Organisation.objects.filter(pk=payments[1].payee_id).update(state="draft")
    (error,) = pay_all(by=by, payments=payments).values()
    assert "is a draft. Publish it first" in error.messages[0]
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"amount": None}, {"allocation": None}, {"paid_on": date(2040, 1, 1)}])
def test_a_payment_is_checked_as_the_rule_checks_it(wrong):
    payment = PaymentFactory.unsaved(allocation=AllocationFactory())
    for name, value in wrong.items():
        setattr(payment, name, value)
    with pytest.raises(ValidationError) as checked:
        check_payment(by=UserFactory(), payment=payment)
    with pytest.raises(ValidationError) as refused:
        payments.pay(by=UserFactory(), payment=payment)
    assert checked.value.message_dict == refused.value.message_dict
