"""The worker, in the process of a test."""

from django_tasks_db.management.commands.db_worker import Worker


def run_worker():
    """Let the worker run all tasks in the queue."""
    Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id="test", excluded_queue_names=[],
    ).run()  # fmt: skip
