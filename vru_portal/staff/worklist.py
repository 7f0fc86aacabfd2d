"""The worklist on staff's start page: what needs doing, with links to the lists where it is done.

Each app says in its own `worklist.py` what needs doing there. An item is shown only to those who may open its lists;
people who may look but not act see "View" instead of the action (see `link_label`).
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Count, Value
from django.http import HttpRequest


@dataclass(frozen=True)
class WorklistLink:
    """A link to a filtered list, with the number of rows that the list shows."""

    label: str
    url: str
    count: int | None = None


@dataclass(frozen=True)
class WorklistRow:
    """A single record that waits, with the page on which it is dealt with, and what was said about it."""

    label: str
    url: str
    text: str


@dataclass(frozen=True)
class WorklistItem:
    """One thing that needs doing."""

    heading: str
    explanation: str
    links: tuple[WorklistLink, ...]
    rows: tuple[WorklistRow, ...] = field(default=(), kw_only=True)
    urgent: bool = field(default=False, kw_only=True)

    @property
    def count(self) -> int | None:
        """How many rows its lists show together; None if there is nothing to count."""
        return sum(link.count or 0 for link in self.links) or len(self.rows) or None


def link_label(request: HttpRequest, permission: str, action: str) -> str:
    """The action, for a reader who may do it; “View” for others."""
    return action if request.user.has_perm(permission) else "View"


def item_unless_empty(
    heading: str, explanation: str, label: str, url: str, count: int, *, urgent: bool = False
) -> list[WorklistItem]:
    """An item that links to one list, or nothing if that list is empty."""
    return [WorklistItem(heading, explanation, (WorklistLink(label, url, count),), urgent=urgent)] if count else []


def count_rows(querysets: dict[Any, models.QuerySet[Any]]) -> dict[Any, int]:
    """Count the rows of several querysets in a single database query; the keys are the caller's."""
    selects = [
        rows.order_by().values(index_=Value(index)).annotate(count_=Count("pk")).values_list("index_", "count_")
        for index, rows in enumerate(querysets.values())
    ]
    counts = dict(selects[0].union(*selects[1:], all=True)) if selects else {}
    # An empty queryset yields no group, and so no row of the union.
    return {key: counts.get(index, 0) for index, key in enumerate(querysets)}
