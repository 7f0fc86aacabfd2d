"""The ages that a text states, and the age that somebody searches for."""

import re
from collections.abc import Iterator, Sequence

from vru_portal.text.typed_dates import month_named

OLDEST = 120
ADULT = 18  # below it, a person is a child: Children Act 1989, section 105
Range = tuple[int, int]  # from and to, both included

RANGE = re.compile(
    r"\b(?:aged?|ages|between)\s+(?:between\s+)?(\d{1,3})\s*(?:to|and|[-\u2010-\u2015])\s*(\d{1,3})\b"
    r"|\b(\d{1,3})\s*(?:to|[-\u2010-\u2015])\s*(\d{1,3})[\s-]*(?:years?\b|year-olds?\b|yrs?\b)",
    re.IGNORECASE,
)
UNDER = re.compile(
    r"\b(?:under|below|younger than)[\s-]+(?:the age of\s+)?(\d{1,3})s?\b(?![.,]?\d|\s*(?:%|per cent))", re.IGNORECASE
)
OVER = re.compile(
    r"\b(?:over|aged)[\s-]+(\d{1,3})s?\s*(?:or over|and over|or older|and older|\+)"
    r"|\b(\d{1,3})\s*(?:or over|and over|or older|and older|years? and over)\b"
    r"|\bolder than\s+(\d{1,3})\b",
    re.IGNORECASE,
)
AGE_WORD = re.compile(r"(\d{1,3})(?:y|yo|yrs?|years?)?")
OF_AN_AGE = frozenset(("year", "years", "yr", "yrs", "yo", "old", "olds"))
BEFORE_AN_AGE = frozenset(("age", "aged", "ages"))


def stated_ranges(text: str) -> list[Range]:
    """The ranges of ages that a text states: “aged 10 to 18” is from 10 to 18, “under 18” up to 17."""
    return list(_ranges(text)) if any(c.isdigit() for c in text) else []


def _ranges(text: str) -> Iterator[Range]:
    for found in RANGE.finditer(text):
        first, last = (int(group) for group in found.groups() if group)
        if first <= last <= OLDEST:
            yield first, last
    for found in UNDER.finditer(text):
        yield 0, int(found[1]) - 1
    for found in OVER.finditer(text):
        yield int(next(group for group in found.groups() if group)), OLDEST


def age_at(words: Sequence[str], place: int) -> tuple[int, int] | None:
    """The age that the words state from this place on, with how many words it takes; None if they state none there.

    “14”, “aged 14”, “14 year old” and “14yo” are all the age of 14. “2 October” is not one.
    """
    begin = place + 1 if words[place] in BEFORE_AN_AGE and place + 1 < len(words) else place
    found = AGE_WORD.fullmatch(words[begin])
    if not found or int(found[1]) > OLDEST:
        return None
    end = begin + 1
    while end < len(words) and words[end] in OF_AN_AGE:
        end += 1
    if end < len(words) and month_named(words[end]):
        return None
    return int(found[1]), end - place
