"""Reading files of the ledger, as finance systems and spreadsheets write them: guarded, and in plain words."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import openpyxl
import tablib
from django.core.exceptions import ValidationError
from import_export.formats import base_formats

LARGEST = 5_000_000  # bytes
UNPACKED = 100_000_000  # bytes: a workbook is a ZIP file, and a small one can hold a very large one
MOST_ROWS = 20_000
MOST_COLUMNS = 40


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
            with zipfile.ZipFile(io.BytesIO(in_stream)) as parts:
                if sum(part.file_size for part in parts.infolist()) > UNPACKED:
                    raise ValidationError("The workbook is too large once unpacked. Send it in parts, or as CSV.")
            book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True)
            return dataset_of(cells(book.active))
        except ValidationError:
            raise
        except Exception as error:  # openpyxl raises whatever a broken part of a workbook makes Python raise
            raise ValidationError("The file is no XLSX workbook that can be read. Save it anew, or as CSV.") from error


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
