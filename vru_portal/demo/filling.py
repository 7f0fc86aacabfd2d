"""Fills an empty database with a demonstration."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from funding.models import FinancialYear, FundingSource
from partners.models import Unit
from vru_portal.content import load
from vru_portal.demo.cast import Cast
from vru_portal.demo.crowd import Crowd
from vru_portal.demo.promise import Promise
from vru_portal.demo.story import Story


def fill(folder: Path, *, scale: int, say: Callable[[str], object]) -> None:
    """Load the unit's content, then tell a year of example money, and more of it until there are ``scale`` payments.

    Must run inside a transaction: a demonstration is whole, or not there.
    """
    load(folder)
    today = timezone.localdate()
    years = FinancialYear.objects.filter(pk__in=FundingSource.objects.standing().values("year"))
    year = years.order_by("first_year").first()
    day = year.ends_on if year else Unit.objects.get().as_at
    cast = Cast.make(min(day, today))
    if year is None:
        first_year = day.year if day.month >= 4 else day.year - 1
        year = FinancialYear.objects.create(first_year=first_year, source=cast.publication, as_at=day)
    sources = list(year.sources.standing().select_related("year", "source"))
    story = Story(cast, year, sources, start_of(year, sources), today)
    story.tell()
    say(f"{story.payments} payments of {year} and what comes before them.")
    link = Promise(cast, today).tell()
    say(f"A declaration that is being signed; emails are in {settings.EMAIL_FILE_PATH}.")
    if settings.EMBEDDED:  # where others look on, a link to sign by is nothing to print
        say(f"Sign it yourself: {link}")
    if scale > story.payments:
        Crowd(cast, year, today, story.dice).gather(scale, say)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # else SQLite takes the unique index of reversals for one that finds a single row


def start_of(year: FinancialYear, sources: list[FundingSource]) -> date:
    """Return the day on which the story begins: in autumn, and not before the sources were stated."""
    autumn, late = date(year.first_year, 10, 1), date(year.first_year + 1, 2, 1)
    stated = max((source.source.published_on for source in sources), default=autumn)
    return min(max(autumn, stated), late)
