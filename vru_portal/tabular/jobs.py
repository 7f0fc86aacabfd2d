"""Long files: handed to the worker, confirmed by their sender, and erased a day after they ended.

A long file takes two jobs: a dry run, which shows what would be recorded, and, once it is confirmed, the one that
records it. `tasks.read_file` is what the worker does for either.
"""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from vru_portal.models import FileJob
from vru_portal.tabular.job_state import finish, is_lost, progress_file, resource_class_of, what_was_asked
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.tasks import read_file
from vru_portal.tabular.unconfirmed_files import FILE_GONE, SECONDS_TO_CONFIRM, UnconfirmedFile

State = FileJob.State
WORKER_STOPPED = "Reading this file was interrupted. Nothing was recorded. Send the file again."
NOT_LOST = "The portal is reading this file or has already read it, so you do not need to send it again."


@transaction.atomic
def enqueue_file(
    *,
    resource: type[FileResource],
    stored: str,
    name: str,
    form: int,
    rows: int,
    by: Any,
    dry_run: bool = True,
    left_out: list[int] | None = None,
) -> FileJob:
    """Have the worker try an `UnconfirmedFile`, or record one that was tried.

    `stored` is the name of the unconfirmed file, `name` what its sender calls it; `form` is the place of its format in
    the resource's `formats`. `left_out` has the rows that its sender has chosen to leave out (`FileResource.run`).
    """
    job = FileJob.objects.create(
        resource=f"{resource.__module__}.{resource.__qualname__}",
        name=name[:200],
        stored=stored,
        dry_run=dry_run,
        rows=rows,
        result={"form": form, "left_out": left_out},
        by=by,
    )
    read_file.enqueue(job.pk)
    return job


@transaction.atomic
def confirm_job(job: FileJob, *, by: Any) -> FileJob:
    """Have the worker record what it has tried, without the rows that were refused.

    Raises ValidationError if that was confirmed already.
    """
    stored = job.stored
    if not stored or not FileJob.objects.filter(pk=job.pk, state=State.TRIED, stored=stored).update(stored=""):
        raise ValidationError(FILE_GONE)
    return enqueue_file(
        resource=resource_class_of(job),
        stored=stored,
        name=job.name,
        form=job.result["form"],
        rows=job.rows,
        by=by,
        dry_run=False,
        left_out=job.result.get("refused_rows") or None,
    )


@transaction.atomic
def retry_lost_job(job: FileJob) -> None:
    """Run a job again whose worker was killed; raises ValidationError if it was not."""
    state = job.state
    lost = is_lost(job) or (state == State.REFUSED and WORKER_STOPPED in job.result.get("problems", []))
    values = {"state": State.WAITING, "ended_at": None, "result": what_was_asked(job)}
    if not lost or not FileJob.objects.filter(pk=job.pk, state=state).update(**values):
        raise ValidationError(NOT_LOST)
    progress_file(job).unlink(missing_ok=True)
    read_file.enqueue(job.pk)


def fail_lost_jobs() -> int:
    """End the jobs whose worker was killed; returns how many there were."""
    lost = [job for job in FileJob.objects.filter(state=State.RUNNING) if is_lost(job)]
    for job in lost:
        finish(job, State.REFUSED, {"problems": [WORKER_STOPPED]})
    return len(lost)


def erase_job_details() -> int:
    """Erase what rows said, and the files, a day after their jobs ended: they may name people. Returns how many.

    The summary stays, which has only numbers. A file that its sender confirms meanwhile is left to the job that
    records it: the update matches nothing once the job has changed.
    """
    erased = 0
    ended = FileJob.objects.filter(ended_at__lt=timezone.now() - timedelta(seconds=SECONDS_TO_CONFIRM))
    for job in ended.exclude(result__has_key="forgotten"):
        remaining: dict[str, Any] = {
            "form": job.result["form"],
            "summary": job.result.get("summary", ""),
            "forgotten": True,
        }
        if job.state == State.TRIED:
            remaining["sent_on"] = not job.stored
        unchanged = FileJob.objects.filter(pk=job.pk, state=job.state, stored=job.stored, ended_at=job.ended_at)
        if unchanged.update(result=remaining, stored=""):
            erased += 1
            if refused := job.result.get("refused_file"):
                UnconfirmedFile(name=refused).remove()
            if job.stored:
                UnconfirmedFile(name=job.stored).remove()
    return erased
