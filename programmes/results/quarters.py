"""Quarters of the financial year, which begins on 1 April. A quarter is stored as its first day."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError

from vru_portal.text.cleaning import plain_value

YEAR = r"(?P<year>(?:19|20|21)\d\d)"  # of all that dates can be in (`vru_portal.text.typed_dates`)
SLUG = re.compile(rf"{YEAR}-(\d{{2}})-q([1-4])", re.ASCII)
# What people write, in small letters.
BOTH_YEARS = rf"(?:fy ?)?{YEAR} ?[-/] ?(?:20)?(?P<next>\d{{2}})"
YEAR_AND_NUMBER = re.compile(rf"{BOTH_YEARS}[ ,-]*q(?:tr|uarter)? ?(?P<number>[1-4])", re.ASCII)
NUMBER_AND_YEAR = re.compile(rf"q(?:tr|uarter)? ?(?P<number>[1-4])[ ,-]*(?:of )?{BOTH_YEARS}", re.ASCII)
ORDINALS = {"first": "1", "1st": "1", "second": "2", "2nd": "2", "third": "3", "3rd": "3", "fourth": "4", "4th": "4"}
ORDINAL = re.compile(rf"\b({'|'.join(ORDINALS)}) (?:quarter|qtr)\b")
MONTHS = re.compile(rf"(?P<first>[a-z]{{3,9}}) ?(?:to|-) ?(?P<last>[a-z]{{3,9}}) {YEAR}", re.ASCII)
FIRST_MONTHS = (4, 7, 10, 1)  # of the four quarters
EXAMPLES = "Enter it like Apr to Jun 2031, 2031-32 Q1 or 1 April 2031."


@dataclass(frozen=True, order=True)
class Quarter:
    """Three months, from their first day on."""

    starts_on: date

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """The quarter that a day is in."""
        return cls(date(day.year, (day.month - 1) // 3 * 3 + 1, 1))

    @classmethod
    def from_slug(cls, slug: str) -> "Quarter | None":
        """The quarter that an address names as 2031-32-q1; None for anything else."""
        found = SLUG.fullmatch(slug)
        if not found or (int(found[1]) + 1) % 100 != int(found[2]):
            return None
        first_year, number = int(found[1]), int(found[3])
        return cls(date(first_year + (number == 4), FIRST_MONTHS[number - 1], 1))

    @property
    def number(self) -> int:
        return FIRST_MONTHS.index(self.starts_on.month) + 1

    @property
    def first_year(self) -> int:
        """The calendar year in which its financial year begins."""
        return self.starts_on.year - (self.starts_on.month < 4)

    @property
    def year_label(self) -> str:
        return f"{self.first_year}-{(self.first_year + 1) % 100:02}"

    @property
    def slug(self) -> str:
        return f"{self.year_label}-q{self.number}"

    @property
    def ends_on(self) -> date:
        return self.next.starts_on - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        return Quarter.of(self.starts_on + timedelta(days=100))

    @property
    def previous(self) -> "Quarter":
        return Quarter.of(self.starts_on - timedelta(days=1))

    @property
    def short(self) -> str:
        """For narrow columns: Apr to Jun 2031."""
        return f"{self.starts_on:%b} to {self.ends_on:%b %Y}"

    def until(self, last: "Quarter") -> Iterator["Quarter"]:
        """Yield the quarters from this one to the last."""
        quarter = self
        while quarter <= last:
            yield quarter
            quarter = quarter.next

    def __str__(self) -> str:
        return f"{self.starts_on:%B} to {self.ends_on:%B %Y}"


def parse_quarter(text: str) -> Quarter | None:
    """A quarter as people write it: “2031-32 Q1”, “Q1 2031/32”, “April to June 2031”, “Apr-Jun 2031”; else None."""
    words = ORDINAL.sub(lambda found: f"q{ORDINALS[found[1]]}", plain_value(text))
    if found := YEAR_AND_NUMBER.fullmatch(words) or NUMBER_AND_YEAR.fullmatch(words):
        return Quarter.from_slug(f"{found['year']}-{found['next']}-q{found['number']}")
    if found := MONTHS.fullmatch(words):
        for quarter in Quarter(date(int(found["year"]), 1, 1)).until(Quarter(date(int(found["year"]), 10, 1))):
            names = f"{quarter.starts_on:%B}".lower(), f"{quarter.ends_on:%B}".lower()
            if all(name.startswith(found[part]) for name, part in zip(names, ("first", "last"), strict=True)):
                return quarter
    return None


def validate_quarter(day: date) -> None:
    if day != Quarter.of(day).starts_on:
        raise ValidationError(f"A quarter begins on 1 April, 1 July, 1 October or 1 January. {EXAMPLES}")
