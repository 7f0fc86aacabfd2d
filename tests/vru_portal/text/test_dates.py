"""Dates and times as everybody reads them, in the portal's own time zone."""

from datetime import UTC, date, datetime, time

import pytest

from vru_portal.text import dates

SUMMER_NIGHT = datetime(2031, 5, 5, 23, 30, tzinfo=UTC)  # half past midnight on 6 May in Britain


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (dates.format_date, date(2031, 5, 5), "5 May 2031"),
        (dates.format_date, SUMMER_NIGHT, "6 May 2031"),
        (dates.format_unbreakable_date, date(2031, 5, 5), "5\u00a0May\u00a02031"),
        (dates.format_short_date, date(2031, 9, 5), "5 Sep 2031"),
        (dates.format_month, date(2031, 5, 5), "May 2031"),
        (dates.format_datetime, SUMMER_NIGHT, "6 May 2031, 00:30"),
        (dates.format_utc_timestamp, SUMMER_NIGHT, "2031-05-05T23:30:00Z"),
        (dates.format_days, 1, "1 day"),
        (dates.format_days, 1200, "1,200 days"),
    ],
)
def test_dates_are_written_in_one_way(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2031, 5, 5), None, "5 May 2031"),
        (date(2031, 5, 5), date(2031, 5, 5), "5 May 2031"),
        (date(2031, 5, 5), date(2031, 5, 7), "5 to 7 May 2031"),
        (date(2031, 5, 31), date(2031, 6, 2), "31 May 2031 to 2 June 2031"),
        (date(2031, 5, 5), date(2032, 5, 7), "5 May 2031 to 7 May 2032"),
    ],
)
def test_days_in_a_row_are_named_by_the_first_and_the_last(first, last, text):
    assert dates.format_date_range(first, last) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (None, None, ""),
        (time(9), None, "9am"),
        (time(9, 30), time(16), "9:30am to 4pm"),
        (time(0), time(12), "midnight to midday"),
        (time(0, 5), time(12, 5), "12:05am to 12:05pm"),
    ],
)
def test_times_are_written_as_people_say_them(start, end, text):
    assert dates.format_time_range(start, end) == text
