"""What has changed in an event since it was published, read from the history of its rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from events.choices import EventStatus, ItemKind
from events.models import AgendaItem, Appearance, Event
from partners.models import Organisation, Person
from vru_portal.publishing.history import LOADED
from vru_portal.publishing.state import State
from vru_portal.text.dates import format_date, format_date_range, format_time_range
from vru_portal.web.prepared_queries import prepared


@dataclass(frozen=True)
class Change:
    """One fact that is not what it was when the event was published; `before` or `after` is empty if there was none."""

    what: str
    before: str
    after: str
    changed_on: date | None  # None for what a preview shows and nobody has published


@dataclass
class Revision:
    """How often an event has changed, drafts included, and when it last did."""

    number: int = 0
    changed_at: datetime | None = None

    def add(self, number: int, changed_at: datetime) -> None:
        self.number += number
        self.changed_at = max(self.changed_at or changed_at, changed_at)


Describe = Callable[[Any], str]
# How the facts are described, of a row and of an earlier version of it alike.
EVENT_FACTS: dict[str, Describe] = {
    "Title": lambda row: row.title,
    "Date": lambda row: format_date_range(row.held_on, row.ends_on),
    "Time": lambda row: format_time_range(row.starts_at, row.ends_at) or row.times,
    "Status": lambda row: EventStatus(row.status).label,
    "Venue": lambda row: row.venue,
    "Town or city": lambda row: row.place,
}
ITEM_FACTS: dict[str, Describe] = {
    "title": lambda row: row.title,
    "day": lambda row: format_date(row.day) if row.day else "",
    "time": lambda row: format_time_range(row.starts_at, row.ends_at) or row.times,
}
PLACE_FACTS: dict[str, Describe] = {"number": lambda row: str(row.position)}


def revisions_of(events: Iterable[Event]) -> dict[int, Revision]:
    """The revision of each event by its key, from all versions of its rows, those of removed items included."""
    found = {event.pk: Revision() for event in events}
    last: dict[str, Any] = {"number": Count("history_id"), "changed_at": Max("history_date")}
    keys = list(found)
    for key, number, at in Event.history.filter(id__in=keys).order_by().values_list("id").annotate(**last):
        found[key].add(number, at)
    event_of_item = {}
    items = AgendaItem.history.filter(event_id__in=keys).order_by()
    for event, item, number, at in items.values_list("event_id", "id").annotate(**last):
        found[event].add(number, at)
        event_of_item[item] = event
    appearances = Appearance.history.filter(item_id__in=items.values("id")).order_by()
    for item, number, at in appearances.values_list("item_id").annotate(**last):
        found[event_of_item[item]].add(number, at)
    return found


def changes_since_publication(event: Event, items: Iterable[AgendaItem]) -> list[Change]:
    """What differs from the event as it was first published, in the order of the agenda.

    ``items`` are those of the event with their appearances prefetched into `public_appearances`.
    """
    versions = versions_of(event)
    first = next((version for version in versions if version.state == State.PUBLISHED), None)
    if first is None:
        return []
    changes = differences(EVENT_FACTS, first, event, versions)
    item_versions: dict[int, list[Any]] = {}
    for version in versions_of_items(event):
        item_versions.setdefault(version.id, []).append(version)
    published = {key: as_published(rows, first.history_date) for key, rows in item_versions.items()}
    appearances = appearance_changes(event, items, first.history_date)
    moved = moved_items(items, published)
    for item in items:
        rows = item_versions.get(item.pk, [])
        before = published.get(item.pk)
        if before is None:
            since = local_day(rows[0].history_date) if rows else None
            changes.append(Change("Added to the agenda", "", item.title, since))
            continue
        facts = ITEM_FACTS | PLACE_FACTS if item.pk in moved else ITEM_FACTS
        item_changes = differences(facts, before, item, rows) + appearances.get(item.pk, [])
        changes += [Change(f"“{item.title}”, {c.what}", c.before, c.after, c.changed_on) for c in item_changes]
    changes += removed_items(published, item_versions, {item.pk for item in items})
    return changes


@prepared
def versions_of(event: Event) -> QuerySet[Any]:
    return Event.history.filter(id=event).order_by("history_date", "history_id")


@prepared
def versions_of_items(event: Event) -> QuerySet[Any]:
    return AgendaItem.history.filter(event_id=event).order_by("history_date", "history_id")


@prepared
def versions_of_appearances(event: Event) -> QuerySet[Any]:
    """The versions of all appearances, those in items that were removed since included."""
    items = AgendaItem.history.filter(event_id=event).order_by().values("id")
    return Appearance.history.filter(item_id__in=items).order_by("history_date", "history_id")


def as_published(versions: list[Any], published_at: datetime) -> Any:
    """The version of a row that was published with its event; None if there was none, or it was removed again."""
    earlier = [v for v in versions if v.history_date <= published_at or v.history_change_reason == LOADED]
    return earlier[-1] if earlier and earlier[-1].history_type != "-" else None


def differences(facts: dict[str, Describe], before: Any, now: Any, versions: list[Any]) -> list[Change]:
    """The facts that differ, each with the day on which it last changed."""
    changes = []
    for what, describe in facts.items():
        old, new = describe(before), describe(now)
        if old != new:
            changes.append(Change(what, old, new, day_of_value(describe, new, versions)))
    return changes


def day_of_value(describe: Describe, value: str, versions: list[Any]) -> date | None:
    since = None
    for version in reversed(versions):
        if describe(version) != value:
            break
        since = local_day(version.history_date)
    return since


def moved_items(items: Iterable[AgendaItem], published: dict[int, Any]) -> set[int]:
    """The keys of the items that were put in another order.

    Numbers that changed only because items were added or removed do not count, and closed sessions have no number.
    """
    kept = [
        item for item in items if (before := published.get(item.pk)) and ItemKind.CLOSED not in (item.kind, before.kind)
    ]
    now = sorted(kept, key=lambda item: item.position)
    earlier = sorted(kept, key=lambda item: published[item.pk].position)
    return {item.pk for item, before in zip(now, earlier, strict=True) if item.pk != before.pk}


def removed_items(published: dict[int, Any], versions: dict[int, list[Any]], present: set[int]) -> list[Change]:
    changes = []
    for key, before in published.items():
        if before is not None and key not in present:
            last = versions[key][-1]
            day = local_day(last.history_date) if last.history_type == "-" else None
            changes.append(Change("Removed from the agenda", before.title, "", day))
    return changes


def appearance_changes(event: Event, items: Iterable[AgendaItem], at: datetime) -> dict[int, list[Change]]:
    """Who has joined or left each item, as far as the public may know them."""
    versions: dict[tuple[int, int], list[Any]] = {}
    for row in versions_of_appearances(event):
        versions.setdefault((row.item_id, row.id), []).append(row)
    left: dict[int, list[tuple[Any, date]]] = {}
    joined: dict[int, date] = {}
    for (item, key), rows in versions.items():
        before = as_published(rows, at)
        if before is not None and rows[-1].history_type == "-":
            left.setdefault(item, []).append((before, local_day(rows[-1].history_date)))
        elif before is None:
            joined[key] = local_day(rows[0].history_date)
    names = public_names([row for rows in left.values() for row, _ in rows])
    changes: dict[int, list[Change]] = {}
    for part in items:
        shown = {(row.person_id, row.organisation_id) for row in part.public_appearances}  # type: ignore[attr-defined]
        gone = {(row.person_id, row.organisation_id): day for row, day in left.get(part.pk, [])}
        was = set(gone)
        found = changes.setdefault(part.pk, [])
        for row in part.public_appearances:  # type: ignore[attr-defined]
            # Somebody who was taken out and put in again has neither left nor joined.
            if row.pk in joined and (row.person_id, row.organisation_id) not in was:
                found.append(Change("who appears", "", str(row), joined[row.pk]))
        for who, day in gone.items():
            if who not in shown and who in names:
                found.append(Change("who appears", names[who], "", day))
    return changes


def public_names(rows: list[Any]) -> dict[tuple[int | None, int | None], str]:
    """The names of people and organisations, by the keys of both, without those the public may not see."""
    if not rows:
        return {}
    people = Person.objects.public().filter(pk__in=[row.person_id for row in rows if row.person_id])
    bodies = Organisation.objects.public().filter(pk__in=[row.organisation_id for row in rows if row.organisation_id])
    return {(person.pk, None): str(person) for person in people} | {(None, body.pk): str(body) for body in bodies}


def local_day(moment: datetime) -> date:
    return timezone.localdate(moment)
