"""Timed jobs of requests for onward grants: lost mail, reminders, and erasing personal data."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from funding.models import OnwardMail, OnwardRequest
from funding.regranting.rules import asking
from funding.regranting.tasks import deliver_onward_mail
from partners.models import LegalNotice
from vru_portal.links import delivery, personal


def delete_stuck_tasks() -> int:
    return delivery.delete_stuck_tasks(deliver_onward_mail)


def requeue_lost_mails() -> int:
    return delivery.requeue_lost(OnwardMail.objects.all(), deliver_onward_mail)


def erase_expired_personal_data() -> int:
    """Erase who was asked and what they typed, as long after the request has closed as the legal notice states.

    A request that was not approved by then is over.
    """
    retention_days = LegalNotice.current().retention_days
    if not retention_days:
        return 0
    limit = timezone.localdate() - timedelta(days=retention_days)
    return personal.forget_drafts(OnwardRequest.objects.filter(closes_on__lt=limit))


JOBS: tuple[tuple[Callable[[], int | None], str], ...] = (
    (delete_stuck_tasks, "stuck mail tasks deleted"),
    (requeue_lost_mails, "emails about onward grants queued again"),
    (asking.remind_due, "reminders to report onward grants queued"),
    (erase_expired_personal_data, "requests for onward grants whose personal data was erased"),
)
