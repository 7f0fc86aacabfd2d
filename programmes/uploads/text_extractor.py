"""Print the text of a document, so that search can find its words. `text.py` runs this as a program of its own.

It reads a file from standard input; its kind is the only argument. The file may have been made to
harm whatever parses it: in a process of its own, parsing is limited in time and memory, and may crash.
"""

import io
import re
import resource
import sys
import zipfile
from html import unescape

CPU_SECONDS = 20
MEMORY = 1_000_000_000  # bytes
MAX_CHARACTERS = 200_000  # of text: some 80 pages
MAX_PAGES = 500
MAX_XML = 50_000_000  # bytes, unpacked
PARTS = {"docx": "word/document.xml", "odt": "content.xml", "ods": "content.xml", "xlsx": "xl/sharedStrings.xml"}
ENDS = re.compile(r"</(?:w:p|text:p|text:h|si|table:table-cell)>|<w:(?:tab|br)\b[^>]*>")
TAG = re.compile(r"<[^>]*>")


def text_of(content: bytes, kind: str) -> str:
    if kind == "pdf":
        return text_of_pdf(content)
    if kind in PARTS:
        return text_of_office(content, PARTS[kind])
    return content.decode("utf-8-sig", "replace")


def text_of_pdf(content: bytes) -> str:
    from pypdf import PdfReader  # which the other kinds do not need

    texts, length = [], 0
    for page in PdfReader(io.BytesIO(content)).pages[:MAX_PAGES]:
        texts.append(page.extract_text())
        length += len(texts[-1])
        if length > MAX_CHARACTERS:
            break
    return "\n".join(texts)


def text_of_office(content: bytes, name: str) -> str:
    """The text between the tags. No XML parser reads it, so nothing in it can ask for anything."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(name) as part:
        xml = part.read(MAX_XML).decode("utf-8", "replace")
    return unescape(TAG.sub("", ENDS.sub("\n", xml)))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        found = text_of(sys.stdin.buffer.read(), sys.argv[1])
    except Exception:  # whatever a library makes of a broken file
        sys.exit(1)
    sys.stdout.buffer.write(found[:MAX_CHARACTERS].encode("utf-8", "replace"))
