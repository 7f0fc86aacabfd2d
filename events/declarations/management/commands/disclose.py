import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.declarations.documents import subject_access


class Command(BaseCommand):
    """Print all data held about one person."""

    help = "Prints all data held about one person. Before you send it to them, remove other people's names."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "whose",
            metavar="PERSON",
            help="their email address, the number of the entry that they signed, or their name",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *, whose: str, as_json: bool, **options: Any) -> None:
        records = subject_access.records_about(whose)
        if not records:
            raise CommandError("There is no data about this person.")
        self.stdout.write(
            subject_access.records_as_json(records) if as_json else subject_access.records_as_text(records), ending=""
        )
