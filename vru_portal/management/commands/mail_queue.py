import argparse
import logging
import math
import time
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connections
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from vru_portal import log_lines
from vru_portal.models import Heartbeat
from vru_portal.operations import schedule
from vru_portal.operations.liveness import Progress, all_well, give_pulse

SECONDS_BETWEEN_LOOKS = 1  # into an empty queue
SECONDS_TO_WAIT = 2  # between tries while the database is busy, full or away
SECONDS_BETWEEN_REMARKS = 60
SECONDS_BETWEEN_BEATS = 60
LONGEST_TASK = 30 * 60  # seconds: many times what reading the largest file takes

logger = logging.getLogger(__name__)


class PatientWorker(Progress, Worker):
    """The queue's worker, which outlives its database.

    The library's opens its transaction outside its `try`: a database that is locked for longer than its timeout, full,
    restarted or gone ends it.
    """

    longest = LONGEST_TASK

    def __init__(self) -> None:
        super().__init__(
            queue_names=["default"],
            interval=SECONDS_BETWEEN_LOOKS,
            batch=True,  # its `run` returns when the queue is empty
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )
        self.beat_at = -math.inf
        self.note_progress()

    def run(self) -> None:
        """Work until told to stop. A task that was running when the database went away is freed by the timer later."""
        said_at = -math.inf
        while self.running:
            self.note_progress()
            try:
                super().run()
                self.beat()
                time.sleep(self.interval)
            except (DatabaseError, InterfaceError) as error:
                connections.close_all()
                if time.monotonic() - said_at > SECONDS_BETWEEN_REMARKS:
                    logger.warning("The mail queue is waiting for the database: %s.", type(error).__name__)
                    said_at = time.monotonic()
                time.sleep(SECONDS_TO_WAIT)

    def run_task(self, db_task_result: DBTaskResult[Any, Any]) -> None:
        """Run a task, with its id on every line that it logs."""
        self.note_progress()
        self.beat()
        with log_lines.log_context(job=str(db_task_result.id)):
            super().run_task(db_task_result)

    def beat(self) -> None:
        """Note now and then that the queue is worked on."""
        if time.monotonic() - self.beat_at > SECONDS_BETWEEN_BEATS:
            Heartbeat.objects.beat(Heartbeat.Part.MAIL_QUEUE)
            self.beat_at = time.monotonic()


class Command(BaseCommand):
    """The process that sends queued mail and reads long files, one task after the other, until it is stopped."""

    help = "Sends queued mail and reads long files until it is stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--timer", type=int, metavar="SECONDS", help="also run the timed jobs, every so many seconds"
        )

        parser.add_argument(
            "--pulse", type=int, metavar="FD", help="write to this file descriptor every few seconds, as a sign of life"
        )

    def handle(self, *, timer: int | None = None, pulse: int | None = None, **options: Any) -> None:
        worker = PatientWorker()
        worker.configure_signals()
        watched: list[Progress] = [worker]
        if timer is not None:  # in this process: one of its own would load the whole portal once more
            watched.append(jobs := schedule.Timer(timer))
            Thread(target=jobs.run, name="timer", daemon=True).start()
        if pulse is not None:
            Thread(target=give_pulse, args=[pulse, lambda: all_well(watched)], name="pulse", daemon=True).start()
        worker.run()
