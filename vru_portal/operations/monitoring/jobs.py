"""Log lines about queued jobs: with its id, a job can be followed from the request that queued it to its end."""

import logging
from typing import Any

from django.db import transaction
from django_tasks import TaskResult

from vru_portal import log_lines

logger = logging.getLogger(__name__)


def log_queued(task_result: TaskResult[Any], **options: Any) -> None:
    """Log that a job is queued, once it is committed. Its arguments are ids, such as that of an email."""
    line = {"job": task_result.id, "task": task_result.task.name, "arguments": str(task_result.args)}
    transaction.on_commit(lambda: logger.info("Job queued", extra=log_lines.fields(**line)))


def log_ended(task_result: TaskResult[Any], **options: Any) -> None:
    logger.info("Job ended", extra=log_lines.fields(status=task_result.status, task=task_result.task.name))
