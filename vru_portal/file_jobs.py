"""Long files: the worker tries and records them, and says how far it has come.

How far is written beside the file, not into the database: a file is recorded in one transaction, out of which nothing
is seen until it ends, and SQLite lets nobody else write meanwhile.
"""

import logging
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from vru_portal.importing import GONE, LONGEST_WAIT, FileResource, WaitingFile
from vru_portal.models import FileJob

State = FileJob.State
LOST_AFTER = 120  # seconds without a row: its worker was killed
LOST = "The worker that read this file was stopped on the way. Nothing was recorded. Send it again."
FAULT = "Something went wrong that is not the file's fault. Nothing was recorded. Tell whoever looks after the portal."
REFUSED = "You may not record {}. Nothing was recorded."

logger = logging.getLogger(__name__)


def send(
    *, resource: type[FileResource], stored: str, name: str, form: int, rows: int, by: Any, dry_run: bool = True
) -> FileJob:
    """Have the worker try a file that lies in `WaitingFile`, or record one that it has tried."""
    from vru_portal.tasks import read_file

    with transaction.atomic():
        job = FileJob.objects.create(
            resource=f"{resource.__module__}.{resource.__qualname__}",
            name=name[:200],
            stored=stored,
            dry_run=dry_run,
            rows=rows,
            result={"form": form},
            by=by,
        )
        read_file.enqueue(job.pk)
    return job


def resource_of(job: FileJob) -> type[FileResource]:
    """Return what reads a job's file; its name was written by `send`, never by a person."""
    return import_string(job.resource)


@transaction.atomic
def confirm(job: FileJob, *, by: Any) -> FileJob:
    """Have the worker record what it has tried, once; raises ValidationError where somebody has confirmed it."""
    stored = job.stored
    if not stored or not FileJob.objects.filter(pk=job.pk, state=State.TRIED, stored=stored).update(stored=""):
        raise ValidationError(GONE)
    return send(
        resource=resource_of(job),
        stored=stored,
        name=job.name,
        form=job.result["form"],
        rows=job.rows,
        by=by,
        dry_run=False,
    )


@transaction.atomic
def send_again(job: FileJob) -> None:
    """Begin anew with a file whose worker was killed; raises ValidationError where that is not so."""
    from vru_portal.tasks import read_file

    state = job.state
    lost = is_lost(job) or (state == State.REFUSED and LOST in job.result.get("problems", []))
    values = {"state": State.WAITING, "ended_at": None, "result": {"form": job.result["form"]}}
    if not lost or not FileJob.objects.filter(pk=job.pk, state=state).update(**values):
        raise ValidationError("This file is being read, or was read to its end: there is nothing to send again.")
    progress_file(job).unlink(missing_ok=True)
    read_file.enqueue(job.pk)


# How far it has come --------------------------------------------------------------------------------------------------


def progress_file(job: FileJob) -> Path:
    """Return where it is written how far a job has come."""
    return Path(settings.VAR_DIR, "imports", f"job-{job.pk}")


class Progress:
    """Counts rows, and writes down once a second how many there are."""

    def __init__(self, job: FileJob) -> None:
        self.path, self.rows, self.written = progress_file(job), 0, 0.0
        self.write()

    def __call__(self) -> None:
        """Count a row."""
        self.rows += 1
        if time() - self.written >= 1:
            self.write()

    def write(self) -> None:
        """Write it down."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.write_text(str(self.rows))
        self.written = time()


def rows_done(job: FileJob) -> int:
    """Return how many rows are done, as far as is known."""
    if job.state != State.RUNNING:
        return job.rows_done
    try:
        return min(job.rows, int(progress_file(job).read_text() or 0))
    except (OSError, ValueError):
        return 0


def is_lost(job: FileJob) -> bool:
    """Whether the worker of a job was killed: it has written nothing for a while."""
    if job.state != State.RUNNING:
        return False
    try:
        return progress_file(job).stat().st_mtime < time() - LOST_AFTER
    except OSError:
        return job.begun_at.timestamp() < time() - LOST_AFTER


def reap() -> int:
    """Say of jobs whose worker was killed that nothing was recorded. Returns how many."""
    lost = [job for job in FileJob.objects.filter(state=State.RUNNING) if is_lost(job)]
    for job in lost:
        end(job, State.REFUSED, {"problems": [LOST]})
    return len(lost)


def forget() -> int:
    """Drop what the rows of files said, and the files, a day after they ended: they may name people. Returns how many.

    The summary stays, which holds numbers. A file that is sent on to be recorded meanwhile is left to that.
    """
    forgotten = 0
    ended = FileJob.objects.filter(ended_at__lt=timezone.now() - timedelta(seconds=LONGEST_WAIT))
    for job in ended.exclude(result__has_key="forgotten"):
        kept: dict[str, Any] = {"form": job.result["form"], "summary": job.result.get("summary", ""), "forgotten": True}
        if job.state == State.TRIED:
            kept["sent_on"] = not job.stored
        same = FileJob.objects.filter(pk=job.pk, state=job.state, stored=job.stored, ended_at=job.ended_at)
        if same.update(result=kept, stored=""):
            forgotten += 1
            if job.stored:
                WaitingFile(name=job.stored).remove()
    return forgotten


# What the worker does -------------------------------------------------------------------------------------------------


def run(job_id: int) -> None:
    """Try or record a file. Whatever goes wrong, the job says so, and nothing is recorded."""
    if not FileJob.objects.filter(pk=job_id, state=State.WAITING).update(state=State.RUNNING):
        return
    job = FileJob.objects.select_related("by").get(pk=job_id)
    try:
        with transaction.atomic():  # what is recorded, and that it is
            read(job)
    except ValidationError as error:
        end(job, State.REFUSED, {"problems": error.messages})
    except Exception as error:  # whatever it is, somebody is waiting to hear of it
        logger.exception("A long file could not be read: %s", type(error).__name__)
        end(job, State.REFUSED, {"problems": [FAULT]})
    if job.state != State.TRIED:
        WaitingFile(name=job.stored).remove()
    progress_file(job).unlink(missing_ok=True)


def read(job: FileJob) -> None:
    """Read a job's file; raises ValidationError for one that cannot be."""
    resource_class = resource_of(job)
    if not job.by.is_active or not resource_class.permits(job.by):
        raise ValidationError(REFUSED.format(resource_class.get_display_name()))
    try:
        data = WaitingFile(name=job.stored).read()
    except FileNotFoundError as error:
        raise ValidationError(GONE) from error
    resource = resource_class(by=job.by, name=job.name)
    resource.step = Progress(job)
    result = resource.run(resource_class.formats[job.result["form"]]().create_dataset(data), dry_run=job.dry_run)
    if result.problems:
        end(job, State.REFUSED, result.report())
        return
    if not job.dry_run:
        result.log(job.by, job.name)
    end(job, State.TRIED if job.dry_run else State.DONE, result.report())


def end(job: FileJob, state: FileJob.State, report: dict[str, Any]) -> None:
    """Write down what came of a job."""
    job.state, job.rows_done, job.ended_at = state, rows_done(job), timezone.now()
    if state != State.REFUSED:
        job.rows_done = job.rows
    job.result = report | {"form": job.result["form"]}
    job.save(update_fields=["state", "rows_done", "ended_at", "result"])
