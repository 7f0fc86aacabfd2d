"""The portal's timer: it runs the jobs of every app, one after the other.

Each app lists its own in `JOBS` of its module `schedule`: a function, and what it counts (if that is empty, nothing is
printed).
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Never

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from events.declarations import schedule as declarations
from funding.regranting import schedule as regranting
from programmes import schedule as programmes
from programmes.results import schedule as results
from vru_portal.accounts import schedule as accounts
from vru_portal.models import Heartbeat
from vru_portal.operations.backup import daily
from vru_portal.operations.liveness import Progress
from vru_portal.publishing import schedule as publishing
from vru_portal.search import schedule as search
from vru_portal.staff import schedule as staff
from vru_portal.tabular import schedule as tabular
from vru_portal.web import schedule as web

# Publishing comes first: people expect those records at a stated time.
APPS = (publishing, tabular, declarations, results, regranting, programmes, search, web, accounts, staff)

KEEP_ENDED_TASKS = timedelta(days=7)
LONGEST_JOB = 2 * 60 * 60  # seconds: many times what the daily backup of a large portal takes

logger = logging.getLogger(__name__)


def delete_ended_tasks() -> int:
    """Delete queued tasks that ended a while ago: the mail or the import itself records the result."""
    return DBTaskResult.objects.filter(finished_at__lt=timezone.now() - KEEP_ENDED_TASKS).delete()[0]


JOBS = (
    (delete_ended_tasks, "ended tasks deleted"),
    (daily.make_daily_backup, "backup made"),
)


def run_all(before_each: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Run every job and yield one line for each that did something, then note that the timer ran.

    A job that fails stops no other. Its error is noted and raised at the end; of several, the first.
    """
    errors: list[Exception] = []
    for job, counted in chain(*(app.JOBS for app in APPS), JOBS):
        before_each()
        try:
            count = job()
        except Exception as error:
            errors.append(error)
        else:
            if count and counted:
                yield f"{count} {counted}"
    try:
        Heartbeat.objects.beat(Heartbeat.Part.TIMER, type(errors[0]).__name__ if errors else "")
    except DatabaseError as error:
        errors.append(error)
    if errors:
        raise errors[0]


class Timer(Progress):
    """Runs every job, waits and begins again, for ever. What happens is logged; what fails is tried again."""

    longest = LONGEST_JOB

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.note_progress()

    def run(self) -> Never:
        while True:
            try:
                for line in run_all(self.note_progress):
                    logger.info("Timer: %s.", line)
            except ImproperlyConfigured as error:
                logger.error("%s", error)
            except Exception:
                logger.exception("A timed job failed and will be tried again.")
            close_old_connections()
            self.note_progress()
            time.sleep(self.seconds)
