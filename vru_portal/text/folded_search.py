"""`folded_contains`: a lookup that finds text as people type it. “ONEILL” finds “O'Neill”, “cafe” finds “Café”.

Case, accents, apostrophes and characters without a shape do not count, and all dashes and quotation marks are alike.
What is stored stays as it was typed: a folded copy of each column would have to be kept right by every way to write it,
SQL included. SQLite asks a function of this module about each text instead, and PostgreSQL, which runs no Python,
matches an expression in which each character stands for all that are folded to it.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.signals import connection_created

from vru_portal.text.characters import remove_invisible
from vru_portal.text.cleaning import APOSTROPHES, SAME_WHEN_COMPARED

SQLITE_FUNCTION = "portal_folded"
# Latin, Greek and Cyrillic letters, the marks that follow letters, Vietnamese and full-width letters: one character
# each, so that both databases can compare character by character.
FOLDED_RANGES = (*range(0x41, 0x530), *range(0x1E00, 0x2000), *range(0xFF01, 0xFF5F))
MAX_TERMS = 12
APOSTROPHE_MARKS = "'`" + APOSTROPHES


def _folded_character(character: str) -> str:
    """The plain small letter or digit of a character, nothing for a mark on the letter before it, or itself."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)).casefold()
    if plain:
        return plain if len(plain) == 1 and plain.isalnum() else character
    return "" if unicodedata.combining(character) else character


def _folding_table() -> dict[int, str | None]:
    folded = {code: _folded_character(chr(code)) for code in FOLDED_RANGES}
    letters: dict[int, str | None] = {code: text or None for code, text in folded.items() if text != chr(code)}
    table = letters | SAME_WHEN_COMPARED | dict.fromkeys(map(ord, APOSTROPHE_MARKS))
    # Folded again, so that what is folded is not folded further: a Greek numeral sign is that of a prime.
    return {code: (text.translate(table) or None) if text else None for code, text in table.items()}


FOLDING = _folding_table()


def fold_for_search(text: str) -> str:
    """A form in which a search finds what looks or sounds alike. Unlike with `cleaning.fold`, accents do not count."""
    if text.isascii():
        return text.lower().replace("'", "").replace("`", "")
    return text.translate(FOLDING)


def search_terms(typed: str) -> list[str]:
    """The words to search for, folded and each once: the first of them, because each is looked for in every row.

    If nothing that was typed counts, such as an apostrophe alone, it is returned as it is, and found nowhere.
    """
    words = list(dict.fromkeys(fold_for_search(remove_invisible(typed)).split()))
    return words[:MAX_TERMS] or typed.split()[:1]


def any_contains(fields: Iterable[str], text: str) -> models.Q:
    """The condition that one of these fields contains a text."""
    condition = models.Q()
    for field in fields:
        condition |= models.Q(**{f"{field}__folded_contains": text})
    return condition


def contains_words(fields: Iterable[str], typed: str) -> models.Q:
    """The condition that one of these fields contains each of the words that were typed, not necessarily the same."""
    condition = models.Q()
    for word in search_terms(typed):
        condition &= any_contains(fields, word)
    return condition


@cache
def _same_characters() -> dict[str, str]:
    """By folded character, all that are folded to it, and the rest of an expression that skips what does not count."""
    same: dict[str, str] = {}
    for code, folded in FOLDING.items():
        same[folded or ""] = same.get(folded or "", "") + chr(code)
    return same


def folded_pattern(folded: str) -> str:
    """A regular expression of PostgreSQL for texts that contain this folded text."""
    same = _same_characters()
    skipped = f"[{same['']}]*"
    parts = []
    for character in folded:
        if character.isspace():
            parts.append(r"\s")
        elif character in same:
            parts.append(f"[{same[character]}{character}]")  # a hyphen comes last, where it is no range
        else:
            parts.append(character if character.isalnum() or not character.isascii() else f"\\{character}")
    return skipped.join(parts)


class FoldedContains(models.Lookup[Any]):
    """Whether a text contains another, both folded."""

    lookup_name = "folded_contains"

    def get_prep_lookup(self) -> str:
        return " ".join(fold_for_search(remove_invisible(str(self.rhs))).split())

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        if not self.rhs:
            raise EmptyResultSet
        column, parameters = self.process_lhs(compiler, connection)
        if connection.vendor == "sqlite":
            # SQLite's own comparison does for plain ASCII, many times as fast: the function is asked about the rest.
            others = (
                f"LENGTH({column}) < LENGTH(CAST({column} AS BLOB)) OR INSTR({column}, '''') OR INSTR({column}, '`')"
            )
            sql = f"({column} LIKE %s ESCAPE '\\' OR ({others}) AND INSTR({SQLITE_FUNCTION}({column}), %s) > 0)"
            like = f"%{connection.ops.prep_for_like_query(self.rhs)}%"
            return sql, [*parameters, like, *parameters * 5, self.rhs]
        return f"{column} ~ %s", [*parameters, folded_pattern(self.rhs)]


def _folded_or_none(text: Any) -> str | None:
    return None if text is None else fold_for_search(str(text))


def add_function(connection: Any, **options: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function(SQLITE_FUNCTION, 1, _folded_or_none, deterministic=True)


def install() -> None:
    """Add the lookup to all fields of text, and its function to every connection to SQLite."""
    for field in (models.CharField, models.TextField):
        field.register_lookup(FoldedContains)
    connection_created.connect(add_function)
