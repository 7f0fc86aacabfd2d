"""What is served, read as a reader reads it: sums added up row by row, and the totals that are stated beside them."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import openpyxl
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from vru_portal.money import parse

Row = dict[str, Any]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class UnreadableError(Exception):
    """What is served cannot be read as what it should be; the message says what is wrong."""


@dataclass
class Listed:
    """A list as it was served: its rows, and the number and total that it states of itself, if it does."""

    rows: list[Row]
    count: int | None = None
    total: Decimal | None = None

    def sum_of(self, column: str) -> Decimal:
        """Return the sum of a column, row by row."""
        return sum((sum_in(row.get(column)) for row in self.rows), Decimal(0))


@dataclass
class Page:
    """A page with all that follow it: the sums in its rows and in its sentences, by their marks."""

    marks: dict[str, list[Decimal]] = field(default_factory=dict)

    def sum_of(self, mark: str) -> Decimal:
        """Return the sum of what bears a mark; what is nought need not be shown."""
        return sum(self.marks.get(mark, []), Decimal(0))


def sum_in(text: object) -> Decimal:
    """Return a sum as it was served; nothing is nought. A number must be whole pence."""
    if text is None or text == "":
        return Decimal(0)
    try:
        return parse(Decimal(repr(text)) if isinstance(text, float) else text)
    except ValidationError as error:
        raise UnreadableError(error.messages[0]) from error


# Fetching -------------------------------------------------------------------------------------------------------------


def fetch(path: str) -> bytes:
    """Return what the portal serves at an address, through all that stands around its pages; raises UnreadableError."""
    origin = urlsplit(settings.PORTAL_URL)
    client = Client(raise_request_exception=False, headers={"host": origin.netloc})
    response = client.get(path, secure=origin.scheme == "https")
    if response.status_code != 200:
        raise UnreadableError(f"{path} was answered with {response.status_code}")
    return response.getvalue()


def listed(label: str, name: str, form: str) -> Listed:
    """Return a downloaded list."""
    return READERS[form](fetch(reverse("funding:download", args=[label, name, form])))


def read_csv(content: bytes) -> Listed:
    """Read a CSV."""
    return Listed(list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))))


def read_json(content: bytes) -> Listed:
    """Read a JSON."""
    found = json.loads(content, parse_float=Decimal)
    return Listed(found["rows"], found["count"], sum_in(found["total"]))


def read_xlsx(content: bytes) -> Listed:
    """Read a workbook: its sheet of rows and what the other says of them."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    meta = {row[0]: row[1] for row in book["Meta"].iter_rows(values_only=True)}
    return Listed(rows_of(book["Rows"]), int(meta["count"]), sum_in(meta["total"]))


def rows_of(sheet: Any) -> list[Row]:
    """Return the rows of a worksheet by their headings."""
    rows = sheet.iter_rows(values_only=True)
    headings = next(rows)
    return [dict(zip(headings, row, strict=False)) for row in rows]


READERS: dict[str, Callable[[bytes], Listed]] = {"csv": read_csv, "json": read_json, "xlsx": read_xlsx}


def giving(slug: str, form: str) -> Listed:
    """Return the grants of a funder's 360Giving file."""
    content = fetch(reverse("funding:giving", args=[slug, form]))
    if form == "json":
        return Listed(json.loads(content, parse_float=Decimal)["grants"])
    grants = rows_of(openpyxl.load_workbook(io.BytesIO(content), read_only=True)["grants"])
    names = {"amountAwarded": "Amount Awarded", "amountDisbursed": "Amount Disbursed"}
    return Listed([{name: grant.get(heading) for name, heading in names.items()} for grant in grants])


# Pages ----------------------------------------------------------------------------------------------------------------


class Marks(HTMLParser):
    """The text of each element that is marked `data-sum`, and where the next page of a list is."""

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
            self._depth += tag not in VOID
        elif mark := attributes.get("data-sum"):
            self._mark, self._depth, self._text = mark, 1, ""

    def handle_data(self, data: str) -> None:
        """Take what the reader sees."""
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        """Stop listening where the marked element ends."""
        self._depth -= bool(self._mark)
        if self._mark and self._depth == 0:
            self.found.append((self._mark, self._text.strip()))
            self._mark = ""


def page(path: str, rows: Iterable[str]) -> Page:
    """Return the sums of a page; of those that are named in ``rows``, also those of the pages that follow."""
    read, address, first = Page(), path, True
    seen: set[str] = set()
    while address and address not in seen:
        seen.add(address)
        marks = Marks(fetch(address).decode())
        for mark, text in marks.found:
            if first or mark in rows:
                read.marks.setdefault(mark, []).append(sum_in(text))
        address, first = marks.next and urljoin(address, marks.next), False
    return read
