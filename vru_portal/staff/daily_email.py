"""The daily email: it tells staff in the morning that something new needs them, unless they have turned it off."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from vru_portal.models import DailyEmail, ProposedOrder, Submission
from vru_portal.publishing import submissions
from vru_portal.publishing.state import PUBLISH
from vru_portal.staff.tasks import send_daily_email

MORNING = range(7, 12)  # hours, by the clock of the settings' time zone


def queue_daily_emails() -> int:
    """Queue an email for everybody who has something waiting that is newer than their last one; return how many."""
    if timezone.localtime().hour not in MORNING:
        return 0
    return sum(_queue_once_a_day(user, newest) for user, newest in _newest_by_person())


def _newest_by_person() -> list[tuple[Any, Any]]:
    """Each person with an email address who has something waiting, and when the newest item was handed over."""
    accounts: Any = get_user_model()._default_manager
    newest_by_key: dict[int, Any] = {}
    waiting = Submission.objects.filter(state__in=submissions.FOR_PUBLISHERS), ProposedOrder.objects.all()
    if decisions := max(filter(None, (rows.aggregate(newest=Max("at"))["newest"] for rows in waiting)), default=None):
        publishers = accounts.with_perm(PUBLISH, backend=settings.AUTHENTICATION_BACKENDS[0])
        keys = publishers.values_list("pk", flat=True)
        newest_by_key = dict.fromkeys(keys, decisions)
    sent_back = Submission.objects.filter(state=Submission.State.SENT_BACK, concerns__isnull=False).order_by()
    for key, at in sent_back.values_list("concerns").annotate(newest=Max("at")):
        newest_by_key[key] = max(at, newest_by_key.get(key, at))
    people = accounts.filter(pk__in=newest_by_key, is_active=True, is_staff=True).exclude(email="")
    return [(user, newest_by_key[user.pk]) for user in people]


@transaction.atomic
def _queue_once_a_day(user: Any, newest: Any) -> bool:
    """Queue the email of a person who has had none today, and none since something was last handed over.

    Noting that is one UPDATE with a condition, so that of two timers exactly one queues it.
    """
    DailyEmail.objects.get_or_create(user=user)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    is_due = Q(sent_at=None) | Q(sent_at__lt=min(midnight, newest))
    if not DailyEmail.objects.filter(is_due, user=user, wanted=True).update(sent_at=timezone.now()):
        return False
    send_daily_email.enqueue(user.pk)
    return True
