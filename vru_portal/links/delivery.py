"""Sending queued emails, in the worker: failures are tried again with growing pauses, and no email is ever lost.

A worker claims an email for LOST_AFTER. If the worker is killed, the email is still marked as waiting, and the schedule
queues it again after that time. An email that the mail server accepted just before the crash is then sent twice, with
the same Message-ID, by which mail programs recognise a duplicate.
"""

import logging
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from vru_portal import log_lines
from vru_portal.links.models import Delivery, QueuedMail
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


def claim(mails: QuerySet[Any], mail_id: int) -> Any | None:
    """Claim a due email for this worker; None if it has been sent, or another worker is sending it.

    Claiming is one UPDATE with a condition, so of two workers exactly one succeeds, without a lock.
    """
    now = timezone.now()
    due = mails.filter(pk=mail_id, delivery=Delivery.WAITING, due_at__lte=now + CLOCK_TOLERANCE)
    if not due.order_by().update(attempts=F("attempts") + 1, due_at=now + LOST_AFTER):
        return None
    return mails.filter(pk=mail_id).first()


def send(
    mail: Any,
    *,
    build: Callable[[Any], EmailMessage | None],
    record: Callable[[Any, Delivery], object],
    postpone: Callable[[Any, Exception], object],
) -> None:
    """Send a claimed email. If anything goes wrong it stays queued, with the error beside it.

    ``build`` returns None if there is no longer a reason to send it.
    """
    with log_lines.log_context(mail=mail.pk):
        try:
            message = build(mail)
            if message:
                message.send()
        except Exception as error:
            postpone(mail, error)
        else:
            record(mail, Delivery.SENT if message else Delivery.DROPPED)


def note_delivery(mail: QueuedMail, delivery: Delivery) -> datetime | None:
    """Mark an email as sent or dropped; returns when it was sent, unless it was erased meanwhile.

    Rows are updated, never saved: saving would bring back a row whose personal data was deleted in the meantime.
    """
    sent_at = timezone.now() if delivery == Delivery.SENT else None
    is_kept = rows_of(mail).update(delivery=delivery, sent_at=sent_at, error="")
    logger.info("Mail %s", delivery.label.lower())
    if sent_at:
        Heartbeat.objects.beat(Heartbeat.Part.MAIL_SERVER)
    return sent_at if is_kept else None


def postpone_or_refuse(mail: QueuedMail, error: Exception, deliver: Any) -> bool:
    """Try again later with the task ``deliver``; or give up if the mail server rejects this email for good or has done
    so for days. Returns whether it gave up.
    """
    message = " ".join(describe_error(error).split())[:500]
    if refused_for_good(error) or (is_about_this_mail(error) and mail.attempts > len(RETRY_MINUTES)):
        return bool(rows_of(mail).update(delivery=Delivery.REFUSED, error=message))
    minutes = RETRY_MINUTES[min(mail.attempts, len(RETRY_MINUTES)) - 1]
    if not is_about_this_mail(error):
        Heartbeat.objects.beat(Heartbeat.Part.MAIL_SERVER, type(error).__name__)
        minutes = min(minutes, MAX_OUTAGE_MINUTES)
    due_at = timezone.now() + timedelta(minutes=minutes)
    if rows_of(mail).update(due_at=due_at, error=message):
        deliver.using(run_after=due_at).enqueue(mail.pk)
        log_postponed(error, minutes)
    return False


def rows_of(mail: QueuedMail) -> QuerySet[Any]:
    return type(mail)._default_manager.filter(pk=mail.pk).order_by()


def delete_stuck_tasks(deliver: Any) -> int:
    """Delete tasks that have been running for longer than any mail takes: their worker was killed.

    `requeue_lost` then makes new ones for their mail.
    """
    running = DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, started_at__lt=timezone.now() - LOST_AFTER, task_path=deliver.module_path
    )
    return running.delete()[0]


@transaction.atomic
def requeue_lost(mails: QuerySet[Any], deliver: Any) -> int:
    """Queue the mails that are due and have no task that will send them."""
    due = list(mails.select_for_update().filter(delivery=Delivery.WAITING, due_at__lte=timezone.now()))
    tasks = DBTaskResult.objects.filter(task_path=deliver.module_path)
    tasks = tasks.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])
    has_task = {task["args"][0] for task in tasks.values_list("args_kwargs", flat=True)}
    lost = [mail for mail in due if mail.pk not in has_task]
    for mail in lost:
        deliver.enqueue(mail.pk)
    return len(lost)


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
