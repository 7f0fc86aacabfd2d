"""The headings of a file: in which row they are, and which column each of them means."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from vru_portal.tabular.reading.sheets import join_names, join_numbers, join_texts
from vru_portal.text.cleaning import fold, truncate

ROWS_SEARCHED = 20  # below the first row with anything in it
REASONS_HEADING = "why it was refused"  # of the column that files of refused rows have beside those of their sender
LIKENESS = 0.8  # of two words, from which one may be the other misspelt: they share so much of their letters
LEFT_OUT = ""  # what a saved mapping has for a heading that is not read
CAPITAL_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")
# The unit or format of a column says nothing about its meaning.
UNIT = re.compile(r"£|\bgbp\b|\b(?:in|as) pounds\b|\b(?:dd?|mm?m?|yy(?:yy)?)(?:[-/. ](?:dd?|mm?m?|yy(?:yy)?)){2}\b")
# “<18” and “18+” are two groups: the sign beside a number is part of a key.
BESIDE_SIGN = re.compile(r"(?<=[<>])\s+(?=\d)|(?<=\d)\s+(?=\+)")
NOT_IN_A_KEY = re.compile(r"(?:(?![<>]\d)(?!(?<=\d)\+)[\W_])+")
# Words that finance systems write short.
SHORT_FORMS = (
    *(("amt", "amount"), ("pmt", "payment"), ("pymt", "payment"), ("ref", "reference"), ("no", "number")),
    *(("num", "number"), ("trans", "transaction"), ("txn", "transaction"), ("dt", "date"), ("desc", "description")),
    *(("ex", "excluding"), ("excl", "excluding"), ("inv", "invoice"), ("acct", "account"), ("ctr", "centre")),
)
WHOLE_WORDS = dict(SHORT_FORMS)


def heading_key(heading: object) -> str:
    """The key that all headings with the same meaning share.

    Such as “Paid on”, “paid_on” and “PaidOn (dd/mm/yyyy):”; “Net Amt (£)” and “net amount”. A unit alone is itself.
    """
    typed = fold(CAPITAL_INSIDE.sub(" ", str(heading or ""))).replace("_", " ")
    words = NOT_IN_A_KEY.sub(" ", BESIDE_SIGN.sub("", UNIT.sub(" ", typed))).split()
    return " ".join(WHOLE_WORDS.get(word, word) for word in words) or typed


def are_alike(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each word may be the other one misspelt: “net” is never “vat”, whatever is beside it."""
    return len(words) == len(others) and all(
        SequenceMatcher(None, word, other).ratio() >= LIKENESS for word, other in zip(words, others, strict=True)
    )


@dataclass(frozen=True)
class ColumnNames:
    """The columns of a kind of file, by the headings that mean them."""

    columns: Sequence[str]
    by_key: Mapping[str, str]  # the column, or LEFT_OUT, by heading_key

    @classmethod
    def of(cls, columns: Sequence[str], aliases: Mapping[str, Iterable[str]], ignored: Iterable[str]) -> "ColumnNames":
        """`aliases` has other headings by column; `ignored` headings that such files have and that are not read."""
        by_key = {heading_key(heading): LEFT_OUT for heading in (*ignored, REASONS_HEADING)}
        by_key |= {heading_key(alias): name for name, others in aliases.items() for alias in others}
        return cls(columns, by_key | {heading_key(name): name for name in columns})

    def with_mapping(self, mapping: Mapping[str, str]) -> "ColumnNames":
        """These columns where some headings mean what a saved mapping says."""
        return ColumnNames(self.columns, {**self.by_key, **{heading_key(h): name for h, name in mapping.items()}})

    def likely(self, heading: object) -> str:
        """The column that a misspelt heading may mean; empty if none is like it."""
        words = heading_key(heading).split()
        return next((column for key, column in self.by_key.items() if column and are_alike(words, key.split())), "")

    def column(self, heading: object) -> str | None:
        """The column that a heading means, LEFT_OUT for one that is not read, None for one that is unknown."""
        return self.by_key.get(heading_key(heading))


@dataclass
class Headings:
    """The row of headings of a file, and what its headings mean."""

    row: int  # counted from the first row of the dataset, which is 0
    texts: list[str]
    columns: list[str | None]  # for each heading, from `ColumnNames.column`; "" also if there is no heading
    notes: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        return [text for text, column in zip(self.texts, self.columns, strict=True) if column is None]

    @property
    def left_out(self) -> list[str]:
        return [text for text, column in zip(self.texts, self.columns, strict=True) if text and column == LEFT_OUT]

    @property
    def renamed(self) -> list[tuple[str, str]]:
        """The headings that have another name than the column which they mean, each with that column."""
        named = zip(self.texts, self.columns, strict=True)
        return [(text, column) for text, column in named if column and heading_key(text) != heading_key(column)]

    @property
    def unclear(self) -> list[str]:
        """The headings that are unknown, and those of which several mean one column."""
        known = [column for column in self.columns if column]
        return [
            text
            for text, column in zip(self.texts, self.columns, strict=True)
            if column is None or (column and known.count(column) > 1)
        ]

    @property
    def repeated(self) -> list[str]:
        """A sentence for each column that two headings mean."""
        by_column: dict[str, list[str]] = {}
        for text, column in zip(self.texts, self.columns, strict=True):
            if column:
                by_column.setdefault(column, []).append(text)
        return [
            f"{join_names(texts)} both mean the column {column}. Rename or delete one of them."
            if len(set(texts)) > 1
            else f"This file has the same column twice. Delete one of the columns “{texts[0]}”."
            for column, texts in by_column.items()
            if len(texts) > 1
        ]


@dataclass(frozen=True)
class UnclearHeadings:
    """What the sender of a file is asked: what each of these headings means."""

    columns: Mapping[str, str] = field(default_factory=dict)  # the likely column by heading; LEFT_OUT for none
    examples: Mapping[str, str] = field(default_factory=dict)  # what the first filled cell below each of them says
    system: str = ""  # whose saved mapping knows some of the file's headings

    @classmethod
    def of(
        cls, columns: Mapping[str, str], found: Headings, rows: Sequence[Sequence[Any]], mapping: object
    ) -> "UnclearHeadings":
        """`rows` are the first below the headings."""
        asked = {text: columns[text] for text in found.texts if text in columns}  # in the order of the file
        examples = {
            text: next((cell for row in rows if (cell := str(row[place] or "").strip().removesuffix(" 00:00:00"))), "")
            for place, text in enumerate(found.texts)
            if text in asked
        }
        return cls(asked, examples, str(mapping or ""))


def find_headings(rows: Sequence[Sequence[Any]], names: ColumnNames, first_number: int) -> Headings:
    """The row with most known headings among the first; the very first where none has two of them.

    `first_number` is the number that a spreadsheet shows for the first of the rows.
    """
    searched = rows[: ROWS_SEARCHED + 1]
    known = [len({names.column(cell) for cell in row} - {None, LEFT_OUT}) for row in searched]
    place = known.index(max(known)) if max(known) > max(1, known[0]) else 0
    texts = [str(cell or "").strip() for cell in searched[place]]
    found = Headings(place, texts, [names.column(text) if text else LEFT_OUT for text in texts])
    if above := [str(cell).strip() for row in rows[:place] for cell in row if str(cell or "").strip()]:
        numbers = [
            first_number + number for number, row in enumerate(rows[:place]) if any(map(str.strip, map(str, row)))
        ]
        found.notes.append(
            f"Ignored above the headings: {'row' if len(numbers) == 1 else 'rows'} {join_numbers(numbers)} "
            f"({join_texts([f'“{truncate(text, 40)}”' for text in above[:3]])}{' …' if len(above) > 3 else ''})."
        )
    return found
