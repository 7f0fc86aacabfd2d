"""The progress of an initiative: it follows from its assessment, money and dates, and can be filtered by."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from funding.statuses import set_statuses
from programmes.choices import InitiativeStatus, Outcome
from programmes.models import Initiative, PreventionLevel
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    ContactPointFactory,
    InitiativeFactory,
    LevelFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
)
from vru_portal.ledger.append_only.recording import reverse
from vru_portal.public.catalogue import CatalogueFilters
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    """A day on which what the factories make has happened."""
    with time_machine.travel("2031-09-01 12:00:00+01:00", tick=False):
        yield


def day(days):
    return timezone.localdate() + timedelta(days=days)


def status():
    initiative = Initiative.objects.get()
    set_statuses([initiative])
    return initiative.status


@pytest.fixture
def initiative():
    return InitiativeFactory()


def test_one_that_is_only_named_is_announced(initiative):
    assert status() == InitiativeStatus.ANNOUNCED


def test_one_whose_assessment_waits_is_proposed(initiative):
    AssessmentFactory(initiative=initiative)
    assert status() == InitiativeStatus.PROPOSED


def test_one_whose_assessment_was_declined_is_announced_until_another_is_written(initiative):
    AssessmentDecisionFactory(assessment__initiative=initiative, outcome=Outcome.DECLINED)
    assert status() == InitiativeStatus.ANNOUNCED
    AssessmentFactory(initiative=initiative)
    assert status() == InitiativeStatus.PROPOSED


def test_one_whose_assessment_was_approved_is_assessed_until_the_decision_is_reversed(initiative):
    decision = AssessmentDecisionFactory(assessment__initiative=initiative)
    assert status() == InitiativeStatus.ASSESSED
    reverse(decision, by=UserFactory(), reason="Miscounted.")
    assert status() == InitiativeStatus.PROPOSED


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        (None, None, InitiativeStatus.COMMISSIONED),
        (1, None, InitiativeStatus.COMMISSIONED),
        (0, None, InitiativeStatus.DELIVERING),
        (-1, None, InitiativeStatus.DELIVERING),
        (1, 30, InitiativeStatus.COMMISSIONED),
        (-30, 0, InitiativeStatus.DELIVERING),
        (-30, -1, InitiativeStatus.ENDED),
        (None, 0, InitiativeStatus.COMMISSIONED),
        (None, -1, InitiativeStatus.ENDED),
    ],
)
def test_one_with_money_is_where_the_days_of_its_work_put_it(initiative, starts, ends, expected):
    dates = {"starts_on": None if starts is None else day(starts), "ends_on": None if ends is None else day(ends)}
    AllocationFactory(initiative=initiative, awarded_on=day(-60), **dates)
    assert status() == expected


def test_it_has_ended_only_when_all_of_its_work_has(initiative):
    AllocationFactory(initiative=initiative, awarded_on=day(-60), starts_on=day(-50), ends_on=day(-1))
    assert status() == InitiativeStatus.ENDED
    AllocationFactory(initiative=initiative, awarded_on=day(-60), starts_on=day(-50), ends_on=day(0))
    assert status() == InitiativeStatus.DELIVERING


def test_a_payment_shows_that_work_has_begun_and_a_reversed_one_does_not(initiative):
    allocation = AllocationFactory(initiative=initiative, awarded_on=day(-60))
    payment = PaymentFactory(allocation=allocation, paid_on=day(-5))
    assert status() == InitiativeStatus.DELIVERING
    reverse(payment, by=UserFactory(), reason="Paid to another.")
    assert status() == InitiativeStatus.COMMISSIONED


def test_a_reversed_allocation_does_not_count(initiative):
    allocation = AllocationFactory(initiative=initiative, awarded_on=day(-60), starts_on=day(-50))
    assert status() == InitiativeStatus.DELIVERING
    reverse(allocation, by=UserFactory(), reason="Another body.")
    assert status() == InitiativeStatus.ASSESSED


@pytest.mark.parametrize("stage", InitiativeStatus)
def test_each_stage_has_a_sentence_of_its_own(stage):
    assert stage.means.endswith(".")
    assert sum(other.means == stage.means for other in InitiativeStatus) == 1


@pytest.fixture
def catalogue():
    """Two announced, one proposed and one delivering, on two levels; and one that nobody may see."""
    ContactPointFactory(unit=UnitFactory())
    first, second = LevelFactory(slug="first"), LevelFactory(slug="second")
    InitiativeFactory(slug="a", name="Ant walk", level=first)
    InitiativeFactory(slug="b", name="Bee walk", level=second)
    AssessmentFactory(initiative=InitiativeFactory(slug="c", name="Cow walk", level=first))
    AllocationFactory(
        initiative=InitiativeFactory(slug="d", name="Doe run", level=first), amount=Decimal(5), starts_on=day(-1)
    )
    AssessmentFactory(initiative=InitiativeFactory(slug="e", level=first, state=State.DRAFT))


def catalogue_for(query):
    return CatalogueFilters(QueryDict(query))


def found_slugs(query):
    return sorted(row.slug for row in catalogue_for(query).rows)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abcd"),
        ("status=announced", "ab"),
        ("status=delivering&status=proposed", "cd"),
        ("status=announced&level=first", "a"),
        ("status=announced&q=bee", "b"),
        ("status=ended", ""),
        ("status=nonsense", ""),
        ("status=announced&status=nonsense", ""),
    ],
)
def test_status_can_be_combined_with_other_facets(catalogue, query, found):
    assert found_slugs(query) == list(found)


def counts(query):
    return {option.slug: option.count for option in catalogue_for(query).facets["status"]}


def test_existing_statuses_are_offered_in_order_with_their_counts(catalogue):
    assert list(counts("")) == ["announced", "proposed", "delivering"]
    assert counts("") == {"announced": 2, "proposed": 1, "delivering": 1}
    assert counts("status=announced") == counts("")
    assert counts("level=second") == {"announced": 1, "proposed": 0, "delivering": 0}
    assert counts("q=cow") == {"announced": 0, "proposed": 1, "delivering": 0}
    levels = {option.slug: option.count for option in catalogue_for("status=announced").facets["level"]}
    assert levels == {"first": 1, "second": 1}


def test_the_page_shows_status_filters_that_can_be_removed_and_the_status_of_each_row(client, catalogue):
    page = client.get("/initiatives/?status=delivering&status=proposed")
    text = " ".join(page.content.decode().split())
    assert "Status: Delivering</span>" in text
    assert "Status: Proposed</span>" in text
    assert 'href="?status=proposed"' in text
    assert "<dt>Status</dt> <dd>Delivering</dd>" in text
    assert 'name="status" value="announced"' in text
    assert "Cow walk" in text
    assert "Ant walk" not in text
    assert "<dt>Status</dt> <dd>Announced</dd>" in client.get("/prevention/second/").content.decode().replace(
        "\n", ""
    ).replace("  ", "").replace("</dt><dd>", "</dt> <dd>")


def test_an_initiative_s_page_says_what_its_stage_means(client, catalogue):
    page = client.get("/initiatives/c/").content.decode()
    assert f"<b>Proposed.</b> {InitiativeStatus.PROPOSED.means}" in page


def test_an_empty_portal_offers_no_status(client):
    ContactPointFactory(unit=UnitFactory())
    assert "status" not in catalogue_for("").facets
    assert client.get("/initiatives/").status_code == 200


@pytest.mark.parametrize("question", ["", "?status=announced&level=first&q=walk", "?status=nonsense"])
def test_the_number_of_queries_does_not_grow_with_the_initiatives(client, catalogue, question):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/initiatives/{question}").status_code == 200
        return len(queries)

    before = asked()
    for level in PreventionLevel.objects.all():
        InitiativeFactory.create_batch(2, level=level)
    assert asked() == before
