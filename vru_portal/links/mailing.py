"""The emails of requests: queueing them, noting on the request that they were sent, and when to send reminders."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from vru_portal.links import delivery as queue
from vru_portal.links.choices import MAX_REMINDERS, WAITING_STATES, DraftState, LinkPurpose, MailPurpose
from vru_portal.links.messages import new_message_id
from vru_portal.links.models import Delivery, LinkDraft
from vru_portal.links.querysets import RequestQuerySet
from vru_portal.text.cleaning import one_line

BETWEEN_REMINDERS = timedelta(days=10)
MAX_NAME_IN_SUBJECT = 60  # characters: there has to be room for the rest of the subject
LINK_PURPOSES: dict[str, LinkPurpose] = {
    MailPurpose.REQUEST: LinkPurpose.FILL_IN,
    MailPurpose.REMINDER: LinkPurpose.FILL_IN,
    MailPurpose.QUERY: LinkPurpose.FILL_IN,
    MailPurpose.CONFIRM: LinkPurpose.CONFIRM,
}  # emails about answers that were sent need no link


def queue_mail(deliver: Any, kind: str, draft: LinkDraft, *, to: str = "") -> Any:
    """Queue an email for the task ``deliver``; the worker sees it once this transaction is committed."""
    mail = draft.mails.create(kind=kind, to=to or draft.email, message_id=new_message_id())
    deliver.enqueue(mail.pk)
    return mail


@transaction.atomic
def record_delivery(mail: Any, delivery: Delivery) -> None:
    """Mark an email as sent or dropped; a request is sent with its first email, and reminders are timed from that."""
    sent_at = queue.note_delivery(mail, delivery)
    if sent_at and mail.kind == MailPurpose.REQUEST:
        draft = rows_of_draft(mail)
        draft.filter(state__in=[DraftState.QUEUED, DraftState.REFUSED]).update(state=DraftState.SENT)
        draft.filter(sent_at=None).update(sent_at=sent_at)


@transaction.atomic
def postpone(mail: Any, error: Exception, deliver: Any) -> None:
    if queue.postpone_or_refuse(mail, error, deliver) and mail.kind == MailPurpose.REQUEST:
        rows_of_draft(mail).filter(state=DraftState.QUEUED).update(state=DraftState.REFUSED)


def rows_of_draft(mail: Any) -> QuerySet[Any]:
    return type(mail.draft)._default_manager.filter(pk=mail.draft_id)


def name_of(mail: Any) -> str:
    """Whom to greet; empty for somebody who was asked earlier, and whose name is no longer known."""
    draft = mail.draft
    names = {draft.confirm_email.casefold(): draft.confirm_name, draft.email.casefold(): draft.contact_name}
    return str(draft.confirm_name if mail.kind == MailPurpose.CONFIRM else names.get(mail.to.casefold(), ""))


def request_context(mail: Any) -> dict[str, object]:
    """What the templates of all emails about requests can use."""
    draft = mail.draft
    return {
        "due_on": draft.due_on,
        "is_late": draft.due_on < timezone.localdate(),
        "until": draft.closes_on,
        "max_reminders": MAX_REMINDERS,
        "contact_name": one_line(name_of(mail)),
        "prepared_by": one_line(draft.prepared_by),
        "question": draft.question.strip(),
    }


def was_erased(mail: Any) -> bool:
    """Whether an email was erased with its request after a worker claimed it.

    Nothing can be erased from now on until the transaction ends.
    """
    list(rows_of_draft(mail).select_for_update().values_list("pk"))
    return not queue.rows_of(mail).exists()


def is_wanted(mail: Any) -> bool:
    """Whether there is still a reason to send an email, which may have been queued for days. Needs a transaction."""
    if not mail.to or was_erased(mail):
        return False
    draft = mail.draft
    if draft.is_withdrawn and mail.kind != MailPurpose.CANCELLED:
        return False
    is_open = draft.is_open and not draft.is_closed(timezone.localdate())
    match MailPurpose(mail.kind):
        case MailPurpose.REQUEST:
            return is_open
        case MailPurpose.REMINDER:
            return is_open and draft.state in WAITING_STATES
        case MailPurpose.QUERY:
            return is_open and draft.state == DraftState.QUERIED
        case MailPurpose.CONFIRM:
            passed_on = draft.state == DraftState.PASSED_ON and draft.confirm_email.casefold() == mail.to.casefold()
            return is_open and passed_on
        case MailPurpose.RECEIVED:
            return draft.state in (DraftState.SUBMITTED, DraftState.APPROVED)
        case MailPurpose.APPROVED:
            return draft.state == DraftState.APPROVED
        case MailPurpose.CANCELLED:
            return draft.state == DraftState.CANCELLED


def to_remind(waiting: RequestQuerySet[Any], today: date) -> Iterator[Any]:
    """Yield the requests among ``waiting`` for which a reminder is due: shortly before they are due, and twice more.

    Nobody is reminded of what is no longer asked for, or gets two emails within ten days, even if they were asked late
    or could not be reminded for a while.
    """
    rows: Any = waiting.still_asked().filter(state__in=WAITING_STATES, reminders__lt=MAX_REMINDERS)
    for draft in rows.exclude(email="").exclude(sent_at=None).annotate(latest=Max("mails__created_at")):
        first = draft.due_on - BETWEEN_REMINDERS
        latest = timezone.localdate(draft.latest)
        if today >= max(first + draft.reminders * BETWEEN_REMINDERS, latest + BETWEEN_REMINDERS):
            yield draft


@transaction.atomic
def remind(draft: LinkDraft, deliver: Any) -> bool:
    """Queue a reminder, unless an answer has come in meanwhile."""
    drafts: Any = type(draft)._default_manager
    locked = drafts.select_for_update().get(pk=draft.pk)
    if locked.state not in WAITING_STATES or locked.reminders >= MAX_REMINDERS:
        return False
    drafts.filter(pk=draft.pk).update(reminders=locked.reminders + 1)
    queue_mail(deliver, MailPurpose.REMINDER, locked)
    return True
