from typing import Any

from django import template
from django.db.models import QuerySet

from events.models import AgendaItem, Appearance, Event
from partners.models import Organisation, Person
from vru_portal.text.dates import NO_BREAK_SPACE, format_date_range, format_time_range
from vru_portal.web.prepared_queries import prepared

register = template.Library()


@register.filter
def days(event: Event) -> str:
    """The days of an event, without line breaks in them."""
    return format_date_range(event.held_on, event.ends_on).replace(" ", NO_BREAK_SPACE)


@register.filter
def clock(event_or_item: Event | AgendaItem) -> str:
    """The stated start and end of an event or an item of its agenda; empty if no time is stated."""
    return format_time_range(event_or_item.starts_at, event_or_item.ends_at)


@register.simple_tag
def appearances_of(person_or_organisation: Organisation | Person) -> list[Appearance]:
    """Public appearances of a person, or of an organisation and its people, the latest event first."""
    return appearances(person_or_organisation, by_person=isinstance(person_or_organisation, Person))


@prepared
def appearances(who: Any, *, by_person: bool) -> QuerySet[Appearance]:
    rows = Appearance.objects.public().select_related("person", "item__event", "source")
    rows = rows.of_person(who) if by_person else rows.of_organisation(who)
    return rows.order_by("-item__event__held_on", "item__position", "position")
