"""Asking organisations for figures, and what staff or the timer decide about a return until it is answered."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from partners.models import LegalNotice
from programmes.results.choices import MAX_REMINDERS, OPEN_STATES, WAITING_STATES, DraftState, MailKind
from programmes.results.models import Mail, Measure, Reporter, ReportingRules, Return, ReturnDraft
from programmes.results.quarters import Quarter
from programmes.results.tasks import deliver
from programmes.results.tokens import link_expiry
from vru_portal.links.messages import new_message_id
from vru_portal.publishing.state import State

BETWEEN_REMINDERS = timedelta(days=10)
MAX_DAYS_AHEAD = 366


def queue_mail(kind: MailKind, draft: ReturnDraft, *, to: str = "") -> Mail:
    """Queue an email; the worker sees it once this transaction is committed."""
    mail = Mail.objects.create(kind=kind, draft=draft, to=to or draft.email, message_id=new_message_id())
    deliver.enqueue(mail.pk)
    return mail


def asking_blockers() -> list[str]:
    """The reasons why nobody can be asked yet: a link collects names and email addresses."""
    reasons = []
    if not Measure.objects.exists():
        reasons.append("There is no measure yet. Add what is to be counted first.")
    if missing := LegalNotice.current().missing:
        reasons.append(f"The legal notice does not say: {', '.join(missing)}.")
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
    draft = ReturnDraft(asked=row, email=email, contact_name=contact_name)
    draft.full_clean()
    if not draft.email:
        raise ValidationError({"email": "Enter the email address of the person who reports."})
    draft.save(force_insert=True)
    queue_mail(MailKind.REQUEST, draft)
    return row


def check_return(*, by: Any, row: Return, rules: ReportingRules | None = None) -> None:
    """Fill in the days of a new return as the reporting rules say, and check it. Raises ValidationError.

    Whoever is asked late has as many days from then.
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
    """Remind those who have not answered: shortly before the return is due, and twice more; returns how many.

    Whoever was asked late, or could not be reminded for a while, gets no two emails within ten days.
    """
    today = today or timezone.localdate()
    waiting = ReturnDraft.objects.filter(
        state__in=WAITING_STATES, reminders__lt=MAX_REMINDERS, asked__cancelled_at=None, asked__closes_on__gte=today
    )
    emailed = waiting.exclude(email="").exclude(sent_at=None).annotate(latest=Max("mails__created_at"))
    reminded = 0
    for draft in emailed.select_related("asked"):
        first = draft.asked.due_on - BETWEEN_REMINDERS
        latest = timezone.localdate(draft.latest)
        if today >= max(first + draft.reminders * BETWEEN_REMINDERS, latest + BETWEEN_REMINDERS):
            reminded += remind(draft=draft)
    return reminded


@transaction.atomic
def remind(*, draft: ReturnDraft) -> bool:
    """Queue a reminder, unless an answer has come in meanwhile."""
    locked = ReturnDraft.objects.select_for_update().get(pk=draft.pk)
    if locked.state not in WAITING_STATES or locked.reminders >= MAX_REMINDERS:
        return False
    ReturnDraft.objects.filter(pk=draft.pk).update(reminders=locked.reminders + 1)
    queue_mail(MailKind.REMINDER, locked)
    return True


@transaction.atomic
def send_again(*, row: Return, email: str, contact_name: str = "") -> None:
    """Send the request again, perhaps to somebody else. Earlier links go on working."""
    draft = locked_draft(row)
    require_open(row, draft)
    draft.email, draft.contact_name = email, contact_name
    draft.full_clean()
    if not draft.email:
        raise ValidationError({"email": "Enter the email address of the person who reports."})
    draft.save()
    queue_mail(MailKind.REQUEST, draft)


@transaction.atomic
def extend(*, row: Return, closes_on: date) -> None:
    """Keep a return open for longer, or open it again. What was typed is still there."""
    today = timezone.localdate()
    if not today <= closes_on <= today + timedelta(days=MAX_DAYS_AHEAD):
        raise ValidationError({"day": "Enter a date from today on, at most a year ahead."})
    if closes_on < row.due_on:
        raise ValidationError({"day": "A return cannot close before it is due."})
    draft = locked_draft(row)
    row.closes_on = closes_on
    row.save(update_fields=["closes_on"])
    row.draft = draft
    draft.asked = row
    draft.tokens.update(expires_at=link_expiry(draft))


@transaction.atomic
def cancel(*, row: Return) -> None:
    """No longer ask for these figures, for example because the initiative was withdrawn. Nothing is published of it."""
    draft = locked_draft(row)
    if row.approved.exists():
        raise ValidationError("These figures are published. Correct them instead.")
    if draft.state == DraftState.CANCELLED:
        raise ValidationError("This return is cancelled already.")
    Return.objects.filter(pk=row.pk).update(cancelled_at=timezone.now())
    ReturnDraft.objects.filter(pk=draft.pk).update(state=DraftState.CANCELLED)
    for address in draft.reporters if draft.sent_at else ():
        queue_mail(MailKind.CANCELLED, draft, to=address)


def locked_draft(row: Return) -> ReturnDraft:
    """The draft of a return, locked: always before the return itself, so that no two changes wait for each other.

    A return whose people were never recorded here gets an empty one.
    """
    drafts = ReturnDraft.objects.select_for_update(of=("self",)).select_related("asked").filter(asked=row)
    if draft := drafts.first():
        return draft
    state = DraftState.APPROVED if row.approved.exists() else DraftState.STARTED
    ReturnDraft.objects.get_or_create(
        asked=row, defaults={"state": DraftState.CANCELLED if row.cancelled_at else state}
    )
    return drafts.get()


def require_open(row: Return, draft: ReturnDraft) -> None:
    """Raise ValidationError, for staff, where the organisation cannot answer."""
    if draft.state not in OPEN_STATES:
        raise ValidationError(f"This return is “{draft.get_state_display()}”, so it cannot be filled in.")
    if draft.is_closed(timezone.localdate()):
        raise ValidationError("This return is closed. Extend it first.")
