"""Rules for evidence assessments: one person writes, another decides."""

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment
from programmes.models.assessments import COMMUNITY_NOT_STATED
from vru_portal.ledger.append_only.recording import record


@transaction.atomic
def decide_on_assessment(
    *, by: Any, assessment: EvidenceAssessment, outcome: str, reasons: str, decided_on: date, seen: str = ""
) -> AssessmentDecision:
    """Record that somebody approves or declines an assessment; raises ValidationError if a rule forbids it.

    `seen` is the fingerprint of the text that they were shown. If the author has changed the text since then, there is
    no decision.
    """
    assessment = EvidenceAssessment.objects.select_for_update().get(pk=assessment.pk)
    if assessment.author_id == by.pk:
        raise ValidationError(
            "You wrote this assessment, so somebody else must decide on it. Ask a colleague who can approve "
            "assessments."
        )
    if seen and seen != assessment.fingerprint:
        raise ValidationError(
            "The author changed this assessment while you were reading it. Read the new text above before you decide."
        )
    if outcome == Outcome.APPROVED:
        check_can_be_approved(assessment)
    decision = AssessmentDecision(assessment=assessment, outcome=outcome, reasons=reasons, decided_on=decided_on)
    record(decision, by=by)
    return decision


def check_can_be_approved(assessment: EvidenceAssessment) -> None:
    """Refuse to approve what does not say whether the community was asked, or cites what the public cannot see."""
    if not assessment.community_is_stated:
        raise ValidationError(COMMUNITY_NOT_STATED)
    if assessment.approach and not assessment.approach.is_public:
        raise ValidationError(
            f"“{assessment.approach}” is a draft. Publish it first: the assessment is public once it is approved."
        )


def write_assessment(*, by: Any, assessment: EvidenceAssessment) -> None:
    """Save a new assessment, or its author's changes to one without a decision.

    Raises PermissionDenied for anybody but the author, and ValidationError.
    """
    if assessment._state.adding:
        assessment.author = by
        record(assessment, by=by)
        return
    if assessment.author_id != by.pk:
        raise PermissionDenied("Only the author can change an assessment.")
    if assessment.decision:
        raise ValidationError("This assessment has a decision. Reverse the decision first, or write a new assessment.")
    assessment.full_clean()
    assessment.save()
