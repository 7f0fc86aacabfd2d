"""Made-up records for tests of rules: no fact of any real unit stands here."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from events.choices import ItemKind
from events.declarations.models import Declaration, DeclarationVersion
from events.models import AgendaItem, Appearance, Event
from funding.models import Contributor, FinancialYear, FundingSource
from partners.choices import ContactKind, Seat
from partners.models import (
    ContactPoint,
    Organisation,
    Person,
    Post,
    Publication,
    Sector,
    Statement,
    Unit,
)
from programmes.choices import Mark, Slot
from programmes.models import (
    Area,
    Audience,
    Initiative,
    Passage,
    Predecessor,
    PreventionLevel,
    Setting,
    Story,
    SuccessCondition,
    Term,
)
from vru_portal.publishing import State

DAY = date(2031, 5, 6)


class RecordFactory(DjangoModelFactory[Any]):
    """Calling a factory gives a record, which a type checker cannot see."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def __new__(cls, **fields: Any) -> Any: ...

        @classmethod
        def build(cls, **fields: Any) -> Any: ...

        @classmethod
        def create_batch(cls, size: int, **fields: Any) -> list[Any]: ...


class SectorFactory(RecordFactory):
    class Meta:
        model = Sector

    name = Sequence("Sector {}".format)
    slug = Sequence("sector-{}".format)


class PublicationFactory(RecordFactory):
    class Meta:
        model = Publication
        skip_postgeneration_save = True

    title = Sequence("Plan {}".format)
    slug = Sequence("plan-{}".format)
    published_on = DAY
    state = State.PUBLISHED


class SourcedFactory(RecordFactory):
    """Each record has a publication of its own, so that a page that asks for them one by one is found out."""

    class Meta:
        abstract = True

    source = SubFactory(PublicationFactory)
    source_location = "Chapter 7"
    as_at = DAY


class PublishedFactory(SourcedFactory):
    class Meta:
        abstract = True

    state = State.PUBLISHED


class OrganisationFactory(PublishedFactory):
    class Meta:
        model = Organisation

    name = Sequence("Body {}".format)
    slug = Sequence("body-{}".format)
    summary = "Mends *bridges*."


class UnitFactory(SourcedFactory):
    class Meta:
        model = Unit

    organisation = SubFactory(OrganisationFactory, name="Moor Partnership", slug="moor-partnership")
    region = "The Moor"
    slogan = "Paths are made by walking"
    slogan_emphasis = "walking"
    description = "What the moor does against violence."


class ContactPointFactory(SourcedFactory):
    class Meta:
        model = ContactPoint

    unit = LazyFunction(lambda: Unit.objects.get())
    kind = ContactKind.EMAIL
    value = Sequence("desk{}@moor.example.org".format)
    position = Sequence(int)


class PersonFactory(PublishedFactory):
    class Meta:
        model = Person

    name = Sequence("Robin Vale {}".format)
    family_name = "Vale"
    slug = Sequence("robin-vale-{}".format)


class PostFactory(SourcedFactory):
    class Meta:
        model = Post

    person = SubFactory(PersonFactory)
    title = Sequence("Warden {}".format)
    organisation = SubFactory(OrganisationFactory)
    position = Sequence(int)


class StatementFactory(PublishedFactory):
    class Meta:
        model = Statement

    title = Sequence("Message {}".format)
    slug = Sequence("message-{}".format)
    speaker = SubFactory(PersonFactory)
    quote = "A path is everybody's."
    summary = "Why paths matter."
    text = "Robin Vale says that paths matter."
    position = Sequence(int)


class LevelFactory(PublishedFactory):
    class Meta:
        model = PreventionLevel

    name = Sequence("Level{}".format)
    slug = Sequence("level-{}".format)
    position = Sequence(lambda number: number + 1)
    mark = LazyFunction(
        lambda: next(mark for mark in Mark.values if mark not in PreventionLevel.objects.values_list("mark", flat=True))
    )
    moment = "At dawn"
    summary = "Begin early."
    definition = "Work that begins **early**."


class ConditionFactory(PublishedFactory):
    class Meta:
        model = SuccessCondition

    number = Sequence(lambda number: number + 1)
    title = "Everybody walks"
    text = "Each path has a keeper."


class AudienceFactory(RecordFactory):
    class Meta:
        model = Audience

    name = Sequence("Audience {}".format)
    slug = Sequence("audience-{}".format)


class SettingFactory(RecordFactory):
    class Meta:
        model = Setting

    name = Sequence("Setting {}".format)
    slug = Sequence("setting-{}".format)


class AreaFactory(RecordFactory):
    class Meta:
        model = Area

    name = Sequence("Area {}".format)
    slug = Sequence("area-{}".format)


class InitiativeFactory(PublishedFactory):
    class Meta:
        model = Initiative
        skip_postgeneration_save = True

    name = Sequence("Night walk {}".format)
    slug = Sequence("night-walk-{}".format)
    level = SubFactory(LevelFactory)
    position = Sequence(int)
    summary = "Neighbours walk together."
    description = "A walk *every* Friday."


class PredecessorFactory(PublishedFactory):
    class Meta:
        model = Predecessor

    title = Sequence("Older path {}".format)
    position = Sequence(int)


class TermFactory(PublishedFactory):
    class Meta:
        model = Term

    name = Sequence("Word {}".format)
    slug = Sequence("word-{}".format)
    definition = "What it means."


class PassageFactory(PublishedFactory):
    class Meta:
        model = Passage

    slot = Slot.HOME_LEAD
    title = "In our words"
    body = "We keep the paths."


class StoryFactory(PublishedFactory):
    class Meta:
        model = Story

    title = Sequence("News {}".format)
    slug = Sequence("news-{}".format)
    summary = "A path was opened."
    body = "It was **long**."
    published_on = DAY


class YearFactory(SourcedFactory):
    class Meta:
        model = FinancialYear

    first_year = Sequence(lambda number: 2040 + number % 50)


class FundingSourceFactory(SourcedFactory):
    class Meta:
        model = FundingSource

    year = SubFactory(YearFactory)
    name = Sequence("Chest {}".format)
    slug = Sequence("chest-{}".format)
    amount = Decimal("1250.50")
    stated_as = "£1,250.50"
    position = Sequence(int)


class ContributorFactory(RecordFactory):
    class Meta:
        model = Contributor

    funding_source = SubFactory(FundingSourceFactory)
    organisation = SubFactory(OrganisationFactory)


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


class DeclarationFactory(RecordFactory):
    class Meta:
        model = Declaration

    title = Sequence("Promise {}".format)
    slug = Sequence("promise-{}".format)


class VersionFactory(SourcedFactory):
    class Meta:
        model = DeclarationVersion

    declaration = SubFactory(DeclarationFactory)
    number = LazyAttribute(lambda version: version.declaration.versions.count() + 1)
    text = "We keep the paths."


def furnish(rows: int) -> None:
    """Make a unit with this many rows of everything, each tied to everything else that it can be tied to."""
    unit = UnitFactory(colour_ink="#0b3d2e", colour_accent="#ffd166")
    year = YearFactory(first_year=2031)
    event = EventFactory(title="Opening", slug="opening", held_on=date(2031, 5, 7))
    declaration = DeclarationFactory(event=event)
    level = LevelFactory(slug="first")
    initiative = None
    for number in range(rows):
        group = OrganisationFactory(is_group=True)
        body = OrganisationFactory(sector=SectorFactory(), represents=group, website="https://body.example.org/")
        person = PersonFactory()
        post = PostFactory(person=person, organisation=body, seat=Seat.EXECUTIVE)
        PostFactory(person=PersonFactory(), organisation=unit.organisation, seat=Seat.TEAM)
        PostFactory(organisation=group)
        PostFactory(organisation=None)
        ContactPointFactory(unit=unit)
        publication = PublicationFactory(issued_by=body)
        publication.authors.add(person, PersonFactory())
        StatementFactory(speaker=person)
        here = level if number == 0 else LevelFactory()
        ConditionFactory(level=level)
        TermFactory(defined_by=body, level=here, defines_violence=number == 0)
        PredecessorFactory(organisation=body, publication=publication)
        StoryFactory()
        initiative = InitiativeFactory(
            level=level,
            lead_organisation=body,
            audience_text="Walkers",
            setting_text="Paths",
            area_text="The moor",
            sensitive_topic="storms",
            safety_notice="Stay inside.",
        )
        initiative.partners.add(group, body)
        initiative.audiences.add(AudienceFactory())
        initiative.settings.add(SettingFactory())
        initiative.areas.add(AreaFactory())
        if number:
            FundingSourceFactory(year=YearFactory(first_year=2020 + number))
        source = FundingSourceFactory(year=year)
        ContributorFactory(funding_source=source, organisation=body)
        ContributorFactory(funding_source=source, organisation=None, post=post)
        item = AgendaItemFactory(event=event)
        AppearanceFactory(item=item, person=person, post=post)
        AppearanceFactory(item=item, person=None, organisation=group)
        closed = AgendaItemFactory(event=EventFactory(held_on=date(2019, 3, 4)), kind=ItemKind.CLOSED)
        AppearanceFactory(item=closed, person=person, post=post)
        VersionFactory(declaration=declaration)
    for slot in Slot.values:
        PassageFactory(slot=slot)
