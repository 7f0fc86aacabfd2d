"""The events that search finds."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet

from events.models import AgendaItem, Appearance, Event
from partners.searchable import joined
from vru_portal.publishing.state import published
from vru_portal.search.documents import ResultKind, Searchable, SearchDocument
from vru_portal.text.dates import format_date, format_date_range

MAX_DAYS_NAMED = 31  # of one event: somebody who types a date is not looking for an event that lasts a year
EVENT_WORDS = ("agenda", "calendar", "date", "event", "programme", "speakers", "venue")


def event(row: Event) -> SearchDocument:
    where = f", {row.location}" if row.location else ""
    return SearchDocument(
        row.title,
        row.get_absolute_url(),
        f"{format_date_range(row.held_on, row.ends_on)}{where}. {row.summary}",
        (
            row.short_title,
            *(format_date(day) for day in days_of(row)),
            *(f"{row.short_title} {word}" for word in EVENT_WORDS),
            *(f"Who {spoke} at the {row.short_title}" for spoke in ("spoke", "speaks")),
        ),
        row.times,
    )


def days_of(row: Event) -> list[date]:
    return [
        row.held_on + timedelta(number) for number in range(min((row.last_day - row.held_on).days + 1, MAX_DAYS_NAMED))
    ]


def items() -> QuerySet[AgendaItem]:
    appearances = Appearance.objects.public().select_related("person", "organisation", "post__organisation")
    rows = AgendaItem.objects.filter(**published("event")).select_related("event").order_by("pk")
    return rows.prefetch_related(Prefetch("appearances", appearances, to_attr="public_appearances"))


def item(row: AgendaItem) -> SearchDocument:
    appearances: list[Any] = row.public_appearances  # type: ignore[attr-defined]
    who = "; ".join(", ".join(filter(None, described(appearance))) for appearance in appearances)
    return SearchDocument(
        row.title,
        f"{row.event.get_absolute_url()}#item-{row.position}",
        f"{row.event.short_title}{f': {who}' if who else ''}",  # not its number, which a search may take for an age
        (),
        joined((row.text, row.event.title)),
    )


def described(appearance: Appearance) -> tuple[str, str]:
    post = appearance.post
    return str(appearance), post.described if post else appearance.description


SEARCHABLES = (
    Searchable(ResultKind.EVENT, Event.objects.public, event),
    Searchable(ResultKind.EVENT, items, item, weight=0.5),
)
