"""Asking recipients for the grants that they have made, and what staff or the timer decide until there is an answer."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from funding.models import Allocation, OnwardRequest
from funding.models.onward_requests import ALREADY_ASKED, ENDED_STATES
from funding.models.regrants import NOT_FOR_REGRANTING
from funding.regranting.rules.recording import locked
from funding.regranting.rules.requests import ONWARD_REQUESTS
from partners.models import LegalNotice
from programmes.results.models import ReportingRules
from vru_portal.links import mailing
from vru_portal.links.answering import answering_link_expiry
from vru_portal.links.requests import check_closing_day, check_day_ahead


def why_not_asked(allocation: Allocation) -> str:
    """Why the recipient of an allocation cannot be asked now, and what to do about that; empty if it can."""
    if allocation.reverses_id is not None or allocation.is_reversed:
        return "Only the recipient of a grant that was not reversed can be asked."
    if not allocation.regrantings.standing().exists():
        return NOT_FOR_REGRANTING
    if allocation.onward_requests.exclude(state__in=ENDED_STATES).exists():
        return ALREADY_ASKED
    return LegalNotice.current().why_not_collecting


@transaction.atomic
def ask(
    *, by: Any, allocation: Allocation, email: str, contact_name: str = "", due_on: date | None = None
) -> OnwardRequest:
    """Ask the recipient of a grant which grants it has made out of it. Raises ValidationError.

    Without a day, it has as much time as organisations that report figures. A request stays open as long as a return.
    """
    allocation = locked(allocation)
    if reason := why_not_asked(allocation):
        raise ValidationError(reason)
    rules = ReportingRules.current()
    due_on = due_on or timezone.localdate() + timedelta(days=rules.days_to_report)
    check_day_ahead(due_on, field="due_on")
    request = OnwardRequest(
        allocation=allocation, due_on=due_on, closes_on=due_on + timedelta(days=rules.days_open), asked_by=by
    )
    ONWARD_REQUESTS.address(request, email, contact_name)
    return request


def remind_due(today: date | None = None) -> int:
    """Remind those who have not answered; returns how many."""
    today = today or timezone.localdate()
    waiting = mailing.to_remind(ONWARD_REQUESTS.drafts().filter(closes_on__gte=today), today)
    return sum(mailing.remind(one, ONWARD_REQUESTS.deliver) for one in waiting)


def locked_request(request: OnwardRequest) -> OnwardRequest:
    row: OnwardRequest = ONWARD_REQUESTS.drafts().select_for_update(of=("self",)).get(pk=request.pk)
    return row


def locked_unended_request(request: OnwardRequest) -> OnwardRequest:
    row = locked_request(request)
    if row.state in ENDED_STATES:
        raise ValidationError(f"This request is “{row.get_state_display()}”.")
    return row


@transaction.atomic
def send_again(*, request: OnwardRequest, email: str, contact_name: str = "") -> None:
    """Send the request again, perhaps to somebody else. Earlier links still work."""
    row = locked_request(request)
    ONWARD_REQUESTS.require_open(row)
    ONWARD_REQUESTS.address(row, email, contact_name)


@transaction.atomic
def extend(*, request: OnwardRequest, closes_on: date) -> None:
    """Keep a request open for longer, or open it again. What was typed is still there."""
    row = locked_unended_request(request)
    check_closing_day(closes_on, due_on=row.due_on, noun="request")
    row.closes_on = closes_on
    row.save(update_fields=["closes_on"])
    row.tokens.update(expires_at=answering_link_expiry(closes_on))


@transaction.atomic
def cancel(*, request: OnwardRequest) -> None:
    """No longer ask for these grants."""
    ONWARD_REQUESTS.cancel(locked_unended_request(request))
