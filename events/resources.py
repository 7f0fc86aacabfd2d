"""Import and export of events. ``key`` names the columns that say which record a row is about."""

from events.models import AgendaItem, Appearance, Event
from vru_portal.tabular.records.resources import record_resource

EventResource = record_resource(Event)
AgendaItemResource = record_resource(AgendaItem, key=("event", "position"))
AppearanceResource = record_resource(Appearance, key=("item", "person", "organisation"))
