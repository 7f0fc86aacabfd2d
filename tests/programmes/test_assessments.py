"""Evidence with four eyes, through the admin."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied

from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment
from programmes.rules import decide_on_assessment, write_assessment
from tests.support.crawler import text_of
from tests.support.factories import (
    DAY,
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    InitiativeFactory,
    UnitFactory,
    UserFactory,
)
from tests.support.refusals import validation_messages
from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db
PLACE = "/admin/programmes/evidenceassessment/"
DECISION = {"outcome": "approved", "decided_on": "2031-05-20", "reasons": "The count is sound."}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


@pytest.fixture
def author():
    return UserFactory(is_superuser=True, username="author")


@pytest.fixture
def colleague():
    return UserFactory(is_superuser=True, username="colleague")


def answers(row):
    """Return what a colleague sends who has read what the assessment says now."""
    return DECISION | {"seen": EvidenceAssessment.objects.get(pk=row.pk).fingerprint}


def page_of(row, name="change"):
    return f"{PLACE}{row.pk}/{name}/"


def test_an_assessment_is_written_and_changed_by_its_author_until_it_is_decided(client, author, colleague):
    sent = {
        "initiative": InitiativeFactory().pk,
        "evidence": "Counted.",
        "need": "Walkers stumble.",
        "expected_effect": "Fewer.",
        "not_asked_because": "They were asked last month.",
    }
    client.force_login(author)
    assert client.post(f"{PLACE}add/", sent | {"need": ""}).status_code == 200
    assert client.post(f"{PLACE}add/", sent).status_code == 302
    row = EvidenceAssessment.objects.get()
    assert (row.author, row.recorded_by) == (author, author)
    assert client.post(page_of(row), sent | {"need": "Walkers fall."}).status_code == 302
    row.refresh_from_db()
    assert row.need == "Walkers fall."

    client.force_login(colleague)
    page = client.get(page_of(row))
    assert "This assessment is waiting for a decision. Until then, only its author, author, can change it." in text_of(
        page
    )
    assert b'name="need"' not in page.content
    assert client.post(page_of(row), sent | {"need": "Nobody falls."}).status_code == 403

    client.post(page_of(row, "decide"), answers(row))
    client.force_login(author)
    page = client.get(page_of(row))
    assert "Approved on 20 May 2031. To change this assessment, reverse the decision first" in text_of(page)
    assert b'name="need"' not in page.content
    assert client.post(page_of(row), sent | {"need": "Nobody falls."}).status_code == 403
    row.refresh_from_db()
    assert row.need == "Walkers fall."


def test_authors_cannot_decide_and_see_why(client, author):
    row = AssessmentFactory(author=author)
    client.force_login(author)
    for response in (client.get(page_of(row, "decide")), client.post(page_of(row, "decide"), answers(row))):
        assert "You wrote this assessment, so somebody else must decide on it. Ask a colleague" in text_of(response)
        assert b"<textarea" not in response.content
    assert not AssessmentDecision.objects.exists()


def test_a_colleague_decides_once_and_the_decision_is_shown_and_logged(client, author, colleague):
    row = AssessmentFactory(author=author)
    client.force_login(colleague)
    assert "This field is required." in text_of(client.post(page_of(row, "decide"), answers(row) | {"reasons": ""}))
    to_come = client.post(page_of(row, "decide"), answers(row) | {"decided_on": "2031-06-02"})
    assert "The date must be today or in the past." in text_of(to_come)
    assert "The count is sound." in to_come.content.decode()  # nothing typed is lost
    assert client.post(page_of(row, "decide"), answers(row)).status_code == 302
    again = client.post(page_of(row, "decide"), answers(row))  # a double click
    assert "This assessment already has a decision: Approved on 20 May 2031. Reverse that decision first." in text_of(
        again
    )
    decision = AssessmentDecision.objects.get()
    assert (decision.recorded_by, decision.outcome, decision.decided_on) == (colleague, "approved", date(2031, 5, 20))
    assert "Approved on 20 May 2031 colleague The count is sound. In force" in text_of(client.get(page_of(row)))
    assert LogEntry.objects.get().change_message == "Decided: Approved on 20 May 2031"


def test_a_decision_is_reversed_with_a_reason_unless_money_depends_on_it(client, colleague):
    free, bound = AssessmentDecisionFactory().assessment, AllocationFactory().assessment
    client.force_login(colleague)
    assert "This field is required." in text_of(client.post(page_of(free, "reverse-decision"), {"reason": ""}))
    client.post(page_of(free, "reverse-decision"), {"reason": "Miscounted"})
    client.post(page_of(free, "reverse-decision"), {"reason": "Miscounted"})
    validation_messages = text_of(client.post(page_of(bound, "reverse-decision"), {"reason": "Miscounted"}))
    assert "Money is allocated on this decision. Reverse the allocations first." in validation_messages
    assert AssessmentDecision.objects.filter(reverses__isnull=False).count() == 1
    page = text_of(client.get(page_of(free)))
    assert "Reversed" in page
    assert "Miscounted" in page
    assert list(EvidenceAssessment.objects.undecided()) == [free]


def test_the_list_says_how_far_each_has_come_and_finds_what_waits(client, colleague):
    AssessmentFactory(initiative__name="Waiting walk")
    AssessmentDecisionFactory(assessment__initiative__name="Approved walk")
    AssessmentDecisionFactory(assessment__initiative__name="Declined walk", outcome="declined")
    client.force_login(colleague)
    for state, name in (("waiting", "Waiting"), ("approved", "Approved"), ("declined", "Declined")):
        found = text_of(client.get(PLACE, {"state": state}))
        assert f"{name} walk" in found
        assert sum(f"{other} walk" in found for other in ("Waiting", "Approved", "Declined")) == 1
    assert client.get(PLACE, {"state": "nonsense"}).status_code == 200


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    client, colleague, django_assert_max_num_queries
):
    UnitFactory()
    for _ in range(5):
        AssessmentDecisionFactory()
    client.force_login(colleague)
    with django_assert_max_num_queries(13):
        client.get(PLACE)


def test_text_of_a_decided_assessment_is_taken_out_of_its_history_too(client, colleague):
    row = AssessmentDecisionFactory(assessment__evidence="Robin Vale counted.").assessment
    client.force_login(colleague)
    assert client.post(page_of(row, "redact"), {"texts": ["evidence"], "reason": "A name"}).status_code == 302
    row.refresh_from_db()
    assert row.evidence == REDACTED
    assert not row.history.filter(evidence__contains="Robin").exists()
    draft = AssessmentFactory()
    assert "its author can still change the text" in text_of(client.get(page_of(draft, "redact")))


def test_a_decision_is_listed_and_neither_added_nor_changed_by_itself(client, colleague):
    decision = AssessmentDecisionFactory()
    place = "/admin/programmes/assessmentdecision/"
    client.force_login(colleague)
    assert client.get(place).status_code == client.get(f"{place}{decision.pk}/change/").status_code == 200
    assert client.get(f"{place}add/").status_code == 403
    assert client.post(f"{place}{decision.pk}/change/", {"outcome": "declined"}).status_code == 403
    assert client.post(f"{place}{decision.pk}/delete/", {"post": "yes"}).status_code == 403


def test_text_of_a_decision_and_of_its_reversal_is_taken_out(client, colleague):
    decision = AssessmentDecisionFactory(reasons="Robin Vale counted.")
    page = page_of(decision.assessment)
    client.force_login(colleague)
    client.post(page_of(decision.assessment, "reverse-decision"), {"reason": "Robin Vale was wrong."})
    back = AssessmentDecision.objects.get(reverses=decision)
    for row, field in ((decision, "reasons"), (back, "reason")):
        place = f"/admin/programmes/assessmentdecision/{row.pk}"
        assert f"{place}/change/" in client.get(page).content.decode()
        assert f"{place}/redact/" in client.get(f"{place}/change/").content.decode()
        assert client.post(f"{place}/redact/", {"texts": [field], "reason": "A name"}).status_code == 302
        row.refresh_from_db()
        assert getattr(row, field) == REDACTED
    assert "Robin Vale" not in text_of(client.get(page))
    assert not LogEntry.objects.filter(change_message__contains="Robin").exists()


def test_writing_and_deciding_need_separate_permissions(client):
    row = AssessmentFactory()
    for codename, allowed, forbidden in (
        ("add_evidenceassessment", f"{PLACE}add/", page_of(row, "decide")),
        ("add_assessmentdecision", page_of(row, "decide"), f"{PLACE}add/"),
    ):
        user = UserFactory()
        user.user_permissions.add(Permission.objects.get(codename=codename))
        client.force_login(user)
        assert client.get(allowed).status_code == 200
        assert client.get(forbidden).status_code == 403
        assert client.get(page_of(row)).status_code == 200  # both read it


def test_what_is_decided_on_is_what_was_read(client, colleague):
    """Its author changes the text while a colleague has the page open: nothing is decided, the new text is shown."""
    row = AssessmentFactory()
    client.force_login(colleague)
    before = answers(row)
    EvidenceAssessment.objects.filter(pk=row.pk).update(evidence="Nothing was counted.")
    refused = client.post(page_of(row, "decide"), before)
    assert "changed this assessment while you were reading it" in text_of(refused)
    assert "Nothing was counted." in text_of(refused)
    assert not AssessmentDecision.objects.exists()
    seen = refused.context["form"]["seen"].value()
    assert client.post(page_of(row, "decide"), before | {"seen": seen}).status_code == 302
    assert AssessmentDecision.objects.get().recorded_by == colleague


# The rules behind it --------------------------------------------------------------------------------------------------


def test_an_assessment_is_its_authors_until_somebody_else_decides():
    author, colleague = UserFactory(), UserFactory()
    row = EvidenceAssessment(
        initiative=InitiativeFactory(),
        evidence="Counted.",
        need="Much.",
        expected_effect="Less.",
        not_asked_because="They were asked last month.",
    )
    write_assessment(by=author, assessment=row)
    assert (row.author, row.recorded_by) == (author, author)
    row.need = "More."
    write_assessment(by=author, assessment=row)
    with pytest.raises(PermissionDenied, match="Only the author can change an assessment"):
        write_assessment(by=colleague, assessment=row)
    given: dict[str, Any] = {"assessment": row, "outcome": Outcome.APPROVED, "reasons": "Sound.", "decided_on": DAY}
    (sentence,) = validation_messages(lambda: decide_on_assessment(by=author, **given))[""]
    assert sentence.startswith("You wrote this assessment, so somebody else must decide on it. Ask a colleague")
    assert "decided_on" in validation_messages(
        lambda: decide_on_assessment(by=colleague, **given | {"decided_on": date(2031, 6, 2)})
    )
    assert validation_messages(lambda: decide_on_assessment(by=colleague, **given | {"reasons": ""}))
    decision = decide_on_assessment(by=colleague, **given)
    row = EvidenceAssessment.objects.get(pk=row.pk)
    assert row.decision == decision
    assert (
        "already has a decision" in validation_messages(lambda: decide_on_assessment(by=UserFactory(), **given))[""][0]
    )
    assert (
        "This assessment has a decision. Reverse the decision first"
        in validation_messages(lambda: write_assessment(by=author, assessment=row))[""][0]
    )
    reverse(decision, by=colleague, reason="A slip.")
    row = EvidenceAssessment.objects.get(pk=row.pk)
    write_assessment(by=author, assessment=row)
    assert AssessmentDecision.objects.count() == 2
