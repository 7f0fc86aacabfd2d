"""The demonstration: whole, labelled on every page and in every text, and never in the unit's own database."""

import re
from datetime import date
from io import StringIO

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from events.declarations.models import Entry
from funding.models import Allocation, FinancialYear, Payment
from funding.statuses import set_statuses
from funding.year_accounts import year_accounts
from partners.models import Organisation, Unit
from partners.templatetags.partners import example_strip
from programmes.choices import InitiativeStatus, Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment, Initiative
from tests.support.factories import (
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PublicationFactory,
    UnitFactory,
    YearFactory,
)
from tests.support.processes.portal_process import one_sentence
from vru_portal.operations.demo import populate
from vru_portal.operations.demo.declaration import DemoDeclaration
from vru_portal.operations.demo.money import DemoMoney
from vru_portal.operations.demo.people import EXAMPLE

pytestmark = [pytest.mark.django_db, pytest.mark.once]

STRIP = "Every assessment, allocation, payment and signature on this site is made up."
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


@pytest.fixture
def without_signing(monkeypatch):
    """Leave the declaration out, which takes longer than the money and asks nothing of it."""
    monkeypatch.setattr(DemoDeclaration, "record_all", lambda _: "no link")


def statuses(initiatives):
    set_statuses(initiatives)
    return {initiative.status for initiative in initiatives}


@pytest.mark.both
def test_at_launch_every_status_shows(demo):
    demo()
    assert statuses(Initiative.objects.public()) == set(InitiativeStatus)
    assert AssessmentDecision.objects.filter(outcome=Outcome.DECLINED).count() == 1
    assert EvidenceAssessment.objects.undecided().count() == 1


def test_the_money_is_the_same_each_time(demo, without_signing):
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


# Never the unit's own -------------------------------------------------------------------------------------------------


def test_without_the_switch_it_does_nothing(db):
    with pytest.raises(CommandError, match="Set DEMO=1") as caught:
        call_command("demo")
    assert one_sentence(str(caught.value))
    assert not Unit.objects.exists()


def test_a_database_that_holds_the_unit_itself_is_refused_as_it_is(demo):
    UnitFactory()
    with pytest.raises(CommandError, match="is the real portal of Moor Partnership") as caught:
        demo()
    assert one_sentence(str(caught.value))
    assert not Unit.objects.get().is_example
    assert not Payment.objects.exists()
    assert not get_user_model().objects.exists()


def test_it_is_whole_or_not_there(demo, monkeypatch):
    def fail(*_):
        raise RuntimeError("A cable was pulled.")

    monkeypatch.setattr(DemoMoney, "carry_forward", fail)
    with pytest.raises(RuntimeError, match="cable"):
        demo()
    assert not Unit.objects.exists()
    assert not get_user_model().objects.exists()


def test_content_that_breaks_a_rule_is_one_sentence(demo, tmp_path):
    with pytest.raises(CommandError, match="holds no content"):
        demo(tmp_path)


def test_make_demo_ignores_the_settings_of_the_units_own_portal():
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

    monkeypatch.setattr(populate, "load_content", load)


def test_a_unit_with_nothing_to_show_has_a_demonstration_too(demo, monkeypatch, client):
    made(monkeypatch, initiatives=0, sources=0)
    demo()
    assert Entry.objects.exists()
    assert client.get("/declaration/").status_code == 200


@pytest.mark.parametrize("initiatives", [0, 1, 2, 5])
@pytest.mark.parametrize("sources", [0, 1, 2])
def test_a_unit_with_hardly_anything_has_a_demonstration_of_money_too(
    demo, without_signing, monkeypatch, client, initiatives, sources
):
    made(monkeypatch, initiatives=initiatives, sources=sources)
    demo()
    assert Allocation.objects.exists() is bool(initiatives and sources)
    assert Payment.objects.exists() is bool(initiatives and sources)
    for address in ("/", "/initiatives/", "/sitemap.xml"):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("first_year", [2026, 2027, 2098])
def test_nothing_happens_in_the_future(demo, without_signing, monkeypatch, first_year):
    made(monkeypatch, initiatives=3, sources=0)
    load = getattr(populate, "load_content")  # noqa: B009 - a stand-in replaces it

    def with_a_late_year(folder):
        load(folder)
        FinancialYear.objects.all().delete()
        FundingSourceFactory(year=YearFactory(first_year=first_year), source__published_on=date(2026, 4, 1))

    monkeypatch.setattr(populate, "load_content", with_a_late_year)
    demo()
    today = timezone.localdate()
    assert not Payment.objects.filter(paid_on__gt=today).exists()
    assert not Allocation.objects.filter(awarded_on__gt=today).exists()
    assert not AssessmentDecision.objects.filter(decided_on__gt=today).exists()


@pytest.mark.parametrize("unit", UNITS)
def test_a_benchmark_gets_as_many_payments_as_it_asks_for(demo, without_signing, unit):
    printed = demo(UNITS[unit], scale=200)
    assert "200 of 200 payments" in printed
    many = Payment.objects.filter(reference__startswith="EXAMPLE-N")
    assert many.count() == 200
    assert Allocation.objects.filter(payments__in=many).distinct().count() == 20
    benchmark = Initiative.objects.filter(slug__startswith="example-initiative")
    assert benchmark.count() == 20
    assert all(row.name.startswith(EXAMPLE) and row.is_public for row in benchmark)
    assert statuses(benchmark) == {InitiativeStatus.DELIVERING}
    year = FinancialYear.objects.filter(sources__allocations__payments__in=many).distinct().get()
    for account in year_accounts(year, year.sources.standing()).sources:
        assert account.unallocated >= 0
    assert not many.filter(paid_on__gt=timezone.localdate()).exists()
    for row in (benchmark[0], Organisation.objects.get(slug="example-organisation-000000")):
        assert row.history.count() == 1


def test_a_benchmark_of_a_unit_without_a_level_or_a_source_is_made_too(demo, monkeypatch):
    monkeypatch.setattr(populate, "load_content", lambda _: UnitFactory())
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


def test_error_pages_work_without_a_unit_or_a_database(db, settings, monkeypatch):
    settings.DEMO = True
    assert example_strip() == ""

    def fail(**_):
        raise DatabaseError("gone")

    monkeypatch.setattr(Unit.objects, "filter", fail)
    assert example_strip() == ""
