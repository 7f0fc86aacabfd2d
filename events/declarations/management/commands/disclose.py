import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.declarations import disclosure


class Command(BaseCommand):
    """Print everything that is held about one person."""

    help = "Prints everything that is held about whoever has a mailbox, or signed an entry. Take out who else is named."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take whose, and in what form."""
        parser.add_argument("whose", metavar="EMAIL", help="or the number of an entry of the register, or a name")
        parser.add_argument("--json", action="store_true", dest="as_json", help="for a machine")

    def handle(self, *, whose: str, as_json: bool, **options: Any) -> None:
        """Print it; ends with 1 where nothing is held."""
        found = disclosure.held(whose)
        if not found:
            raise CommandError("Nothing is held about this person.")
        self.stdout.write(disclosure.as_json(found) if as_json else disclosure.as_text(found), ending="")
