"""Reading Excel workbooks without letting one take minutes of the server's time.

A workbook is a ZIP file of XML. openpyxl, which reads it, builds an object for every element, so that a file of a few
kilobytes can keep it busy for minutes. What a workbook contains is therefore counted before openpyxl sees it.
"""

import io
import re
import zipfile
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import IO, Any
from xml.etree import ElementTree

import openpyxl
from django.core.exceptions import ValidationError
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.escape import unescape

from vru_portal.tabular.reading.sheets import SheetFacts
from vru_portal.tabular.reading.zip_archives import MAX_MEMBER_SIZE, count_directory_entries, read_member

MAX_UNPACKED_SIZE = 16_000_000  # bytes of all members together
MAX_MEMBERS = 1_000
MAX_SHEETS = 30
MAX_TAGS = 1_000_000  # XML elements in all members together
MAX_NEARBY_TAGS = 20_000  # in one row of a sheet, in what surrounds the rows, and in each other member
# Sheets and the strings of all sheets may be large; anything larger than MAX_MEMBER_SIZE besides them is suspicious.
LARGE_MEMBER = re.compile(r"(xl/(worksheets/[^/]+|sharedStrings)|content)\.xml", re.IGNORECASE)
END_OF_ROW = re.compile(rb"</(?:\w+:)?(?:row|si|table-row)\s*>")
SHEET_TAG = re.compile(rb"<(?:\w+:)?sheet\s")
CELL_REFERENCE = re.compile(r"(?P<column>[A-Z]{1,3})\d+")
SUMMARY_OF_NUMBERS = "Export Summary"  # the first sheet of a workbook that Numbers has exported
TRUE_VALUES = ("1", "true")
LEADING_ZEROS = re.compile(r"0{2,20}")
CURRENCY_IN_BRACKETS = re.compile(r"\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]")  # [$€-407] and, without one, [$-809]
PERCENT = re.compile(r'^(?:[^"%]|"[^"]*")*%')
OTHER_CURRENCY = re.compile(r"[$€¥]|\b(?:EUR|USD)\b")
TOO_MANY_COLUMNS = "This file has more than {} columns, up to column {}. Check that it is the right file."
TOO_LARGE = "This workbook is too large once it is unpacked. Split it into smaller files, or save it as CSV."


def read_active_sheet(content: bytes, *, max_columns: int, max_rows: int) -> tuple[Iterator[list[Any]], SheetFacts]:
    """The rows of the sheet that Excel would open with, without empty rows at its end, and what else the sheet has.

    Raises ValidationError for a workbook that would take too long, and whatever openpyxl raises for a broken one.
    """
    packed = repack_checked(content)
    book = openpyxl.load_workbook(packed, read_only=True, data_only=True, keep_links=False)
    sheet = opened_sheet(book)
    with zipfile.ZipFile(packed) as archive, archive.open(sheet._worksheet_path) as part:
        facts = scan_sheet(part, struck_styles(book))
    facts.name, facts.others = sheet.title, [name for name in book.sheetnames if name != sheet.title]
    if facts.last_column > max_columns:
        raise ValidationError(TOO_MANY_COLUMNS.format(max_columns, get_column_letter(facts.last_column)))
    # One row more than the limit is enough for the reader to refuse the sheet.
    rows = sheet.iter_rows(max_col=max(1, facts.last_column), max_row=min(facts.last_row, max_rows + 1))
    numbered = enumerate(rows if facts.last_row else (), 1)
    return (
        [facts.value(number, place, shown_value(cell)) for place, cell in enumerate(row, 1)] for number, row in numbered
    ), facts


def opened_sheet(book: Any) -> Any:
    """The sheet with which the workbook opens; the first table, if that is a chart or Numbers' notes on its export."""
    tables = [sheet for sheet in book.worksheets if sheet.title != SUMMARY_OF_NUMBERS] or book.worksheets
    return book.active if book.active in tables else tables[0]


def struck_styles(book: Any) -> set[str]:
    """The styles of cells whose text is struck through, by the numbers that cells name."""
    return {str(n) for n, style in enumerate(book._cell_styles) if book._fonts[style.fontId].strike}


def scan_sheet(part: IO[bytes], struck: Collection[str]) -> SheetFacts:
    """Find in a sheet's XML what openpyxl leaves out when it reads row by row."""
    facts, is_struck = SheetFacts(), False
    row = column = 0
    for event, element in ElementTree.iterparse(part, events=("start", "end")):  # noqa: S314 - no entities
        name = element.tag.rpartition("}")[2]
        if event == "start":
            if name == "row":
                row, column = int(element.get("r", row + 1)), 0
                if element.get("hidden") in TRUE_VALUES:
                    facts.hidden_rows.append(row)
            elif name == "c":
                place = CELL_REFERENCE.fullmatch(element.get("r", ""))
                column = column_index_from_string(place["column"]) if place else column + 1
                is_struck = element.get("s") in struck
        elif name == "c":
            has_formula, value = element.find("{*}f") is not None, element.find("{*}v")
            if has_formula and element.get("t") != "str" and (value is None or not value.text):
                facts.add_uncomputed(row, column)
            if has_formula or (value is not None and value.text) or element.find("{*}is") is not None:
                facts.last_row, facts.last_column = max(facts.last_row, row), max(facts.last_column, column)
                if is_struck:
                    facts.struck_rows.append(row)
        elif name == "row":
            element.clear()
        elif name == "col" and element.get("hidden") in TRUE_VALUES:
            first = int(element.get("min", 0))
            facts.hidden_columns += range(first, min(int(element.get("max", first)), first + MAX_SHEETS) + 1)
        elif name == "mergeCell":
            facts.add_merged(element.get("ref", ""))
    return facts


def shown_value(cell: Any) -> Any:
    """The value of a cell, as text where its format shows another than the number: a currency, leading zeros, a %."""
    value, number_format = cell.value, cell.number_format if cell.value is not None else ""
    if isinstance(value, str):  # a workbook spells some characters, such as a carriage return, as _x000D_
        return unescape(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or number_format == "General":
        return value
    if LEADING_ZEROS.fullmatch(number_format) and value == int(value):
        return f"{int(value):0{len(number_format)}}"
    if PERCENT.search(number_format):
        return f"{Decimal(str(value)) * 100:f}%"
    shown = CURRENCY_IN_BRACKETS.sub(r"\g<currency>", number_format)
    return f"{found[0]} {value}" if (found := OTHER_CURRENCY.search(shown)) else value


def repack_checked(content: bytes) -> io.BytesIO:
    """Copy a workbook into one whose members are not compressed; raises ValidationError if it would be slow to read.

    It is checked first by the sizes that the ZIP directory states, then by what is really there: no member is unpacked
    beyond its stated size, and openpyxl reads only the copy, all of which was counted here.
    """
    if count_directory_entries(content) > MAX_MEMBERS:
        raise ValidationError(TOO_LARGE)
    checked = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(checked, "w") as copy:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_SIZE:
            raise ValidationError(TOO_LARGE)
        if any(m.file_size > MAX_MEMBER_SIZE and not LARGE_MEMBER.fullmatch(m.filename) for m in members):
            raise ValidationError(TOO_LARGE)
        if len({member.filename for member in members}) < len(members):
            raise ValueError("a member occurs twice, and programs differ in which of the two they read")
        tags = 0
        for member in members:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("zipfile unpacks other methods all at once, however large the result")
            data = read_member(archive, member, member.file_size)
            tags += count_tags(data, is_large=bool(LARGE_MEMBER.fullmatch(member.filename)))
            if tags > MAX_TAGS:
                raise ValidationError(TOO_LARGE)
            copy.writestr(member.filename, data)
    return checked


def count_tags(data: bytes, *, is_large: bool) -> int:
    """How many XML elements a member has; raises ValidationError if too many of them are close together."""
    # Entities could multiply what is counted here; UTF-16 would hide it from the count.
    if b"<!DOCTYPE" in data or (is_large and b"\0" in data):
        raise ValueError("members of a workbook declare no entities, and are UTF-8")
    tags = [piece.count(b"<") - piece.count(b"</") for piece in (END_OF_ROW.split(data) if is_large else [data])]
    if max(tags) > MAX_NEARBY_TAGS or (not is_large and len(SHEET_TAG.findall(data)) > MAX_SHEETS):
        raise ValidationError(TOO_LARGE)
    return sum(tags)
