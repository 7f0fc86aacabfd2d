"""What staff do with figures that were sent: query, approve, correct."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from programmes.results.choices import ReturnMailKind
from programmes.results.models import (
    RECORDED_ALONE,
    ApprovedFigure,
    ApprovedPart,
    ApprovedReturn,
    BreakdownGroup,
    ReportingRules,
    Return,
    ReturnDraft,
)
from programmes.results.rules.answers import Answers, Figure, fingerprint, hidden_in
from programmes.results.rules.asking import locked_draft, require_public_initiative
from programmes.results.rules.requests import RETURN_REQUESTS, answers_of
from programmes.results.rules.suppression import Hidden
from vru_portal.ledger.append_only.recording import record
from vru_portal.links.choices import DraftState
from vru_portal.links.requests import CHANGED_SINCE_READ, require_seen


def query(*, row: Return, question: str) -> None:
    """Send figures back with a question. The same link works again, and the answers are still there."""
    send_back(
        row, DraftState.SUBMITTED, question, "You can send back only figures that were sent and are not approved yet."
    )


def ask_for_correction(*, row: Return, question: str) -> None:
    """Open a return again whose figures are published. They stay until the corrected ones are approved."""
    send_back(row, DraftState.APPROVED, question, "Only published figures can be corrected like this.")


@transaction.atomic
def send_back(row: Return, expected: DraftState, question: str, otherwise: str) -> None:
    """Ask a question about a return in the expected state; raises ValidationError, ``otherwise`` in another state."""
    draft = locked_draft(row)
    if draft.state != expected:
        raise ValidationError(otherwise)
    RETURN_REQUESTS.send_back(draft, question, questioned_answers=fingerprint(draft.answers))


@transaction.atomic
def approve(*, by: Any, row: Return, correction: str = "", seen: str = "") -> ApprovedReturn:
    """Publish the figures that were sent. ``seen`` is the fingerprint of the answers that were read, if they were.

    Raises ValidationError.
    """
    draft = locked_draft(row)
    if draft.state != DraftState.SUBMITTED:
        raise ValidationError(
            f"This return is “{draft.get_state_display()}”. Only figures that were sent can be approved."
        )
    require_seen(draft, seen, CHANGED_SINCE_READ)
    if by is not None and draft.recorded_by_id == by.pk:
        raise ValidationError(RECORDED_ALONE)
    answers = answers_of(draft)
    approved = ApprovedReturn(
        initiative=row.initiative,
        organisation=row.organisation,
        quarter=row.quarter,
        return_of_figures=row,
        correction=correction,
    )
    publish(by=by, approved=approved, answers=answers)
    ReturnDraft.objects.filter(pk=draft.pk).update(state=DraftState.APPROVED)
    RETURN_REQUESTS.tell_reporters(ReturnMailKind.APPROVED, draft)
    return approved


@transaction.atomic
def publish(
    *, by: Any, approved: ApprovedReturn, answers: Answers, recorded_at: datetime | None = None
) -> ApprovedReturn:
    """Record approved figures, with those suppressed that are too small. Raises ValidationError."""
    if by is None:
        raise ValidationError("Somebody has to approve figures.")
    same = {name: getattr(approved, name) for name in ("initiative", "organisation", "quarter")}
    approved.number = ApprovedReturn.objects.filter(**same).count() + 1
    if approved.number > 1 and not approved.correction.strip():
        raise ValidationError({"correction": "Say why the figures are corrected. It is published with them."})
    if approved.number == 1:
        approved.correction = ""
    require_public_initiative(approved)  # type: ignore[arg-type]  # it has the same fields
    approved.went_well, approved.went_badly, approved.spend = answers.went_well, answers.went_badly, answers.spend
    approved.recorded_at = recorded_at or timezone.now()
    record(approved, by=by)
    threshold = ReportingRules.current().threshold
    hidden = hidden_in(answers.figures, threshold)
    for figure in answers.figures:
        publish_figure(by=by, approved=approved, figure=figure, threshold=threshold, hidden=hidden[figure.measure])
    return approved


def publish_figure(
    *, by: Any, approved: ApprovedReturn, figure: Figure, threshold: int, hidden: Hidden[BreakdownGroup]
) -> None:
    common = {"recorded_at": approved.recorded_at}
    row = ApprovedFigure(
        approved=approved,
        measure=figure.measure,
        count=figure.count,
        threshold=figure.limit(threshold),
        is_suppressed=hidden.total,
        **common,
    )
    record(row, by=by)
    for group, count in figure.groups.items():
        part = ApprovedPart(figure=row, group=group, count=count, is_suppressed=group in hidden.groups, **common)
        record(part, by=by)
