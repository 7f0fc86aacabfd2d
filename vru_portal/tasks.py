"""What the worker does for staff, beside the mail."""

from django_tasks import task

from vru_portal import file_jobs


@task()
def read_file(job_id: int) -> None:
    """Try or record a long file."""
    file_jobs.run(job_id)
