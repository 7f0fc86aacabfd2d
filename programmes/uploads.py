"""What staff upload, made safe before it is kept: told by what it is, not by its name; size first, then content."""

import hashlib
import io
import re
import secrets
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image, ImageOps

LARGEST_PICTURE = 10_000_000  # bytes
MOST_PIXELS = 40_000_000  # a camera's picture has 12 to 25 million
MOST_SCANS = 30  # of a JPEG: programs write ten or so; each makes the decoder go through all of the picture again
MOST_PIECES = 20_000  # that a picture consists of: Pillow goes through them one by one, and slowly
WIDEST = 1600  # pixels: twice as wide as a story's column, for fine screens
PICTURES = ("JPEG", "PNG", "WEBP", "GIF")
NO_PICTURE = "This is no picture that can be read. Send a JPEG, PNG, WebP or GIF."

LARGEST_DOCUMENT = 20_000_000  # bytes
MOST_PARTS = 5_000  # of a ZIP file, which office documents are
LARGEST_PART = 1_000_000  # bytes of a part that is read: the list of 5,000 parts has fewer
NO_DOCUMENT = (
    "Send a PDF, DOCX, XLSX, ODT, ODS, CSV or plain text (UTF-8). This is none of them, whatever its name says."
)
ACTIVE = "This document can run commands (macros or scripts). Save it without them, or as PDF, and send that."
OPAQUE = (
    "This document cannot be looked through for macros and scripts: it is encrypted, or built in an unusual way. "
    "Save it anew without a password, or print it to a PDF, and send that."
)

TYPES = {
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Upload:
    """A file that may be kept, under a name that nobody can guess, and what a row says of it."""

    file: ContentFile[bytes]
    size: int
    sha256: str
    width: int = 0
    height: int = 0


def kept(content: bytes, ending: str, **measured: int) -> Upload:
    """Return what is kept of an upload."""
    file = ContentFile(content, f"{secrets.token_hex(16)}.{ending}")
    return Upload(file, len(content), hashlib.sha256(content).hexdigest(), **measured)


# Pictures -------------------------------------------------------------------------------------------------------------


def picture(sent: Any) -> Upload:
    """Return a picture upright, at most `WIDEST` wide, encoded anew from its pixels: nothing else of it is kept.

    Of an animated one, the first frame. Raises ValidationError; what is too large is refused before it is decoded.
    """
    if sent.size > LARGEST_PICTURE:
        raise ValidationError(
            f"The file has {sent.size:,} bytes; a picture may have {LARGEST_PICTURE:,}. Make it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata, which is dropped; the pixels are counted below
            content = sent.read()
            check_pieces(content)
            with Image.open(io.BytesIO(content), formats=PICTURES) as opened:
                if (count := opened.width * opened.height) > MOST_PIXELS:
                    raise ValidationError(f"The picture has {count:,} pixels; {MOST_PIXELS:,} are read at most.")
                return encoded(pixels(opened))
    except ValidationError:
        raise
    except Image.DecompressionBombError as error:
        raise ValidationError(f"The picture has far more than the {MOST_PIXELS:,} pixels that are read.") from error
    except Exception as error:  # a broken picture makes Pillow raise whatever its decoder happens to meet
        raise ValidationError(NO_PICTURE) from error


MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # what begins a piece of a JPEG


def check_pieces(content: bytes) -> None:
    """Refuse a picture that is small and takes a decoder long, by what it consists of; of a WebP Pillow reads none."""
    if content.startswith(b"\xff\xd8"):
        pieces = jpeg_pieces(content)
    elif content.startswith(b"\x89PNG"):
        pieces = png_pieces(content)
    elif content.startswith(b"GIF8"):
        pieces = gif_pieces(content)
    else:
        return
    scans = 0
    for count, piece in enumerate(pieces):
        scans += piece == 0xDA
        if count >= MOST_PIECES or scans > MOST_SCANS:
            raise ValidationError("The picture consists of too many pieces to be read. Save it anew, and send that.")


def jpeg_pieces(content: bytes) -> Iterator[int]:
    """Yield the marker of each piece of a JPEG, and nothing for each byte that fills the space before one."""
    here, scanned = 2, False
    while (found := MARKER.search(content, here)) and (marker := content[found.end() - 1]) != 0xD9:
        if found.start() > here and not scanned:
            raise ValidationError(NO_PICTURE)
        yield from (0 for _ in range(len(found[0]) - 2))
        yield marker
        scanned = scanned or marker == 0xDA
        here = found.end()
        if marker != 0x01:
            here += max(2, int.from_bytes(content[here : here + 2]))


def png_pieces(content: bytes) -> Iterator[int]:
    """Yield nothing for each piece of a PNG."""
    here = 8
    while here < len(content):
        yield 0
        here += 12 + int.from_bytes(content[here : here + 4])


def gif_pieces(content: bytes) -> Iterator[int]:
    """Yield nothing for each piece of a GIF before its first frame."""
    here = 13 + (3 << (content[10] % 8 + 1) if content[10:11] >= b"\x80" else 0)
    while content[here : here + 1] not in (b"", b",", b";"):
        yield 0
        if content[here] == 0x21:
            here += 2
            while size := int.from_bytes(content[here : here + 1]):
                yield 0
                here += size + 1
        here += 1


def pixels(opened: Image.Image) -> Image.Image:
    """Return the pixels of a picture as they are to be seen, and no metadata."""
    opened.draft("RGB", (2 * WIDEST, 2 * WIDEST))  # a JPEG is decoded no larger than needed
    upright = ImageOps.exif_transpose(opened)
    seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    if seen.width > WIDEST:
        seen = seen.resize((WIDEST, max(1, round(seen.height * WIDEST / seen.width))), Image.Resampling.LANCZOS)
    seen.info = {}
    return seen


def encoded(seen: Image.Image) -> Upload:
    """Return the pixels as a file: JPEG, or WebP where something shines through."""
    written = io.BytesIO()
    if seen.mode == "RGBA":
        seen.save(written, "WEBP", quality=85)
        ending = "webp"
    else:
        seen.save(written, "JPEG", quality=82, optimize=True, progressive=True)
        ending = "jpg"
    return kept(written.getvalue(), ending, width=seen.width, height=seen.height)


# Documents ------------------------------------------------------------------------------------------------------------


def document(sent: Any) -> Upload:
    """Return a document as it was sent, under the ending of what it is; raises ValidationError for any other file."""
    if sent.size > LARGEST_DOCUMENT:
        raise ValidationError(f"The file has {sent.size:,} bytes; a document may have {LARGEST_DOCUMENT:,}.")
    content = sent.read()
    if not content:
        raise ValidationError("The file is empty. Choose another.")
    if content.startswith(b"%PDF-"):
        check_pdf(content)
        return kept(content, "pdf")
    if content.startswith(b"PK\x03\x04"):
        return kept(content, office_kind(content))
    return kept(content, text_kind(content, str(sent.name)))


def name(word: str) -> bytes:
    """Return a pattern for a name in a PDF, where each character may be written as a number: /J#53."""
    return b"".join(rb"(?:%c|#(?i:%02x))" % (ord(letter), ord(letter)) for letter in word)


# What makes a PDF do something by itself, carry other files, or keep what it does from who looks into it. These are
# looked for everywhere: whoever skips comments or streams can be led past what a reader finds. They are long enough
# not to stand in a compressed picture by chance, which /JS is not; but that does nothing without one of these.
BEGUN = rb"/(?:%s)(?![A-Za-z0-9])"
ACTIONS = re.compile(BEGUN % b"|".join(map(name, ("JavaScript", "Launch", "Rendition", "RichMedia", "EmbeddedFile"))))
ENCRYPTED = re.compile(BEGUN % name("Encrypt"))
OBJECTS = re.compile(BEGUN % name("ObjStm"))
PACKED = re.compile(rb"stream[\r\n]{1,2}(?=[\x08\x18\x28\x38\x48\x58\x68\x78])")  # how what zlib packs begins
PLAIN_FILTER = re.compile(rb"/Filter\s*(?:/(?:FlateDecode|Fl)|\[\s*/(?:FlateDecode|Fl)\s*\])\s*(?:/|>>|$)")
UNUSUAL = re.compile(rb"[%#(]|/DecodeParms|/DP\b|/F(?![A-Za-z])|/FFilter")
BEGINS_WITH_NUMBERS = re.compile(rb"[\s\0]*(?:%|\d+\s+\d+\s)")
HEADER = 2_000  # bytes: of what describes a stream
MOST_STREAMS = 50_000
MOST_UNPACKED = 5 * LARGEST_DOCUMENT
CHUNK = 4_096


def check_pdf(content: bytes) -> None:
    """Refuse a PDF with scripts, with commands, with other files in it, or that cannot be looked through."""
    if ACTIONS.search(content):
        raise ValidationError(ACTIVE)
    if ENCRYPTED.search(content):
        raise ValidationError(OPAQUE)
    for part in packed_objects(content):
        if ACTIONS.search(part):
            raise ValidationError(ACTIVE)


def packed_objects(content: bytes) -> Iterator[bytes]:
    """Yield the objects that a PDF packs into streams; raises ValidationError where one cannot be unpacked.

    Such a stream says what it is, but not every reader asks: one that only looks like it, beginning with two numbers,
    is unpacked too.
    """
    said = said_to_hold_objects(content)
    found = [match.end() for match in islice(PACKED.finditer(content), MOST_STREAMS + 1)]
    if len(found) > MOST_STREAMS or not said <= set(found):
        raise ValidationError(OPAQUE)
    left = MOST_UNPACKED
    for begin in found:
        if begin not in said:
            start, _, read = unpacked(content, begin, 64)
            left -= read
            if not BEGINS_WITH_NUMBERS.match(start):
                continue
        part, whole, read = unpacked(content, begin, LARGEST_DOCUMENT)
        left -= read + len(part)
        if left <= 0 or len(part) == LARGEST_DOCUMENT or (begin in said and not whole):
            raise ValidationError(OPAQUE)
        yield part


def said_to_hold_objects(content: bytes) -> set[int]:
    """Return where the streams begin that say they hold objects; raises ValidationError for one packed oddly."""
    begins = set()
    for count, match in enumerate(OBJECTS.finditer(content)):
        here = match.start()
        first = content.rfind(b"obj", max(0, here - HEADER), here)
        last = content.find(b"stream", here, here + HEADER)
        header = content[first:last]
        if count > MOST_STREAMS or first < 0 or last < 0 or UNUSUAL.search(header):
            raise ValidationError(OPAQUE)
        if b"/Filter" not in header:
            continue  # it is not packed
        if header.count(b"/Filter") > 1 or not PLAIN_FILTER.search(header):
            raise ValidationError(OPAQUE)
        begin = last + len(b"stream")
        begins.add(begin + len(content[begin : begin + 2]) - len(content[begin : begin + 2].lstrip(b"\r\n")))
    return begins


def unpacked(content: bytes, begin: int, most: int) -> tuple[bytes, bool, int]:
    """Return what zlib packed from there on, whether it came to its end, and how much was read for it."""
    machine, made, here = zlib.decompressobj(), bytearray(), begin
    try:
        while not machine.eof and len(made) < most and (here < len(content) or machine.unconsumed_tail):
            more = machine.unconsumed_tail
            if not more:
                more, here = content[here : here + CHUNK], here + CHUNK
            made += machine.decompress(more, most - len(made))
    except zlib.error:
        pass
    return bytes(made), machine.eof, here - begin - len(machine.unconsumed_tail) - len(machine.unused_data)


def office_kind(content: bytes) -> str:
    """Return which office document a ZIP file is; raises ValidationError for any other, and for one with macros."""
    # The directory's own count comes first: reading a million entries takes longer than anybody waits.
    directory = content.rfind(b"PK\x05\x06")
    if directory < 0 or int.from_bytes(content[directory + 10 : directory + 12], "little") > MOST_PARTS:
        raise ValidationError(NO_DOCUMENT)
    if content.count(b"PK\x01\x02") > 2 * MOST_PARTS:
        raise ValidationError(NO_DOCUMENT)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            every = [part.filename.lower() for part in packed.infolist()]
            kind = beginning(packed, "mimetype").decode("ascii", "replace").strip()
            contents = beginning(packed, "[Content_Types].xml").lower()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError, zlib.error) as error:
        raise ValidationError(NO_DOCUMENT) from error
    names = set(every)
    if any(re.search(r"vbaproject|activex|^basic/|^scripts/|macrosheets", part) for part in names):
        raise ValidationError(ACTIVE)
    # What a part is, is said here alone, whatever its name. It is read in full, and in the one way that is usual.
    if re.search(rb"macroenabled|vbaproject|activex|macrosheet", contents):
        raise ValidationError(ACTIVE)
    if len(contents) > LARGEST_PART or len(names) < len(every) or re.search(rb"\0|&#|<!(?!--)", contents):
        raise ValidationError(OPAQUE)
    for ending, found in (
        ("docx", "word/document.xml" in names and bool(contents)),
        ("xlsx", "xl/workbook.xml" in names and bool(contents)),
        ("odt", kind == TYPES["odt"]),
        ("ods", kind == TYPES["ods"]),
    ):
        if found:
            return ending
    raise ValidationError(NO_DOCUMENT)


def beginning(packed: zipfile.ZipFile, name: str) -> bytes:
    """Return a part of a ZIP file as far as it may go, and a byte more; nothing where it is not there."""
    if name not in packed.namelist():
        return b""
    with packed.open(name) as part:
        return part.read(LARGEST_PART + 1)


MARKUP = re.compile(r"\A\s*<|<(!doctype|html|script|svg|body|iframe)\b|\A\s*{\\rtf", re.IGNORECASE)


def text_kind(content: bytes, name: str) -> str:
    """Return whether text is a table or plain; raises ValidationError for what is neither, such as a web page."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(NO_DOCUMENT) from error
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text) or MARKUP.search(text[:100_000]):
        raise ValidationError(NO_DOCUMENT)
    return "csv" if name.lower().endswith(".csv") else "txt"
