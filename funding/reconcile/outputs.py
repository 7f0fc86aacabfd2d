"""Reads pages and files as the portal serves them: sums added up row by row, and the totals stated beside them."""

import csv
import io
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.test import Client
from django.urls import reverse

from vru_portal.tabular.downloads import FORMATS
from vru_portal.text.sums import PENNY

ServedRow = dict[str, Any]
API = "API"
SERVED_SUM = re.compile(r"-?£?(\d+|\d{1,3}(,\d{3})+)(\.\d{1,2}0*)?", re.ASCII)
VOID_ELEMENTS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class UnreadableError(Exception):
    """A page or file that cannot be read as what it should be. The message says why."""


@dataclass
class ServedList:
    """A list as served: its rows, and the count and total that the file states, if any."""

    rows: list[ServedRow]
    count: int | None = None
    total: Decimal | None = None

    def sum_of(self, column: str) -> Decimal:
        return sum((parse_served_sum(row.get(column)) for row in self.rows), Decimal(0))


@dataclass
class ServedPage:
    """A page and the pages that continue it: the amounts in its rows and sentences, by their `data-sum` marks."""

    marks: dict[str, list[Decimal]] = field(default_factory=dict)

    def sum_of(self, mark: str) -> Decimal:
        """The sum of all amounts with a mark; £0 if there are none."""
        return sum(self.marks.get(mark, []), Decimal(0))


def parse_served_sum(text: object) -> Decimal:
    """An amount as served; an empty cell is £0. Raises UnreadableError for anything but whole pence.

    Unlike what people type, a sum of many payments may be larger than any one of them may be.
    """
    if text is None or text == "":
        return Decimal(0)
    written = format(Decimal(repr(text)), "f") if isinstance(text, float) else str(text)
    if not SERVED_SUM.fullmatch(written):
        raise UnreadableError(f"{text!r} is not a sum in pounds and whole pence")
    return Decimal(written.replace("£", "").replace(",", "")).quantize(PENNY)


# Fetching -------------------------------------------------------------------------------------------------------------


def fetch(path: str) -> bytes:
    """What the portal serves at a path, with all its middleware; raises UnreadableError for any status but 200."""
    origin = urlsplit(settings.PORTAL_URL)
    client = Client(raise_request_exception=False, headers={"host": origin.netloc})
    response: Any = client.get(path, secure=origin.scheme == "https", REMOTE_ADDR="")
    try:
        if response.status_code != 200:
            raise UnreadableError(f"{path} returned status {response.status_code}")
        return response.getvalue()
    finally:
        for close in response._resource_closers:  # not `close()`, which would end the database connection, too
            close()


def read_download(label: str, name: str, form: str) -> ServedList:
    return READERS[form](fetch(reverse("open_data:download_of_year", args=[label, name, form])))


def read_list(name: str, form: str) -> ServedList:
    """The file of a list of all years."""
    return READERS[form](fetch(reverse("open_data:download", args=[name, form])))


def read_api(name: str) -> ServedList:
    """All pages of a list of the API."""
    rows: list[ServedRow] = []
    address = f"{reverse('api:list', args=[name])}?per_page=200"
    while address:
        page = json.loads(fetch(address), parse_float=Decimal)
        rows += page["rows"]
        parts = urlsplit(page["next"] or "")
        address = f"{parts.path}?{parts.query}" if parts.path else ""
    return ServedList(rows)


def readers_of(name: str) -> dict[str, Callable[[], ServedList]]:
    """How a list is read, from each of its files and from the API, by the format."""
    return {**{form: partial(read_list, name, form) for form in FORMATS}, API: partial(read_api, name)}


def read_csv(content: bytes) -> ServedList:
    return ServedList(list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))))


def read_json(content: bytes) -> ServedList:
    found = json.loads(content, parse_float=Decimal)
    return ServedList(found["rows"], found["count"], stated_total(found))


def read_xlsx(content: bytes) -> ServedList:
    """Read a workbook: its sheet of rows and its sheet of metadata."""
    book = open_workbook(content)
    meta = {row[0]: row[1] for row in book["Meta"].iter_rows(values_only=True)}
    return ServedList(worksheet_rows(book["Rows"]), int(meta["count"]), stated_total(meta))


def stated_total(facts: ServedRow) -> Decimal | None:
    """The total that a file states; a list whose amounts must not be added up states none."""
    return parse_served_sum(facts["total"]) if "total" in facts else None


def open_workbook(content: bytes) -> Any:
    import openpyxl  # takes long, and only this command needs it

    return openpyxl.load_workbook(io.BytesIO(content), read_only=True)


def worksheet_rows(sheet: Any) -> list[ServedRow]:
    rows = sheet.iter_rows(values_only=True)
    headings = next(rows)
    return [dict(zip(headings, row, strict=False)) for row in rows]


READERS: dict[str, Callable[[bytes], ServedList]] = {"csv": read_csv, "json": read_json, "xlsx": read_xlsx}


def read_grants_file(slug: str, form: str) -> ServedList:
    content = fetch(reverse("funding:giving", args=[slug, form]))
    if form == "json":
        return ServedList(json.loads(content, parse_float=Decimal)["grants"])
    grants = worksheet_rows(open_workbook(content)["grants"])
    names = {"amountAwarded": "Amount Awarded", "amountDisbursed": "Amount Disbursed"}
    return ServedList([{name: grant.get(heading) for name, heading in names.items()} for grant in grants])


def read_report(label: str) -> str:
    """The text of a year's report. Lines are broken anywhere, and a page may end in the middle of a row."""
    from pypdf import PdfReader  # takes long, and only this command needs it

    pages = PdfReader(io.BytesIO(fetch(reverse("funding:report", args=[label])))).pages
    return "\n".join(page.extract_text() for page in pages)


# Pages ----------------------------------------------------------------------------------------------------------------


class MarkedSums(HTMLParser):
    """Collects the text of each element marked `data-sum`, and the address of the next page of a list."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.next = ""
        self._mark, self._depth, self._text = "", 0, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin to listen at a mark; remember the way on."""
        attributes = dict(attrs)
        if tag == "a" and attributes.get("rel") == "next":
            self.next = attributes.get("href") or ""
        if self._mark:
            self._depth += tag not in VOID_ELEMENTS
        elif mark := attributes.get("data-sum"):
            self._mark, self._depth, self._text = mark, 1, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        self._depth -= bool(self._mark)
        if self._mark and self._depth == 0:
            self.found.append((self._mark, self._text.strip()))
            self._mark = ""


def read_pages(path: str, continued: Collection[str]) -> ServedPage:
    """The sums of a page, and those with the ``continued`` marks on the pages that continue its list.

    All else is repeated on each of these pages. Raises UnreadableError if it is not the same there.
    """
    read, address = ServedPage(), path
    repeated: list[tuple[str, str]] = []
    seen: set[str] = set()
    while address and address not in seen:
        marks = MarkedSums(fetch(address).decode())
        others = [(mark, text) for mark, text in marks.found if mark not in continued]
        if seen and others != repeated:
            raise UnreadableError(f"{address} repeats other sums than the first page has")
        for mark, text in marks.found:
            if not seen or mark in continued:
                read.marks.setdefault(mark, []).append(parse_served_sum(text))
        repeated = others
        seen.add(address)
        address = marks.next and urljoin(address, marks.next)
    return read
