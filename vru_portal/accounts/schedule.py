"""Timed jobs of staff accounts; `vru_portal.operations.schedule` runs them."""

from vru_portal.accounts import sessions

JOBS = ((sessions.delete_ended_sessions, "ended staff sessions deleted"),)
