"""Events as files for calendars (RFC 5545), and an agenda as JSON.

Nothing is made up for a calendar: an event without a stated time is a DATE, one without a stated end has none.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from events.agenda_history import Change, Revision
from events.choices import EventStatus
from events.models import AgendaItem, Event
from partners.models import Unit
from vru_portal.text.dates import iso_time
from vru_portal.text.typed_dates import local_moment
from vru_portal.web.addresses import full_url

REFRESHED = timedelta(hours=12)  # how often calendars that subscribe may ask again
CALENDAR_STATUS = {
    EventStatus.ON: "CONFIRMED",
    EventStatus.POSTPONED: "TENTATIVE",
    EventStatus.CANCELLED: "CANCELLED",
}
SUMMARY_BEGINS = {EventStatus.POSTPONED: "Postponed: ", EventStatus.CANCELLED: "Cancelled: "}


def events_calendar(unit: Unit, events: Iterable[Event], revisions: dict[int, Revision]) -> bytes:
    """All events in one file."""
    return as_file(unit, f"{unit.name}: events", [event_entry(event, revisions[event.pk]) for event in events])


def agenda_calendar(unit: Unit, event: Event, items: Sequence[AgendaItem], revision: Revision) -> bytes:
    """An event, with an entry for each item of its agenda whose time is stated."""
    entries = [event_entry(event, revision, items)]
    entries += [item_entry(event, item, item.starts, revision) for item in items if item.starts]
    return as_file(unit, event.title, entries)


def as_file(unit: Unit, name: str, entries: Iterable[icalendar.Event]) -> bytes:
    calendar = icalendar.Calendar()
    calendar.add("prodid", f"-//{unit.name}//Events//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESHED, parameters={"VALUE": "DURATION"})
    moments = []
    for entry in entries:
        calendar.add_component(entry)
        moments += [value.dt for key in ("dtstart", "dtend") if (value := entry.get(key)) and is_moment(value.dt)]
    if moments:
        # A zone is described for the days that the file is about.
        first, last = min(moments).date(), max(moments).date()
        calendar.add_missing_timezones(first - timedelta(days=366), last + timedelta(days=366))
    return calendar.to_ical()


def is_moment(value: date) -> bool:
    return isinstance(value, datetime)


def event_entry(event: Event, revision: Revision, items: Iterable[AgendaItem] = ()) -> icalendar.Event:
    entry = new_entry(event, revision, uid_of(event), event.title)
    first, last = event.held_on, event.last_day
    # An end on the last day needs a time; days and times do not mix (RFC 5545, 3.6.1).
    if event.starts_at and (event.ends_at or first == last):
        entry.add("dtstart", moment(first, event.starts_at))
        if event.ends_at:
            entry.add("dtend", moment(last, event.ends_at))
    else:
        entry.add("dtstart", first)
        entry.add("dtend", last + timedelta(days=1))  # the day after the last
        entry.add("transp", "TRANSPARENT")  # nobody knows that it takes the whole day
    lines = [event.status_note, event.summary, event.days, event.times]
    lines += map(str, items)  # numbered
    entry.add("description", "\n".join(line for line in lines if line))
    return entry


def item_entry(event: Event, item: AgendaItem, starts: datetime, revision: Revision) -> icalendar.Event:
    entry = new_entry(event, revision, f"agenda-item-{item.pk}@{settings.ADDRESS.host}", item.title)
    entry.add("dtstart", in_zone(starts))
    if item.ends_at and item.day_held:
        entry.add("dtend", moment(item.day_held, item.ends_at))
    entry.add("related-to", uid_of(event))
    if item.text:
        entry.add("description", item.text)
    return entry


def new_entry(event: Event, revision: Revision, uid: str, title: str) -> icalendar.Event:
    """What an event and an item of its agenda have in common."""
    entry = icalendar.Event()
    status = EventStatus(event.status)
    entry.add("uid", uid)
    entry.add("sequence", revision.number)
    # Without a history, the date on which its facts were true is the latest that is known.
    changed_at = revision.changed_at or datetime.combine(event.as_at, time(), UTC)
    entry.add("dtstamp", changed_at)
    entry.add("last-modified", changed_at)
    entry.add("summary", f"{SUMMARY_BEGINS.get(status, '')}{title}")
    entry.add("status", CALENDAR_STATUS[status])
    entry.add("url", full_url(event.get_absolute_url()))
    if event.location:
        entry.add("location", event.location)
    return entry


def uid_of(event: Event) -> str:
    """The identifier by which calendars recognise the event, whatever is changed in it."""
    return f"event-{event.pk}@{settings.ADDRESS.host}"


def moment(day: date, at: time) -> datetime:
    return in_zone(local_moment(day, at))


def in_zone(value: datetime) -> datetime:
    return value.astimezone(ZoneInfo(timezone.get_default_timezone_name()))


# JSON -----------------------------------------------------------------------------------------------------------------


def schedule(
    event: Event, items: Iterable[AgendaItem], revision: Revision, changes: Iterable[Change]
) -> dict[str, Any]:
    """An event and its agenda for `schedule.json`; None is what is not stated."""
    return {
        "title": event.title,
        "url": full_url(event.get_absolute_url()),
        "calendar": full_url(reverse("events:agenda_calendar", args=[event.slug])),
        "summary": event.summary,
        "status": event.status,
        "status_note": event.status_note or None,
        "first_day": event.held_on,
        "last_day": event.last_day,
        "days_as_stated": event.days or None,
        "starts_at": iso_time(event.starts_at),
        "ends_at": iso_time(event.ends_at),
        "times_as_stated": event.times or None,
        "time_zone": timezone.get_default_timezone_name(),
        "venue": event.venue or None,
        "place": event.place or None,
        "last_changed": revision.changed_at,
        **provenance(event),
        "items": [item_facts(item) for item in items],
        "changes_since_publication": [
            {"what": c.what, "before": c.before or None, "after": c.after or None, "changed_on": c.changed_on}
            for c in changes
        ],
    }


def item_facts(item: AgendaItem) -> dict[str, Any]:
    return {
        "position": item.position,
        "title": item.title,
        "kind": item.kind,
        "day": item.day_held,
        "starts_at": iso_time(item.starts_at),
        "ends_at": iso_time(item.ends_at),
        "times_as_stated": item.times or None,
        "text": item.text or None,
        "appearances": [appearance_facts(row) for row in item.public_appearances],  # type: ignore[attr-defined]
        **provenance(item),
    }


def appearance_facts(row: Any) -> dict[str, Any]:
    who = row.person or row.organisation
    return {
        "name": str(who),
        "url": full_url(who.get_absolute_url()),
        "post": row.post.described if row.post else None,
        "description": row.description or None,
    }


def provenance(fact: Any) -> dict[str, Any]:
    return {"source": fact.source.title, "source_location": fact.source_location or None, "as_at": fact.as_at}
