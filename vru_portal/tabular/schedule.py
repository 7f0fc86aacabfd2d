"""Timed jobs of imported files; `vru_portal.operations.schedule` runs them."""

from vru_portal.tabular import jobs, unconfirmed_files

JOBS = (
    (jobs.fail_lost_jobs, "imports ended whose worker was killed"),
    (jobs.erase_job_details, "imports whose rows were deleted"),
    (unconfirmed_files.delete_expired_files, ""),
)
