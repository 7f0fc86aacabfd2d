"""Every public address, found the way a visitor and a crawler find them: by links and by the site map."""

import re
from functools import cached_property, lru_cache
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from openpyxl import load_workbook
from pypdf import PdfReader

from vru_portal.web import limits
from vru_portal.web.public_pages import READ_STATE

ORIGIN = "http://testserver"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ENDS_A_PARAGRAPH = {
    *("address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figure", "footer", "form"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul"),
}
INLINE = {"a", "abbr", "b", "cite", "code", "em", "i", "q", "small", "span", "strong", "time"}


class Elements(HTMLParser):
    """The elements of a page, each with its attributes; what they link to; the text that is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.misplaced: list[str] = []  # elements that end before they are closed, or are never closed
        self._open: list[str] = []
        self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        if tag in ENDS_A_PARAGRAPH and "p" in self._open:
            self.misplaced.append(f"<{tag}> in a paragraph, line {self.getpos()[0]}")
        if tag not in VOID:
            self._open.append(tag)
        if tag not in INLINE:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag not in VOID and (not self._open or self._open.pop() != tag):
            self.misplaced.append(f"</{tag}>, line {self.getpos()[0]}")
        if tag not in INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside else self.words).append(data)

    @cached_property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def links(self, here: str) -> set[str]:
        """Return the addresses on this site that the page names, without fragments."""
        found = set()
        for _, attributes in self.elements:
            for name in ("href", "src", "action"):
                if value := attributes.get(name):
                    parts = urlsplit(urljoin(ORIGIN + here, value))
                    if f"{parts.scheme}://{parts.netloc}" == ORIGIN:
                        found.add(parts.path + (f"?{parts.query}" if parts.query else ""))
        return found


# A page is read by the crawl, and again by each test that is about all pages.
elements_of = lru_cache(maxsize=200)(Elements)


def text_of(response: HttpResponse) -> str:
    """Return the text that is read of a page."""
    return Elements(response.content.decode()).text


def sitemap(client: Client) -> list[str]:
    """Return the addresses that /sitemap.xml lists."""
    xml = client.get("/sitemap.xml").text
    return [address.removeprefix(settings.PORTAL_URL) for address in re.findall(r"<loc>([^<]*)</loc>", xml)]


def crawl(client: Client, *more: str) -> dict[str, HttpResponse]:
    """Return the answer of every address that can be reached from home, from the site map and from these.

    A filtered list leads to more filtered lists without end, so links on one are not followed. Nothing changes
    meanwhile, so that what pages share is read once, as it is by a portal that is served.
    """
    state = (str(uuid4()), "", 0)
    as_served: dict[str, Any] = {READ_STATE: lambda: state}
    found: dict[str, HttpResponse] = {}
    waiting = ["/", "/robots.txt", "/sitemap.xml", *sitemap(client), *more]
    while waiting:
        address = waiting.pop()
        if address in found or address.startswith("/static/"):
            continue
        limits.memory_backend.cache_clear()  # one visitor does not ask for every file within an hour
        response = found[address] = with_body(client.get(address, **as_served))  # type: ignore[arg-type]
        if response.status_code in (301, 302):
            waiting.append(response.headers["Location"])
        elif "?" not in address and response.headers["Content-Type"].startswith("text/html"):
            waiting += elements_of(response.text).links(address)
    return found


def with_body(response: HttpResponse | StreamingHttpResponse) -> HttpResponse:
    """Return an answer with all of its content at hand as text; of a workbook, its cells; of a PDF, its words."""
    if response.headers["Content-Type"] == "application/pdf":
        words = "\n".join(page.extract_text() for page in PdfReader(BytesIO(response.getvalue())).pages)
        return HttpResponse(words.encode(), status=response.status_code, headers=response.headers)
    if response.headers["Content-Type"].startswith("image/") and not isinstance(response, StreamingHttpResponse):
        text = response.content.decode("latin-1")
        return HttpResponse(text.encode(), status=response.status_code, headers=response.headers)
    if not isinstance(response, StreamingHttpResponse):
        return response
    content = response.getvalue()  # the test client closes it at its end
    if response.headers["Content-Type"].endswith("spreadsheetml.sheet"):
        book = load_workbook(BytesIO(content), read_only=True)
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        content = "\n".join(str(cell) for row in rows for cell in row if cell is not None).encode()
        book.close()
    return HttpResponse(content, status=response.status_code, headers=response.headers)


def pages(answers: dict[str, HttpResponse]) -> dict[str, Elements]:
    """Return the pages among the answers, read."""
    return {
        address: elements_of(response.text)
        for address, response in answers.items()
        if response.headers["Content-Type"].startswith("text/html") and response.status_code == 200
    }
