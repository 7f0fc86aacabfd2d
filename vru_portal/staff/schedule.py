"""Timed jobs of staff's work; `vru_portal.operations.schedule` runs them."""

from vru_portal.staff import daily_email

JOBS = ((daily_email.queue_daily_emails, "daily emails queued"),)
