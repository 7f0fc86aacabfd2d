"""What a spreadsheet set to British English makes of a text when it opens a CSV file and saves it again.

It takes whatever looks like a number, a date, a time or a truth value for one, and writes that in its own way:
``007`` becomes ``7`` and ``2011-12`` becomes ``Dec-11``. A cell that differs from the portal's only by that was not
changed by anybody.
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import product

from django.core.exceptions import ValidationError

from vru_portal.text.typed_dates import parse_date

MAX_LENGTH = 60  # characters: nothing longer is taken for a number or a date
NUMBER = re.compile(r"(-|\+)?£?(?:\d+|\d{1,3}(?:,\d{3})+)?(?:\.\d*)?(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
YEAR_AND_MONTH = re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{1,2})|(?P<month_first>\d{1,2})[-/](?P<year_last>\d{4})")
DAY_AND_MONTH = re.compile(r"(?P<day>\d{1,2})[-/](?P<month>\d{1,2})", re.ASCII)
SHORT_YEAR = re.compile(r"(?P<before>\d{1,2}([-/ ])(?:\d{1,2}|[A-Za-z]{3,9})\2)(?P<year>\d{1,2})", re.ASCII)
FIRST_OF_LAST_CENTURY = 30  # of two digits: 29 is 2029, 30 is 1930
# References such as MAR12 and 1DEC are days, too.
NAMED_MONTH = re.compile(r"(?:(?P<day>\d{1,2})[ -]?)?(?P<month>[A-Za-z]{3,9})(?:[ -]?(?P<number>\d{1,4}))?", re.ASCII)
CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<second>:\d{2})?", re.ASCII)
CLOCK_OF_HALF = re.compile(r"0?(?P<hour>\d{1,2})(?P<minute>:\d{2})? (?P<half>[ap]m)", re.ASCII | re.IGNORECASE)
IN_BRACKETS = re.compile(r"\A\((?P<number>[^-+()]+)\)\Z")
PERCENT = re.compile(r"(?P<number>-?\d+\.\d+)%", re.ASCII)
MONTHS = {
    name.casefold(): n for names in (calendar.month_name, calendar.month_abbr) for n, name in enumerate(names) if n
} | {"sept": 9}
LARGEST_IN_FULL = 1e11  # numbers from here on are written with an exponent in a cell without a format
DIGITS_IN_FULL = 10


def resaved_forms(text: str) -> set[str]:
    """The forms in which a spreadsheet may save a text that it has read; the text itself is not among them."""
    forms = {text.encode("cp1252", "replace").decode("cp1252")}  # saved as “CSV”, not as “CSV UTF-8”
    if len(text) <= MAX_LENGTH:
        forms |= _forms_of_values(text.strip())
    return forms - {text}


def by_resaved_key(keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Like `by_resaved_form`, for keys of several texts."""
    found: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for key in keys:
        for form in product(*((part, *resaved_forms(part)) for part in key)):
            found.setdefault(form, set()).add(key)
    return {form: min(meant) for form, meant in found.items() if len(meant) == 1}


def by_resaved_form(texts: Iterable[str]) -> dict[str, str]:
    """The texts by the forms in which a spreadsheet may save them, without the forms that several texts share."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for form in resaved_forms(text):
            found.setdefault(form, set()).add(text)
    return {form: min(meant) for form, meant in found.items() if len(meant) == 1}


@lru_cache(maxsize=10_000)
def _forms_of_values(text: str) -> frozenset[str]:
    return frozenset(
        (*_as_truth_value(text), *_as_number(text), *_as_percentage(text), *_as_date(text), *_as_time(text))
    )


def _as_truth_value(text: str) -> Iterator[str]:
    if text.casefold() in ("true", "false"):
        yield text.upper()


def _as_number(text: str) -> Iterator[str]:
    text = IN_BRACKETS.sub(r"-\g<number>", text)  # accountants' minus
    if not NUMBER.fullmatch(text) or not re.search(r"\d", text):
        return
    with suppress(ArithmeticError):
        value = float(Decimal(re.sub("[£,]", "", text)))
        if value in (float("inf"), float("-inf")):
            return
        yield _without_zeros(format(Decimal(f"{value:.15g}"), "f"))
        if abs(value) >= LARGEST_IN_FULL:
            mantissa, _, exponent = f"{value:.5E}".partition("E")
            yield f"{_without_zeros(mantissa)}E{exponent}"
        else:
            decimals = max(0, DIGITS_IN_FULL - len(str(int(abs(value)))))
            yield _without_zeros(f"{value:.{decimals}f}")
        if "e" in text.casefold():
            yield f"{value:.2E}"
        if set(text) & {"£", ","} and "." in text:
            yield f"{'-' if value < 0 else ''}{'£' if '£' in text else ''}{abs(value):,.2f}"


def _as_percentage(text: str) -> Iterator[str]:
    if found := PERCENT.fullmatch(text):
        yield f"{Decimal(found['number']):.2f}%"


def _without_zeros(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _as_date(text: str) -> Iterator[str]:
    with suppress(ValidationError):
        day = parse_date(text)
        yield from (f"{day:%d/%m/%Y}", f"{day:%d-%b-%y}", f"{day:%d-%b-%Y}", f"{day:%d %B %Y}")
        return
    if found := YEAR_AND_MONTH.fullmatch(text):
        yield from _month(int(found["year"] or found["year_last"]), int(found["month"] or found["month_first"]))
    elif found := SHORT_YEAR.fullmatch(text):
        yield from _as_date(f"{found['before']}{_full_year(int(found['year']))}")
    elif found := DAY_AND_MONTH.fullmatch(text):
        first, second = int(found["day"]), int(found["month"])
        # what cannot be a day and a month, such as the ages 11-18, is a month and a year
        yield from _day_of_month(first, second) if second <= 12 else _month(_full_year(second), first)
    elif (found := NAMED_MONTH.fullmatch(text)) and (month := MONTHS.get(found["month"].casefold())):
        if found["number"] and len(found["number"]) == 4 and not found["day"]:
            yield from _month(int(found["number"]), month)
        elif bool(found["day"]) != bool(found["number"]) and len(found["number"] or "") <= 2:
            number = int(found["day"] or found["number"])
            yield from (
                _day_of_month(number, month) if number <= 31 or found["day"] else _month(_full_year(number), month)
            )


def _full_year(two_digits: int) -> int:
    return two_digits + (2000 if two_digits < FIRST_OF_LAST_CENTURY else 1900)


def _month(year: int, month: int) -> Iterator[str]:
    if 1 <= month <= 12 and year >= 1900:
        yield f"{date(year, month, 1):%b-%y}"


def _day_of_month(day: int, month: int) -> Iterator[str]:
    with suppress(ValueError):
        yield f"{date(2000, month, day):%d-%b}"


def _as_time(text: str) -> Iterator[str]:
    if (found := CLOCK.fullmatch(text)) and int(found["minute"]) < 60:
        hour = f"{int(found['hour']):02}:{found['minute']}"
        yield from (hour + (found["second"] or ""), hour + (found["second"] or ":00"))
    elif found := CLOCK_OF_HALF.fullmatch(text):
        hour, rest = found["hour"], f"{found['minute'] or ':00'} {found['half'].upper()}"
        yield from (f"{hour}{rest}", f"{hour:0>2}{rest}")
