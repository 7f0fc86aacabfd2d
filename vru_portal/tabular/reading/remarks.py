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
    ``read_sum``, which reads a cell, it is said of a total whether the rows above add up to it.
    """
    found = Remarks()
    above: list[dict[str, Any]] = []  # the rows above that are no remarks
    since = 0  # how many of them are above the last total
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
            compared = compare_total(cells, above, above[since:], sums, read_sum) if read_sum else ""
            total = f"{place} is a total and was ignored: “{label}”{f', {join_texts(stated)}' if stated else ''}."
            found.notes.append(f"{total} {compared}".strip())
            since = len(above)
        else:
            above.append(cells)
    return found


def compare_total(
    total: Mapping[str, Any],
    above: Sequence[Mapping[str, Any]],
    part: Sequence[Mapping[str, Any]],
    sums: Collection[str],
    read_sum: Callable[[Any], Decimal | None],
) -> str:
    """Whether the rows above a total, or the part of them below the last one, add up to it."""
    sentences = []
    stated = [name for name in total if name in sums and cell_text(total[name])]
    for name in stated:
        try:
            whole, last = (
                sum((read_sum(row[name]) or Decimal(0) for row in rows), Decimal(0)) for rows in (above, part)
            )
            agrees = read_sum(total[name]) in (whole, last)
        except ValueError:
            return "It could not be compared with the rows above, because not all of the sums can be read."
        if not agrees:
            sentences.append(f"The rows above add up to {format_pounds(whole)} ({name}): check that none is missing.")
    return " ".join(sentences) or ("The rows above add up to it." if stated else "")


def is_total(text: str) -> bool:
    """Whether a cell says that its row is a total."""
    plain = text.casefold()
    return ("total" in plain or plain == "sum" or set(plain) == {"*"}) and bool(TOTAL.fullmatch(fold(text)))
