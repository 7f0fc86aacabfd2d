"""An event's agenda, as its page, its files and the brochure show it."""

from collections import defaultdict

from django.db.models import QuerySet

from events.models import AgendaItem, Appearance, Event
from vru_portal.web.prepared_queries import prepared


def agenda_items(event: Event) -> list[AgendaItem]:
    """The items in the order of the agenda, each with its public appearances in `public_appearances`."""
    by_item = defaultdict(list)
    for appearance in appearances_at(event):
        by_item[appearance.item_id].append(appearance)
    items = items_of(event)
    for item in items:
        item.event = event
        item.public_appearances = by_item[item.pk]  # type: ignore[attr-defined]
        for appearance in by_item[item.pk]:
            appearance.item = item
    return items


@prepared
def items_of(event: Event) -> QuerySet[AgendaItem]:
    return AgendaItem.objects.filter(event=event).select_related("source")


@prepared
def appearances_at(event: Event) -> QuerySet[Appearance]:
    return Appearance.objects.public().filter(item__event=event).with_names()
