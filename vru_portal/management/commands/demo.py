"""`manage.py demo`: fill a demonstration's database, never that of a real portal."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from partners.models import Unit
from vru_portal.operations.content import ContentError
from vru_portal.operations.demo.populate import populate


class Command(BaseCommand):
    """Fill an empty database with a unit's content and example data."""

    help = "Fills an empty demonstration database with a unit's content and example data. Needs DEMO=1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        folder = settings.BASE_DIR / "fixtures"
        parser.add_argument(
            "folder", type=Path, nargs="?", default=folder, help="the unit's content (default: fixtures/)"
        )
        parser.add_argument(
            "--scale", type=int, default=0, metavar="N", help="add made-up payments until there are N, for benchmarks"
        )

    def handle(self, *, folder: Path, scale: int, **options: Any) -> None:
        """Fill the database, all or nothing. Raises CommandError where it is not a demonstration's own."""
        if not settings.DEMO:
            raise CommandError(
                "This is not a demonstration. Set DEMO=1, which also gives it a separate database, or run: make demo"
            )
        try:
            unit = Unit.objects.with_organisations().first()
        except DatabaseError as error:
            raise CommandError("The database has no tables yet. Create them first with: manage.py migrate") from error
        refuse_real_unit(unit)
        if unit:
            self.stdout.write(f"This demonstration of {unit} is already filled.")
            return
        try:
            with transaction.atomic():
                populate(folder, scale=scale, report=self.stdout.write)
        except ContentError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Filled with example data of {Unit.objects.current()}.")


def refuse_real_unit(unit: Unit | None) -> None:
    """Raise CommandError for a unit that is not an example: its database is not for demonstrations."""
    if unit and not unit.is_example:
        raise CommandError(
            f"This database is the real portal of {unit}, not a demonstration. Nothing was changed. "
            "Unset DEMO, or unset DATABASE_URL so that the demonstration has its own database."
        )
