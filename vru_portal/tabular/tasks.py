"""What the worker does with long files. The queue stores a task's name, so renaming a task loses those queued."""

import logging

from django.core.exceptions import ValidationError
from django_tasks import task

from vru_portal.models import FileJob
from vru_portal.tabular.job_state import ProgressCounter, finish, progress_file, resource_class_of
from vru_portal.tabular.outcomes import ImportResult
from vru_portal.tabular.unconfirmed_files import FILE_GONE, UnconfirmedFile

UNEXPECTED_ERROR = (
    "Something went wrong, but not because of this file. Nothing was recorded. Tell the person who runs the portal."
)
NOT_PERMITTED = "You do not have permission to record {}. Nothing was recorded."

logger = logging.getLogger(__name__)


@task()
def read_file(job_id: int) -> None:
    """Try or record a long file. Whatever goes wrong, the job says so, and nothing is recorded."""
    # Two workers may get the same task: the one that changes the state first has the job.
    if not FileJob.objects.filter(pk=job_id, state=FileJob.State.WAITING).update(state=FileJob.State.RUNNING):
        return
    job = FileJob.objects.select_related("by").get(pk=job_id)
    try:
        process(job)
    except ValidationError as error:
        finish(job, FileJob.State.REFUSED, {"problems": error.messages})
    except Exception as error:  # whatever it is, the sender has to hear of it
        logger.exception("A long file could not be read: %s", type(error).__name__)
        if not FileJob.objects.filter(pk=job.pk, state=FileJob.State.DONE).exists():  # its rows are recorded
            finish(job, FileJob.State.REFUSED, {"problems": [UNEXPECTED_ERROR]})
    if job.state != FileJob.State.TRIED:
        UnconfirmedFile(name=job.stored).remove()
    progress_file(job).unlink(missing_ok=True)


def process(job: FileJob) -> None:
    """Read a job's file and finish the job; raises ValidationError if the file cannot be read at all."""
    resource_class = resource_class_of(job)
    # It may have been in the queue for a while: its sender may have lost the permission, or left.
    if not job.by.is_active or not resource_class.can_import(job.by):
        raise ValidationError(NOT_PERMITTED.format(resource_class.get_display_name()))
    try:
        data = UnconfirmedFile(name=job.stored).read()
    except FileNotFoundError as error:
        raise ValidationError(FILE_GONE) from error
    resource = resource_class(by=job.by, name=job.name)
    resource.on_row_done = ProgressCounter(job)
    file_format = resource_class.formats[job.result["form"]]()
    dataset = file_format.create_dataset(data)
    left_out = job.result.get("left_out")

    def note_recorded(result: ImportResult) -> None:
        """Commit with the rows that they are recorded, so that neither is ever true without the other."""
        result.log(job.by, job.name)
        finish(job, FileJob.State.DONE, result.report())

    result = resource.run(dataset, dry_run=job.dry_run, left_out=left_out, on_recorded=note_recorded)
    can_leave_out = job.dry_run and resource.may_leave_out and result.can_leave_out
    if result.is_refused and not can_leave_out:
        finish(job, FileJob.State.REFUSED, result.report())
    elif job.dry_run:
        finish(job, FileJob.State.TRIED, result.report())
    else:  # with what is known only now that nobody waits
        finish(job, FileJob.State.DONE, result.report())
