"""Dates and times as people type and paste them: what is understood, and what is refused with advice."""

from datetime import UTC, date, datetime, time

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from vru_portal.text import dates
from vru_portal.text.typed_dates import EARLIEST, LATEST, local_moment, parse_date, parse_time


@pytest.mark.parametrize(
    "typed",
    [
        "2019-10-02",
        "2019/10/02",
        "2019-10-02 00:00:00",
        "2019-10-02T00:00:00Z",
        "02/10/2019",
        "2/10/2019",
        "02/10/2019 00:00",
        "2.10.2019",
        "2-10-2019",
        "2 10 2019",
        "２/１０/２０１９",
        "2\u00a0Oct\u00a02019",
        "\u200b2/10/2019\ufeff",
        "2‑10‑2019",
        "2 October 2019",
        "2 oct 2019",
        "2 Oct. 2019",
        "2-Oct-2019",
        "2October2019",
        "2nd October 2019",
        "2nd of October 2019",
        "Wednesday 2 October 2019",
        "Weds the 2nd October 2019",
        "2 October 2019 at 9am",
        "2 Oct 2019, 9.30 pm",
        "Wed, 2 Oct 2019",
        "October 2, 2019",
        "OCTOBER 2ND 2019",
        "20191002",
        "2019-10-2",
        "2 / 10 / 2019",
        "2/10/2019.",
        "the 2nd of October 2019",
        "02/10/2019 14:30",
        "2/10/2019 2:30 PM",
        "02/10/2019 0:00",
        "2019-10-02 14:30:22.123",
        "2019-10-02T14:30",
        "2019-10-02T00:00:00+01:00",
        "Oct 2, 2019 12:00 AM",
        "Wed, 02 Oct 2019 00:00:00 GMT",
        "2 October 2019 (Wednesday)",
        "2 October 2019, Weds",
        "2\u204410\u20442019",
        "2\\10\\2019",
        "2. October 2019",
        "2 / Oct / 2019",
        "2 nd October 2019",
        "on 2 October 2019",
        "October the 2nd, 2019",
        "Oct-2-2019",
        "2019-Oct-02",
        "2019, October 2",
        "٢/١٠/٢٠١٩",
        "'2/10/2019",
        '"2/10/2019"',
        "2/10/2019;",
        "2019-10-02 00:00:00+00",
        "2019-10-02Z",
        "2019-10-02+01:00",
        "the 2nd day of October 2019",
    ],
)
def test_a_date_is_understood_however_it_is_written(typed):
    assert parse_date(typed) == date(2019, 10, 2)


@given(st.dates(EARLIEST, LATEST))
def test_every_form_in_which_the_portal_shows_a_date_is_understood(day):
    for shown in (dates.format_date(day), dates.format_unbreakable_date(day), dates.format_short_date(day), str(day)):
        assert parse_date(shown) == day


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("2/10/19", "Enter the year with four digits: 2019"),
        ("2-Oct-19", "Enter the year with four digits: 2019"),
        ("43740", "how a spreadsheet stores 2 October 2019.*enter 02/10/2019"),
        ("43740.75", "how a spreadsheet stores 2 October 2019"),
        ("10/27/2019", "no month 27.*the day before the month: 27/10/2019"),
        ("31/2/2019", "no 31 February 2019"),
        ("29 February 2019", "no 29 February 2019"),
        ("0/1/2019", "no 0 January 2019"),
        ("2/0/2019", "not a month"),
        ("2 Ju 2019", "not a month"),  # June or July
        ("0024-05-01", "Check the year of 1 May 0024"),
        ("1/1/1899", "Check the year of 1 January 1899"),
        ("2 Oct '19", "Enter the year with four digits: 2019"),
        ("2/10/’19", "Enter the year with four digits: 2019"),
        ("Tuesday 2 October 2019", "2 October 2019 is a Wednesday"),
        ("2/10", "has no year"),
        ("2nd of October", "has no year"),
        ("October 2", "has no year"),
        ("2019-10-02T23:00:00Z", "includes a time zone"),
        ("2019-10-02T14:30:00+01:00", "includes a time zone"),
        ("2nd of Oct 19", "Enter the year with four digits: 2019"),
        ("October 2019", "has no day"),
        ("10/2019", "has no day"),
        ("2019-10", "has no day"),
        ("20191302", "no month 13"),
        ("02102019", "is not a date"),
        ("2019-W40-3", "is not a date"),
        ("2019", "has no day or month"),
        ("FY 2019/20", "has no day or month"),
        ("2019-20", "has no day or month"),
        ("Michaelmas 2019", "is not a date"),
        ("2019-10-02 14:30:00+00", "includes a time zone"),
        ("2/10/2019 or 3/10/2019", "is more than one date"),
        ("2/10/2019, 3/10/2019", "is more than one date"),
        ("2019-10-02/2019-10-04", "is more than one date"),
        ("2\u00bd/2019", "is not a date"),
        ("2/10/201\u2079", "is not a date"),  # a superscript nine
        ("2 10/2019", "is not a date"),
        ("tomorrow", "is not a date"),
        ("2019-10-02 to 2019-10-03", "is more than one date"),
        ("2019-10-02wed", "is not a date"),
        ("wed 2 oct wed 2019", "is not a date"),
        pytest.param("1111-" * 8000 + "x", "is too long to be a date", id="a book"),
        ("2-3 October 2019", "is more than one date"),
        ("Oct-19", "could be a day or the month of a year"),
        ("Sept '19", "could be a day or the month of a year"),
        ("2/10/219", "four digits, not 219"),
        ("2/10/20019", "four digits, not 20019"),
        ("2nd to 4th of October 2019", "is more than one date"),
        ("2/10/2019 - 4/10/2019", "is more than one date"),
        ("2 October 2019 (Thursday)", "2 October 2019 is a Wednesday"),
        ("2 October 2019, 10.30am BST", "includes a time zone"),
        ("", "is not a date"),
    ],
)
def test_ambiguous_or_impossible_dates_are_refused_with_advice(typed, advice):
    with pytest.raises(ValidationError, match=advice):
        parse_date(typed)


def test_each_kind_of_date_has_its_own_earliest_and_latest_day():
    bounds = {"earliest": date(2019, 4, 1), "latest": date(2020, 3, 31)}
    assert parse_date("31/3/2020", **bounds) == date(2020, 3, 31)
    with pytest.raises(ValidationError, match="between 1 April 2019 and 31 March 2020"):
        parse_date("1/4/2020", **bounds)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("9am", time(9)),
        ("9 a.m.", time(9)),
        ("9.30", time(9, 30)),
        ("9:30pm", time(21, 30)),
        ("09:30", time(9, 30)),
        ("09:30:00", time(9, 30)),
        ("0930", time(9, 30)),
        ("1430 hrs", time(14, 30)),
        ("9:30hrs", time(9, 30)),
        ("930am", time(9, 30)),
        ("1030 pm", time(22, 30)),
        ("at 9am", time(9)),
        ("13:30pm", time(13, 30)),
        ("12am", time(0)),
        ("12pm", time(12)),
        ("Noon", time(12)),
        ("12.00 noon", time(12)),
        ("9h30", time(9, 30)),
        ("９：３０", time(9, 30)),
        ("9·30am", time(9, 30)),
        ("9∶30", time(9, 30)),
        ("9 30", time(9, 30)),
        ("9,30", time(9, 30)),
        ("9p", time(21)),
        ("9:30 a m", time(9, 30)),
        ("09 : 30", time(9, 30)),
        ("9.30 in the morning", time(9, 30)),
        ("7 in the evening", time(19)),
        ("0900h", time(9)),
        ("09:30:00.000", time(9, 30)),
        ("٩:٣٠", time(9, 30)),
    ],
)
def test_a_time_is_understood_however_it_is_written(typed, expected):
    assert parse_time(typed) == expected


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("9", "9am or 9pm"),
        ("21", "21:00"),
        ("9 o’clock", "9am or 9pm"),
        ("19:00 BST", "Leave out the time zone"),
        ("9amGMT", "Leave out the time zone"),
        ("19:00 (BST)", "Leave out the time zone"),
        ("19:00:00Z", "Leave out the time zone"),
        ("19:00+01:00", "Leave out the time zone"),
        ("7pm UTC+1", "Leave out the time zone"),
        ("9:30:15", "Leave out the seconds"),
        ("0.395833333333333", "how a spreadsheet stores 9:30am.*enter 09:30"),
        ("9-30", "is not a time"),  # and not two
        ("9.30 for 10am", "is two times"),
        ("10 or 11am", "is two times"),
        ("midnight", "00:00 or 23:59"),
        ("12 in the evening", "could be noon or midnight"),
        ("12.15 in the morning", "could be noon or midnight"),
        ("12.00 midnight", "00:00 or 23:59"),
        ("9–10am", "is two times"),
        ("9.30am to 4pm", "is two times"),
        ("24:00", "Hours go up to 23"),
        ("9:60", "minutes up to 59"),
        ("13am", "is not a time"),
        ("0:30pm", "is not a time"),
        ("930", "is not a time"),
        ("9:5", "is not a time"),
        ("soon", "is not a time"),
    ],
)
def test_an_unclear_time_is_refused_with_advice(typed, advice):
    with pytest.raises(ValidationError, match=advice):
        parse_time(typed)


def test_a_local_time_that_clocks_skip_is_explained_and_one_they_repeat_is_the_first():
    with pytest.raises(ValidationError, match=r"no 01:30 on 29 March 2020, because the clocks go forward.*Enter 02:30"):
        local_moment(date(2020, 3, 29), time(1, 30))
    assert local_moment(date(2019, 10, 27), time(1, 30)) == datetime(2019, 10, 27, 0, 30, tzinfo=UTC)
