from datetime import date, datetime, time
from typing import IO

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from events import calendars
from events.agenda import agenda_items
from events.agenda_history import changes_since_publication, revisions_of
from events.choices import EventStatus, ItemKind
from events.filters import EventFilters
from events.models import AgendaItem, Event
from partners.models import Unit
from vru_portal.text.typed_dates import local_moment
from vru_portal.web.addresses import full_url
from vru_portal.web.file_responses import file_response
from vru_portal.web.list_pages import ListPage
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.prepared_queries import first_or_404, prepared
from vru_portal.web.public_pages import public_page
from vru_portal.web.shared_files import file_state, shared_file_response
from vru_portal.web.structured_data import json_ld, reference

SCHEMA_STATUS = {
    EventStatus.ON: "https://schema.org/EventScheduled",
    EventStatus.POSTPONED: "https://schema.org/EventPostponed",
    EventStatus.CANCELLED: "https://schema.org/EventCancelled",
}


EVENTS = ListPage(
    title="Events",
    one="event",
    many="events",
    url="events:events",
    row_template="events/_event_in_list.html",
    dataset="events",
)


@public_page
def events(request: HttpRequest) -> HttpResponse:
    """List upcoming events on the first page, and past events page by page."""
    if EventFilters.is_asked_for(request.GET):
        filters = EventFilters(request.GET)
        return EVENTS.response(request, filters, filters.rows.select_related("source"))
    public_events, today = Event.objects.public().select_related("source"), timezone.localdate()
    page = get_page_or_404(request, public_events.past(today))
    upcoming = public_events.upcoming(today) if page.number == 1 else public_events.none()
    return render(request, "events/events.html", {"upcoming": upcoming, "page": page})


@public_page
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an event with its agenda: numbered items, then closed sessions; and what has changed in it."""
    unit, found = Unit.objects.current(), public_event(slug)
    items = agenda_items(found)
    return render(
        request,
        "events/event.html",
        {
            "unit": unit,
            "contact_points": unit.contact_list,
            "event": found,
            "agenda": [item for item in items if item.kind != ItemKind.CLOSED],
            "closed": [item for item in items if item.kind == ItemKind.CLOSED],
            "changes": changes_since_publication(found, items),
            "json_ld": event_structured_data(unit, found, items),
        },
    )


@require_safe
def events_calendar(request: HttpRequest) -> HttpResponseBase:
    """All events, for calendars that subscribe."""
    state = file_state()

    def make(file: IO[bytes]) -> None:
        rows = list(Event.objects.public().order_by("held_on", "pk"))
        file.write(calendars.events_calendar(Unit.objects.current(), rows, revisions_of(rows)))

    return shared_file_response(request, "events.ics", state, "events", make)


@public_page
@require_safe
def agenda_calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """An event and the items of its agenda whose times are stated, to be added to a calendar."""
    found = public_event(slug)
    revision = revisions_of([found])[found.pk]
    items = list(found.items.select_related("event"))
    content = calendars.agenda_calendar(Unit.objects.current(), found, items, revision)
    return file_response(content, f"{slug}.ics")


@public_page
@require_safe
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """An event and its agenda as JSON."""
    found = public_event(slug)
    items = agenda_items(found)
    revision = revisions_of([found])[found.pk]
    facts = calendars.schedule(found, items, revision, changes_since_publication(found, items))
    return JsonResponse(facts, json_dumps_params={"ensure_ascii": False, "indent": 1})


def public_event(slug: str) -> Event:
    return first_or_404(events_at(slug))


@prepared
def events_at(slug: str) -> QuerySet[Event]:
    return Event.objects.public().filter(slug=slug).select_related("source")


def event_structured_data(unit: Unit, event: Event, items: list[AgendaItem]) -> SafeString:
    appearances = [row for item in items for row in item.public_appearances]  # type: ignore[attr-defined]
    performers = {row.person or row.organisation: "Person" if row.person else "Organization" for row in appearances}
    place = {
        "@type": "Place",
        "name": event.venue or event.place,
        "address": {"@type": "PostalAddress", "name": event.location, "addressLocality": event.place or None},
    }
    return json_ld(
        "Event",
        name=event.title,
        url=full_url(event.get_absolute_url()),
        description=event.summary,
        startDate=date_or_moment(event.held_on, event.starts_at),
        endDate=date_or_moment(event.last_day, event.ends_at),
        eventStatus=SCHEMA_STATUS[EventStatus(event.status)],
        location=place if event.location else None,
        organizer=reference("Organization", unit.organisation),
        performer=[reference(kind, who) for who, kind in performers.items()],
    )


def date_or_moment(day: date, at: time | None) -> str:
    """A day, or the moment on it with its offset from UTC if a time is stated (ISO 8601)."""
    if at is None:
        return day.isoformat()
    moment: datetime = local_moment(day, at)
    return timezone.localtime(moment).isoformat()
