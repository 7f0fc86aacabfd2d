"""Open data: each published list is declared once, and its file, schema, page and API all come from that.

A `Dataset` names its columns, its filters and its rows. Files take all of the rows, in batches; the
API takes some of the same rows, in the same order, with the same cells.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Max, Model, QuerySet
from django.http import QueryDict

from vru_portal.ledger.money import sum_of_pounds
from vru_portal.publishing.state import published
from vru_portal.tabular.batches import in_batches, key_batches
from vru_portal.tabular.writers import Column, Type
from vru_portal.web.addresses import full_url
from vru_portal.web.filters import Filters

Row = TypeVar("Row")
Read = TypeVar("Read", covariant=True)
Record = TypeVar("Record", bound=Model)


class Rows(Protocol[Read]):
    """The rows that an address asks for, in the order of the page."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def total(self) -> Decimal | None:
        """The sum of their amounts; None where they have none."""

    def some(self, start: int, stop: int) -> Collection[Read]:
        """Those from one place to another, counted from 0."""

    def __iter__(self) -> Iterator[Read]:
        """Yield all of them; however many there are, only some are in memory."""


class QueryRows(Generic[Record]):
    """Rows of a query. ``prepare`` sets on some of them what the query does not read."""

    def __init__(
        self,
        rows: QuerySet[Record],
        prepare: Callable[[Collection[Record]], None] = lambda _: None,
        count: int | None = None,
        total_of: str = "",
    ) -> None:
        self.rows, self.prepare, self.known_count, self.total_of = rows, prepare, count, total_of

    @property
    def count(self) -> int:
        return self.rows.count() if self.known_count is None else self.known_count

    @property
    def total(self) -> Decimal | None:
        if not self.total_of:
            return None
        return self.rows.aggregate(total=sum_of_pounds(self.total_of))["total"] or Decimal(0)

    def some(self, start: int, stop: int) -> list[Record]:
        found = list(self.rows[start:stop])
        self.prepare(found)
        return found

    def __iter__(self) -> Iterator[Record]:
        for keys in key_batches(self.rows):
            found = list(self.rows.filter(pk__in=keys))
            self.prepare(found)
            yield from found


class ListedRows(Generic[Row]):
    """Rows that are worked out all at once, because each depends on others."""

    def __init__(self, rows: Sequence[Row], total: Decimal | None = None) -> None:
        self.rows, self.total = rows, total

    @property
    def count(self) -> int:
        return len(self.rows)

    def some(self, start: int, stop: int) -> Sequence[Row]:
        return self.rows[start:stop]

    def __iter__(self) -> Iterator[Row]:
        for batch in in_batches(self.rows):
            yield from batch


@dataclass(frozen=True)
class Dataset(Generic[Row]):
    """A list that is published as data."""

    # In its addresses, which never change: /data/events/, /api/v1/events/ and, at the root of the site, /events.csv.
    name: str
    title: str
    about: str  # what one row is, and which rows there are
    columns: Sequence[Column[Row]]
    key: Sequence[str]  # the columns that tell one row from all others
    filters: Callable[[QueryDict], Filters]
    rows: Callable[[Any], Rows[Row]]  # those that its filters leave
    changed: Callable[[], datetime | None]  # when a row was last changed, as far as that is recorded
    page: str  # the name of the URL of the page that shows the list
    keywords: Sequence[str] = ()
    parts: Callable[[], Sequence[tuple[str, str]]] | None = None  # if no one page lists all: the names and addresses
    total_of: str = ""  # the column of pounds whose sum means something
    is_money: bool = False  # of the ledger: under the licence of the data on funding, in pounds, as at a day


def last_changed(*models: Any) -> Callable[[], datetime | None]:
    """When a published row of these models was last saved, by their history."""

    def changed() -> datetime | None:
        days = []
        for model in models:
            history = model.history.all()
            if hasattr(model, "state"):
                history = history.filter(**published())
            days.append(history.aggregate(last=Max("history_date"))["last"])
        return max((day for day in days if day), default=None)

    return changed


def last_recorded(*models: Any) -> Callable[[], datetime | None]:
    """When the last row of these models, which are never changed, was recorded."""

    def recorded() -> datetime | None:
        days = [model._default_manager.aggregate(last=Max("recorded_at"))["last"] for model in models]
        return max((day for day in days if day), default=None)

    return recorded


# Columns that many datasets have --------------------------------------------------------------------------------------


def join_values(texts: Any) -> str:
    """Several values in one cell."""
    return "; ".join(text for text in map(str, texts) if text)


def public_name(related: Any) -> str:
    """The name of a related record; empty if there is none, or if it is a draft."""
    return str(related) if related is not None and getattr(related, "is_public", True) else ""


def public_slug(related: Any) -> str:
    return related.slug if related is not None and related.is_public else ""


def page_column(meaning: str = "Its page on this site", of: Callable[[Any], Any] = lambda row: row) -> Column[Any]:
    """The address of the page of a row, or of the record that it is about."""
    return Column("url", meaning, lambda row: full_url(of(row).get_absolute_url()), Type.ADDRESS, "Address")


def source_columns() -> list[Column[Any]]:
    """Where a record was stated, and when that was true; the rows need their source."""
    return [
        Column("stated_in", "The publication that states it", lambda row: public_name(row.source)),
        Column(
            "stated_at", "Where in that publication", lambda row: row.source_location, title="Place in the publication"
        ),
        Column(
            "as_at",
            "The date on which this was true, according to the source",
            lambda row: row.as_at,
            Type.DATE,
            "As at",
        ),
        Column("checked_on", "The date on which the unit last confirmed it", lambda row: row.checked_on, Type.DATE),
    ]


# Table Schema ---------------------------------------------------------------------------------------------------------


def table_schema(dataset: Dataset[Any], columns: Sequence[Column[Any]]) -> dict[str, Any]:
    """These columns of a dataset as a Table Schema (specs.frictionlessdata.io/table-schema), which its CSV passes."""
    return {
        "fields": [field_of(dataset, column) for column in columns],
        "primaryKey": list(dataset.key),
        "missingValues": [""],
    }


def field_of(dataset: Dataset[Any], column: Column[Any]) -> dict[str, Any]:
    kind = {"type": "string", "format": "uri"} if column.type == Type.ADDRESS else {"type": column.type.value}
    required = {"constraints": {"required": True}} if [column.name] == list(dataset.key) else {}
    derived = {"derived": f"Derived from {column.derived}"} if column.derived else {}
    return {"name": column.name, "title": column.heading, "description": column.about, **kind, **required, **derived}
