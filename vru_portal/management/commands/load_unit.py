"""`manage.py load_unit FOLDER`: give an empty portal its content."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from partners.models import Unit
from vru_portal.content import ContentError, load


class Command(BaseCommand):
    """Load a unit's fixtures into an empty portal."""

    help = "Loads a unit's content (YAML fixtures, one file an app) into an empty portal: all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path, help="such as fixtures/")

    def handle(self, *, folder: Path, verbosity: int, **options: Any) -> None:
        """Load the folder; raises CommandError with the record and the rule that it breaks."""
        try:
            unit = Unit.objects.with_bodies().first()
        except DatabaseError as error:
            raise CommandError("The database has no tables yet. Make them first: manage.py migrate") from error
        if unit:
            raise CommandError(f"This portal already holds {unit}. Content is loaded into an empty database only.")
        try:
            with transaction.atomic():
                count = load(folder)
        except ContentError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused the content of {folder}: {error}") from error
        if verbosity:
            self.stdout.write(f"Loaded {count} records from {folder}.")
