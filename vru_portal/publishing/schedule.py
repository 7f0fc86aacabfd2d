"""Timed jobs of publishing; `vru_portal.operations.schedule` runs them."""

from vru_portal.publishing import workflow

JOBS = ((workflow.publish_due, "records published on their scheduled day"),)
