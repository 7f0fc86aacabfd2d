"""Filters of events."""

from datetime import date
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone

from events.models import Event
from events.querysets import EventQuerySet
from vru_portal.web.facets import AnyFacet, FacetedFilters, QueryFacet, year_facet
from vru_portal.web.filters import Order


def to_come(rows: Any) -> QuerySet[Event]:
    return rows.upcoming(today())


def past(rows: Any) -> QuerySet[Event]:
    return rows.past(today())


def today() -> date:
    return timezone.localdate()


class EventFilters(FacetedFilters):
    """The events, past and to come."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "when": QueryFacet("When", {"upcoming": ("Upcoming", to_come), "past": ("Past", past)}),
        "year": year_facet("Year", "held_on"),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "latest": Order("Latest first", ("-held_on", "title")),
        "earliest": Order("Earliest first", ("held_on", "title")),
    }
    SEARCHED = ("title", "summary", "venue", "place")

    def public_rows(self) -> EventQuerySet:
        return Event.objects.public()
