import argparse
import time
import traceback
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from events.declarations import chores


class Command(BaseCommand):
    """What must be done again and again: for a timer, or for ever with --every."""

    help = "Frees lost mail, sends reminders, ends invitations, drops personal data whose time is up."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take how often."""
        parser.add_argument("--every", type=int, metavar="SECONDS", help="do them again and again")

    def handle(self, *, every: int | None = None, **options: Any) -> None:
        """Do the chores; a fault of one time does not end the next."""
        while True:
            try:
                for line in chores.all_of_them():
                    self.stdout.write(line)
            except ImproperlyConfigured as error:
                if every is None:
                    raise CommandError(str(error)) from error
                self.stderr.write(str(error))
            except Exception as error:
                if every is None:
                    raise
                # not its words: a database's may name people
                where = "".join(traceback.format_tb(error.__traceback__))
                self.stderr.write(f"A chore failed, and is tried again: {type(error).__name__}\n{where}")
            if every is None:
                return
            close_old_connections()
            time.sleep(every)
