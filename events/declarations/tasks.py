"""Sending emails, in the worker: failures are tried again with growing pauses, and no email is ever lost.

A worker claims an email for LOST_AFTER. If the worker is killed, the email is still marked as waiting, and the schedule
queues it again after that time. An email that the mail server accepted just before the crash is then sent twice, with
the same Message-ID, by which mail programs recognise a duplicate.
"""

import logging
import smtplib
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from events.declarations import mails
from events.declarations.choices import Delivery, InvitationState, MailKind
from events.declarations.models import Invitation, Mail
from vru_portal import log_lines
from vru_portal.models import Heartbeat

# Minutes between attempts, about three days in all: as long as mail servers themselves keep trying.
RETRY_MINUTES = (1, 5, 15, 60, 180, 480, 960, 1440, 1440)
# The longest pause during an outage, so that email is sent soon after the mail server is back.
MAX_OUTAGE_MINUTES = 60
# How long a worker may take for one email; one that is claimed for longer was lost with its worker.
LOST_AFTER = timedelta(minutes=10)
# How much the clocks of several servers may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)

logger = logging.getLogger(__name__)


@task()
def deliver(mail_id: int) -> None:
    """Send a queued email. If anything goes wrong it stays queued, with the error beside it."""
    mail = claim_mail(mail_id)
    if mail is None:
        return
    with log_lines.bound(mail=mail_id):
        try:
            message = mails.build_message(mail)
            if message:
                message.send()
        except Exception as error:
            postpone_mail(mail, error)
        else:
            record_delivery(mail, Delivery.SENT if message else Delivery.DROPPED)


def claim_mail(mail_id: int) -> Mail | None:
    """Claim a due email for this worker; None if it has been sent, or another worker is sending it.

    Claiming is one UPDATE with a condition, so of two workers exactly one succeeds, without a lock.
    """
    now = timezone.now()
    due = Mail.objects.filter(pk=mail_id, delivery=Delivery.WAITING, due_at__lte=now + CLOCK_TOLERANCE)
    if not due.update(attempts=F("attempts") + 1, due_at=now + LOST_AFTER):
        return None
    related = ("invitation__body", "invitation__version__declaration", "invitation__entry", "request")
    return Mail.objects.select_related(*related).filter(pk=mail_id).first()


@transaction.atomic
def record_delivery(mail: Mail, delivery: Delivery) -> None:
    """Mark an email as sent or dropped; an invitation becomes sent with its first email.

    Rows are updated, never saved: saving would bring back a row whose personal data was deleted in the meantime.
    """
    sent_at = timezone.now() if delivery == Delivery.SENT else None
    Mail.objects.filter(pk=mail.pk).update(delivery=delivery, sent_at=sent_at, error="")
    logger.info("Mail %s", delivery.label.lower())
    if delivery == Delivery.SENT:
        Heartbeat.objects.beat(Heartbeat.Part.MAIL_SERVER)
    if delivery == Delivery.SENT and mail.invitation and mail.kind == MailKind.INVITATION:
        invitation = Invitation.objects.filter(pk=mail.invitation.pk)
        not_yet_sent = [InvitationState.QUEUED, InvitationState.REFUSED]
        invitation.filter(state__in=not_yet_sent).update(state=InvitationState.SENT)
        invitation.filter(sent_at=None).update(sent_at=sent_at)  # reminders are timed from the first email


@transaction.atomic
def postpone_mail(mail: Mail, error: Exception) -> None:
    """Try again later, or give up if the mail server refuses this email for good or has done so for days."""
    message = " ".join(describe_error(error).split())[:500]
    row = Mail.objects.filter(pk=mail.pk)
    if refused_for_good(error) or (is_about_this_mail(error) and mail.attempts > len(RETRY_MINUTES)):
        row.update(delivery=Delivery.REFUSED, error=message)
        if mail.invitation and mail.kind == MailKind.INVITATION:
            queued = Invitation.objects.filter(pk=mail.invitation.pk, state=InvitationState.QUEUED)
            queued.update(state=InvitationState.REFUSED)
        return
    minutes = RETRY_MINUTES[min(mail.attempts, len(RETRY_MINUTES)) - 1]
    if not is_about_this_mail(error):
        Heartbeat.objects.beat(Heartbeat.Part.MAIL_SERVER, type(error).__name__)
        minutes = min(minutes, MAX_OUTAGE_MINUTES)
    due_at = timezone.now() + timedelta(minutes=minutes)
    if row.update(due_at=due_at, error=message):
        deliver.using(run_after=due_at).enqueue(mail.pk)
        log_postponed(error, minutes)


def describe_error(error: Exception) -> str:
    """What the mail server replied, or what else went wrong, for staff to read."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return "; ".join(f"{code} {decode_smtp_reply(reply)}" for code, reply in error.recipients.values())
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {decode_smtp_reply(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def decode_smtp_reply(reply: bytes | str) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply


def is_about_this_mail(error: Exception) -> bool:
    """Whether the mail server refused this email or its recipient, rather than being unreachable."""
    return isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)


def refused_for_good(error: Exception) -> bool:
    """Whether the mail server replied that trying again is useless: a code from 500 on (RFC 5321, section 4.2.1)."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())
        case smtplib.SMTPDataError():
            return error.smtp_code >= 500
    return False


def log_postponed(error: Exception, minutes: int) -> None:
    """Log that an email was postponed, without the error's message, which may name a mailbox."""
    if isinstance(error, OSError | smtplib.SMTPException):
        logger.warning("Mail was not sent: %s. Next try: %s min.", type(error).__name__, minutes)
    else:
        logger.error("Mail was not sent. Next try: %s min.", minutes, exc_info=error)
