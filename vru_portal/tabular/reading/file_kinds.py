"""What kind of file somebody has sent, by its content, and the way out where the portal cannot read that kind."""

import re
from collections.abc import Iterator

from django.core.exceptions import ValidationError

# The first bytes of files that are sent by mistake.
OTHER_KINDS = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\x00": "a picture",
    b"MM\x00*": "a picture",
    b"{\\rtf": "a text document (.rtf)",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
    b"\x00\x01\x00\x00Standard ": "an Access database",
    b"SQLite format 3": "a database",
    b"PAR1": "a Parquet file",
}
WEB_PAGE = re.compile(r"<(?:!doctype html|html|table|head|meta|body)\b")
# What is saved in place of a document that is somewhere else: by Google Drive, Windows and macOS.
SHORTCUT = re.compile(
    r'\{\s*"(?:url|doc_id|resource_id|)"\s*:.*(?:docs\.google\.com|"doc_id")|\[internetshortcut\]|<\?xml.*<key>url</key>',
    re.DOTALL,
)
EMAIL = re.compile(
    r"\A(?:received|return-path|delivered-to|from|to|subject|date|message-id|x-[-\w]+):.*^mime-version:", re.M | re.S
)
# What banks write besides CSV, by how it begins.
OF_BANKS = (
    (re.compile(r"ofxheader|<\?ofx|<ofx>"), "OFX"),
    (re.compile(r"!(?:type|account|option):"), "QIF"),
    (re.compile(r"(?:\{1:f01|:20:)"), "MT940"),
    (re.compile(r"<\?xml.*urn:iso:std:iso:20022:tech:xsd:camt", re.DOTALL), "camt"),
)
JSON_TEXT = re.compile(r"\[\s*[\[{]|\{\s*\"|[\[{]\s*\Z")
SYLK = re.compile(r"id;p(?:wxl|scalc3?)?[;\r\n]")
# Old documents of Office are all of one format; the names of their parts tell them apart.
OLE_DOCUMENT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_PARTS = {
    "WordDocument": ("a Word document (.doc)", "Word"),
    "PowerPoint Document": ("a presentation (.ppt)", "PowerPoint"),
    "__nameid_version1.0": ("an Outlook email (.msg)", ""),
}
# While a workbook is open, Excel keeps the name of its user in a file beside it.
LOCK_FILE_SIZE, LONGEST_USER_NAME = 165, 54
START = 4_096  # bytes: enough of a file to know its kind by
SAVE_AS = "Open it in {program} and save it as {form}."
AS_XLSX = "an Excel workbook (.xlsx)"
SAVE_ATTACHMENT = "Save the spreadsheet that is attached to it, and send that."
FLAT_SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
OLD_EXCEL = (
    "This is an old Excel workbook (.xls), or one with a password. "
    "Open it in Excel and save it as “Excel Workbook (.xlsx)”, without a password."
)
# What the portal does not read, by the name of a part that only this kind of ZIP file has.
PACKAGES = {
    b"xl/vbaProject.bin": ("a workbook with macros (.xlsm)", "Excel", AS_XLSX),
    b"xl/workbook.bin": ("a binary workbook (.xlsb)", "Excel", AS_XLSX),
    b"word/document.xml": ("a Word document", "Word", "a spreadsheet by copying its table into one"),
    b"ppt/presentation.xml": ("a presentation", "PowerPoint", "a spreadsheet by copying its table into one"),
    b"Index/Document.iwa": ("a Numbers spreadsheet (.numbers)", "Numbers", ""),
    b"Index.zip": ("a Numbers spreadsheet (.numbers)", "Numbers", ""),
}
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
EXPORT_FROM_NUMBERS = "Open it in Numbers, choose File, Export To, and then Excel or CSV."
READABLE = {"xlsx": "an Excel workbook", "ods": "an OpenDocument spreadsheet", "json": "JSON", "csv": "a CSV file"}


def kind_of(content: bytes) -> str:
    """ "xlsx", "ods" or "" for anything else that may be a file of text; raises ValidationError for other kinds."""
    start = content[:START]
    if start.startswith(OLE_DOCUMENT):
        raise ValidationError(_advice_on_old_document(content))
    if len(content) == LOCK_FILE_SIZE and content[0] <= LONGEST_USER_NAME and b"\0" in content:
        raise ValidationError(
            "This is not the workbook but a file that Excel makes while a workbook is open: its name begins with ~$. "
            "Close the workbook, and choose the file without ~$."
        )
    if start.startswith(b"%PDF"):
        raise ValidationError("This is a PDF. Ask for the table as a spreadsheet, or copy it into one.")
    if start.startswith(b"PK\x03\x04"):
        return _kind_of_package(content)
    for mark, what in OTHER_KINDS.items():
        if start.startswith(mark):
            raise ValidationError(f"This is {what}, not a table. Send a spreadsheet or a CSV file.")
    text = start.decode("utf-8", "ignore").lstrip("\ufeff \r\n\t").casefold()
    if advice := _advice_on_text(text):
        raise ValidationError(advice)
    return ""


def _advice_on_old_document(content: bytes) -> str:
    for part, (what, program) in OLE_PARTS.items():
        if part.encode("utf-16-le") in content:
            advice = f"Open it in {program}, and copy its table into a spreadsheet." if program else SAVE_ATTACHMENT
            return f"This is {what}, not a table. {advice}"
    return OLD_EXCEL


def _advice_on_text(text: str) -> str:
    """What to do about a file of text that is no table, by its beginning in lower case; empty for any other."""
    if SHORTCUT.match(text):
        return (
            "This is only a link to a document, not the document. Open it, and download it as an Excel workbook "
            "(.xlsx) or a CSV file."
        )
    if text.startswith("<?xml") and "urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "This is an Excel 2003 XML spreadsheet. " + _save_as("Excel", AS_XLSX)
    if text.startswith("<?xml") and FLAT_SPREADSHEET in text:
        return "This is a flat OpenDocument spreadsheet (.fods). " + _save_as("LibreOffice", "ODF Spreadsheet (.ods)")
    if found := next((name for beginning, name in OF_BANKS if beginning.match(text)), None):
        return f"This is the {found} file of a bank. Download the same payments as CSV or Excel, and send that."
    if SYLK.match(text):
        return "This is a SYLK file (.slk). " + _save_as("Excel", AS_XLSX)
    if EMAIL.match(text):
        return f"This is an email, not a table. {SAVE_ATTACHMENT}"
    if (text.startswith("<") and WEB_PAGE.search(text)) or text.startswith("mime-version:"):
        return "This file is a web page, even if its name says otherwise. " + _save_as("Excel", AS_XLSX)
    if text.startswith("<?xml"):
        return "This is an XML file, not a table. Send a spreadsheet or a CSV file."
    return ""


def is_json(content: bytes) -> bool:
    return bool(JSON_TEXT.match(content[:START].decode("utf-8", "ignore").lstrip("\ufeff \r\n\t")))


def require_kind(content: bytes, wanted: str) -> None:
    """Raise ValidationError, with the way out, for a file of another kind than the one that its sender chose."""
    kind = kind_of(content)
    if kind != wanted and kind:
        raise ValidationError(f"This is {READABLE[kind]}, not {READABLE[wanted]}. Choose {kind.upper()} as its format.")


def _kind_of_package(content: bytes) -> str:
    names = set(_member_names(content))
    for part, (what, program, form) in PACKAGES.items():
        if part in names:
            way_out = EXPORT_FROM_NUMBERS if program == "Numbers" else _save_as(program, form)
            raise ValidationError(f"This is {what}, which the portal cannot read. {way_out}")
    if b"mimetype" in names and OPEN_DOCUMENT in content[:START]:
        if OPEN_DOCUMENT + b"spreadsheet" in content[:START]:
            return "ods"
        raise ValidationError(
            "This is an OpenDocument file, but not a spreadsheet. Copy its table into a spreadsheet and send that."
        )
    if names and not any(name.startswith((b"xl/", b"[Content_Types]")) for name in names):
        raise ValidationError(
            "This is a compressed folder (.zip). Open it, and send the spreadsheet or CSV file in it."
        )
    return "xlsx"  # or something that the reader of workbooks refuses


def _member_names(content: bytes) -> Iterator[bytes]:
    """The names of the members, as the ZIP directory lists them, without opening the archive."""
    for entry in re.finditer(rb"PK\x01\x02.{24}(?P<length>..).{16}", content, re.DOTALL):
        length = int.from_bytes(entry["length"], "little")
        yield content[entry.end() : entry.end() + length]


def _save_as(program: str, form: str) -> str:
    return SAVE_AS.format(program=program, form=form)
