"""The words of uploaded documents are found, once the timer has read them and once they are published."""

import pytest
import typst
from django.core.files.base import ContentFile

from programmes.models import Document, DocumentText
from programmes.schedule import JOBS
from programmes.uploads.text import read_documents
from tests.programmes.sample_uploads import packed
from tests.support.factories import DocumentFactory, PublicationFactory
from vru_portal.public.search import CURRENT
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


def pdf_of(text):
    """Return a PDF that shows a text."""
    return typst.compile(text.encode())


def uploaded(content, extension, **fields):
    number = Document.objects.count()
    file = ContentFile(content, f"some.{extension}")
    return DocumentFactory(file=file, sha256=f"{number:064}", **fields)


def addresses(typed):
    return [hit.entry.document.address for hit in CURRENT.make().find(typed).hits]


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("txt", b"Marvellous paths."),
        ("csv", b"path,length\nMarvellous,3\n"),
        ("pdf", pdf_of("Marvellous paths.")),
        ("docx", packed(**{"word/document.xml": "<w:p><w:t>Marvel</w:t><w:t>lous</w:t></w:p><w:p>paths</w:p>"})),
        ("odt", packed(**{"content.xml": "<text:p>Marvellous &amp; short</text:p><text:p>paths</text:p>"})),
    ],
)
def test_the_words_of_a_document_are_found(extension, content):
    document = uploaded(content, extension)
    assert addresses("marvellous") == []
    assert read_documents() == 1
    assert addresses("marvellous") == [document.get_absolute_url()]
    assert read_documents() == 0


def test_a_file_of_a_publication_leads_to_the_publication():
    publication = PublicationFactory(title="Plan of paths")
    uploaded(b"Marvellous.", "txt", publication=publication)
    read_documents()
    assert addresses("marvellous") == [publication.get_absolute_url()]


def test_the_words_of_a_draft_are_not_found():
    uploaded(b"Marvellous.", "txt", state=State.DRAFT)
    read_documents()
    assert addresses("marvellous") == []


@pytest.mark.parametrize("content", [b"%PDF-1.4 broken", b"PK\x03\x04 broken", b""])
def test_what_cannot_be_read_is_tried_once(content):
    uploaded(content, "pdf" if content.startswith(b"%") else "docx")
    assert read_documents() == 1
    assert read_documents() == 0
    assert DocumentText.objects.get().text == ""


def test_the_text_of_a_file_that_is_gone_is_forgotten():
    uploaded(b"Marvellous.", "txt")
    read_documents()
    Document.objects.all().delete()
    read_documents()
    assert not DocumentText.objects.exists()


def test_the_timer_reads_documents():
    assert read_documents in [job for job, _ in JOBS]
