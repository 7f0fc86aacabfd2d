"""`manage.py reconcile`: prove that what is published adds up to the penny, and list what is irregular."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from funding.reconcile import ledger
from funding.reconcile.report import reconcile
from funding.validators import first_year_of

DIFFERENT, IRREGULAR = 1, 2


class Command(BaseCommand):
    """Hold what is served to what the database holds."""

    help = (
        "Proves for each year and source that paid + still to pay + not allocated + carried forward is its sum, and "
        "that pages, CSV, JSON, XLSX and 360Giving, as served, agree with the database to the penny. Lists every "
        f"payment that is an exception. Exit code 0: all is well; {DIFFERENT}: something differs; {IRREGULAR}: nothing "
        "differs, but there are exceptions, or something that must be published is not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the year."""
        parser.add_argument("--year", metavar="2019-20", help="of one financial year only")

    def handle(self, *, year: str | None, **options: Any) -> None:
        """Print the report; raises CommandError with the exit code where not all is well."""
        first_year = first_year_of(year) if year else None
        if year and first_year is None:
            raise CommandError(f"{year!r} is no financial year. Write it as 2019-20.")
        if first_year is not None and not ledger.years(first_year):
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
            listed = f"{len(report.exceptions)} exceptions, {len(report.omissions)} things not published yet"
            raise CommandError(f"Everything adds up; {listed}.", returncode=IRREGULAR)
