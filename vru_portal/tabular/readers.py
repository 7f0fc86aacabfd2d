"""Reading the tables that staff send, as spreadsheets and other systems write them.

The formats are those of django-import-export, made safe against files that would take long, and with errors that say
what to do. All of them end in a `tablib.Dataset` whose headers are the names of the columns.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from import_export.formats import base_formats
from import_export.formats.base_formats import Format

from vru_portal.tabular.reading.file_kinds import is_json, kind_of, require_kind
from vru_portal.tabular.reading.plain_text import decode_table
from vru_portal.tabular.reading.sheets import BrokenCell, join_numbers
from vru_portal.text.characters import FORBIDDEN, SURROGATE, forbidden_character_message
from vru_portal.text.cleaning import with_plain_breaks
from vru_portal.text.sums import DIGITS_OF_A_SPREADSHEET

# What Excel and LibreOffice show instead of a value; of the number signs, a column too narrow for it.
SPREADSHEET_ERROR = re.compile(
    r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|UNKNOWN!|BUSY!|GETTING_DATA)"
    r"|Err:\d{3}|#{3,}",
    re.IGNORECASE,
)
WRITTEN_AS_TEXT = re.compile(r'\A="([^"]*)"\Z')  # how systems keep Excel from making 000123 a number
MAX_FILE_SIZE = 5_000_000  # bytes
MAX_ROWS_IN_FILE = 20_000
MAX_COLUMNS = 40
MAX_CELLS_IN_ROW = 1_000  # a spreadsheet may leave empty cells beside the table
ROWS_SEARCHED = 20  # below the first, for the headings
MIN_WIDTH_BELOW_TITLE = 3  # a table that has a title is at least so wide; a narrower one has its headings on top
RULED_LINE = re.compile(r"[-=_*]{3,}")
MAX_BRACKETS = 200_000  # in a JSON file, those in strings included

TOO_MANY_COLUMNS = f"This file has more than {MAX_COLUMNS} columns. Check that it is the right file."
TOO_MANY_ROWS = f"This file has more than {MAX_ROWS_IN_FILE:,} rows. Split it into smaller files."
LONGEST_CELL = 131_072  # characters of a CSV; so long a cell lacks its closing quotation mark
CELL_TOO_LONG = "Line {}: a cell has more than {:,} characters. Check whether a quotation mark is missing."
OUTSIDE_QUOTES = "Put text that has a comma in quotation marks."
TOO_MANY_FIGURES = (
    f"A spreadsheet keeps only {DIGITS_OF_A_SPREADSHEET} digits of a number, and the rest are lost. Format the "
    "column as text, then enter it again."
)
UNREADABLE_WORKBOOK = "This file is not an XLSX workbook that can be read. Save it again, or save it as CSV."
UNREADABLE_SPREADSHEET = "This file is not an .ods spreadsheet that can be read. Save it again, or save it as CSV."
NOT_A_TABLE = (
    "This file is not a table. It must be a list of objects whose values are strings, numbers, true, false or null."
)


def check_size(size: int) -> None:
    """Refuse a file that is too large before any of it is read; `size` is in bytes."""
    if size > MAX_FILE_SIZE:
        raise ValidationError(
            f"This file has {size:,} bytes. The limit is {MAX_FILE_SIZE:,} bytes: split it into smaller files."
        )


def build_dataset(
    rows: Iterable[list[Any]], notes: Iterable[str] = (), *, first_row: int = 1, max_columns: int = MAX_COLUMNS
) -> tablib.Dataset:
    """Make a dataset of rows, the first of which may have the headings; raises ValidationError if they are not a table.

    Every row gets as many cells as the widest of the first rows: spreadsheets leave out empty cells at the end of a
    row, and put titles of a cell or two above the headings (`reading.headings` finds those). `dataset.first_row` is the
    number of the first row below the headings, and `dataset.notes` has sentences about what was read.
    """
    table = enumerate(rows, first_row)
    number, headings = next(((n, row) for n, row in table if not is_blank_row(row)), (0, []))
    if not headings:
        raise ValidationError("This file is empty. Its first row must have the names of the columns.")
    if found := SURROGATE.search("".join(map(str, headings))):
        raise ValidationError(f"Column name: {forbidden_character_message(found[0])}")
    kept = list(islice(table, ROWS_SEARCHED))
    first_rows = [headings, *(row for _, row in kept)]
    if any(len(row) > MAX_CELLS_IN_ROW for row in first_rows):
        raise ValidationError(TOO_MANY_COLUMNS)
    width = max(filled_width(row) for row in first_rows)
    if width < MIN_WIDTH_BELOW_TITLE:
        width = filled_width(headings)
    if width > max_columns:
        raise ValidationError(f"This file has more than {max_columns} columns. Check that it is the right file.")
    dataset = tablib.Dataset(headers=fit_row(headings, width))
    dataset.first_row, dataset.notes = number + 1, list(notes)
    too_long = []
    for row_number, row in chain(kept, table):
        if row_number > number + MAX_ROWS_IN_FILE:
            raise ValidationError(TOO_MANY_ROWS)
        if len(row) > MAX_CELLS_IN_ROW or filled_width(row) > width:
            too_long.append(row_number)
        else:
            dataset.append(fit_row(row, width))
    refuse_more_cells(too_long)
    return dataset


def refuse_more_cells(rows: Sequence[int], advice: str = OUTSIDE_QUOTES) -> None:
    """Raise ValidationError that names all rows with more cells than there are columns, if there are any."""
    if rows:
        place = f"Row {rows[0]} has" if len(rows) == 1 else f"Rows {join_numbers(rows)} have"
        raise ValidationError(f"{place} more cells than there are columns. {advice}")


def is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_blank_row(row: list[Any]) -> bool:
    """Whether no cell has anything; a row of too many cells is not looked through."""
    return len(row) <= MAX_CELLS_IN_ROW and all(map(is_blank, row))


def is_ruled_line(row: Iterable[Any]) -> bool:
    """Whether a row is nothing but a line, such as SAP and other systems draw with hyphens."""
    texts = [text for cell in row if (text := cell_text(cell))]
    return bool(texts) and all(map(RULED_LINE.fullmatch, texts))


def filled_width(row: list[Any]) -> int:
    """How many cells a row has without the empty ones at its end."""
    return next((number for number in range(len(row), 0, -1) if row[number - 1] not in (None, "")), 0)


def unwrap_texts(row: list[str]) -> list[str]:
    """A row of CSV without the wrapping of `WRITTEN_AS_TEXT`; one of too many cells is refused anyway."""
    if len(row) > MAX_CELLS_IN_ROW:
        return row
    return [WRITTEN_AS_TEXT.sub(r"\1", cell) if "=" in cell else cell for cell in row]


def fit_row(row: list[Any], width: int) -> list[Any]:
    return [*row, *[""] * width][:width]


class BytesFormat:
    """A format that gets the bytes of the file: it decodes them itself, and says what to do where it cannot."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"


# django-import-export shows the name of the class in the form's choice of formats.
class CSV(BytesFormat, base_formats.CSV):
    """Separated values (RFC 4180), as spreadsheets and finance systems save them (`reading.plain_text`)."""

    max_columns = MAX_COLUMNS

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        content = in_stream if isinstance(in_stream, bytes) else in_stream.encode()
        check_size(len(content))
        require_kind(content, "csv")
        table = decode_table(content)
        csv.field_size_limit(LONGEST_CELL)  # of the whole process, so some library may have changed it
        try:
            lines = csv.reader(io.StringIO(table.text, newline=""), delimiter=table.separator, strict=True)
            return build_dataset(map(unwrap_texts, lines), [table.note], max_columns=self.max_columns)
        except csv.Error as error:
            if "field limit" in str(error):
                raise ValidationError(CELL_TOO_LONG.format(lines.line_num, LONGEST_CELL)) from error
            raise ValidationError(f"This file is not valid CSV: {error}.") from error


class XLSX(base_formats.XLSX):
    """An Excel workbook: the sheet with which it opens."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        from vru_portal.tabular.reading.workbooks import read_active_sheet  # openpyxl takes long to import

        return read_sheet(in_stream, "xlsx", read_active_sheet, UNREADABLE_WORKBOOK)


class ODS(base_formats.ODS):
    """An OpenDocument spreadsheet: the sheet with which it opens."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        from vru_portal.tabular.reading.opendocument import read_opened_sheet  # likewise

        return read_sheet(in_stream, "ods", read_opened_sheet, UNREADABLE_SPREADSHEET)


def read_sheet(content: bytes, kind: str, read: Callable[..., Any], unreadable: str) -> tablib.Dataset:
    """The table of a spreadsheet's sheet; raises ValidationError, with the sentence `unreadable` for a broken file."""
    check_size(len(content))
    require_kind(content, kind)
    try:
        rows, facts = read(content, max_columns=MAX_COLUMNS, max_rows=MAX_ROWS_IN_FILE + 2)
        return build_dataset(rows, facts.notes())
    except ValidationError:
        raise
    except Exception as error:  # parsers raise whatever a broken part of a file makes Python raise
        raise ValidationError(unreadable) from error


class JSON(BytesFormat, base_formats.JSON):
    """A list of objects, or what the portal exports: an object whose "rows" are such a list."""

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the values as they are: JSON needs no apostrophe before a formula (see `writers.escape_formula`)."""
        check_size(len(in_stream))
        try:
            text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
            if text.count("[") > MAX_BRACKETS:  # a table needs few lists, and each takes memory before it is refused
                raise ValidationError(NOT_A_TABLE)
            content = json.loads(
                text, object_pairs_hook=ObjectHook(), parse_int=str, parse_float=str, parse_constant=str
            )
        except UnicodeDecodeError as error:
            raise ValidationError("This file is not UTF-8.") from error
        except RecursionError as error:
            raise ValidationError(NOT_A_TABLE) from error
        except json.JSONDecodeError as error:
            raise ValidationError(f"This file is not valid JSON: line {error.lineno}, column {error.colno}.") from error
        rows = self.rows_of(content)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValidationError(NOT_A_TABLE)
        headings = list(dict.fromkeys(name for row in rows for name in row))
        for number, row in enumerate(rows, 2):
            if missing := [name for name in headings[:MAX_COLUMNS] if name not in row]:
                raise ValidationError(
                    f"Row {number} does not have {', '.join(missing)}. Every object must have the same columns."
                )
        dataset = build_dataset([headings, *([row.get(name) for name in headings] for row in rows)])
        if any(isinstance(cell, list | dict) for row in dataset for cell in row):
            raise ValidationError(NOT_A_TABLE)
        dataset.has_raw_text = True
        return dataset

    def rows_of(self, content: Any) -> Any:
        """The list of rows in what the file holds; anything else where it has none."""
        return content.get("rows") if isinstance(content, dict) else content


def format_of(content: bytes, formats: Sequence[type[Format]]) -> type[Format]:
    """The format of a file, by its content; raises ValidationError for any other format."""
    kind = kind_of(content)
    found: type[Format] = {"xlsx": XLSX, "ods": ODS}.get(kind, CSV)
    if not kind and is_json(content):
        found = JSON
    fitting = next((one for one in formats if issubclass(one, found)), None)
    if fitting is None:
        titles = ", ".join(str(one().get_title()).upper() for one in formats)
        raise ValidationError(f"You cannot use this kind of file here. Send one of these: {titles}.")
    return fitting


class ObjectHook:
    """Makes the objects while JSON is parsed, and stops at the first that is one too many or repeats a name."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.count += 1
        # Besides the rows there are the object around them and the one that describes the columns.
        if self.count > MAX_ROWS_IN_FILE + 2:
            raise ValidationError(TOO_MANY_ROWS)
        if len(pairs) > MAX_COLUMNS:
            raise ValidationError(TOO_MANY_COLUMNS)
        values = dict(pairs)
        if len(values) < len(pairs):
            raise ValidationError("An object in this file has the same column twice.")
        return values


def cell_text(cell: Any) -> str:
    """A cell as text without spaces around it. A spreadsheet has a reference such as 10023 as the number 10023.0."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f").removesuffix(".0")
    return str(cell).strip()


def unreadable_cell(cell: Any) -> str:
    """A sentence about a cell that shows an error, or whose formula has no result; empty for any other cell."""
    if isinstance(cell, BrokenCell):
        return cell.reason
    if isinstance(cell, str) and SPREADSHEET_ERROR.fullmatch(cell.strip()):
        return f"The spreadsheet shows the error {cell.strip()} instead of a value. Correct it there first."
    return ""


def cell_problem(cell: Any) -> str:
    """A sentence about a cell that cannot be read or has control characters, or an empty text.

    Ledgers cannot be corrected, and PostgreSQL has no NUL.
    """
    if isinstance(cell, str) and (found := FORBIDDEN.search(with_plain_breaks(cell))):
        return forbidden_character_message(found[0])
    if isinstance(cell, int | float) and abs(cell) >= 10**DIGITS_OF_A_SPREADSHEET:
        return TOO_MANY_FIGURES
    return unreadable_cell(cell)
