"""`manage.py demo`: fill a demonstration's database, never the unit's own."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from partners.models import Unit
from vru_portal.content import ContentError
from vru_portal.demo.filling import fill


class Command(BaseCommand):
    """Fill an empty database with a unit's content and example money."""

    help = "Fills a demonstration's own, empty database: a unit's content with labelled example money. Needs DEMO=1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder, and how much a benchmark needs."""
        folder = settings.BASE_DIR / "fixtures"
        parser.add_argument(
            "folder", type=Path, nargs="?", default=folder, help="the unit's content; without: fixtures/"
        )
        parser.add_argument("--scale", type=int, default=0, metavar="N", help="how many payments, such as 100000")

    def handle(self, *, folder: Path, scale: int, **options: Any) -> None:
        """Fill it, all or nothing; raises CommandError where this is not a demonstration's own database."""
        if not settings.DEMO:
            raise CommandError(
                "This is not a demonstration: set DEMO=1, which also gives it a database of its own, or use: make demo"
            )
        try:
            unit = Unit.objects.with_bodies().first()
        except DatabaseError as error:
            raise CommandError("The database has no tables yet. Make them first: manage.py migrate") from error
        refuse_the_units_own(unit)
        if unit:
            self.stdout.write(f"This demonstration of {unit} is filled already.")
            return
        try:
            with transaction.atomic():
                fill(folder, scale=scale, say=self.stdout.write)
        except ContentError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Filled with example data of {Unit.objects.current()}.")


def refuse_the_units_own(unit: Unit | None) -> None:
    """Raise CommandError for a unit that is no example: its database is not for demonstrations."""
    if unit and not unit.is_example:
        raise CommandError(
            f"This database holds {unit} itself, not a demonstration: nothing was changed. "
            "Take DEMO away, or DATABASE_URL, so that the demonstration has a database of its own."
        )
