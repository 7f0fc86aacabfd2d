"""`manage.py run_schedule`: the portal's timed jobs, once for a system timer or again and again with --every."""

import argparse
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from vru_portal.operations import schedule


class Command(BaseCommand):
    """Run the timed jobs of every app."""

    help = (
        "Runs the timed jobs: publishes what is due, queues lost emails again, sends reminders, closes expired "
        "invitations and deletes personal data that can no longer be kept."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--every", type=int, metavar="SECONDS", help="run them again after this many seconds")

    def handle(self, *, every: int | None = None, **options: Any) -> None:
        """With --every, what happens is logged and the next run tries again; without it, an error ends the command."""
        if every is not None:
            schedule.Timer(every).run()
        try:
            for line in schedule.run_all():
                self.stdout.write(line)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
