"""Documents are stored as they were sent. Their content shows their type. What can run commands is refused.

This looks for the usual marks of macros and scripts. It is not a virus scanner.
"""

import io
import re
import zipfile
import zlib
from typing import Any

from django.core.exceptions import ValidationError

from programmes.uploads.pdf import check_pdf
from programmes.uploads.prepared_file import PreparedFile, prepared_file
from programmes.uploads.refusals import CAN_RUN_COMMANDS, CANNOT_BE_CHECKED
from vru_portal.tabular.reading.zip_archives import MAX_MEMBER_SIZE, count_directory_entries, read_member
from vru_portal.text.characters import NOT_IN_TEXT_FILES
from vru_portal.web.file_responses import MEDIA_TYPES

MAX_BYTES = 20_000_000
MAX_ZIP_ENTRIES = 5_000  # office documents are ZIP files
UNKNOWN_TYPE = (
    "Choose a PDF, DOCX, XLSX, ODT, ODS, CSV or plain text file in UTF-8. This file is not one of these, even if "
    "its name says so."
)

ZIP_FILE = b"PK\x03\x04"
ZIP_END_OF_DIRECTORY = b"PK\x05\x06"
MACRO_FOLDERS = re.compile(r"vbaproject|activex|^basic/|^scripts/|macrosheets")
MACRO_TYPES = re.compile(rb"macroenabled|vbaproject|activex|macrosheet")
# UTF-16, characters as numbers, and declarations, in which an entity could hide a word.
UNUSUAL_XML = re.compile(rb"\0|&#|<!(?!--)")
MARKUP = re.compile(r"\A\s*<|<(!doctype|html|script|svg|body|iframe)\b|\A\s*{\\rtf", re.IGNORECASE)


def prepare_document(uploaded: Any) -> PreparedFile:
    """Check a document, and give it the extension of what it is; raises ValidationError for anything else."""
    if uploaded.size > MAX_BYTES:
        raise ValidationError(
            f"The document can be up to {MAX_BYTES // 1_000_000} MB. This file has {uploaded.size:,} bytes."
        )
    content = uploaded.read()
    if not content:
        raise ValidationError("The file is empty. Choose another one.")
    if content.startswith(b"%PDF-"):
        check_pdf(content)
        return prepared_file(content, "pdf")
    if content.startswith(ZIP_FILE):
        return prepared_file(content, office_extension(content))
    return prepared_file(content, text_extension(content, str(uploaded.name)))


def office_extension(content: bytes) -> str:
    """The file extension of an office document, which is a ZIP file; raises ValidationError for any other ZIP file."""
    # Count the entries before they are read: a million of them would take longer than anybody waits.
    directory = content.rfind(ZIP_END_OF_DIRECTORY)
    stated_entries = int.from_bytes(content[directory + 10 : directory + 12], "little")
    if directory < 0 or stated_entries > MAX_ZIP_ENTRIES:
        raise ValidationError(UNKNOWN_TYPE)
    if count_directory_entries(content) > 2 * MAX_ZIP_ENTRIES:
        raise ValidationError(UNKNOWN_TYPE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            all_names = [entry.filename.lower() for entry in archive.infolist()]
            mimetype = read_if_present(archive, "mimetype").decode("ascii", "replace").strip()
            content_types = read_if_present(archive, "[Content_Types].xml").lower()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError, zlib.error) as error:
        raise ValidationError(UNKNOWN_TYPE) from error
    names = set(all_names)
    # A part can have any name: what it is, Office takes from [Content_Types].xml alone. So that file is read to its
    # end, and must be written in the usual way, in which a search cannot miss a word.
    if any(MACRO_FOLDERS.search(name) for name in names) or MACRO_TYPES.search(content_types):
        raise ValidationError(CAN_RUN_COMMANDS)
    if len(content_types) > MAX_MEMBER_SIZE or len(names) < len(all_names) or UNUSUAL_XML.search(content_types):
        raise ValidationError(CANNOT_BE_CHECKED)
    for extension, is_match in (
        ("docx", "word/document.xml" in names and bool(content_types)),
        ("xlsx", "xl/workbook.xml" in names and bool(content_types)),
        ("odt", mimetype == MEDIA_TYPES["odt"]),
        ("ods", mimetype == MEDIA_TYPES["ods"]),
    ):
        if is_match:
            return extension
    raise ValidationError(UNKNOWN_TYPE)


def read_if_present(archive: zipfile.ZipFile, name: str) -> bytes:
    return read_member(archive, name) if name in archive.namelist() else b""


def text_extension(content: bytes, name: str) -> str:
    """Tell a table from plain text by the file's name; raises ValidationError for markup and for what is not text."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(UNKNOWN_TYPE) from error
    if NOT_IN_TEXT_FILES.search(text) or MARKUP.search(text[:100_000]):
        raise ValidationError(UNKNOWN_TYPE)
    return "csv" if name.lower().endswith(".csv") else "txt"
