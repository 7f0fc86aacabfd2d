"""Lists as files: CSV, JSON and XLSX of the same columns, written row by row: a long list takes no more memory.

A spreadsheet reads a cell that begins with =, +, - or @ as a formula, wherever its text came from. Text for CSV and
XLSX is neutralised with an apostrophe; sums and days are no text, so a negative sum stays a number.
"""

import csv
import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import IO, Any, Generic, TypeVar

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

Row = TypeVar("Row")
Cell = str | Decimal | date | None

# Excel reads a CSV without it in the code page of its country and garbles names; other readers know or skip it.
BYTE_ORDER_MARK = "\ufeff"
ROWS_AT_ONCE = 500
# What spreadsheets skip before they look for a formula: blanks, quotation marks, characters that are not seen.
SKIPPED = re.compile(r"""[\s"'`\u2018-\u201f\u00ad\u200b-\u200f\u2060\ufeff]*""")
FORMULA = ("=", "+", "-", "@")
CONTROL = ("\t", "\r", "\n")
PENNY = Decimal("0.01")
LONGEST_CELL = 32_767  # of Excel
CUT = " … [cut here: the CSV and the JSON hold all of it]"


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column: its name in every format, what it says, and how it is read from a row; nothing where not known."""

    name: str
    about: str
    read: Callable[[Row], Cell]


@dataclass
class Tally:
    """How many rows were written and what they add up to."""

    count: int = 0
    total: Decimal = Decimal("0.00")

    def add(self, amount: Decimal) -> None:
        """Count a row."""
        self.count += 1
        self.total += amount


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A list with its columns, the facts about it, and the column whose sum is the list's total, if there is one."""

    facts: Mapping[str, str | bool | None]
    columns: Sequence[Column[Row]]
    rows: Iterable[Row]
    total_of: str = ""
    tally: Tally = field(default_factory=Tally)

    def cells(self) -> Iterator[list[Cell]]:
        """Yield each row's cells, adding up on the way: number and total are those of exactly these rows."""
        place = [column.name for column in self.columns].index(self.total_of) if self.total_of else None
        for row in self.rows:
            cells = [known(column.read(row)) for column in self.columns]
            amount = cells[place] if place is not None else None
            self.tally.add(amount if isinstance(amount, Decimal) else Decimal(0))
            yield cells


def known(cell: Cell) -> Cell:
    """Return a cell as every format begins with it: sums to the penny, nothing for empty text."""
    return cell.quantize(PENNY) if isinstance(cell, Decimal) else cell or None


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet could take a text for a formula, with or without apostrophes before it."""
    # The first characters in their plain form: full-width signs are formulas too in some countries' spreadsheets.
    seen = unicodedata.normalize("NFKC", SKIPPED.sub("", text, count=1)[:1])
    return seen in FORMULA or text.lstrip("'")[:1] in CONTROL


def neutral(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if is_formula(text) else text


def plain(text: str) -> str:
    """Return the text that `neutral` was given: an apostrophe changes nothing in what is a formula, so none is lost."""
    return text[1:] if text[:1] == "'" and is_formula(text) else text


def batches(parts: Iterable[str]) -> Iterator[str]:
    """Join small parts: each that is sent has its price."""
    rest = iter(parts)
    while joined := "".join(islice(rest, ROWS_AT_ONCE)):
        yield joined


# CSV ------------------------------------------------------------------------------------------------------------------


def csv_parts(table: Table[Any]) -> Iterator[str]:
    """Yield the list as CSV (RFC 4180): sums as 1234.50, days as 2030-04-01, nothing where nothing is known.

    All text is quoted, so that it stays one cell also where semicolons part cells.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)

    def line(cells: Iterable[Cell]) -> str:
        writer.writerow([csv_cell(cell) for cell in cells])
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield BYTE_ORDER_MARK + line(column.name for column in table.columns)
    yield from batches(map(line, table.cells()))


def csv_cell(cell: Cell) -> str | Decimal:
    """Return a cell as CSV holds it."""
    if isinstance(cell, Decimal):
        return cell
    return cell.isoformat() if isinstance(cell, date) else neutral(cell or "")


# JSON -----------------------------------------------------------------------------------------------------------------


def json_parts(table: Table[Any]) -> Iterator[str]:
    """Yield the list as a JSON object: facts, columns, rows, then their number and total. Sums are text: exact."""
    about = {column.name: column.about for column in table.columns}
    facts = {name: value for name, value in table.facts.items() if value not in (None, "")}
    head = json.dumps({**facts, "columns": about}, ensure_ascii=False)
    yield f'{head[:-1]}, "rows": ['
    yield from batches(
        ("" if number == 0 else ",")
        + "\n"
        + json.dumps(dict(zip(about, cells, strict=True)), default=str, ensure_ascii=False)
        for number, cells in enumerate(table.cells())
    )
    yield f'\n], "count": {table.tally.count}, "total": "{table.tally.total}"}}\n'


# XLSX -----------------------------------------------------------------------------------------------------------------


def xlsx_file(table: Table[Any]) -> IO[bytes]:
    """Return the list as a workbook in a temporary file: a sheet of rows and one that says what they are."""
    book = Workbook(write_only=True)
    rows = add_sheet(book, "Rows", [column.name for column in table.columns])
    for cells in table.cells():
        append(rows, cells)
    meta = add_sheet(book, "Meta", ["what", "value"], width=40)
    for name, value in table.facts.items():
        if value:
            append(meta, [name, "yes" if value is True else value])
    append(meta, ["count", Decimal(table.tally.count)], number_format="0")
    append(meta, ["total", table.tally.total])
    for column in table.columns:
        append(meta, [f"column {column.name}", column.about])
    return saved(book)


def add_sheet(book: Workbook, title: str, headings: Sequence[str], width: int = 18) -> Any:
    """Add a worksheet to be written row by row, under headings that stay in view."""
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number in range(len(headings)):
        sheet.column_dimensions[get_column_letter(number + 1)].width = width
    cells = [xlsx_cell(sheet, heading) for heading in headings]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    return sheet


def append(sheet: Any, values: Iterable[Cell], number_format: str = "#,##0.00") -> None:
    """Write a row: sums as numbers to the penny, days as days, text as text."""
    sheet.append([None if value is None else xlsx_cell(sheet, value, number_format) for value in values])


def xlsx_cell(sheet: Any, value: Cell, number_format: str = "#,##0.00") -> Any:
    """Return a cell; text is marked as text, so that it is none of Excel's formulas either."""
    if isinstance(value, str):
        text = neutral(ILLEGAL_CHARACTERS_RE.sub("", value))
        cell = WriteOnlyCell(sheet, text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - len(CUT)] + CUT)
        cell.data_type = "s"
        return cell
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = number_format if isinstance(value, Decimal) else "yyyy-mm-dd"
    return cell


def saved(book: Workbook) -> IO[bytes]:
    """Return a workbook as a temporary file, to be read from its start."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    book.save(file)
    file.seek(0)
    return file
