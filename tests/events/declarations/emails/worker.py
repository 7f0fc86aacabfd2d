"""Running the worker that sends emails, and looking at what it has sent."""

from datetime import timedelta

from django_tasks_db.management.commands.db_worker import Worker

from events.declarations import schedule
from events.declarations.models import Mail
from events.declarations.rules import invitations


def work():
    """Run the worker until nothing is due."""
    Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id="one", excluded_queue_names=[],
    ).run()  # fmt: skip


def later(clock, **time):
    """Let time pass; then the timer and the worker do what they do."""
    clock.shift(timedelta(**time))
    schedule.delete_stuck_tasks()
    schedule.requeue_lost_mails()
    work()


def invited(number):
    """Invite so many bodies."""
    for n in range(number):
        invitations.invite(by=None, organisation=f"Body {n}", email=f"post{n}@body.example")
    return list(Mail.objects.order_by("pk"))


def content(message):
    """Return a mail's text."""
    body = message.get_body(("plain",))
    assert body
    return body.get_content()


def deliveries():
    return dict(Mail.objects.values_list("to", "delivery"))
