"""What is known about a long file: what reads it, the worker's progress, and the result.

Progress is written to a file, not to the database. A file is recorded in one transaction: nobody else would see rows
that count progress until it ends, and SQLite lets nobody else write meanwhile.
"""

from pathlib import Path
from time import time
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from vru_portal.models import FileJob
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.unconfirmed_files import import_folder

SECONDS_UNTIL_LOST = 120  # if no row is read for this long, the worker was killed


def resource_class_of(job: FileJob) -> type[FileResource]:
    """What reads the job's file. Its dotted name was stored by `jobs.enqueue_file`, never by a person."""
    return import_string(job.resource)


def progress_file(job: FileJob) -> Path:
    return import_folder() / f"job-{job.pk}"


class ProgressCounter:
    """Counts rows as they are done, and writes their number down at most once a second."""

    def __init__(self, job: FileJob) -> None:
        self.path, self.rows, self.written = progress_file(job), 0, 0.0
        self.write()

    def __call__(self) -> None:
        self.rows += 1
        if time() - self.written >= 1:
            self.write()

    def write(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.write_text(str(self.rows))
        self.written = time()


def rows_done(job: FileJob) -> int:
    if job.state != FileJob.State.RUNNING:
        return job.rows_done
    try:
        return min(job.rows, int(progress_file(job).read_text() or 0))
    except (OSError, ValueError):
        return 0


def is_lost(job: FileJob) -> bool:
    """Whether the worker that ran the job was killed: it has written no progress for a while."""
    if job.state != FileJob.State.RUNNING:
        return False
    try:
        return progress_file(job).stat().st_mtime < time() - SECONDS_UNTIL_LOST
    except OSError:
        return job.begun_at.timestamp() < time() - SECONDS_UNTIL_LOST


def what_was_asked(job: FileJob) -> dict[str, Any]:
    """The part of a job's result that was there before the worker had read the file."""
    return {"form": job.result["form"], "left_out": job.result.get("left_out")}


def finish(job: FileJob, state: FileJob.State, report: dict[str, Any]) -> None:
    """Store how a job ended; `report` is what `ImportResult.report` returns, or has "problems" alone."""
    job.state, job.rows_done, job.ended_at = state, rows_done(job), timezone.now()
    if state != FileJob.State.REFUSED:
        job.rows_done = job.rows
    job.result = report | what_was_asked(job)
    job.save(update_fields=["state", "rows_done", "ended_at", "result"])
