from factory.declarations import LazyAttribute, Sequence, SubFactory

from events.choices import ItemKind
from events.models import AgendaItem, Appearance, Event
from tests.support.factories.base import DAY, PublishedFactory, SourcedFactory
from tests.support.factories.partners import PersonFactory


class EventFactory(PublishedFactory):
    class Meta:
        model = Event

    title = Sequence("Moor day {}".format)
    short_title = "Moor day"
    slug = Sequence("moor-day-{}".format)
    held_on = DAY
    summary = "A day on the moor."


class AgendaItemFactory(SourcedFactory):
    class Meta:
        model = AgendaItem

    event = SubFactory(EventFactory)
    position = LazyAttribute(lambda item: item.event.items.count() + 1)
    title = Sequence("Talk {}".format)
    kind = ItemKind.TALK


class AppearanceFactory(SourcedFactory):
    class Meta:
        model = Appearance

    item = SubFactory(AgendaItemFactory)
    person = SubFactory(PersonFactory)
    position = Sequence(int)
