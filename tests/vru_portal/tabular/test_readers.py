"""Files that would take long to read, or are not what they seem: each is refused quickly, with a sentence."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.funding.resources.files import as_xlsx
from tests.support.processor_time import soon
from vru_portal.tabular.readers import CSV, JSON, MAX_FILE_SIZE, MAX_ROWS_IN_FILE, XLSX


def zip_with_members(number):
    """A ZIP file of empty members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name in range(number):
            packed.writestr(f"{name:x}", b"")
    return stream.getvalue()


def zip_with_repeated_entry(number):
    """A ZIP file with one member, which its directory lists again and again."""
    one = zip_with_members(1)
    place = one.index(b"PK\x01\x02")
    entry, end = one[place : one.index(b"PK\x05\x06")], one[one.index(b"PK\x05\x06") :]
    count, size = min(number, 65_535).to_bytes(2, "little"), (len(entry) * number).to_bytes(4, "little")
    return one[:place] + entry * number + end[:8] + count * 2 + size + end[16:]


def nested_zips():
    """A workbook in whose sheet is a ZIP file in which is a ZIP file of 15 MB of zeros."""
    inner = bytes(15_000_000)
    for _ in range(3):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/worksheets/sheet1.xml", inner)
        inner = stream.getvalue()
    return inner


FULL = MAX_FILE_SIZE - 100
BOMBS: dict[str, tuple[Any, Any]] = {
    "a ZIP file of 40,000 parts": (XLSX, lambda: zip_with_members(40_000)),
    "a directory of 1,000,000 entries": (XLSX, lambda: zip_with_repeated_entry(1_000_000)[:MAX_FILE_SIZE]),
    "a directory of 90,000 entries": (XLSX, lambda: zip_with_repeated_entry(90_000)),
    "a ZIP file in a ZIP file": (XLSX, nested_zips),
    "HTML as XLSX": (XLSX, lambda: b"<html><table><tr><td>slug</td></tr></table></html>" * 90_000),
    "CSV as XLSX": (XLSX, lambda: b"slug,name\n" * 400_000),
    "a workbook as CSV": (CSV, lambda: as_xlsx([{"slug": "a"}])),
    "a line of 5 MB": (CSV, lambda: b"a" * FULL),
    "a cell of 5 MB": (CSV, lambda: b'slug\n"' + b"a" * FULL),
    "nothing but commas": (CSV, lambda: b"," * FULL),
    "commas below a heading": (CSV, lambda: b"slug\n" + b"," * FULL),
    "lines of commas": (CSV, lambda: b"slug\n" + (b"," * 4_000 + b"\n") * 1_200),
    "nothing but quotation marks": (CSV, lambda: b'"' * FULL),
    "nothing but ends of lines": (CSV, lambda: b"slug" + b"\n" * FULL),
    "UTF-16": (CSV, lambda: ("slug,name\n" * 100_000).encode("utf-16")),
    "UTF-16 without a mark": (CSV, lambda: ("slug,name\n" * 100_000).encode("utf-16-le")),
    "Latin-1": (CSV, lambda: ("slug,näme\n" * 100_000).encode("latin-1")),
    "20,001 rows": (CSV, lambda: b"slug\n" + b"a\n" * (MAX_ROWS_IN_FILE + 1)),
    "nothing": (CSV, bytes),
    "a depth of 100,000": (JSON, lambda: b"[" * 100_000 + b"]" * 100_000),
    "objects to a depth of 100,000": (JSON, lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "empty objects": (JSON, lambda: b"[" + b"{}," * 1_600_000 + b"{}]"),
    "empty lists": (JSON, lambda: b"[" + b"[]," * 1_600_000 + b"[]]"),
    "numbers": (JSON, lambda: b"[" + b"1," * 2_400_000 + b"1]"),
    "a number of 4 million figures": (JSON, lambda: b'[{"slug":[' + b"9" * 4_000_000 + b"]}]"),
    "a cell that is a list": (JSON, lambda: b'[{"slug":["a"]}]'),
    "a key twice": (JSON, lambda: b'[{"slug":"a","slug":"b"}]'),
    "an object of 300,000 keys": (JSON, lambda: json.dumps([{f"k{n}": 1 for n in range(300_000)}]).encode()),
    "rows of other columns": (JSON, lambda: json.dumps([{f"k{n}": 1} for n in range(20_000)]).encode()),
    "20,001 objects": (JSON, lambda: json.dumps([{"slug": "a"}] * (MAX_ROWS_IN_FILE + 1)).encode()),
    "JSON that is cut off": (JSON, lambda: b'[{"slug":"a"},'),
    "JSON in Latin-1": (JSON, lambda: '[{"slug":"ä"}]'.encode("latin-1")),
    "a text": (JSON, lambda: b'"' + b"a" * 4_000_000 + b'"'),
}  # fmt: skip


def test_a_cell_that_is_too_long_for_csv_is_refused_with_its_line():
    content = b'slug,body\na,b\nb,"' + b"a" * 140_000 + b'"\n'
    with pytest.raises(ValidationError) as refused:
        CSV().create_dataset(content)
    assert refused.value.messages == [
        "Line 3: a cell has more than 131,072 characters. Check whether a quotation mark is missing."
    ]


@pytest.mark.once
@pytest.mark.parametrize("name", BOMBS)
def test_hostile_files_are_refused_soon(name):
    form, made = BOMBS[name]
    content = made()
    with soon(), pytest.raises(ValidationError) as refused:
        form().create_dataset(content)
    assert refused.value.messages[0].endswith(".")
