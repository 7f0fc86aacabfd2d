"""Dates as texts and searches state them. However one is written, it is compared as “2 October 2019” is."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import NamedTuple

from vru_portal.text.typed_dates import DATE_FORMS, EARLIEST, LATEST, MONTHS, month_named

ALONE = r"(?<![^\W_])(?<!\d[-/.]){}(?![^\W_])(?![-/.]\d)"
FORMS = [re.compile(ALONE.format(form.pattern), form.flags | re.IGNORECASE) for form in DATE_FORMS]
A_YEAR = re.compile(r"\d{4}|[-/. ',]\d\d(?!\d)", re.ASCII)  # without one, a text states no date: most have none
DAY = re.compile(r"0?([1-9]|[12]\d|3[01])", re.ASCII)
YEAR = re.compile(r"(?:19|2[01])\d\d", re.ASCII)

Part = tuple[int, int, str]  # where it begins and ends, and the word as which it is compared


class StatedDate(NamedTuple):
    """A date of a text."""

    start: int
    end: int
    day: date
    parts: tuple[Part, Part, Part]  # the day, the month and the year, in this order


def dates_in(text: str) -> list[StatedDate]:
    """The dates that a text states, in their order, in any form in which one may be typed (`typed_dates.py`).

    Years of two digits, which forms refuse, are of this century here, but only between slashes or hyphens: “1.2.19” may
    be the version of something.
    """
    found: list[StatedDate] = []
    for one in sorted(_dates_in(text)) if A_YEAR.search(text) else ():
        if not found or found[-1].end <= one.start:
            found.append(one)
    return found


def _dates_in(text: str) -> Iterator[StatedDate]:
    for form in FORMS:
        for found in form.finditer(text):
            is_short = len(found["year"]) == 2
            if is_short and not {*found[0]} & {"/", "-"}:
                continue
            month = int(found["month"]) if found["month"].isdigit() else month_named(found["month"].casefold())
            with suppress(ValueError):  # no such day
                day = date(int(found["year"]) + 2000 * is_short, month, int(found["day"]))
                if EARLIEST <= day <= LATEST:
                    words = str(day.day), MONTHS[month], str(day.year)
                    first, second, third = (
                        (*found.span(part), word) for part, word in zip(("day", "month", "year"), words, strict=True)
                    )
                    yield StatedDate(*found.span(), day, (first, second, third))


def date_at(words: Sequence[str], place: int) -> tuple[tuple[str, ...], int] | None:
    """The day of a month, with or without its year, or the month of a year, that the words state from this place on.

    Returns it as texts are compared (“2 october 2019”, “2 october”, “october 2019”), with how many words it takes.
    """
    after = [*words[place : place + 3], "", "", ""]
    day, month = DAY.fullmatch(after[0]), month_named(after[1])
    if not (day and month):
        day, month = DAY.fullmatch(after[1]), month_named(after[0])
    year = after[2 if day else 1]
    year = year if YEAR.fullmatch(year) else ""
    if not month or not (day or year):
        return None
    stated = (day[1] if day else "", MONTHS[month], year)
    return tuple(filter(None, stated)), len([part for part in stated if part])
