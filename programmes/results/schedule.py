"""Timed jobs of returns: lost mail, requests when a quarter has ended, reminders, and erasing personal data."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from partners.models import LegalNotice
from programmes.results.models import Mail, ReturnDraft
from programmes.results.rules import asking
from programmes.results.tasks import deliver
from vru_portal.links import delivery, personal


def delete_stuck_tasks() -> int:
    return delivery.delete_stuck_tasks(deliver)


def requeue_lost_mails() -> int:
    return delivery.requeue_lost(Mail.objects.all(), deliver)


def erase_expired_personal_data() -> int:
    """Erase who was asked and what they typed, as long after the return has closed as the legal notice states.

    Answers from a file are erased too, although nobody was emailed about them.
    """
    retention_days = LegalNotice.current().retention_days
    if not retention_days:
        return 0
    limit = timezone.localdate() - timedelta(days=retention_days)
    return personal.forget_drafts(ReturnDraft.objects.filter(return_of_figures__closes_on__lt=limit))


JOBS: tuple[tuple[Callable[[], int | None], str], ...] = (
    (delete_stuck_tasks, "stuck mail tasks deleted"),
    (requeue_lost_mails, "emails about returns queued again"),
    (asking.ask_reporters, "organisations asked for figures"),
    (asking.remind_due, "reminders to report figures queued"),
    (erase_expired_personal_data, "returns whose personal data was erased"),
)
