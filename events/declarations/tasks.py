"""Mail leaves here, in the worker: tried again with growing pauses, and never lost.

Whenever the worker is killed, the mail is still waiting: it is claimed for LOST_AFTER, and after that the timer
(`chores.send_lost`) queues it again. What a mail server had just taken bears the same Message-ID the second time.
"""

import logging
import smtplib
import traceback
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from events.declarations import mails
from events.declarations.choices import Delivery, InvitationState, MailKind
from events.declarations.models import Invitation, Mail

# Minutes from one attempt to the next, about three days in all: as long as mail servers themselves keep trying.
PAUSES = (1, 5, 15, 60, 180, 480, 960, 1440, 1440)
# The longest pause where nothing is wrong with the mail: it leaves soon after the mail server is back.
LONGEST_WAIT = 60
# What the worker may take for a mail; one that is waiting longer was lost with its worker.
LOST_AFTER = timedelta(minutes=10)
# By how much the clocks of several servers may differ.
CLOCKS = timedelta(minutes=1)

logger = logging.getLogger(__name__)


@task()
def deliver(mail_id: int) -> None:
    """Send a mail that waits. Whatever goes wrong, it goes on waiting, with what went wrong beside it."""
    mail = claim(mail_id)
    if mail is None:
        return
    try:
        message = mails.message(mail)
        if message:
            message.send()
    except Exception as error:
        put_off(mail, error)
    else:
        note(mail, Delivery.SENT if message else Delivery.DROPPED)


def claim(mail_id: int) -> Mail | None:
    """Return a mail that is due, for this worker alone; None where it is sent, or another worker is sending it."""
    now = timezone.now()
    due = Mail.objects.filter(pk=mail_id, delivery=Delivery.WAITING, due_at__lte=now + CLOCKS)
    if not due.update(attempts=F("attempts") + 1, due_at=now + LOST_AFTER):
        return None
    related = ("invitation__body", "invitation__version__declaration", "invitation__entry")
    return Mail.objects.select_related(*related).filter(pk=mail_id).first()


@transaction.atomic
def note(mail: Mail, delivery: Delivery) -> None:
    """Note that a mail is done with; an invitation moves on when its first mail has left.

    Rows are updated, never saved: one whose personal data was dropped meanwhile must not come back.
    """
    sent_at = timezone.now() if delivery == Delivery.SENT else None
    Mail.objects.filter(pk=mail.pk).update(delivery=delivery, sent_at=sent_at, error="")
    if delivery == Delivery.SENT and mail.kind == MailKind.INVITATION:
        invitation = Invitation.objects.filter(pk=mail.invitation_id)
        waiting = [InvitationState.QUEUED, InvitationState.REFUSED]
        invitation.filter(state__in=waiting).update(state=InvitationState.SENT)
        invitation.filter(sent_at=None).update(sent_at=sent_at)  # reminders are counted from it


@transaction.atomic
def put_off(mail: Mail, error: Exception) -> None:
    """Try again later; or give up, where the mail server refuses this mail for good or has done so for days."""
    said = " ".join(in_words(error).split())[:500]
    row = Mail.objects.filter(pk=mail.pk)
    if refused_for_good(error) or (is_about_the_mail(error) and mail.attempts > len(PAUSES)):
        row.update(delivery=Delivery.REFUSED, error=said)
        if mail.kind == MailKind.INVITATION:
            queued = Invitation.objects.filter(pk=mail.invitation_id, state=InvitationState.QUEUED)
            queued.update(state=InvitationState.REFUSED)
        return
    minutes = PAUSES[min(mail.attempts, len(PAUSES)) - 1]
    if not is_about_the_mail(error):
        minutes = min(minutes, LONGEST_WAIT)
    due_at = timezone.now() + timedelta(minutes=minutes)
    if row.update(due_at=due_at, error=said):
        deliver.using(run_after=due_at).enqueue(mail.pk)
        report(mail, error, minutes)


def in_words(error: Exception) -> str:
    """Return what the mail server said, or what else went wrong, for staff."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return "; ".join(f"{code} {answer(said)}" for code, said in error.recipients.values())
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {answer(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def answer(said: bytes | str) -> str:
    """Return an answer of the mail server as text."""
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def is_about_the_mail(error: Exception) -> bool:
    """Return whether the mail server has refused this mail or its recipient, rather than being out of reach."""
    return isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)


def refused_for_good(error: Exception) -> bool:
    """Return whether the mail server says that trying again is of no use: a code from 500 on (RFC 5321, 4.2.1)."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())
        case smtplib.SMTPDataError():
            return error.smtp_code >= 500
    return False


def report(mail: Mail, error: Exception, minutes: int) -> None:
    """Log that a mail was put off: without the error's words, which may name a mailbox."""
    expected = isinstance(error, OSError | smtplib.SMTPException)
    where = "" if expected else "\n" + "".join(traceback.format_tb(error.__traceback__))
    level = logging.WARNING if expected else logging.ERROR
    logger.log(level, "Mail %s was not sent: %s. Next try: %s min.%s", mail.pk, type(error).__name__, minutes, where)
