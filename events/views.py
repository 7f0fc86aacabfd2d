from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from events.choices import ItemKind
from events.models import Event
from vru_portal.pages import page_of
from vru_portal.structured_data import json_ld


def events(request: HttpRequest) -> HttpResponse:
    """What is to come and what has been."""
    rows, today = Event.objects.public().select_related("source"), timezone.localdate()
    page = page_of(request, rows.past(today))
    upcoming = rows.upcoming(today) if page.number == 1 else rows.none()
    return render(request, "events/events.html", {"upcoming": upcoming, "page": page})


def event(request: HttpRequest, slug: str) -> HttpResponse:
    """An event with its agenda: numbered items, then closed sessions."""
    found = get_object_or_404(Event.objects.public().select_related("source"), slug=slug)
    items = list(found.items.with_appearances())
    place = {"@type": "Place", "name": found.location} if found.location else None
    return render(
        request,
        "events/event.html",
        {
            "event": found,
            "agenda": [item for item in items if item.kind != ItemKind.CLOSED],
            "closed": [item for item in items if item.kind == ItemKind.CLOSED],
            "json_ld": json_ld("Event", name=found.title, startDate=found.held_on.isoformat(), location=place),
        },
    )
