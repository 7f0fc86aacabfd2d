"""A filled demonstration of each unit: every kind of money that there can be, and all of it said to be made up."""

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from funding.choices import (
    ALLOCATION_TEXT_FIELDS,
    PAYMENT_TEXT_FIELDS,
    AllocationKind,
    ConditionKind,
    Irregularity,
    VariationKind,
)
from funding.models import (
    Allocation,
    ContractCopy,
    Decision,
    Explanation,
    FinancialYear,
    Fulfilment,
    FundingSource,
    OnwardGrant,
    Overcommitment,
    Payment,
    PublicationDuty,
    Regranting,
    SourceCondition,
    Variation,
)
from funding.year_accounts import year_accounts
from partners.models import Organisation, Publication, Unit
from programmes.models import AssessmentDecision, EvidenceAssessment, ToolkitApproach
from programmes.models.assessments import TEXT_FIELDS
from programmes.results.models import ApprovedPart, ApprovedReturn, Target
from tests.vru_portal.operations.test_demo import UNITS
from vru_portal.ledger.cut_off import Basis, CutOff
from vru_portal.operations.demo.people import EXAMPLE

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def fill(unit):
    printed = StringIO()
    with override_settings(DEMO=True):
        call_command("demo", UNITS[unit], stdout=printed)
    return printed.getvalue()


@pytest.fixture(scope="module", params=UNITS)
def filled(request, standing):
    """One of the units, and what was printed when its demonstration was filled."""
    with standing():
        yield request.param, fill(request.param)


def test_every_unit_s_sources_are_shared_out_paid_carried_forward_and_add_up(filled):
    _, printed = filled
    assert "Filled with example data" in printed
    assert Unit.objects.get().is_example
    first, *_ = years = list(FinancialYear.objects.with_money().order_by("first_year"))
    assert len(years) >= 2
    for year in years:
        accounts = year_accounts(year, year.sources.standing())
        for account in accounts.sources:
            total = account.paid + account.to_pay - account.over + account.unallocated
            total += account.carried + account.returned
            assert total == account.source.amount
            allowed = account.source.overcommitments.standing().first()
            share = allowed.share if allowed else 0
            assert account.unallocated >= -account.source.amount * share / 100
    accounts = year_accounts(first, first.sources.standing())
    assert accounts.allocated > accounts.total * Decimal("0.75")
    assert Decimal("0.3") < accounts.paid / accounts.allocated < 1
    assert accounts.over == 1000
    carried = FundingSource.objects.get(carried_from__isnull=False)
    assert carried.amount == accounts.carried
    assert carried.year.first_year == first.first_year + 1
    second = Allocation.objects.get(continues__isnull=False)
    assert second.funding_source == carried
    assert second.continues
    assert second.continues.funding_source.year == first
    assert Payment.objects.filter(allocation=second).exists()
    assert set(Payment.objects.dates("paid_on", "month")) >= {
        date(first.first_year, month, 1) for month in (10, 11, 12)
    }


def test_each_kind_of_exception_is_there_some_explained_and_some_not(filled):
    irregular = Payment.objects.with_irregularities().irregular()
    for name in set(Irregularity) - {Irregularity.RETURNED}:  # which no finance system should ever report
        assert irregular.filter(**{name: True}).exists(), name
    explained = set(Explanation.objects.values_list("payment", flat=True))
    found = set(irregular.values_list("pk", flat=True))
    assert explained < found


def test_vat_refunds_contracts_with_and_without_a_copy_and_both_sides_of_the_threshold_are_there(filled):
    assert Payment.objects.filter(irrecoverable_vat__isnull=False).exists()
    assert Payment.objects.filter(amount__lt=0, reverses=None).count() == 1
    over = Allocation.objects.filter(
        kind=AllocationKind.CONTRACT, amount__gt=PublicationDuty.objects.get().contracts_over
    )
    assert over.filter(initiative__isnull=False).count() == 2
    assert ContractCopy.objects.get().allocation in over
    items = Payment.objects.non_grant_items(Decimal(500)).values_list("amount", flat=True)
    assert Decimal("500.01") in items
    assert Decimal("500.00") not in items
    assert Payment.objects.filter(amount="500.00").exists()


def test_a_backdated_correction_makes_known_differ_from_dated(filled):
    reversal = Payment.objects.get(reverses__isnull=False)
    day = reversal.paid_on
    assert reversal.recorded_at.date() > day
    assert reversal.reason.startswith(EXAMPLE)
    year = reversal.allocation.funding_source.year

    def paid(cut_off):
        return year_accounts(year, year.sources.standing(cut_off), cut_off).paid

    assert paid(CutOff(day)) - paid(CutOff(day, Basis.DATED)) == -reversal.amount / 2 - early_ones(day)
    assert Allocation.objects.filter(reverses__isnull=False).count() == 1


def early_ones(day):
    """Return what is dated by the day and recorded later: nothing but the correction, in the launch unit's story."""
    after = Payment.objects.filter(paid_on__lte=day, recorded_at__date__gt=day, reverses=None)
    return sum(payment.amount for payment in after.exclude(paid_on=day)) or Decimal(0)


def test_the_whole_budget_and_what_came_of_it_are_there(filled):
    """Headings, decisions, each kind of variation and condition, results, regranting, and an over-commitment in use."""
    year = FinancialYear.objects.with_money().earliest("first_year")
    of_headings = Allocation.objects.standing().filter(heading__isnull=False)
    assert set(of_headings.values_list("kind", flat=True)) == set(AllocationKind)
    assert Payment.objects.filter(allocation__in=of_headings).exists()
    assert not Allocation.objects.standing().filter(decision=None).exists()
    assert Decision.objects.standing().filter(allocations__isnull=False).exclude(notice_url="").exists()
    assert set(Variation.objects.standing().values_list("kind", flat=True)) == set(VariationKind)
    assert set(SourceCondition.objects.standing().values_list("kind", flat=True)) == set(ConditionKind)
    assert Fulfilment.objects.exists()
    assert Regranting.objects.standing().exists()
    assert OnwardGrant.objects.standing().exists()
    assert {row.decision.notice_url for row in Overcommitment.objects.standing()} - {""}
    accounts = year_accounts(year, year.sources.standing())
    (beyond,) = (account.source for account in accounts.sources if account.unallocated < 0)
    assert Overcommitment.objects.standing().filter(funding_source=beyond).exists()
    assert ApprovedPart.objects.filter(is_suppressed=True).exists()
    assert ApprovedReturn.objects.exclude(correction="").exists()
    assert Target.objects.exists()


def test_everything_that_is_made_up_says_so(filled):
    texts, made_up = [], Publication.objects.get(slug="example-data")
    for assessment in EvidenceAssessment.objects.all():
        texts += [text for name in TEXT_FIELDS if (text := getattr(assessment, name))]
    for approach in ToolkitApproach.objects.filter(pk__in=EvidenceAssessment.objects.values("approach")):
        texts += [approach.title, approach.toolkit]
    for grant in OnwardGrant.objects.all():
        texts += [grant.recipient_name, grant.title]
    for allocation in Allocation.objects.filter(reverses=None):
        texts += [getattr(allocation, name) for name in ALLOCATION_TEXT_FIELDS]
    for payment in Payment.objects.filter(reverses=None):
        texts += [text for name in PAYMENT_TEXT_FIELDS if (text := getattr(payment, name))]
    texts += [row.reasons for row in AssessmentDecision.objects.all()]
    texts += [row.reason for row in Payment.objects.exclude(reverses=None)]
    texts += [row.reason for row in Allocation.objects.exclude(reverses=None)]
    texts += [row.text for row in Explanation.objects.all()]
    texts += [row.title for row in ContractCopy.objects.all()]
    texts += [row.name for row in FundingSource.objects.filter(source=made_up)]
    texts += [row.name for row in Organisation.objects.filter(source=made_up)]
    assert len(texts) > 150
    assert [text for text in texts if not text.startswith(EXAMPLE)] == []
    recipients = Organisation.objects.filter(allocations_received__isnull=False)
    assert set(recipients.values_list("source", flat=True)) == {made_up.pk}


def test_it_is_recorded_on_the_days_that_it_bears_by_users_nobody_can_sign_in_as(filled):
    users = get_user_model().objects.all()
    assert {user.username for user in users} == {"example-author", "example-approver", "example-finance-officer"}
    assert not any(user.is_active or user.is_staff or user.has_usable_password() for user in users)
    for row in [*Allocation.objects.all(), *Payment.objects.all(), *AssessmentDecision.objects.all()]:
        assert row.recorded_by in users
        assert row.recorded_at <= timezone.now()
    assert Payment.objects.filter(recorded_at__date=timezone.localdate()).count() == 0


def test_filling_it_twice_changes_nothing_and_says_so(filled):
    before = Payment.objects.count()
    assert "is already filled" in fill(filled[0])
    assert Payment.objects.count() == before
