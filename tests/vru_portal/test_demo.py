"""The demonstration: whole, labelled on every page and in every text, and never in the unit's own database."""

import re
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from funding.accounts import accounts_of
from funding.choices import ALLOCATION_WORDS, PAYMENT_WORDS, Basis, Irregularity, Kind
from funding.models import Allocation, ContractCopy, Explanation, FinancialYear, FundingSource, Payment, PublicationDuty
from funding.querysets import AsAt, with_status
from partners.models import Organisation, Publication, Unit
from partners.templatetags.partners import example_strip
from programmes.choices import Outcome, Status
from programmes.models import AssessmentDecision, EvidenceAssessment, Initiative
from tests.factories import (
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PublicationFactory,
    UnitFactory,
    YearFactory,
)
from tests.portal_process import one_sentence
from vru_portal.demo import filling
from vru_portal.demo.cast import SAY
from vru_portal.demo.story import Story

pytestmark = pytest.mark.django_db

STRIP = "every assessment, allocation and payment here is made up."
UNITS = {"launch": settings.BASE_DIR / "fixtures", "riverside": settings.BASE_DIR / "tests/units/riverside"}


@pytest.fixture
def demo(settings):
    """Switch to a demonstration; call it to fill one."""
    settings.DEMO = True

    def fill(folder=UNITS["launch"], **options):
        printed = StringIO()
        call_command("demo", folder, stdout=printed, **options)
        return printed.getvalue()

    return fill


@pytest.fixture(params=UNITS)
def filled(request, demo):
    return request.param, demo(UNITS[request.param])


def test_every_unit_s_sources_are_shared_out_paid_carried_forward_and_add_up(filled):
    _, printed = filled
    assert "Filled with example data" in printed
    assert Unit.objects.get().is_example
    first, *_ = years = list(FinancialYear.objects.with_money().order_by("first_year"))
    assert len(years) >= 2
    for year in years:
        accounts = accounts_of(year, year.sources.standing().with_carried())
        for account in accounts.sources:
            total = account.paid + account.to_pay - account.over + account.unallocated + account.carried
            assert total == account.source.amount
            assert account.unallocated >= 0
    accounts = accounts_of(first, first.sources.standing().with_carried())
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
    over = Allocation.objects.filter(kind=Kind.CONTRACT, amount__gt=PublicationDuty.objects.get().contracts_over)
    assert over.count() == 2
    assert ContractCopy.objects.get().allocation in over
    items = Payment.objects.items(Decimal(500)).values_list("amount", flat=True)
    assert Decimal("500.01") in items
    assert Decimal("500.00") not in items
    assert Payment.objects.filter(amount="500.00").exists()


def test_a_backdated_correction_makes_known_differ_from_dated(filled):
    reversal = Payment.objects.get(reverses__isnull=False)
    day = reversal.paid_on
    assert reversal.recorded_at.date() > day
    assert reversal.reason.startswith(SAY)
    year = reversal.allocation.funding_source.year

    def paid(as_at):
        return accounts_of(year, year.sources.standing(as_at).with_carried(as_at), as_at).paid

    assert paid(AsAt(day)) - paid(AsAt(day, Basis.DATED)) == -reversal.amount / 2 - early_ones(day)
    assert Allocation.objects.filter(reverses__isnull=False).count() == 1


def early_ones(day):
    """Return what is dated by the day and recorded later: nothing but the correction, in the launch unit's story."""
    after = Payment.objects.filter(paid_on__lte=day, recorded_at__date__gt=day, reverses=None)
    return sum(payment.amount for payment in after.exclude(paid_on=day)) or Decimal(0)


def statuses(initiatives):
    rows: Any = with_status(initiatives)
    return {row.status for row in rows}


def test_at_launch_every_status_shows(demo):
    demo()
    assert statuses(Initiative.objects.public()) == set(Status)
    assert AssessmentDecision.objects.filter(outcome=Outcome.DECLINED).count() == 1
    assert EvidenceAssessment.objects.undecided().count() == 1


def test_everything_that_is_made_up_says_so(filled):
    texts = []
    for assessment in EvidenceAssessment.objects.all():
        texts += [assessment.evidence, assessment.need, assessment.expected_effect]
    for allocation in Allocation.objects.filter(reverses=None):
        texts += [getattr(allocation, name) for name in ALLOCATION_WORDS]
    for payment in Payment.objects.filter(reverses=None):
        texts += [text for name in PAYMENT_WORDS if (text := getattr(payment, name))]
    texts += [row.reasons for row in AssessmentDecision.objects.all()]
    texts += [row.reason for row in Payment.objects.exclude(reverses=None)]
    texts += [row.reason for row in Allocation.objects.exclude(reverses=None)]
    texts += [row.text for row in Explanation.objects.all()]
    texts += [row.title for row in ContractCopy.objects.all()]
    made_up = Publication.objects.get(slug="example-data")
    texts += [row.name for row in FundingSource.objects.filter(source=made_up)]
    texts += [row.name for row in Organisation.objects.filter(source=made_up)]
    assert len(texts) > 150
    assert [text for text in texts if not text.startswith(SAY)] == []
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


def test_it_is_the_same_each_time(demo):
    def told():
        rows = Payment.objects.order_by("reference").values_list("reference", "amount", "paid_on", "recorded_at")
        return [*rows], [*Allocation.objects.order_by("pk").values_list("public_id", "amount")]

    seen = []
    for _ in range(2):
        with transaction.atomic():
            demo()
            seen.append(told())
            transaction.set_rollback(True)
    assert seen[0] == seen[1]
    assert len(seen[0][0]) > 40


def test_filling_it_twice_changes_nothing_and_says_so(demo):
    demo()
    before = Payment.objects.count()
    assert "is filled already" in demo()
    assert Payment.objects.count() == before


# Never the unit's own -------------------------------------------------------------------------------------------------


def test_without_the_switch_it_does_nothing(db):
    with pytest.raises(CommandError, match="set DEMO=1") as caught:
        call_command("demo")
    assert one_sentence(str(caught.value))
    assert not Unit.objects.exists()


def test_a_database_that_holds_the_unit_itself_is_refused_as_it_is(demo):
    UnitFactory()
    with pytest.raises(CommandError, match="holds Moor Partnership itself") as caught:
        demo()
    assert one_sentence(str(caught.value))
    assert not Unit.objects.get().is_example
    assert not Payment.objects.exists()
    assert not get_user_model().objects.exists()


def test_it_is_whole_or_not_there(demo, monkeypatch):
    def fail(*_):
        raise RuntimeError("A cable was pulled.")

    monkeypatch.setattr(Story, "carry_forward", fail)
    with pytest.raises(RuntimeError, match="cable"):
        demo()
    assert not Unit.objects.exists()
    assert not get_user_model().objects.exists()


def test_content_that_breaks_a_rule_is_one_sentence(demo, tmp_path):
    with pytest.raises(CommandError, match="holds no content"):
        demo(tmp_path)


def test_make_demo_hides_what_env_says_of_the_unit_s_own_portal():
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    [command] = re.findall(r"^demo:.*\n\t(.*)$", makefile, re.MULTILINE)
    assert {"DEMO=1", "DATABASE_URL=", "PORTAL_URL=", "GRANTS_PREFIX=360G-example"} <= set(command.strip("@").split())


# Little and much ------------------------------------------------------------------------------------------------------


def made(monkeypatch, *, initiatives, sources):
    """Stand in for a unit's content with this many initiatives and sources."""

    def load(_):
        UnitFactory()
        level = LevelFactory()
        InitiativeFactory.create_batch(initiatives, level=level)
        year = YearFactory(first_year=2021)
        stated = PublicationFactory(published_on=date(2021, 5, 1))
        FundingSourceFactory.create_batch(sources, year=year, source=stated)

    monkeypatch.setattr(filling, "load", load)


@pytest.mark.parametrize("initiatives", [0, 1, 2, 5])
@pytest.mark.parametrize("sources", [0, 1, 2])
def test_a_unit_with_hardly_anything_has_a_demonstration_too(demo, monkeypatch, client, initiatives, sources):
    made(monkeypatch, initiatives=initiatives, sources=sources)
    demo()
    assert Allocation.objects.exists() is bool(initiatives and sources)
    assert Payment.objects.exists() is bool(initiatives and sources)
    for address in ("/", "/initiatives/", "/sitemap.xml"):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("first_year", [2026, 2027, 2098])
def test_nothing_happens_in_the_future(demo, monkeypatch, first_year):
    made(monkeypatch, initiatives=3, sources=0)
    load = getattr(filling, "load")  # noqa: B009 - it is stood in for

    def with_a_late_year(folder):
        load(folder)
        FinancialYear.objects.all().delete()
        FundingSourceFactory(year=YearFactory(first_year=first_year), source__published_on=date(2026, 4, 1))

    monkeypatch.setattr(filling, "load", with_a_late_year)
    demo()
    today = timezone.localdate()
    assert not Payment.objects.filter(paid_on__gt=today).exists()
    assert not Allocation.objects.filter(awarded_on__gt=today).exists()
    assert not AssessmentDecision.objects.filter(decided_on__gt=today).exists()


@pytest.mark.parametrize("unit", UNITS)
def test_a_benchmark_gets_as_many_payments_as_it_asks_for(demo, unit):
    printed = demo(UNITS[unit], scale=200)
    assert "200 of 200 payments" in printed
    many = Payment.objects.filter(reference__startswith="EXAMPLE-N")
    assert many.count() == 200
    assert Allocation.objects.filter(payments__in=many).distinct().count() == 20
    crowd = Initiative.objects.filter(slug__startswith="example-initiative")
    assert crowd.count() == 20
    assert all(row.name.startswith(SAY) and row.is_public for row in crowd)
    assert statuses(crowd) == {Status.DELIVERING}
    year = FinancialYear.objects.filter(sources__allocations__payments__in=many).distinct().get()
    for account in accounts_of(year, year.sources.standing().with_carried()).sources:
        assert account.unallocated >= 0
    assert not many.filter(paid_on__gt=timezone.localdate()).exists()
    for row in (crowd[0], Organisation.objects.get(slug="example-body-000000")):
        assert row.history.count() == 1


def test_a_benchmark_of_a_unit_without_a_level_or_a_source_is_made_too(demo, monkeypatch):
    monkeypatch.setattr(filling, "load", lambda _: UnitFactory())
    demo(scale=11)
    assert Payment.objects.count() == 11
    assert Allocation.objects.count() == 2


# The strip ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def example():
    UnitFactory(is_example=True)
    OrganisationFactory()


@pytest.mark.parametrize(
    "address",
    ["/", "/about/", "/initiatives/", "/funding/", "/partners/", "/contact/", "/events/", "/nope/", "/admin/login/"],
)
@pytest.mark.parametrize("is_example", [True, False])
def test_the_strip_is_on_every_page_of_a_demonstration_and_on_no_other(client, address, is_example):
    UnitFactory(is_example=is_example)
    page = client.get(address, follow=True).content.decode()
    assert page.count(STRIP) == is_example
    assert page.count("<b>Example data.</b>") == is_example


def test_staff_see_it_on_their_pages_and_in_their_small_windows(client, example):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    for address in ("/admin/", "/admin/partners/organisation/", "/admin/partners/organisation/add/?_popup=1"):
        page = client.get(address)
        assert page.status_code == 200
        assert page.content.decode().count(STRIP) == 1, address


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "500.html"])
def test_pages_of_errors_bear_it_without_a_request(example, settings, name):
    settings.DEMO = True
    assert STRIP in render_to_string(name)


def test_pages_of_errors_do_without_it_where_there_is_no_unit_and_no_database(db, settings, monkeypatch):
    settings.DEMO = True
    assert example_strip() == ""

    def fail(**_):
        raise DatabaseError("gone")

    monkeypatch.setattr(Unit.objects, "filter", fail)
    assert example_strip() == ""
