"""What a sheet has that its rows alone do not show: hidden rows, merged cells, formulas without a result, other sheets.

The sender of a workbook checks it by eye. What the portal reads and they cannot see, or the reverse, is reported
in sentences beside the result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vru_portal.text.cleaning import truncate

MAX_NAMED = 10  # rows, cells or sheets in a sentence
MAX_ROWS_MERGED = 1_000  # in one range
COVERED = "This cell is merged with the one above. Unmerge {} and fill in each row."
NO_RESULT = "The formula in cell {cell} has no stored result. Open the workbook in Excel, save it, and send it again."


@dataclass(frozen=True)
class BrokenCell:
    """A cell without a value that could be read, and a sentence about it. As text, it is empty."""

    reason: str

    def __str__(self) -> str:
        return ""


@dataclass
class SheetFacts:
    """What a scan of a sheet found. Rows and columns are numbered from 1."""

    name: str = ""
    others: Sequence[str] = ()  # the names of the other sheets
    last_row: int = 0  # the last with a value
    last_column: int = 0
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    struck_rows: list[int] = field(default_factory=list)  # with text that is struck through
    merged: list[str] = field(default_factory=list)  # as B3:B5
    # By row and column, what replaces a cell whose value its reader does not have as the sheet shows it.
    replaced: dict[tuple[int, int], "BrokenCell | str"] = field(default_factory=dict)

    covered: dict[tuple[int, int], tuple[int, int, str]] = field(default_factory=dict)  # by a merged cell: its place
    filled: set[tuple[int, int]] = field(default_factory=set)

    def add_uncomputed(self, row: int, column: int) -> None:
        from openpyxl.utils import get_column_letter  # takes long to import, and most files are CSV

        self.replaced[row, column] = BrokenCell(NO_RESULT.format(cell=f"{get_column_letter(column)}{row}"))

    def add_merged(self, reference: str) -> None:
        """Note a merged range, such as B3:B5. What it covers in rows below the first is not empty to its reader."""
        from openpyxl.utils import range_boundaries

        self.merged.append(reference)
        first_column, first_row, last_column, last_row = range_boundaries(reference)
        for row in range(first_row + 1, min(last_row, first_row + MAX_ROWS_MERGED) + 1):
            for column in range(first_column, min(last_column, first_column + MAX_NAMED) + 1):
                self.covered[row, column] = first_row, first_column, reference

    def value(self, row: int, column: int, cell: Any) -> Any:
        """A cell as its reader is to have it. Those of the rows above have to be asked for before."""
        found = self.replaced.get((row, column)) or cell
        if covered := self.covered.get((row, column)):
            return BrokenCell(COVERED.format(covered[2])) if covered[:2] in self.filled else found
        if self.covered and found not in (None, ""):
            self.filled.add((row, column))
        return found

    def notes(self) -> list[str]:
        """Sentences about what was read and what was not."""
        from openpyxl.utils import get_column_letter

        notes = [f"Sheet “{self.name}” was read."] if self.name else []
        if self.others:
            notes.append(f"Ignored: {'sheet' if len(self.others) == 1 else 'sheets'} {join_names(self.others)}.")
        rows = [row for row in self.hidden_rows if row <= self.last_row]
        if rows:
            notes.append(
                f"Hidden in the sheet, for example by a filter, but still read: "
                f"{'row' if len(rows) == 1 else 'rows'} {join_numbers(rows)}. Delete any rows that you do not want."
            )
        if self.struck_rows:
            several = len({*self.struck_rows}) > 1
            notes.append(
                f"Struck through in the sheet but still read: {'rows' if several else 'row'} "
                f"{join_numbers(self.struck_rows)}. Delete any rows that you do not want."
            )
        columns = [get_column_letter(column) for column in self.hidden_columns if column <= self.last_column]
        if columns:
            notes.append(
                f"Hidden in the sheet but still read: {'column' if len(columns) == 1 else 'columns'} "
                f"{join_texts(columns)}."
            )
        if self.merged:
            notes.append(
                "Only the first cell of each merged range was read. The others count as empty: "
                f"{join_texts(self.merged)}."
            )
        return notes


def join_names(names: Sequence[str]) -> str:
    return join_texts([f"“{truncate(name, 60)}”" for name in names])


def join_texts(texts: Sequence[str]) -> str:
    """Texts as a list in a sentence, shortened where there are many."""
    if len(texts) > MAX_NAMED:
        return f"{', '.join(texts[:MAX_NAMED])} and {len(texts) - MAX_NAMED} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def join_numbers(numbers: Iterable[int]) -> str:
    """Numbers as a list in a sentence, with ranges: 3, 5 to 9 and 12."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return join_texts([str(first) if first == last else f"{first} to {last}" for first, last in ranges])
