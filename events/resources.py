"""Files of events: which field of each says which record a row is about."""

from events.models import AgendaItem, Appearance, Event
from vru_portal.record_resource import RecordResource


class EventResource(RecordResource):
    """Events, without their agendas."""

    model = Event


class AgendaItemResource(RecordResource):
    """Items of agendas, by their places."""

    model = AgendaItem
    key = ("event", "position")


class AppearanceResource(RecordResource):
    """Who appears in an item."""

    model = Appearance
    key = ("item", "person", "organisation")
