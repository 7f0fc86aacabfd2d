"""What the golden thread lacks: which records are listed under which gap, and who sees that."""

from decimal import Decimal

import pytest
from django.conf import settings

from partners.models import Unit
from programmes.choices import Outcome
from programmes.models.assessments import COMMUNITY_FIELDS
from tests.support.crawler import text_of
from tests.support.factories import (
    DAY,
    AllocationFactory,
    ApprovedReturnFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    InitiativeFactory,
    LevelFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    VariationFactory,
    reverse,
)
from tests.support.refusals import without_triggers
from vru_portal.public.gaps import GAPS_BY_SLUG
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def level():
    UnitFactory(publishes_gaps=True)
    return LevelFactory()


def lacking(slug):
    gap = GAPS_BY_SLUG[slug]
    return [gap.describe(row).name for row in gap.find()]


def test_an_initiative_lacks_an_assessment_until_one_is_approved(level):
    InitiativeFactory(level=level, name="Bare")
    InitiativeFactory(level=level, name="Hidden", state=State.DRAFT)
    AssessmentFactory(initiative__level=level, initiative__name="Waiting")
    AssessmentDecisionFactory(
        assessment__initiative__level=level, assessment__initiative__name="Turned", outcome=Outcome.DECLINED
    )
    reverse(AssessmentDecisionFactory(assessment__initiative__level=level, assessment__initiative__name="Reversed"))
    AssessmentDecisionFactory(assessment__initiative__level=level, assessment__initiative__name="Sound")
    assert lacking("assessment") == ["Bare", "Reversed", "Turned", "Waiting"]


def test_an_approved_assessment_that_does_not_mention_the_community_is_listed(level):
    silent = dict.fromkeys(COMMUNITY_FIELDS, "")
    named = {"initiative__level": level}
    row = AssessmentFactory(initiative__name="Silent", **named, **silent)
    AssessmentFactory(initiative__name="Undecided", **named, **silent)
    asked = AssessmentFactory(initiative__name="Asked", **named)
    not_asked = AssessmentFactory(initiative__name="Not asked", **named, **silent, not_asked_because="No time.")
    with without_triggers("programmes_assessmentdecision_community_stated"):
        for one in (row, asked, not_asked):
            AssessmentDecisionFactory(assessment=one)
        assert lacking("community") == ["Silent"]


def test_an_allocation_from_before_decisions_were_kept_lacks_one(level):
    AllocationFactory(initiative__level=level)
    named = {"initiative__level": level, "decision": None}
    with without_triggers("funding_allocation_decided"):
        AllocationFactory(initiative__name="Old", **named)
        reverse(AllocationFactory(initiative__name="Gone", **named))
        assert lacking("decision") == ["£100 for Old"]


def test_an_allocation_lacks_a_payment_until_one_is_not_reversed(client, level):
    made = {
        name: AllocationFactory(initiative__level=level, initiative__name=name) for name in ("Idle", "Paid", "Gone")
    }
    PaymentFactory(allocation=made["Paid"])
    reverse(PaymentFactory(allocation=made["Idle"]))
    reverse(made["Gone"])
    part = AllocationFactory(initiative__level=level, initiative__name="Given up in part")
    VariationFactory(allocation=part, amount=Decimal("99.99"))
    whole = AllocationFactory(initiative__level=level, initiative__name="Given up")
    VariationFactory(allocation=whole, amount=Decimal("100.00"))
    assert lacking("payment") == ["£0.01 left for Given up in part", "£100 for Idle"]
    page = text_of(client.get("/gaps/payment/"))
    assert "£0.01 left for Given up in part £100 was first allocated. Allocated on" in page


def test_an_initiative_that_was_paid_for_lacks_a_result_until_figures_are_published(level):
    names = ("Idle", "Paid", "Told")
    made = {name: AllocationFactory(initiative__level=level, initiative__name=name) for name in names}
    for name in ("Paid", "Told"):
        PaymentFactory(allocation=made[name])
    ApprovedReturnFactory(initiative=made["Told"].initiative)
    assert lacking("result") == ["Paid"]


def test_an_initiative_lacks_a_check_until_it_has_the_date_of_one(level):
    InitiativeFactory(level=level, name="Unchecked")
    InitiativeFactory(level=level, name="Checked", checked_on=DAY)
    assert lacking("check") == ["Unchecked"]


def test_the_page_counts_each_gap_and_leads_to_all_of_it(client, level):
    for number in range(6):
        InitiativeFactory(level=level, name=f"Walk {number}")
    page = text_of(client.get("/gaps/"))
    assert "Initiatives without an approved evidence assessment 6 No assessment of the need for them" in page
    assert "Allocations without a recorded decision 0" in page
    assert "Allocations without a payment 0" in page
    assert "Walk 4" in page
    assert "Walk 5" not in page
    assert "See all 6 initiatives without an approved evidence assessment" in page
    assert page.count("See all") == 2, "of this and of the checks: the other lists are whole"
    assert 'href="/gaps/assessment/"' in client.get("/gaps/").text
    whole = client.get("/gaps/assessment/")
    assert "Walk 5" in text_of(whole)
    assert client.get("/gaps/nothing/").status_code == 404
    assert client.get("/gaps/assessment/?page=x").status_code == 404


@pytest.mark.parametrize("address", ["/gaps/", "/gaps/assessment/"])
def test_the_public_sees_it_only_if_the_unit_wishes_and_nothing_of_it_is_kept(client, address):
    unit = UnitFactory()
    assert client.get(address).status_code == 404
    assert "What is missing" not in client.get("/contact/").content.decode()
    assert "/gaps/" not in client.get("/sitemap.xml").content.decode()
    client.force_login(UserFactory(is_superuser=True))
    staff = client.get(address)
    assert (staff.status_code, staff["Cache-Control"]) == (200, "no-store")
    client.logout()
    assert client.get(address).status_code == 404
    client.force_login(UserFactory(is_staff=False))
    assert client.get(address).status_code == 404
    client.logout()
    Unit.objects.filter(pk=unit.pk).update(publishes_gaps=True)
    assert client.get(address).status_code == 200
    assert 'href="/gaps/"' in client.get("/contact/").content.decode()
    assert f"<loc>{settings.PORTAL_URL}/gaps/</loc>" in client.get("/sitemap.xml").content.decode()


def test_staff_find_it_on_their_start_page(client):
    UnitFactory()
    client.force_login(UserFactory(is_superuser=True))
    assert 'href="/gaps/"' in client.get("/admin/").content.decode()
