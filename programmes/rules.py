"""What takes more than one row: deciding on evidence, with four eyes."""

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from programmes.models import AssessmentDecision, EvidenceAssessment
from vru_portal.append_only import record


@transaction.atomic
def decide(
    *, by: Any, assessment: EvidenceAssessment, outcome: str, reasons: str, decided_on: date, read: str = ""
) -> AssessmentDecision:
    """Record that somebody approves or declines an assessment; raises ValidationError where a rule refuses it.

    ``read`` is the fingerprint of the text that they had before them: where its author has changed it since, nothing is
    decided.
    """
    assessment = EvidenceAssessment.objects.select_for_update().get(pk=assessment.pk)
    if assessment.author_id == by.pk:
        raise ValidationError(
            "You wrote this assessment, so somebody else decides on it. Ask a colleague who may approve assessments."
        )
    if read and read != assessment.fingerprint:
        raise ValidationError(
            "The author changed this assessment while you read it. What it says now is above: read it, then decide."
        )
    decision = AssessmentDecision(assessment=assessment, outcome=outcome, reasons=reasons, decided_on=decided_on)
    record(decision, by=by)
    return decision


def write(*, by: Any, assessment: EvidenceAssessment) -> None:
    """Save a new assessment, or the changes of its author; raises ValidationError, or PermissionDenied for others."""
    if assessment._state.adding:
        assessment.author = by
        record(assessment, by=by)
        return
    if assessment.author_id != by.pk:
        raise PermissionDenied("Only its author changes an assessment: whoever decides on it must not have written it.")
    if assessment.decision:
        raise ValidationError("This assessment is decided on. Reverse the decision first, or write a new assessment.")
    assessment.full_clean()
    assessment.save()
