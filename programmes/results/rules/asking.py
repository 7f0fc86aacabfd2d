"""Asking organisations for figures, and what staff or the timer decide about a return until it is answered."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from partners.models import LegalNotice
from programmes.results.models import Measure, Reporter, ReportingRules, Return, ReturnDraft
from programmes.results.quarters import Quarter
from programmes.results.rules.requests import RETURN_REQUESTS
from vru_portal.links import mailing
from vru_portal.links.answering import answering_link_expiry
from vru_portal.links.choices import DraftState
from vru_portal.links.requests import check_closing_day
from vru_portal.publishing.state import State

ALREADY_PUBLISHED = "These figures are published. Correct them instead."


def asking_blockers() -> list[str]:
    """The reasons why nobody can be asked yet: a link collects names and email addresses."""
    reasons = []
    if not Measure.objects.exists():
        reasons.append("There is no measure yet. Add what is to be counted first.")
    if reason := LegalNotice.current().why_not_collecting:
        reasons.append(reason)
    return reasons


@transaction.atomic
def ask(*, by: Any, row: Return, email: str, contact_name: str = "") -> Return:
    """Ask for the figures of a quarter that has ended. Raises ValidationError.

    Without dates, the return is due and closes as the reporting rules say.
    """
    if reasons := asking_blockers():
        raise ValidationError(["Nobody can be asked for figures yet.", *reasons])
    check_return(by=by, row=row)
    if row.closes_on < timezone.localdate():
        raise ValidationError({"closes_on": "This day has passed: the link would not work. Enter a later one."})
    row.save(force_insert=True)
    RETURN_REQUESTS.address(ReturnDraft(return_of_figures=row), email, contact_name)
    return row


def check_return(*, by: Any, row: Return, rules: ReportingRules | None = None) -> None:
    """Fill in the days of a new return as the reporting rules say, and check it. Raises ValidationError.

    If it asks late, the same number of days applies from then.
    """
    rules = rules or ReportingRules.current()
    quarter, time_to_report = Quarter(row.quarter), timedelta(days=rules.days_to_report)
    if row.due_on is None:
        row.due_on = quarter.ends_on + time_to_report
        if row.due_on < timezone.localdate():
            row.due_on = timezone.localdate() + time_to_report
    row.closes_on = row.closes_on or row.due_on + timedelta(days=rules.days_open)
    row.asked_by = by
    row.full_clean()
    require_public_initiative(row)
    if quarter.ends_on >= timezone.localdate():
        raise ValidationError({"quarter": f"{quarter} has not ended yet. Ask for its figures afterwards."})
    if not Measure.objects.of(row.initiative).exists():
        raise ValidationError({"initiative": "No measure is to be reported by this initiative. Add one first."})


def require_public_initiative(row: Return) -> None:
    """Raise ValidationError where the public could not see what is asked for."""
    if not row.initiative.is_public or row.initiative.level.state != State.PUBLISHED:
        raise ValidationError({"initiative": "This initiative is not published. Publish it first."})
    if not row.organisation.is_public:
        raise ValidationError({"organisation": "This organisation is not published. Publish it first."})


def ask_reporters() -> int:
    """Ask those who report every quarter for the quarter that ended most recently; returns how many were asked."""
    if asking_blockers():
        return 0
    quarter = Quarter.of(timezone.localdate()).previous
    asked = 0
    for reporter in reporters_to_ask(quarter):
        row = Return(initiative=reporter.initiative, organisation=reporter.organisation, quarter=quarter.starts_on)
        try:
            ask(by=None, row=row, email=reporter.email, contact_name=reporter.contact_name)
        except ValidationError:  # such as an initiative that is a draft again: staff see that it was not asked
            continue
        asked += 1
    return asked


def reporters_to_ask(quarter: Quarter) -> list[Reporter]:
    rows = Reporter.objects.filter(first_quarter__lte=quarter.starts_on).exclude(last_quarter__lt=quarter.starts_on)
    known = set(Return.objects.filter(quarter=quarter.starts_on).values_list("initiative", "organisation"))
    related = rows.select_related("initiative__level", "organisation")
    return [row for row in related if (row.initiative_id, row.organisation_id) not in known]


def remind_due(today: date | None = None) -> int:
    """Remind those who have not answered; returns how many."""
    today = today or timezone.localdate()
    waiting = ReturnDraft.objects.filter(return_of_figures__closes_on__gte=today).select_related("return_of_figures")
    return sum(mailing.remind(draft, RETURN_REQUESTS.deliver) for draft in mailing.to_remind(waiting, today))


@transaction.atomic
def send_again(*, row: Return, email: str, contact_name: str = "") -> None:
    """Send the request again, perhaps to somebody else. Earlier links still work."""
    draft = locked_draft(row)
    RETURN_REQUESTS.require_open(draft)
    RETURN_REQUESTS.address(draft, email, contact_name)


@transaction.atomic
def extend(*, row: Return, closes_on: date) -> None:
    """Keep a return open for longer, or open it again. What was typed is still there."""
    check_closing_day(closes_on, due_on=row.due_on, noun="return")
    draft = locked_draft(row)
    row.closes_on = closes_on
    row.save(update_fields=["closes_on"])
    row.draft = draft
    draft.return_of_figures = row
    draft.tokens.update(expires_at=answering_link_expiry(closes_on))


@transaction.atomic
def cancel(*, row: Return) -> None:
    """Cancel the request for these figures, because the initiative was withdrawn, say. Nothing of it is published."""
    draft = locked_draft(row)
    if row.approved.exists():
        raise ValidationError(ALREADY_PUBLISHED)
    RETURN_REQUESTS.cancel(draft)
    Return.objects.filter(pk=row.pk).update(cancelled_at=timezone.now())


def locked_draft(row: Return) -> ReturnDraft:
    """The draft of a return, locked: always before the return itself, so that no two changes wait for each other.

    A return whose people were never recorded here gets an empty one.
    """
    drafts = (
        ReturnDraft.objects.select_for_update(of=("self",))
        .select_related("return_of_figures")
        .filter(return_of_figures=row)
    )
    if draft := drafts.first():
        return draft
    state = DraftState.APPROVED if row.approved.exists() else DraftState.STARTED
    ReturnDraft.objects.get_or_create(
        return_of_figures=row, defaults={"state": DraftState.CANCELLED if row.cancelled_at else state}
    )
    return drafts.get()
