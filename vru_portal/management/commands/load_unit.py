"""`manage.py load_unit FOLDER`: load a unit's content into an empty portal."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from partners.models import Unit
from vru_portal.operations.content import ContentError, load_content


class Command(BaseCommand):
    """Load a unit's fixtures into an empty portal."""

    help = "Loads a unit's content (YAML files, one for each app) into an empty portal: all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="such as fixtures/")

    def handle(self, *, folder: Path, verbosity: int, **options: Any) -> None:
        """Load the folder. Raises CommandError that names the record and the rule that it breaks."""
        try:
            unit = Unit.objects.with_organisations().first()
        except DatabaseError as error:
            raise CommandError("The database has no tables yet. Create them first with: manage.py migrate") from error
        if unit:
            raise CommandError(
                f"This portal already has the content of {unit}. Content can be loaded only into an empty database."
            )
        try:
            with transaction.atomic():
                count = load_content(folder)
        except ContentError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused the content of {folder}: {error}") from error
        if verbosity:
            self.stdout.write(f"Loaded {count} records from {folder}.")
