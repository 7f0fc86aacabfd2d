"""Whether the community was asked, and which approach of a toolkit an assessment cites: what is approved, and shown."""

import json
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection

from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment, ToolkitApproach
from programmes.models.assessments import COMMUNITY_FIELDS, COMMUNITY_NOT_STATED
from programmes.rules import decide_on_assessment, write_assessment
from tests.support.crawler import text_of
from tests.support.factories import (
    DAY,
    AllocationFactory,
    ApproachFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    InitiativeFactory,
    LevelFactory,
    UnitFactory,
    UserFactory,
    reverse,
)
from tests.support.refusals import validation_messages, without_triggers
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db
SILENT: dict[str, Any] = dict.fromkeys(COMMUNITY_FIELDS, "")
NOBODY = SILENT | {"not_asked_because": "They were asked a month ago."}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True))
    return client


def decide(row, outcome=Outcome.APPROVED):
    return decide_on_assessment(by=UserFactory(), assessment=row, outcome=outcome, reasons="Sound.", decided_on=DAY)


def decide_page(row):
    return f"/admin/programmes/evidenceassessment/{row.pk}/decide/"


# Whether the community was asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [COMMUNITY_FIELDS, *((name,) for name in COMMUNITY_FIELDS)], ids="+".join)
def test_nothing_is_approved_that_leaves_the_community_out_and_nothing_that_was_typed_is_lost(staff, missing):
    row = AssessmentFactory(**dict.fromkeys(missing, ""))
    assert validation_messages(lambda: decide(row)) == {"": [COMMUNITY_NOT_STATED]}
    typed = {"outcome": "approved", "decided_on": "2031-05-20", "reasons": "Sound.", "seen": row.fingerprint}
    refused = staff.post(decide_page(row), typed)
    assert COMMUNITY_NOT_STATED in text_of(refused)
    assert "Sound." in refused.content.decode()
    assert not AssessmentDecision.objects.exists()


def test_it_can_be_declined_all_the_same():
    assert decide(AssessmentFactory(**SILENT), Outcome.DECLINED).outcome == Outcome.DECLINED


@pytest.mark.parametrize("stated", [{}, NOBODY], ids=["asked", "not asked"])
def test_either_answer_is_enough(stated):
    assert decide(AssessmentFactory(**stated)).outcome == Outcome.APPROVED


def test_the_two_answers_exclude_each_other():
    both = AssessmentFactory.unsaved(author=None, not_asked_because="No time.")
    messages = validation_messages(lambda: write_assessment(by=UserFactory(), assessment=both))
    assert messages["not_asked_because"][0].startswith("State either who was asked")


def test_what_was_approved_before_this_was_asked_stays_approved_and_takes_money(client):
    UnitFactory()
    row = AssessmentFactory(**SILENT)
    with without_triggers("programmes_assessmentdecision_community_stated"):
        AssessmentDecisionFactory(assessment=row)
        DatabaseTriggers(connection).install()
        grant = AllocationFactory(assessment=row, initiative=row.initiative)
        assert "Who in the community was asked Not stated" in text_of(client.get(grant.get_absolute_url()))


def test_pages_say_who_was_asked_what_they_said_and_what_changed_or_why_nobody_was(client):
    UnitFactory()
    asked, not_asked = AllocationFactory(), AssessmentDecisionFactory(assessment=AssessmentFactory(**NOBODY)).assessment
    for address in (asked.get_absolute_url(), asked.initiative.get_absolute_url()):
        said = text_of(client.get(address))
        assert "Who in the community was asked Forty walkers, at three gates. What they said The lamps are out." in said
        assert "What changed The walk begins where lamps are." in said
        assert "Nobody in the community" not in said
    said = text_of(client.get(not_asked.initiative.get_absolute_url()))
    assert "Nobody in the community was asked They were asked a month ago." in said
    assert "What they said" not in said


def test_deciders_read_what_the_community_said_and_see_if_it_has_changed(staff):
    row = AssessmentFactory(approach=ApproachFactory(title="Walking together"))
    page = text_of(staff.get(decide_page(row)))
    assert "The lamps are out." in page
    assert "Walking together, Moor toolkit, read on 6 May 2031. impact: High; evidence: 3 out of 5; cost: ££" in page
    seen = row.fingerprint
    for change in ({"community_said": "Nothing."}, {"approach": None}):
        EvidenceAssessment.objects.filter(pk=row.pk).update(**change)
        assert EvidenceAssessment.objects.get(pk=row.pk).fingerprint != seen
        seen = EvidenceAssessment.objects.get(pk=row.pk).fingerprint


# Approaches -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_not_cited_in_public(client):
    UnitFactory()
    draft = ApproachFactory(title="Unready", state=State.DRAFT)
    row = AssessmentFactory(approach=draft)
    assert "“Unready, Moor toolkit” is a draft. Publish it first" in validation_messages(lambda: decide(row))[""][0]
    decision = AssessmentDecisionFactory(assessment=row)  # by another door
    assert "Unready" not in client.get(row.initiative.get_absolute_url()).content.decode()
    assert "Unready" not in client.get("/initiatives/").content.decode()
    assert decision.outcome == Outcome.APPROVED


def test_what_was_decided_on_keeps_its_approach_published():
    undecided, decided = AssessmentFactory(approach=ApproachFactory()), AssessmentFactory(approach=ApproachFactory())
    decision = AssessmentDecisionFactory(assessment=decided)
    assert not undecided.approach.unpublishing_blocker()
    assert "stays published" in decided.approach.unpublishing_blocker()
    reverse(decision)
    assert not ToolkitApproach.objects.get(pk=decided.approach.pk).unpublishing_blocker()


def test_an_initiative_shows_the_approach_with_the_toolkits_own_words_and_what_it_does_not_state(client):
    UnitFactory()
    cited = ApproachFactory(title="Walking together", evidence="")
    row = AssessmentDecisionFactory(assessment=AssessmentFactory(approach=cited)).assessment
    page = client.get(row.initiative.get_absolute_url())
    assert '<a href="https://toolkit.example.org/walking">Walking together</a>, Moor toolkit' in page.content.decode()
    said = text_of(page)
    assert "Impact: “High” Evidence: not stated there Cost: “££”" in said
    assert "as read on 6 May 2031. It rates the approach, not this initiative." in said


@pytest.fixture
def catalogue(client):
    """Three initiatives: two cite approaches of toolkits with scales of their own, the third cites none."""
    UnitFactory()
    level = LevelFactory()
    lamps, company, _ = (InitiativeFactory(level=level, name=name) for name in ("Lamps", "Company", "Gates"))
    first = ApproachFactory(title="Light", slug="light", impact="High", evidence="", cost="£")
    second = ApproachFactory(title="Walks", slug="walks", toolkit="Fen toolkit", impact="High", evidence="Thin")
    AssessmentDecisionFactory(assessment__initiative=lamps, assessment__approach=second, decided_on=date(2031, 1, 1))
    AssessmentDecisionFactory(assessment__initiative=lamps, assessment__approach=first)
    AssessmentDecisionFactory(assessment__initiative=company, assessment__approach=second)
    AssessmentFactory(initiative=company, approach=first)  # nobody has decided on it
    AssessmentDecisionFactory(assessment__initiative=company, assessment__approach=first, outcome=Outcome.DECLINED)
    return client


def names_at(client, query):
    return sorted(row["name"] for row in rows_at(client, f"/initiatives.json?{query}"))


def rows_at(client, address):
    response = client.get(address)
    return json.loads(response.getvalue())["rows"]


def test_the_catalogue_is_filtered_by_the_approach_that_the_latest_approval_cites(catalogue):
    assert names_at(catalogue, "approach=light") == ["Lamps"]
    assert names_at(catalogue, "approach=walks") == ["Company"]
    assert names_at(catalogue, "approach=walks&approach=light") == ["Company", "Lamps"]
    assert names_at(catalogue, "impact=moor-toolkit-high") == ["Lamps"]  # one toolkit's “High” is not the other's
    assert names_at(catalogue, "evidence=fen-toolkit-thin&approach=light") == []
    page = text_of(catalogue.get("/initiatives/"))
    assert "Light, Moor toolkit 1" in page
    assert "Fen toolkit: High 1" in page
    assert "Approach Walks: impact rated “High” by Fen toolkit" in page


def test_files_and_the_api_say_what_the_toolkit_states(catalogue):
    expected = {
        "approach": "Light",
        "approach_toolkit": "Moor toolkit",
        "approach_impact": "High",
        "approach_evidence": "",
        "approach_cost": "£",
        "approach_read_on": "2031-05-06",
        "approach_url": "https://toolkit.example.org/walking",
    }
    for address in ("/initiatives.json?approach=light", "/api/v1/initiatives/?approach=light"):
        (row,) = rows_at(catalogue, address)
        assert {name: row[name] or "" for name in expected} == expected
    (without,) = rows_at(catalogue, "/initiatives.json?q=Gates")
    assert not any(without[name] for name in expected)


def test_without_any_approach_the_catalogue_does_not_mention_toolkits(client):
    UnitFactory()
    AssessmentDecisionFactory()
    assert "toolkit" not in client.get("/initiatives/").content.decode()
