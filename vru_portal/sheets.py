"""Reading tables that staff send, as spreadsheets and other systems write them: guarded, and in plain words."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import openpyxl
import tablib
from django.core.exceptions import ValidationError
from import_export.formats import base_formats

LARGEST = 5_000_000  # bytes
# A workbook is a ZIP file of XML: a small one can hold a very large one, which takes minutes to read.
UNPACKED = 16_000_000  # bytes of all parts together
UNPACKED_PART = (
    1_000_000  # bytes of a part that is neither a sheet nor the texts of the sheets: the styles, for example
)
LARGE_PART = re.compile(r"xl/(worksheets/[^/]+|sharedStrings)\.xml", re.IGNORECASE)
MOST_PARTS = 1_000
MOST_SHEETS = 30
MOST_TAGS = 1_000_000  # in all parts together
MOST_TAGS_NEAR = 20_000  # in one row of a sheet, in what stands around the rows, and in each of the other parts
END_OF_ROW = re.compile(rb"</(?:\w+:)?(?:row|si)\s*>")
SHEET = re.compile(rb"<(?:\w+:)?sheet\s")
TOO_LARGE = "The workbook is too large once unpacked. Send it in parts, or as CSV."
MOST_ROWS = 20_000
MOST_COLUMNS = 40
MOST_BRACKETS = 200_000  # in a JSON file, those in texts counted
MOST_CELLS = 1_000  # in a row: a spreadsheet may leave empty ones beside the table
PART_LISTED = b"PK\x01\x02"  # how each entry of a ZIP file's directory begins
TOO_WIDE = f"The file has more than {MOST_COLUMNS} columns: is it the right one?"
# All but tab and the ends of lines; and halves of characters, which JSON can hold and no database.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
HALF = re.compile(r"[\ud800-\udfff]")


def check_size(size: int) -> None:
    """Refuse a file that is too large, before it is read."""
    if size > LARGEST:
        raise ValidationError(f"The file has {size:,} bytes; up to {LARGEST:,} are read at once. Send it in parts.")


def dataset_of(rows: Iterable[list[Any]]) -> tablib.Dataset:
    """Return rows below their headings, each as wide as these; raises ValidationError for what is no such table."""
    table = iter(rows)
    first = next(table, [])
    if len(first) > MOST_CELLS:
        raise ValidationError(TOO_WIDE)
    headings = [str(cell or "").strip() for cell in first]
    while headings and not headings[-1]:
        headings.pop()
    if found := HALF.search("".join(headings)):
        raise ValidationError(f"In the name of a column {unseen(found[0])}.")
    if not headings:
        raise ValidationError("The file is empty: its first row must name the columns.")
    if len(headings) > MOST_COLUMNS:
        raise ValidationError(TOO_WIDE)
    dataset = tablib.Dataset(headers=headings)
    for number, row in enumerate(islice(table, MOST_ROWS + 1), 2):
        if number > MOST_ROWS + 1:
            raise ValidationError(f"The file has more than {MOST_ROWS:,} rows. Send it in parts.")
        if len(row) > MOST_CELLS or any(cell not in (None, "") for cell in row[len(headings) :]):
            raise ValidationError(f"Row {number} has more cells than there are columns: is a comma missing its quotes?")
        dataset.append([*row, *[""] * len(headings)][: len(headings)])
    return dataset


TOO_LONG = "Line {}: a cell has more than {:,} characters, more than a CSV is read with. Is a quotation mark missing?"
NOT_UTF8 = "The file is not UTF-8. In Excel, save it as “CSV UTF-8”, or as XLSX."


class CSV(base_formats.CSV):
    """Comma-separated values, as UTF-8."""

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the text."""
        check_size(len(in_stream))
        try:
            text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
            if text.count("\0") * 4 > len(text):  # UTF-16
                raise ValidationError(NOT_UTF8)
            lines = csv.reader(io.StringIO(text, newline=""), strict=True)
            return dataset_of(lines)
        except UnicodeDecodeError as error:
            raise ValidationError(NOT_UTF8) from error
        except csv.Error as error:
            if "field limit" in str(error):
                raise ValidationError(TOO_LONG.format(lines.line_num, csv.field_size_limit())) from error
            raise ValidationError(f"The file is no CSV: {error}.") from error

    def is_binary(self) -> bool:
        """Keep the bytes as they came: this class decodes them, and says it in plain words where it cannot."""
        return True

    def get_read_mode(self) -> str:
        """Read bytes."""
        return "rb"


class XLSX(base_formats.XLSX):
    """A workbook of Excel: its first sheet on show."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Read the values of the cells."""
        check_size(len(in_stream))
        try:
            book = openpyxl.load_workbook(unpacked(in_stream), read_only=True, data_only=True, keep_links=False)
            return dataset_of(cells(book.active))
        except ValidationError:
            raise
        except Exception as error:  # openpyxl raises whatever a broken part of a workbook makes Python raise
            raise ValidationError("The file is no XLSX workbook that can be read. Save it anew, or as CSV.") from error


class JSON(base_formats.JSON):
    """A list of objects, or what the portal exports: an object whose "rows" are such a list."""

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the values, whose texts stand as they are: no apostrophe is before a formula (see `tables.neutral`)."""
        check_size(len(in_stream))
        try:
            text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
            if text.count("[") > MOST_BRACKETS:  # a list needs few; each that is read stays in memory
                raise ValidationError(NO_TABLE)
            found = json.loads(text, object_pairs_hook=Objects(), parse_int=str, parse_float=str, parse_constant=str)
        except UnicodeDecodeError as error:
            raise ValidationError("The file is not UTF-8.") from error
        except RecursionError as error:
            raise ValidationError(NO_TABLE) from error
        except json.JSONDecodeError as error:
            raise ValidationError(f"The file is no JSON: line {error.lineno}, column {error.colno}.") from error
        rows = found.get("rows") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValidationError(NO_TABLE)
        headings = list(dict.fromkeys(name for row in rows for name in row))
        for number, row in enumerate(rows, 2):
            if lacking := [name for name in headings[:MOST_COLUMNS] if name not in row]:
                raise ValidationError(
                    f"Row {number} lacks {', '.join(lacking)}: each object must name the same columns."
                )
        dataset = dataset_of([headings, *([row.get(name) for name in headings] for row in rows)])
        if any(isinstance(cell, list | dict) for row in dataset for cell in row):
            raise ValidationError(NO_TABLE)
        dataset.as_it_stands = True
        return dataset

    def is_binary(self) -> bool:
        """Keep the bytes as they came."""
        return True

    def get_read_mode(self) -> str:
        """Read bytes."""
        return "rb"


NO_TABLE = "The file is no table: it must be a list of objects, whose values are texts, numbers, true, false or null."


class Objects:
    """Makes objects of what is read, and stops at the first that is too many, or names the same twice."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object."""
        self.count += 1
        if self.count > MOST_ROWS + 2:  # the rows, what is around them, and what is said of the columns
            raise ValidationError(f"The file has more than {MOST_ROWS:,} rows. Send it in parts.")
        if len(pairs) > MOST_COLUMNS:
            raise ValidationError(TOO_WIDE)
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValidationError("An object of the file names a column twice.")
        return found


def unpacked(content: bytes) -> io.BytesIO:
    """Return a workbook with its parts no longer packed; raises ValidationError for one that would take long to read.

    First by the sizes that the ZIP file's directory states, then by what is there: no part is unpacked beyond the size
    stated for it, and openpyxl reads only what was counted here.
    """
    if content.count(PART_LISTED) > MOST_PARTS:  # before the directory is read, which takes a while by itself
        raise ValidationError(TOO_LARGE)
    safe = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(safe, "w") as copy:
        parts = packed.infolist()
        too_large = any(part.file_size > UNPACKED_PART and not LARGE_PART.fullmatch(part.filename) for part in parts)
        if too_large or len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > UNPACKED:
            raise ValidationError(TOO_LARGE)
        if len({part.filename for part in parts}) < len(parts):
            raise ValueError("a part is there twice")
        tags = 0
        for part in parts:
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("only these two are unpacked piece by piece")
            with packed.open(part) as stream:
                data = stream.read(part.file_size + 1)
            tags += counted(data, large=bool(LARGE_PART.fullmatch(part.filename)))
            if tags > MOST_TAGS:
                raise ValidationError(TOO_LARGE)
            copy.writestr(part.filename, data)
    return safe


def counted(data: bytes, *, large: bool) -> int:
    """Return how many tags a part has; raises ValidationError where too many of them stand near each other."""
    if b"<!DOCTYPE" in data or (large and b"\0" in data):
        raise ValueError("a part of a workbook declares no entities, and is UTF-8")
    tags = [piece.count(b"<") - piece.count(b"</") for piece in (END_OF_ROW.split(data) if large else [data])]
    if max(tags) > MOST_TAGS_NEAR or (not large and len(SHEET.findall(data)) > MOST_SHEETS):
        raise ValidationError(TOO_LARGE)
    return sum(tags)


def cells(sheet: Any) -> Iterator[list[Any]]:
    """Yield the rows of a sheet without the empty ones that a spreadsheet leaves at its end."""
    empty: list[list[Any]] = []
    for row in sheet.iter_rows(max_col=MOST_COLUMNS, max_row=MOST_ROWS + 2, values_only=True):
        if any(cell not in (None, "") for cell in row):
            yield from empty
            empty = []
            yield list(row)
        else:
            empty.append(list(row))


def text_of(cell: Any) -> str:
    """Return a cell as text: a spreadsheet holds a reference such as 10023 as a number."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f").removesuffix(".0")
    return str(cell).strip()


def unseen(character: str) -> str:
    """Say of a character that nobody types or sees that it is there."""
    what = "half a character" if HALF.match(character) else "a control character"
    return f"there is {what} in it (U+{ord(character):04X}). Take it out"


def control_characters(dataset: tablib.Dataset) -> Iterator[str]:
    """Name each cell with characters that nobody types or sees: what is recorded stays, and PostgreSQL has no NUL."""
    for number, row in enumerate(dataset, 2):
        for name, cell in zip(dataset.headers, row, strict=True):
            if isinstance(cell, str) and (found := CONTROL.search(cell)):
                yield f"Row {number}, {name}: {unseen(found[0])}."
