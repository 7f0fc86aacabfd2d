"""What a spreadsheet set to British English makes of a CSV file that is opened and saved in it, and .ods files.

It follows Excel's behaviour, independently of the portal's own code (`tabular/reading/spreadsheet_rewrites.py`).
"""

import csv
import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal


def through_uk_excel(content, *, unicode=True):
    """Return a CSV file as UK Excel saves it: dates as dd/mm/yyyy, bare numbers of 15 digits, TRUE, a mark, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        writer.writerow([resaved_cell(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig") if unicode else text.getvalue().encode("cp1252", "replace")


def resaved_cell(cell):
    """Return what Excel makes of a cell."""
    plain = cell.strip()
    if plain.casefold() in ("true", "false"):
        return plain.upper()
    if re.fullmatch(r"[+-]?£?\d[\d,]*(\.\d*)?|[+-]?\d+(\.\d+)?[eE][+-]?\d{1,3}", plain, re.ASCII):
        shown = format(Decimal(f"{float(re.sub('[£,]', '', plain)):.15g}"), "f")
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y"):
        try:
            return f"{datetime.strptime(plain, form):%d/%m/%Y}"  # noqa: DTZ007 - a day
        except ValueError:
            continue
    if found := re.fullmatch(r"(\d{4})-(\d{2})", plain, re.ASCII):
        return f"{date(int(found[1]), int(found[2]), 1):%b-%y}" if 1 <= int(found[2]) <= 12 else cell
    if found := re.fullmatch(r"(\d{1,2})[-/](\d{1,2})", plain, re.ASCII):
        return day_of_month_or_month(int(found[1]), int(found[2])) or cell
    if found := re.fullmatch(r"(\d{1,2}:\d{2}) (am|pm)", plain, re.ASCII):
        return f"{found[1]} {found[2].upper()}"
    return f"0{plain}"[-5:] if re.fullmatch(r"\d{1,2}:\d{2}", plain, re.ASCII) else cell


def day_of_month_or_month(first, second):
    """Return what Excel makes of two numbers: 5-11 is a day in November, 11-18 is November 2018."""
    if 1 <= second <= 12 and 1 <= first <= 31:
        return f"{date(2000, second, first):%d-%b}"
    return f"{date(2000 + second, first, 1):%b-%y}" if 1 <= first <= 12 and second < 30 else ""


CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
  xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
  xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
  xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body>
</office:document-content>"""
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-settings xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
  xmlns:config="urn:oasis:names:tc:opendocument:xmlns:config:1.0">
  <config:config-item config:name="ActiveTable" config:type="string">{active}</config:config-item>
</office:document-settings>"""
MEDIA_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def as_ods(rows, *, name="Payments", active=None, before="", after=""):
    """Return rows, each a dict with the same keys, as a spreadsheet that LibreOffice would write."""
    written = "".join(
        f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>"
        for row in [list(rows[0]), *(r.values() for r in rows)]
    )
    sheets = f'{before}<table:table table:name="{name}">{written}{after}</table:table>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", MEDIA_TYPE, zipfile.ZIP_STORED)
        packed.writestr("content.xml", CONTENT.format(sheets=sheets))
        packed.writestr("settings.xml", SETTINGS.format(active=active or name))
        packed.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MEDIA_TYPE}"/></manifest:manifest>',
        )
    return stream.getvalue()


def ods_cell(value):
    if isinstance(value, date):
        return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
    if str(value).startswith("<"):
        return value
    return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
