"""The words of a text, in the form in which texts and searches are compared.

Case, accents, apostrophes, punctuation and word endings do not count: “Commissioner's” and “commissioners” are one
word, “O'Neill” and “ONeill”, “A&E” and “a and e”. Both sides go through here, so nothing that a visitor types is ever
an operator of the database that looks it up.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from vru_portal.search.days import Part, dates_in
from vru_portal.text.cleaning import APOSTROPHES

LONGEST_WORD = 40  # characters: nobody searches for more, and a longer one costs time
# Accents, and the signs of vowels of scripts from Hebrew to Burmese, which stand inside words.
MARKS = "".join(c for c in map(chr, range(0x300, 0x1100)) if unicodedata.category(c) in ("Mn", "Mc"))
# Numbers with what separates their digits, also in millions and thousands as in £3.37m and £524k; two letters joined as
# in A&E; letters and digits with apostrophes inside.
WORD = re.compile(
    r"\d+(?:[.,]\d+)*(?:k(?![^\W_])|(?=m(?![^\W_]))|(?![^\W_]))"
    r"|(?<![^\W_])[^\W\d_](?:\s?[&+]\s?|\sand\s)[^\W\d_](?![^\W_])"
    rf"|[^\W_]+(?:[{MARKS}]+[^\W_]*)*(?:['{APOSTROPHES}][^\W_]+)*",
    re.IGNORECASE,
)
ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)", re.ASCII)
THOUSANDS = re.compile(r"\d{1,9}(?:\.\d{1,3})?k")
HYPHENATED = re.compile(r"[^\W_]+(?:[-\u2010\u2011][^\W_]+)+")
SEPARATORS = re.compile(r"[^\w.]|_")
SAY_NOTHING = """
a about advice afraid after all also am an and any anybody anyone anything are as at be been being but by can cant
carried carries carry carrying concerned could did do does doing done dont else ever every find for from get gets
getting give go goes going got had happen happened happening happens has have having he held help helped helping her
here hers hi him his how i id if im in into is isnt it its ive just keep keeps know let like look looking lot may me
might more most much must my near need needs no not now of off on one onto or other our out over own page please put
say says scared see she should show so some somebody someone something take takes taking tell than that thats the
their them then there theres these they theyre thing things this those through to too took up us use very want wants
was way we were what whats when where wheres which while who whom whos whose why will with without wont worried worry
would you your
"""
STOP_WORDS = frozenset(SAY_NOTHING.split())  # words that say nothing of what somebody looks for

_stemmer = Stemmer.Stemmer("english")
_stemming = threading.Lock()  # a stemmer has a state of its own while it works


class Word(NamedTuple):
    """A word of a text, and its position."""

    start: int
    end: int
    word: str  # as it is compared, with its ending
    stem: str


def words_in(text: str) -> Iterator[Word]:
    """Yield the words of a text with their places, to mark them."""
    for start, end, word in _words_with_places(text):
        yield Word(start, end, word, stem_of(word))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, as they are compared, with their endings."""
    return [word for _, _, word in _words_with_places(text)]


def _words_with_places(text: str) -> Iterator[Part]:
    last = 0
    for stated in dates_in(text):
        yield from _words_between(text, last, stated.start)
        yield from stated.parts
        last = stated.end
    yield from _words_between(text, last, len(text))


def _words_between(text: str, start: int, end: int) -> Iterator[Part]:
    for found in WORD.finditer(text, start, end):
        if word := plain(found[0]):
            yield found.start(), found.end(), word


def joined_words_of(text: str) -> list[str]:
    """The words that hyphens make of several: “re-offending” is also “reoffending”."""
    return [word for found in HYPHENATED.findall(text) if (word := plain(found.replace("-", "")))]


@lru_cache(maxsize=100_000)
def plain(word: str) -> str:
    """A single word as it is compared: lower case, without accents, apostrophes and the end of a genitive."""
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        word = "".join(c for c in decomposed if not unicodedata.combining(c))
        for apostrophe in APOSTROPHES:
            word = word.replace(apostrophe, "'")
    lower = word.casefold()
    if " " in lower or "&" in lower or "+" in lower:  # two letters with what joins them
        return lower[0] + lower[-1]
    if lower[:1].isdigit():
        lower = ORDINAL.sub(r"\1", lower.replace(",", ""))
        if THOUSANDS.fullmatch(lower):
            lower = f"{(1000 * Decimal(lower[:-1])).normalize():f}"
        return lower[:LONGEST_WORD]
    return SEPARATORS.sub("", lower.removesuffix("'s"))[:LONGEST_WORD]


@lru_cache(maxsize=100_000)
def stem_of(word: str) -> str:
    """A word without its ending: “mentors” and “mentoring” are both “mentor”."""
    with _stemming:
        return str(_stemmer.stemWord(word))
