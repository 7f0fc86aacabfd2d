"""How dates and times are written for people, and the one form in which machines write and read them.

Everybody is shown "5 May 2031", never "05/05/2031", which means different days in different countries. Moments are
stored in UTC and shown in the portal's own time zone (`TIME_ZONE`).
"""

import re
from datetime import UTC, date, datetime, time

from django.utils import timezone

NO_BREAK_SPACE = "\u00a0"
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def format_date(value: date) -> str:
    """Write a date as "5 May 2031"; a moment counts as the day that it is in the portal's time zone."""
    return f"{_in_local_time(value):%-d %B %Y}"


def format_unbreakable_date(value: date) -> str:
    """Write a date like `format_date`, with spaces at which a browser does not break the line."""
    return format_date(value).replace(" ", NO_BREAK_SPACE)


def format_short_date(value: date) -> str:
    """Write a date as "5 Sep 2031", for narrow columns."""
    return f"{_in_local_time(value):%-d %b %Y}"


def format_month(value: date) -> str:
    """Write the month of a date as "May 2031"."""
    return f"{_in_local_time(value):%B %Y}"


def format_date_range(first: date, last: date | None) -> str:
    """Write the days from the first to the last, as "5 May 2031", "5 to 7 May 2031" or "31 May 2031 to 2 June 2031"."""
    if last is None or last == first:
        return format_date(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {format_date(last)}"
    return f"{format_date(first)} to {format_date(last)}"


def format_time(value: time) -> str:
    """Write a time of day as "9:30am", "4pm", "midday" or "midnight"."""
    if value.minute == 0 and value.hour in (0, 12):
        return "midday" if value.hour else "midnight"
    minutes = f":{value:%M}" if value.minute else ""
    return f"{value.hour % 12 or 12}{minutes}{'am' if value.hour < 12 else 'pm'}"


def format_time_range(start: time | None, end: time | None) -> str:
    """Write "9:30am to 4pm", or "9:30am" if no end is known; nothing if no start is."""
    return " to ".join(format_time(at) for at in (start, end) if at is not None)


def parse_iso_date(typed: str) -> date | None:
    """The date that is written YYYY-MM-DD, or None.

    This is the one form that links, files of the portal's own and the API have. What people type into forms, addresses
    and spreadsheets is read by `typed_dates.parse_date`.
    """
    if not ISO_DATE.fullmatch(typed):
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:  # 30 February
        return None


def iso_time(at: time | None) -> str | None:
    """Write "09:30", for programs; None if no time is stated."""
    return f"{at:%H:%M}" if at else None


def format_datetime(value: datetime) -> str:
    """Write a moment as "5 May 2031, 14:30", in the portal's time zone."""
    return f"{_in_local_time(value):%-d %B %Y, %H:%M}"


def format_days(count: int) -> str:
    """Write a number of days as "1 day" or "1,200 days"."""
    return f"{count:,} day{'' if count == 1 else 's'}"


def format_utc_timestamp(value: datetime) -> str:
    """Write a moment as "2031-05-05T13:30:00Z" (RFC 3339, whole seconds), as the register and security.txt have it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_local_time(value: date) -> date:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
