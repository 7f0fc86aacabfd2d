"""Reading OpenDocument spreadsheets (.ods), with the same bounds as workbooks and the same facts about the sheet.

python-calamine reads the values. It has no limits of its own, and the format can repeat a cell or a row a million times
in a few bytes: so everything is counted before it is opened.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import python_calamine
from django.core.exceptions import ValidationError
from openpyxl.utils import get_column_letter

from vru_portal.tabular.reading.sheets import SheetFacts
from vru_portal.tabular.reading.workbooks import TOO_LARGE, TOO_MANY_COLUMNS, repack_checked

MAX_HIDDEN = 1_000  # rows of one element that are named as hidden
MAX_CELLS = 2_000_000  # of one sheet, repeated ones included
ACTIVE_SHEET = re.compile(rb'config:name="ActiveTable"[^>]*>([^<]*)<')
# The namespaces of OpenDocument 1.3 (OASIS), as ElementTree writes them.
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
LEADING_ZEROS = re.compile(r"0\d+", re.ASCII)
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


def read_opened_sheet(content: bytes, *, max_columns: int, max_rows: int) -> tuple[Iterator[list[Any]], SheetFacts]:
    """The rows of the sheet that the spreadsheet would open with, and what else the sheet has.

    Raises ValidationError for one that would take too long, and whatever its parsers raise for a broken one.
    """
    packed = repack_checked(content)
    with zipfile.ZipFile(packed) as archive:
        sheets = scan_sheets(archive.read("content.xml"))
        settings = archive.read("settings.xml") if "settings.xml" in archive.namelist() else b""
    if any(sheet.last_row * sheet.last_column > MAX_CELLS for sheet in sheets):
        raise ValidationError(TOO_LARGE)
    found = ACTIVE_SHEET.search(settings)
    active = found[1].decode() if found else ""
    facts = next((sheet for sheet in sheets if sheet.name == active), sheets[0])
    facts.others = [sheet.name for sheet in sheets if sheet is not facts]
    if facts.last_column > max_columns:
        raise ValidationError(TOO_MANY_COLUMNS.format(max_columns, get_column_letter(facts.last_column)))
    packed.seek(0)
    book = python_calamine.CalamineWorkbook.from_filelike(packed)
    values = book.get_sheet_by_name(facts.name).to_python(skip_empty_area=False)
    rows = (
        [facts.value(number, place, cell) for place, cell in enumerate(row[: facts.last_column], 1)]
        for number, row in enumerate(values[: min(facts.last_row, max_rows + 1)], 1)
    )
    return rows, facts


def scan_sheets(content: bytes) -> list[SheetFacts]:
    """Find in the document's XML how large its sheets are, and what the reader of the values leaves out."""
    sheets: list[SheetFacts] = []
    struck: set[str] = set()
    row = column = row_repeats = 0
    for event, element in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):  # noqa: S314 - no entities
        name = element.tag.removeprefix(TABLE)
        if event == "start":
            if name == "table":
                sheets.append(SheetFacts(name=element.get(f"{TABLE}name", "")))
                row = column = 0
            elif name == "table-row":
                row, column, row_repeats = row + 1, 0, int(element.get(f"{TABLE}number-rows-repeated", 1))
                if element.get(f"{TABLE}visibility") in ("filter", "collapse"):
                    sheets[-1].hidden_rows += range(row, row + min(row_repeats, MAX_HIDDEN))
            elif name == "table-column":
                column += (repeats := int(element.get(f"{TABLE}number-columns-repeated", 1)))
                if element.get(f"{TABLE}visibility") in ("filter", "collapse"):
                    sheets[-1].hidden_columns.append(column - repeats + 1)
        elif name in ("table-cell", "covered-table-cell"):
            repeats = int(element.get(f"{TABLE}number-columns-repeated", 1))
            _note_cell(sheets[-1], element, row + row_repeats - 1, column + repeats, (row, column + 1))
            if element.get(f"{TABLE}style-name") in struck and element.get(f"{OFFICE}value-type"):
                sheets[-1].struck_rows.append(row)
            column += repeats
        elif name == f"{STYLE}style" and any(is_struck_through(part) for part in element):
            struck.add(element.get(f"{STYLE}name", ""))
        elif name == "table-row":
            row += row_repeats - 1
            element.clear()
    return sheets


def is_struck_through(properties: Any) -> bool:
    return properties.get(f"{STYLE}text-line-through-style", "none") != "none"


def _note_cell(facts: SheetFacts, cell: Any, last_row: int, last_column: int, place: tuple[int, int]) -> None:
    formula, kind = cell.get(f"{TABLE}formula"), cell.get(f"{OFFICE}value-type")
    if formula is None and kind is None:
        return
    facts.last_row, facts.last_column = max(facts.last_row, last_row), max(facts.last_column, last_column)
    # A comment is another element: its words are none of the cell's.
    paragraphs = ("".join(part.itertext()) for part in cell if part.tag == f"{TEXT}p")
    shown = " ".join(" ".join(paragraphs).split())
    if formula is not None and kind is None:
        facts.add_uncomputed(*place)
    elif cell.get(f"{CALC}value-type") == "error" or (formula is not None and shown.startswith(("#", "Err:"))):
        facts.replaced[place] = shown  # the error, as text
    elif kind == "percentage" or (kind == "float" and LEADING_ZEROS.fullmatch(shown)):
        facts.replaced[place] = shown
    elif kind == "currency" and (currency := cell.get(f"{OFFICE}currency", "GBP")) != "GBP":
        facts.replaced[place] = f"{currency} {cell.get(f'{OFFICE}value')}"
    if (span := int(cell.get(f"{TABLE}number-columns-spanned", 1))) > 1 or cell.get(
        f"{TABLE}number-rows-spanned", "1"
    ) != "1":
        row, column = place
        end = row + int(cell.get(f"{TABLE}number-rows-spanned", 1)) - 1
        facts.add_merged(f"{get_column_letter(column)}{row}:{get_column_letter(column + span - 1)}{end}")
