"""Timed jobs of imported files; `vru_portal.operations.schedule` runs them."""

from vru_portal.tabular import jobs, unconfirmed_files

JOBS = (
    (jobs.fail_lost_jobs, "interrupted imports ended"),
    (jobs.erase_job_details, "old imports emptied"),
    (unconfirmed_files.delete_expired_files, ""),
)
