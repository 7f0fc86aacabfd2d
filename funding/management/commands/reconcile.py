"""`manage.py reconcile`: check that what is published adds up to the penny, and list what is irregular."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from funding.reconcile import database
from funding.reconcile.report import reconcile
from funding.validators import parse_year_label

DIFFERENT, IRREGULAR = 1, 2  # exit codes


class Command(BaseCommand):
    """Compare what is served with the database."""

    help = (
        "Checks to the penny that what was paid, is still to pay, is not allocated and is carried forward adds up to "
        "each source, and that pages, CSV, JSON, XLSX and 360Giving files agree with the database. Lists every payment "
        f"that is an exception. Exit code 0: all is well. {DIFFERENT}: there are differences. {IRREGULAR}: there are "
        "none, but there are exceptions, or something that must be published is not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", metavar="2019-20", help="check only this financial year")

    def handle(self, *, year: str | None, **options: Any) -> None:
        """Print the report; raises CommandError with the exit code unless all is well."""
        first_year = parse_year_label(year) if year else None
        if year and first_year is None:
            raise CommandError(f"{year!r} is not a financial year. Enter it in the format 2019-20.")
        if first_year is not None and not database.years_with_sources(first_year):
            raise CommandError(f"No source of money is recorded for {year}, so there is nothing to check.")
        report = reconcile(first_year)
        if not report.lines:
            self.stdout.write("No source of money is recorded.")
        for line in report.lines:
            self.stdout.write(line)
        for heading, found in {
            "Differences": report.differences,
            "Payments that are exceptions": report.exceptions,
            "Not published yet": report.omissions,
        }.items():
            self.stdout.write(f"\n{heading}: {len(found) or 'none'}")
            for sentence in found:
                self.stdout.write(f"  {sentence}")
        if report.differences:
            raise CommandError(f"{len(report.differences)} differences.", returncode=DIFFERENT)
        if report.exceptions or report.omissions:
            findings = f"{len(report.exceptions)} exceptions, {len(report.omissions)} omissions"
            raise CommandError(f"Everything adds up, but there are {findings}.", returncode=IRREGULAR)
