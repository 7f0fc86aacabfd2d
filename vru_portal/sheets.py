"""Reading tables that staff send, as spreadsheets and other systems write them: guarded, and in plain words."""

import csv
import io
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
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tab and the ends of lines


def check_size(size: int) -> None:
    """Refuse a file that is too large, before it is read."""
    if size > LARGEST:
        raise ValidationError(f"The file has {size:,} bytes; up to {LARGEST:,} are read at once. Send it in parts.")


def dataset_of(rows: Iterable[list[Any]]) -> tablib.Dataset:
    """Return rows below their headings, each as wide as these; raises ValidationError for what is no such table."""
    table = iter(rows)
    headings = [str(cell or "").strip() for cell in next(table, [])]
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        raise ValidationError("The file is empty: its first row must name the columns.")
    dataset = tablib.Dataset(headers=headings)
    for number, row in enumerate(islice(table, MOST_ROWS + 1), 2):
        if number > MOST_ROWS + 1:
            raise ValidationError(f"The file has more than {MOST_ROWS:,} rows. Send it in parts.")
        if any(cell not in (None, "") for cell in row[len(headings) :]):
            raise ValidationError(f"Row {number} has more cells than there are columns: is a comma missing its quotes?")
        dataset.append([*row, *[""] * len(headings)][: len(headings)])
    return dataset


class CSV(base_formats.CSV):
    """Comma-separated values, as UTF-8."""

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the text."""
        check_size(len(in_stream))
        try:
            text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
            return dataset_of(csv.reader(io.StringIO(text, newline=""), strict=True))
        except UnicodeDecodeError as error:
            raise ValidationError("The file is not UTF-8. In Excel, save it as “CSV UTF-8”, or as XLSX.") from error
        except csv.Error as error:
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


def unpacked(content: bytes) -> io.BytesIO:
    """Return a workbook with its parts no longer packed; raises ValidationError for one that would take long to read.

    First by the sizes that the ZIP file's directory states, then by what is there: no part is unpacked beyond the size
    stated for it, and openpyxl reads only what was counted here.
    """
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


def control_characters(dataset: tablib.Dataset) -> Iterator[str]:
    """Name each cell with characters that nobody types or sees: what is recorded stays, and PostgreSQL has no NUL."""
    for number, row in enumerate(dataset, 2):
        for name, cell in zip(dataset.headers, row, strict=True):
            if isinstance(cell, str) and (found := CONTROL.search(cell)):
                yield f"Row {number}, {name}: there is a control character in it (U+{ord(found[0]):04X}). Take it out."
