"""Dates and times as people in Britain write them: read in many forms, and never guessed.

The day comes before the month. What could be two different days, or cannot be one, is refused with what to write
instead.

Forms (`form_fields.py`), the cells of imports (`tabular/widgets.py`) and the addresses of lists (`web/filters.py`) read
dates like this; the links of a list have them as YYYY-MM-DD, so that one page has one address. The API takes nothing
else (`dates.parse_iso_date`).
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone

from vru_portal.text.cleaning import plain_value, refuse_long_value
from vru_portal.text.dates import format_date, format_time

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
# Of what a unit does: money, events, decisions, signatures. None is older than the idea of such a unit, so 1919 is a
# slip for 2019. People's posts and publications may be older.
IN_OUR_TIME = {"earliest": date(2000, 1, 1), "latest": date(2099, 12, 31)}
EXAMPLE = "27 3 2020 or 27 March 2020"  # past, as most dates must be that are typed
MONTHS = [name.casefold() for name in calendar.month_name]
SPREADSHEET_EPOCH = date(1899, 12, 30)  # the day that Excel and LibreOffice number 0

YEAR_FIRST = re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})", re.ASCII)
COMPACT = re.compile(r"(?P<year>(?:19|2[01])\d\d)(?P<month>\d\d)(?P<day>\d\d)", re.ASCII)  # ISO 8601's basic form
DAY_FIRST = re.compile(r"(?P<day>\d{1,2})([-/. ])(?P<month>\d{1,2})\2(?P<year>\d{4}|\d{2})", re.ASCII)
DAY_AND_MONTH_NAME = re.compile(
    r"(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?(?: day)?(?: of)?[ ,./-]{0,3}(?P<month>[a-z]+)[ ,./-]{0,3}"
    r"(?P<year>\d{4}|\d{2})",
    re.ASCII,
)
MONTH_NAME_FIRST = re.compile(
    r"(?P<month>[a-z]+)[ .-]{1,2}(?:the )?(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?[ ,.-]{1,2}(?P<year>\d{4})", re.ASCII
)
YEAR_AND_MONTH_NAME = re.compile(
    r"(?P<year>\d{4})[ ,./-]{1,2}(?P<month>[a-z]+)[ ./-]{1,2}(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?", re.ASCII
)
BEFORE_A_DATE = re.compile(r"^(?:on )?(?:the )?")
DATE_FORMS = (YEAR_FIRST, COMPACT, DAY_FIRST, DAY_AND_MONTH_NAME, MONTH_NAME_FIRST, YEAR_AND_MONTH_NAME)
WEEKDAY = re.compile(
    r"(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|r|rs|rsday|urday)?[.,]? +(?:the )?", re.ASCII
)
WEEKDAY_AT_END = re.compile(
    r"(?:, ?| )\(?(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|r|rs|rsday|urday)?\.?\)?$", re.ASCII
)
BETWEEN_DAYS = r" ?(?:-|to|and|&|or|until|till|/|,|;) ?"
SEVERAL_DAYS = re.compile(
    rf"\d{{1,2}}(?:st|nd|rd|th)? ?(?:-|to|and|&|or) ?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? [a-z]{{3,}}.*"
    rf"|\d{{4}}-\d\d-\d\d{BETWEEN_DAYS}\d{{4}}-\d\d-\d\d"
    rf"|\d.{{0,30}}\d{{4}}{BETWEEN_DAYS}\d.{{0,30}}\d{{4}}",
    re.ASCII,
)
# What spreadsheets and databases add to a day.
TIME_OF_DAY = re.compile(
    r"(?:(?<=\d)t|,? (?:at )?)(?P<time>\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]m)?|\d{1,2}(?:\.\d\d)? ?[ap]m)"
    r"(?: ?(?P<zone>z|gmt|bst|utc|[-+]\d\d(?::?\d\d)?))?$",
    re.ASCII,
)
# XML has dates with a time zone, of which the day is the day that it names.
ZONE_OF_A_DATE = re.compile(r"(?<=^\d{4}-\d\d-\d\d)(?:z|[-+]\d\d:\d\d)$", re.ASCII)
WRONG_YEAR = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?P<year>\d{3}|\d{5,6})", re.ASCII)
MIDNIGHT = re.compile(r"0?0:00(?::00(?:\.0+)?)?|12:00(?::00)? ?am", re.ASCII)
AROUND_A_SEPARATOR = re.compile(r"(?<=\d) ?([-/.]) ?(?=\d)", re.ASCII)
A_MONTH = r"(?:(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\.?|0?[1-9]|1[0-2])"
MONTH_AND_YEAR = re.compile(rf"{A_MONTH}[-/. ](?:19|2[01])\d\d|(?:19|2[01])\d\d[-/. ]{A_MONTH}", re.ASCII)
MONTH_AND_FIGURES = re.compile(r"[a-z]{3,9}\.?[-/. ]?'?\d\d", re.ASCII)  # how Excel shows a month of a year
ONLY_YEARS = re.compile(r"(?:f\.?y\.? ?)?(?:19|2[01])\d\d(?: ?[-/] ?(?:\d\d)?\d\d)?", re.ASCII)
DAY_AND_MONTH = re.compile(
    r"\d{1,2}(?:[-/.]\d{1,2}|(?:st|nd|rd|th)?(?: of)?[- ]?[a-z]{3,})|[a-z]{3,} \d{1,2}(?:st|nd|rd|th)?", re.ASCII
)
YEAR_IN_SHORT = re.compile(r"'(?=\d\d$)", re.ASCII)
HALF = r"(?P<half>[ap](?:\.?|\.? ?m\.?))"
# Spreadsheets and databases add the seconds.
CLOCK_TIME = re.compile(rf"(?P<hour>\d{{1,2}})(?:[:.h,; ](?P<minute>\d{{2}})(?::00(?:\.0+)?)?)? ?{HALF}?", re.ASCII)
WITHOUT_SEPARATOR = re.compile(rf"(?P<hour>\d{{2}}|\d(?=\d\d ?[ap]))(?P<minute>\d{{2}}) ?{HALF}?", re.ASCII)
AROUND_A_TIME = re.compile(r"^at | ?(?:o'clock|h(?:(?:ou)?rs?)?)\b")
AROUND_A_COLON = re.compile(r"(?<=\d) ?: ?(?=\d)", re.ASCII)
PART_OF_DAY = re.compile(r" ?(?:in the )?(?P<part>morning|afternoon|evening)$")
ZONE = re.compile(r"\(?(?:gmt|bst|utc)\)?$|(?<=\d)z$|utc ?[-+]\d{1,2}$|[-+]\d\d:?\d\d$", re.ASCII)
SECONDS = re.compile(r"\d{1,2}:\d\d:\d\d(?:\.\d+)?(?: ?[ap]m)?", re.ASCII)
PART_OF_A_DAY = re.compile(r"0?\.\d{3,}", re.ASCII)  # how a spreadsheet stores a time
NOON = re.compile(r"(?:12(?:[:.]00)? ?)?(?:noon|midday)")
TWELVE_IN_WORDS = re.compile(r"12(?:[:.]?[0-5]\d)? ?(?:in the )?(?:morning|evening)")
MIDNIGHT_IN_WORDS = re.compile(r"(?:12(?:[:.]00)? ?)?midnight")
AN_HOUR = r"(?:2[0-4]|1\d|0?\d)(?:[:.]\d\d)? ?(?:[ap]m)?"
SEVERAL_TIMES = re.compile(rf"{AN_HOUR} ?(?:-|to|until|till|for|or|and) ?{AN_HOUR}", re.ASCII)


def parse_date(typed: str, *, earliest: date = EARLIEST, latest: date = LATEST) -> date:
    """The date that somebody typed: 2/10/2019, 2.10.2019, 2019-10-02, 2 Oct 2019, Wednesday 2nd October 2019.

    A time of day after it is left out. Raises ValidationError, with what to type instead, for two-digit years, a
    spreadsheet's day numbers, a month before the day, days that do not exist or are another day of the week, times of
    another time zone, which may be of another day, and days outside `earliest` to `latest`.
    """
    refuse_long_value(typed, "a date")
    text = _without_time(plain_value(typed).rstrip(".,;"), typed)
    if re.fullmatch(r"\d{5}(\.\d+)?", text, re.ASCII):
        meant = SPREADSHEET_EPOCH + timedelta(days=int(float(text)))
        raise ValidationError(
            f"“{typed}” is how a spreadsheet stores {format_date(meant)}. "
            f"Format the cell as a date, or enter {meant:%d/%m/%Y}."
        )
    weekday = WEEKDAY.match(text) or WEEKDAY_AT_END.search(text)
    text = text[: weekday.start()] + text[weekday.end() :] if weekday else BEFORE_A_DATE.sub("", text)
    text = ZONE_OF_A_DATE.sub("", AROUND_A_SEPARATOR.sub(r"\1", YEAR_IN_SHORT.sub("", text)))
    for pattern in DATE_FORMS:
        if found := pattern.fullmatch(text):
            day = _checked(found["day"], found["month"], found["year"], earliest, latest)
            if weekday and weekday["weekday"] != f"{day:%a}".casefold():
                raise ValidationError(f"{format_date(day)} is a {day:%A}. Check the day of the week and the date.")
            return day
    if SEVERAL_DAYS.fullmatch(text):
        raise ValidationError(f"“{typed}” is more than one date. Enter one date, such as {EXAMPLE}.")
    if wrong := WRONG_YEAR.fullmatch(text):
        raise ValidationError(f"Enter the year with four digits, not {wrong['year']}.")
    if MONTH_AND_FIGURES.fullmatch(text) and month_named(re.split(r"[^a-z]", text)[0]):
        raise ValidationError(f"“{typed}” could be a day or the month of a year. Enter a date such as {EXAMPLE}.")
    if DAY_AND_MONTH.fullmatch(text):
        raise ValidationError(f"“{typed}” has no year. Enter a date such as {EXAMPLE}.")
    if MONTH_AND_YEAR.fullmatch(text):
        raise ValidationError(f"“{typed}” has no day. Enter a date such as {EXAMPLE}.")
    if ONLY_YEARS.fullmatch(text):
        raise ValidationError(f"“{typed}” has no day or month. Enter a date such as {EXAMPLE}.")
    raise ValidationError(f"“{typed}” is not a date. Enter a date such as {EXAMPLE}.")


def _without_time(text: str, typed: str) -> str:
    found = TIME_OF_DAY.search(text)
    if found is None:
        return text
    if found["zone"] and not MIDNIGHT.fullmatch(found["time"]):
        raise ValidationError(
            f"“{typed}” includes a time zone, so the date may be different in the UK. Enter only the date, such as "
            f"{EXAMPLE}."
        )
    return text[: found.start()]


def _checked(day_typed: str, month_typed: str, year_typed: str, earliest: date, latest: date) -> date:
    day, year = int(day_typed), int(year_typed)
    month = int(month_typed) if month_typed.isdigit() else month_named(month_typed)
    if month > 12:
        advice = (
            f" Enter the day before the month: {month}/{day}/{year_typed}." if 1 <= day <= 12 and month <= 31 else ""
        )
        raise ValidationError(f"There is no month {month}.{advice}")
    if month == 0:
        raise ValidationError(f"“{month_typed}” is not a month. Enter a date such as {EXAMPLE}.")
    if len(year_typed) == 2:
        raise ValidationError(f"Enter the year with four digits: 20{year_typed}, for example, not {year_typed}.")
    try:
        found = date(year, month, day)
    except ValueError:
        name = calendar.month_name[month]
        raise ValidationError(f"There is no {day} {name} {year_typed}. Check the date.") from None
    check_date_range(found, earliest=earliest, latest=latest)
    return found


def check_date_range(value: date, *, earliest: date, latest: date) -> None:
    """Raise ValidationError for an implausible day, such as one in the year 24."""
    if not earliest <= value <= latest:
        raise ValidationError(
            f"Check the year of {value.day} {value:%B} {value.year:04}: "
            f"the date must be between {format_date(earliest)} and {format_date(latest)}."
        )


def month_named(name: str) -> int:
    """The number of a month by its name or the first three letters or more of it; 0 if there is no such month."""
    return next((n for n, full in enumerate(MONTHS) if n and len(name) >= 3 and full.startswith(name)), 0)


def parse_time(typed: str) -> time:
    """The time of day that somebody typed: 9am, 9.30pm, 09:30, 0930, 930am, noon.

    Raises ValidationError for anything else, and for an hour alone, which may be in the morning or in the evening.
    """
    refuse_long_value(typed, "a time")
    text = AROUND_A_COLON.sub(":", AROUND_A_TIME.sub("", plain_value(typed)))
    if TWELVE_IN_WORDS.fullmatch(text):
        raise ValidationError(
            f"“{typed}” could be noon or midnight. Enter 12:00 or 00:00, with the minutes that you mean."
        )
    text = PART_OF_DAY.sub(lambda found: "am" if found["part"] == "morning" else "pm", text)
    if NOON.fullmatch(text):
        return time(12)
    if MIDNIGHT_IN_WORDS.fullmatch(text):
        raise ValidationError("Midnight could be the start or the end of the day. Enter 00:00 or 23:59.")
    if ZONE.search(text) and not SEVERAL_TIMES.fullmatch(text):
        raise ValidationError(f"Leave out the time zone of “{typed}”. Enter the time in the UK on that day.")
    if PART_OF_A_DAY.fullmatch(text):
        minutes = round(float(text) * 24 * 60) % (24 * 60)
        shown = time(minutes // 60, minutes % 60)
        raise ValidationError(
            f"“{typed}” is how a spreadsheet stores {format_time(shown)}. Format the cell as a time, or enter "
            f"{shown:%H:%M}."
        )
    found = CLOCK_TIME.fullmatch(text) or WITHOUT_SEPARATOR.fullmatch(text)
    if found is None and SEVERAL_TIMES.fullmatch(text):
        raise ValidationError(f"“{typed}” is two times. Enter one time, such as 9:30am or 14:30.")
    if found is None and SECONDS.fullmatch(text):
        raise ValidationError(f"Leave out the seconds of “{typed}”. Enter a time such as 9:30am or 14:30.")
    if found is None:
        raise ValidationError(f"“{typed}” is not a time. Enter a time such as 9:30am or 14:30.")
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "")[:1]
    if found["minute"] is None and not half:
        raise ValidationError(f"Add am or pm to the time: {hour}am or {hour}pm." if 1 <= hour <= 12 else
                              f"Enter the minutes of the time too: {hour:02}:00.")  # fmt: skip
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half and (hour == 0 or half == "a"):
        raise ValidationError(f"“{typed}” is not a time. Enter a time such as 9:30am or 14:30.")
    if hour > 23 or minute > 59:
        raise ValidationError(f"“{typed}” is not a time. Hours go up to 23 and minutes up to 59.")
    return time(hour, minute)


def local_moment(day: date, at: time, *, zone: ZoneInfo | None = None) -> datetime:
    """The moment at a time of day in the portal's time zone; the first of two where clocks go back.

    Raises ValidationError for a time that clocks skip when they go forward.
    """
    zone = zone or ZoneInfo(timezone.get_default_timezone_name())
    moment = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    shown = moment.astimezone(zone)
    if shown.time() != at:
        raise ValidationError(
            f"There is no {at:%H:%M} on {format_date(day)}, because the clocks go forward that night. "
            f"Enter {shown:%H:%M} or another time."
        )
    return moment
