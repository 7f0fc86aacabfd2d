"""What reports write among their rows that is not a row: totals, page numbers, and the headings once more."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import tablib

from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.readers import cell_text, is_ruled_line
from vru_portal.tabular.reading.headings import heading_key
from vru_portal.tabular.reading.sheets import join_texts
from vru_portal.text.cleaning import fold, truncate

# SAP marks a subtotal by one asterisk, the sum of several by more.
TOTAL = re.compile(r"(?:(?:grand|sub|overall|report) ?-?)?totals?\b.*|sum|\*{1,4}", re.DOTALL)
MAX_CELLS_OF_A_REMARK = 2
# What reports write below their rows, or between the pages.
REMARK = re.compile(
    r"\b(?:end of|report|page \d+|(?:printed|generated|produced|exported|run) (?:on|by|at)|number of|count|records?"
    r"|official|confidential|balance|(?:carried|brought) forward)\b|\b[bc]/f(?:wd)?\b"
)


@dataclass
class Remarks:
    """The rows that are remarks, counted from 1, and a sentence about each."""

    rows: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def find_remarks(
    dataset: tablib.Dataset,
    headings: Sequence[str],
    rows: Sequence[Any],
    first_row: int,
    required: Collection[str],
    sums: Collection[str],
    *,
    read_sum: Callable[[Any], Decimal | None] | None = None,
) -> Remarks:
    """The remarks among the rows of a file; ``dataset`` has the columns that are read.

    A row is one if it says so and has nothing else in the required columns, except in those of ``sums``. With
    ``read_sum``, which reads a cell, the sentence about a total says whether the rows above add up to it.
    """
    found, running = Remarks(), RunningSums(sums, read_sum) if read_sum else None
    keys = [heading_key(text) for text in headings]
    for number, row in enumerate(rows, 1):
        texts = [cell_text(cell) for cell in row]
        place = f"Row {number + first_row - 1}"
        if is_ruled_line(row):
            found.rows.add(number)
            continue
        if [heading_key(text) for text in texts] == keys:
            found.rows.add(number)
            found.notes.append(f"{place} repeats the headings and was ignored.")
            continue
        label = next((text for text in texts if is_total(text) or REMARK.search(fold(text))), "")
        cells = dict(zip(dataset.headers, dataset[number - 1], strict=True))
        filled = {name for name in required if (text := cell_text(cells[name])) and text != label}
        # a row of a label and its value, such as “Run by” and a name, lacks most of what is required
        is_pair = len(required) > MAX_CELLS_OF_A_REMARK >= sum(map(bool, texts)) and not is_total(label)
        if label and (is_pair or not filled - set(sums)):
            found.rows.add(number)
            if not is_total(label):
                found.notes.append(f"{place} is a remark and was ignored: “{truncate(label, 60)}”.")
                continue
            stated = [cell_text(cells[name]) for name in dataset.headers if name in sums and cell_text(cells[name])]
            compared = running.compare(cells) if running else ""
            total = f"{place} is a total and was ignored: “{label}”{f', {join_texts(stated)}' if stated else ''}."
            found.notes.append(f"{total} {compared}".strip())
        elif running:
            running.add(cells)
    return found


class RunningSums:
    """The sums of the columns of a file, row by row, to compare its totals with."""

    def __init__(self, columns: Collection[str], read_sum: Callable[[Any], Decimal | None]) -> None:
        self.read_sum = read_sum
        self.so_far = dict.fromkeys(columns, Decimal(0))
        # The sums at the beginning, and at each total, in their order.
        self.at_totals: dict[str, dict[Decimal, None]] = {column: {Decimal(0): None} for column in columns}
        self.unreadable: set[str] = set()

    def add(self, cells: Mapping[str, Any]) -> None:
        for column in self.so_far.keys() & cells.keys():
            try:
                self.so_far[column] += self.read_sum(cells[column]) or Decimal(0)
            except ValueError:
                self.unreadable.add(column)

    def compare(self, total: Mapping[str, Any]) -> str:
        """Whether a total is the sum of all rows above it, or of those since the beginning or any earlier total."""
        stated = [column for column in total if column in self.so_far and cell_text(total[column])]
        try:
            differences = [self.difference(column, total[column]) for column in stated]
        except ValueError:
            return "It could not be compared with the rows above, because not all of the sums can be read."
        finally:
            for column in stated:
                self.at_totals[column][self.so_far[column]] = None
        return " ".join(filter(None, differences)) or ("The rows above add up to it." if stated else "")

    def difference(self, column: str, cell: object) -> str:
        """What the rows above add up to instead; empty if they agree. Raises ValueError if a sum cannot be read."""
        if column in self.unreadable:
            raise ValueError
        whole, at_totals = self.so_far[column], self.at_totals[column]
        if whole - (self.read_sum(cell) or Decimal(0)) in at_totals:
            return ""
        since = format_pounds(whole - next(reversed(at_totals)))
        last = f", those since the last total to {since}" if len(at_totals) > 1 else ""
        return f"The rows above add up to {format_pounds(whole)} ({column}){last}: check that none is missing."


def is_total(text: str) -> bool:
    """Whether a cell says that its row is a total."""
    plain = text.casefold()
    return ("total" in plain or plain == "sum" or set(plain) == {"*"}) and bool(TOTAL.fullmatch(fold(text)))
