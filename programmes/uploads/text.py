"""The text of documents, for search. The timer reads it, since a long PDF takes seconds."""

import subprocess
import sys
from pathlib import Path

from programmes.models import Document, DocumentText
from vru_portal.text.characters import remove_forbidden

EXTRACTOR = Path(__file__).with_name("text_extractor.py")
MAX_SECONDS = 60  # by the clock; the extractor limits its own computing time more tightly
MAX_AT_ONCE = 5  # documents in one run of the timer


def read_documents() -> int:
    """Read the text of documents that nobody has read yet, and forget that of files which are gone. Returns how many.

    A document that cannot be read has an empty text, so that it is not tried again.
    """
    DocumentText.objects.exclude(sha256__in=Document.objects.values("sha256")).delete()
    waiting = Document.objects.exclude(sha256__in=DocumentText.objects.values("sha256")).order_by("pk")
    read = {document.sha256: text_of(document) for document in waiting[:MAX_AT_ONCE]}
    DocumentText.objects.bulk_create(
        (DocumentText(sha256=sha256, text=text) for sha256, text in read.items()), ignore_conflicts=True
    )
    return len(read)


def text_of(document: Document) -> str:
    """The text of a document; empty if it has none that can be read, as a scan of paper."""
    try:
        with document.file.open() as file:
            content = file.read()
        # -I: the program needs nothing of the portal, and nothing in the environment can change what it does.
        extraction = subprocess.run(  # noqa: S603 - a program of the portal; the kind was told from the content
            [sys.executable, "-I", str(EXTRACTOR), document.extension],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MAX_SECONDS,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return remove_forbidden(extraction.stdout.decode("utf-8", "replace")) if extraction.returncode == 0 else ""
