"""Text files of rows: in which characters they are written, and what separates their cells."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from vru_portal.text.characters import FORBIDDEN

NOT_READABLE = "We cannot tell which characters this file contains. In Excel, save it as “CSV UTF-8” or as XLSX."
READ_AS, CHECK_CHARACTERS = "Read as ", "Check accents and pound signs below."
# By the mark at their beginning. That of UTF-32 begins like that of UTF-16, so it comes first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
UTF_8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[,;\t|])"?\r?\n?', re.IGNORECASE)
END_OF_FILE = b"\x1a"  # DOS programs, and what has grown out of them, write it behind the last row
SAMPLE_LINES, SAMPLE_SIZE = 40, 65_536


@dataclass(frozen=True)
class DecodedText:
    """A file's text, what separates its cells, and a sentence about both."""

    text: str
    separator: str
    note: str


def decode_table(content: bytes) -> DecodedText:
    """Decode a file of rows; raises ValidationError if its encoding is not known."""
    text, encoding = decode(content)
    if stated := SEPARATOR_LINE.match(text):
        separator, text = stated["separator"], text[stated.end() :]
    else:
        separator = find_separator(text)
    advice = f" {CHECK_CHARACTERS}" if encoding == "Windows-1252" else ""
    note = f"{READ_AS}{encoding}, with {SEPARATORS[separator]} between the cells.{advice}"
    return DecodedText(text, separator, note)


def notes_in_plain_words(notes: Iterable[str]) -> list[str]:
    """Notes about a file for people who need not know what an encoding is."""
    found = []
    for note in notes:
        if not note.startswith(READ_AS):
            found.append(note)
        elif note.endswith(CHECK_CHARACTERS):
            found.append(CHECK_CHARACTERS)
    return found


def decode(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding; raises ValidationError if that is not known.

    A file says by a mark at its beginning that it is Unicode. Without one it is UTF-8 if all of it is valid as such,
    and otherwise Windows-1252, in which Excel saves “CSV” in Britain. UTF-8 that was damaged is taken for neither.
    """
    content = content.rstrip(END_OF_FILE)
    try:
        for mark, codec, name in MARKS:
            if content.startswith(mark):
                return content.decode(codec), name
        text = content.decode()
        # UTF-16 without a mark is valid UTF-8, with a NUL beside every Latin letter. So is many a file of no text.
        if "\0" in text.partition("\n")[0] or text.count("\0") * 4 > len(text):
            raise ValidationError(NOT_READABLE)
        return text, "UTF-8"
    except UnicodeDecodeError as error:
        return _decode_windows_text(content, error), "Windows-1252"


def _decode_windows_text(content: bytes, unicode_error: UnicodeDecodeError) -> str:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise ValidationError(NOT_READABLE) from unicode_error
    if UTF_8_SEQUENCE.search(content) or FORBIDDEN.search(text):
        raise ValidationError(NOT_READABLE) from unicode_error
    return text


def find_separator(text: str) -> str:
    """What separates the cells: whatever makes most of the first lines equally wide, and widest; else a comma."""
    sample = text[:SAMPLE_SIZE].splitlines(keepends=True)[:SAMPLE_LINES]
    return max(SEPARATORS, key=lambda separator: _cells_in_step(sample, separator))


def _cells_in_step(lines: Iterable[str], separator: str) -> int:
    """How many cells are in rows of the commonest width. Rows of one cell do not count: nothing separates them."""
    widths: Counter[int] = Counter()
    try:
        for row in csv.reader(io.StringIO("".join(lines), newline=""), delimiter=separator):
            filled = sum(1 for cell in row if cell)
            if filled > 1:
                widths[len(row)] += 1
    except csv.Error:  # it is reported when the whole file is read
        pass
    return max((width * count for width, count in widths.items()), default=0)
