"""Timed jobs of rate limits and mail files; `vru_portal.operations.schedule` runs them."""

from vru_portal.web import limits, mail_files

JOBS = (
    (limits.delete_expired_counts, "expired rate-limit counts deleted"),
    (mail_files.delete_old_mails, "old mail files deleted"),
)
