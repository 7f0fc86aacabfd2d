"""Tables as CSV, JSON and XLSX with the same columns, written row by row so that a long one takes no more memory.

A spreadsheet reads a cell that begins with =, +, - or @ as a formula, whoever wrote it ("CSV injection"). Text for CSV
and XLSX therefore gets an apostrophe in front. Amounts and dates are not text, so a negative amount stays a number.
"""

import csv
import io
import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from string import ascii_letters, digits
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from vru_portal.tabular.batches import in_batches
from vru_portal.text.characters import SKIPPED_BY_SPREADSHEETS, remove_forbidden
from vru_portal.text.sums import DIGITS_OF_A_SPREADSHEET

if TYPE_CHECKING:
    from xlsxwriter.format import Format

Row = TypeVar("Row")
Cell = str | Decimal | int | date | None

# Excel reads a CSV without it in the code page of its country and garbles names; other readers know or skip it.
BYTE_ORDER_MARK = "\ufeff"
PARTS_PER_BATCH = 500
FORMULA_SIGNS = ("=", "+", "-", "@")
# Some spreadsheets treat a cell that begins with one of these as a formula too (OWASP, "CSV injection").
FORMULA_CONTROLS = ("\t", "\r", "\n")
HARMLESS = frozenset(ascii_letters + digits)  # as the first character of a cell
PENNY = Decimal("0.01")
MAX_CELL_LENGTH = 32_767  # characters, the limit of Excel
TRUNCATION_NOTE = " … [cut here: the CSV and JSON files have all of it]"


class Type(StrEnum):
    """What the cells of a column are, in the words of Table Schema (specs.frictionlessdata.io/table-schema)."""

    TEXT = "string"
    ADDRESS = "uri"  # a format of strings
    DATE = "date"
    POUNDS = "number"  # to the penny
    COUNT = "integer"


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table; a cell whose value is not known is None, and empty in every format."""

    name: str
    about: str  # what the column says, for readers of the file
    read: Callable[[Row], Cell]
    type: Type = Type.TEXT
    title: str = ""  # where the name with spaces would not do as a heading
    derived: str = ""  # from what this site works it out; empty for what is stated or recorded

    @property
    def heading(self) -> str:
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def meaning(self) -> str:
        """What the column says, and that this site has worked it out if it has."""
        return f"{self.about}. Derived from {self.derived}" if self.derived else self.about


@dataclass
class RowTotals:
    """How many rows were written, and the sum of their amounts."""

    count: int = 0
    total: Decimal = Decimal("0.00")

    def add(self, amount: Decimal) -> None:
        self.count += 1
        self.total += amount


@dataclass(frozen=True)
class Table(Generic[Row]):
    """Rows, their columns, and facts about the whole, such as the date on which it was true."""

    facts: Mapping[str, str | bool | None]
    columns: Sequence[Column[Row]]
    rows: Iterable[Row]
    total_of: str = ""  # the column whose sum is the total, if there is one
    totals: RowTotals = field(default_factory=RowTotals)

    def cells(self) -> Iterator[list[Cell]]:
        """Yield the cells of each row and add up on the way, so that the totals are those of exactly these rows."""
        place = [column.name for column in self.columns].index(self.total_of) if self.total_of else None
        readers = [column.read for column in self.columns]
        for row in self.rows:
            cells = [  # nearly every cell is text
                (cell or None) if type(cell := read(row)) is str else normalise_cell(cell) for read in readers
            ]
            amount = cells[place] if place is not None else None
            self.totals.add(amount if isinstance(amount, Decimal) else Decimal(0))
            yield cells


def normalise_cell(cell: Cell) -> Cell:
    """A cell as every format begins with it: amounts to the penny, None for empty text."""
    if isinstance(cell, Decimal):
        return cell.quantize(PENNY)
    return None if cell == "" else cell


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take a text for a formula, with or without apostrophes in front."""
    if text[:1] in HARMLESS:  # nearly every text
        return False
    # Spreadsheets in some countries also take full-width signs, which NFKC makes ordinary ones, for formulas.
    first = unicodedata.normalize("NFKC", SKIPPED_BY_SPREADSHEETS.sub("", text, count=1)[:1])
    return first in FORMULA_SIGNS or text.lstrip("'")[:1] in FORMULA_CONTROLS


def escape_formula(text: str) -> str:
    return f"'{text}" if is_formula(text) else text


def unescape_formula(text: str) -> str:
    """The text that `escape_formula` was given. If the text itself begins with an apostrophe, it keeps it."""
    return text[1:] if text[:1] == "'" and is_formula(text) else text


def join_in_batches(parts: Iterable[str]) -> Iterator[str]:
    """Join small parts of a file: sending each by itself would be slow."""
    return map("".join, in_batches(parts, PARTS_PER_BATCH))


# CSV ------------------------------------------------------------------------------------------------------------------


def csv_parts(table: Table[Any]) -> Iterator[str]:
    """Yield a table as CSV (RFC 4180), with amounts as 1234.50 and dates as 2030-04-01.

    All text is quoted, so that it stays one cell even where a spreadsheet separates cells by semicolons.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)

    def lines(rows: Iterable[Iterable[Cell]]) -> str:
        writer.writerows(
            [
                "" if cell is None else cell if type(cell) is str and cell[:1] in HARMLESS else csv_cell(cell)
                for cell in cells
            ]
            for cells in rows
        )
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield BYTE_ORDER_MARK + lines([[column.name for column in table.columns]])
    yield from map(lines, in_batches(table.cells(), PARTS_PER_BATCH))


def csv_cell(cell: str | Decimal | int | date) -> str | Decimal | int:
    if isinstance(cell, str):
        return escape_formula(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


# JSON -----------------------------------------------------------------------------------------------------------------


def json_parts(table: Table[Any]) -> Iterator[str]:
    """Yield a table as a JSON object: facts, columns, rows, count and total. Amounts are strings, to be exact."""
    about = {column.name: column.meaning for column in table.columns}
    facts = {name: value for name, value in table.facts.items() if value not in (None, "")}
    head = json.dumps({**facts, "columns": about}, ensure_ascii=False)
    yield f'{head[:-1]}, "rows": ['
    yield from join_in_batches(
        ("" if number == 0 else ",")
        + "\n"
        + json.dumps(dict(zip(about, cells, strict=True)), default=str, ensure_ascii=False)
        for number, cells in enumerate(table.cells())
    )
    total = f', "total": "{table.totals.total}"' if table.total_of else ""
    yield f'\n], "count": {table.totals.count}{total}}}\n'


# XLSX -----------------------------------------------------------------------------------------------------------------


def xlsx_file(table: Table[Any]) -> IO[bytes]:
    """A table as a workbook, in a temporary file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - FileResponse closes it
    write_xlsx(table, file)
    file.seek(0)
    return file


def write_xlsx(table: Table[Any], file: IO[bytes]) -> None:
    """Write a table as a workbook: a sheet of rows, and one with the facts and the columns."""
    book = WorkbookFile(file)
    rows = book.add_sheet("Rows", [column.name for column in table.columns])
    for cells in table.cells():
        rows.append(cells)
    meta = book.add_sheet("Meta", ["what", "value"], width=40)
    for name, value in table.facts.items():
        if value:
            meta.append([name, "yes" if value is True else value])
    meta.append(["count", table.totals.count])
    if table.total_of:
        meta.append(["total", table.totals.total])
    for column in table.columns:
        meta.append([f"column {column.name}", column.meaning])
    book.close()


class WorkbookFile:
    """A workbook that is written row by row, and so takes no more memory for more rows."""

    def __init__(self, file: IO[bytes]) -> None:
        from xlsxwriter import Workbook  # takes long to import, and most processes write no workbook

        self.book = Workbook(file, {"constant_memory": True})
        self.formats: dict[str, Format] = {}

    def add_sheet(self, title: str, headings: Sequence[str] = (), width: int = 18) -> "Sheet":
        """Add a sheet under headings that stay in view; the width of its columns is in characters."""
        sheet = Sheet(self, self.book.add_worksheet(title))
        if headings:
            sheet.worksheet.freeze_panes(1, 0)
            sheet.worksheet.set_column(0, len(headings) - 1, width)
            sheet.append_headings(headings)
        return sheet

    def number_format(self, text: str) -> "Format":
        if text not in self.formats:
            self.formats[text] = self.book.add_format({"num_format": text})
        return self.formats[text]

    def close(self) -> None:
        """Complete the file."""
        self.book.close()


@dataclass
class Sheet:
    """A sheet of a workbook, and how many rows it has."""

    book: WorkbookFile
    worksheet: Any
    rows: int = 0

    def append_headings(self, headings: Sequence[str]) -> None:
        bold = self.book.book.add_format({"bold": True})
        for place, heading in enumerate(headings):
            self.worksheet.write_string(self.rows, place, xlsx_text(heading), bold)
        self.rows += 1

    def append(self, values: Iterable[Cell], number_format: str = "#,##0.00") -> None:
        """Add a row. Text is written as text, so that Excel takes none of it for a formula."""
        for place, value in enumerate(values):
            if isinstance(value, str):
                self.worksheet.write_string(self.rows, place, xlsx_text(value))
            elif isinstance(value, int):
                self.worksheet.write_number(self.rows, place, value, self.book.number_format("0"))
            elif isinstance(value, Decimal) and len(value.as_tuple().digits) > DIGITS_OF_A_SPREADSHEET:
                self.worksheet.write_string(self.rows, place, format(value, "f"))
            elif isinstance(value, Decimal):
                self.worksheet.write_number(self.rows, place, float(value), self.book.number_format(number_format))
            elif value is not None:
                self.worksheet.write_datetime(self.rows, place, value, self.book.number_format("yyyy-mm-dd"))
        self.rows += 1


def xlsx_text(text: str) -> str:
    text = escape_formula(remove_forbidden(text.replace("\r\n", "\n").replace("\r", "\n")))
    return text if len(text) <= MAX_CELL_LENGTH else text[: MAX_CELL_LENGTH - len(TRUNCATION_NOTE)] + TRUNCATION_NOTE
