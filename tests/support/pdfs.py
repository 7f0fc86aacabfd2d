"""What is on and in the PDFs that the portal makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pypdf import PdfReader


def words(paper: bytes) -> str:
    """Return the text of all pages as one line."""
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)
    return " ".join(text.replace("\u200b", "").split())


def links_of(paper: bytes) -> list[str]:
    """Return the addresses of all links, page by page."""
    reader: Any = PdfReader(BytesIO(paper))
    return [
        action["/URI"]
        for page in reader.pages
        for note in page.get("/Annots", ())
        if (action := note.get_object().get("/A")) and "/URI" in action
    ]


def tags_of(paper: bytes) -> list["Tag"]:
    """Return the tags of a PDF, after checking the requirements of PDF/UA-1 that a program can check."""
    reader: Any = PdfReader(BytesIO(paper))
    catalogue = reader.root_object
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en-GB"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title
    assert "<pdfuaid:part>1</pdfuaid:part>" in catalogue["/Metadata"].get_object().get_data().decode()
    assert {tuple(map(round, page.mediabox[2:])) for page in reader.pages} == {(595, 842)}, "A4"
    tags = structure(reader)
    assert "Title" in {tag.name for tag in tags}
    assert all(tag.alternative for tag in tags if tag.name == "Figure")
    assert all(tag.has("TH") for tag in tags if tag.name == "Table")
    return tags


@dataclass
class Tag:
    """An element of a tagged PDF, as assistive technology finds it."""

    name: str
    alternative: str
    inner: list["Tag"]

    def has(self, name: str) -> bool:
        return any(tag.name == name or tag.has(name) for tag in self.inner)


def structure(reader: Any) -> list[Tag]:
    """Return every element of the structure tree, each with those inside it."""
    roots = children(reader.root_object["/StructTreeRoot"])
    return [tag for root in roots for tag in flat(root)]


def flat(tag: Tag) -> Iterator[Tag]:
    yield tag
    for inner in tag.inner:
        yield from flat(inner)


def children(element: Any) -> list[Tag]:
    kids = element.get("/K", [])
    found = (kid.get_object() for kid in (kids if isinstance(kids, list) else [kids]))
    return [
        Tag(str(kid["/S"])[1:], str(kid.get("/Alt", "")), children(kid))
        for kid in found
        if isinstance(kid, dict) and "/S" in kid
    ]
