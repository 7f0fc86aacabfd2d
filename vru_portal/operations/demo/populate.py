"""Populating an empty database with a demonstration."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from funding.models import FinancialYear, FundingSource
from partners.models import Unit
from vru_portal.operations.content import load_content
from vru_portal.operations.demo.declaration import DemoDeclaration
from vru_portal.operations.demo.money import DemoMoney
from vru_portal.operations.demo.onward import DemoOnward
from vru_portal.operations.demo.people import DemoPeople
from vru_portal.operations.demo.results import DemoResults
from vru_portal.operations.demo.volume import DemoVolume


def populate(folder: Path, *, scale: int, report: Callable[[str], object]) -> None:
    """Load the unit's content and add a year of example money, then more of it until there are ``scale`` payments.

    Must run inside a transaction: a demonstration is complete, or not there at all.
    """
    load_content(folder)
    today = timezone.localdate()
    years = FinancialYear.objects.filter(pk__in=FundingSource.objects.standing().values("year"))
    year = years.order_by("first_year").first()
    day = year.ends_on if year else Unit.objects.get().as_at
    people = DemoPeople.create(min(day, today))
    if year is None:
        first_year = day.year if day.month >= 4 else day.year - 1
        year = FinancialYear.objects.create(first_year=first_year, source=people.publication, as_at=day)
    sources = list(year.sources.standing().select_related("year", "source"))
    money = DemoMoney(people, year, sources, first_day_of_money(year, sources), today)
    money.record_all()
    report(f"{money.payments} payments of {year} and what comes before them.")
    link = DemoDeclaration(people, today).record_all()
    report(f"A declaration that is being signed; emails are in {settings.EMAIL_FILE_PATH}.")
    if settings.EMBEDDED:  # elsewhere the output may reach a log: a link to sign with must not
        report(f"Sign it yourself: {link}")
    results = DemoResults(people, year.first_year, today)
    return_link = results.record_all()
    report(f"{results.published} returns of figures, one that never came, and one to fill in.")
    if settings.EMBEDDED and return_link:
        report(f"Report figures yourself: {return_link}")
    onward_link = DemoOnward(people).ask()
    if settings.EMBEDDED and onward_link:
        report(f"Report onward grants yourself: {onward_link}")
    if scale > money.payments:
        DemoVolume(people, year, today, money.dice).add_payments(scale, report)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # without it SQLite expects one row from the index of reversals, and plans slowly


def first_day_of_money(year: FinancialYear, sources: list[FundingSource]) -> date:
    """When the example money begins: in October, and not before its sources were published."""
    autumn, late = date(year.first_year, 10, 1), date(year.first_year + 1, 2, 1)
    stated = max((source.source.published_on for source in sources), default=autumn)
    return min(max(autumn, stated), late)
