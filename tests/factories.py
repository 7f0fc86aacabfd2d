"""Made-up records for tests of rules: no fact of any real unit stands here."""

from datetime import date
from decimal import Decimal

import factory
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


class SectorFactory(DjangoModelFactory):
    class Meta:
        model = Sector

    name = factory.Sequence("Sector {}".format)
    slug = factory.Sequence("sector-{}".format)


class PublicationFactory(DjangoModelFactory):
    class Meta:
        model = Publication
        skip_postgeneration_save = True

    title = factory.Sequence("Plan {}".format)
    slug = factory.Sequence("plan-{}".format)
    published_on = DAY


class SourcedFactory(DjangoModelFactory):
    """Each record has a publication of its own, so that a page that asks for them one by one is found out."""

    class Meta:
        abstract = True

    source = factory.SubFactory(PublicationFactory)
    source_location = "Chapter 7"
    as_at = DAY


class PublishedFactory(SourcedFactory):
    class Meta:
        abstract = True

    state = State.PUBLISHED


class OrganisationFactory(PublishedFactory):
    class Meta:
        model = Organisation

    name = factory.Sequence("Body {}".format)
    slug = factory.Sequence("body-{}".format)
    summary = "Mends *bridges*."


class UnitFactory(SourcedFactory):
    class Meta:
        model = Unit

    organisation = factory.SubFactory(OrganisationFactory, name="Moor Partnership", slug="moor-partnership")
    region = "The Moor"
    slogan = "Paths are made by walking"
    slogan_emphasis = "walking"
    description = "What the moor does against violence."


class ContactPointFactory(SourcedFactory):
    class Meta:
        model = ContactPoint

    unit = factory.LazyFunction(lambda: Unit.objects.get())
    kind = ContactKind.EMAIL
    value = factory.Sequence("desk{}@moor.example.org".format)
    position = factory.Sequence(int)


class PersonFactory(PublishedFactory):
    class Meta:
        model = Person

    name = factory.Sequence("Robin Vale {}".format)
    family_name = "Vale"
    slug = factory.Sequence("robin-vale-{}".format)


class PostFactory(SourcedFactory):
    class Meta:
        model = Post

    person = factory.SubFactory(PersonFactory)
    title = factory.Sequence("Warden {}".format)
    organisation = factory.SubFactory(OrganisationFactory)
    position = factory.Sequence(int)


class StatementFactory(PublishedFactory):
    class Meta:
        model = Statement

    title = factory.Sequence("Message {}".format)
    slug = factory.Sequence("message-{}".format)
    speaker = factory.SubFactory(PersonFactory)
    quote = "A path is everybody's."
    summary = "Why paths matter."
    text = "Robin Vale says that paths matter."
    position = factory.Sequence(int)


class LevelFactory(PublishedFactory):
    class Meta:
        model = PreventionLevel

    name = factory.Sequence("Level{}".format)
    slug = factory.Sequence("level-{}".format)
    position = factory.Sequence(lambda number: number + 1)
    mark = factory.LazyFunction(
        lambda: next(mark for mark in Mark.values if mark not in PreventionLevel.objects.values_list("mark", flat=True))
    )
    moment = "At dawn"
    summary = "Begin early."
    definition = "Work that begins **early**."


class ConditionFactory(PublishedFactory):
    class Meta:
        model = SuccessCondition

    number = factory.Sequence(lambda number: number + 1)
    title = "Everybody walks"
    text = "Each path has a keeper."


class AudienceFactory(DjangoModelFactory):
    class Meta:
        model = Audience

    name = factory.Sequence("Audience {}".format)
    slug = factory.Sequence("audience-{}".format)


class SettingFactory(DjangoModelFactory):
    class Meta:
        model = Setting

    name = factory.Sequence("Setting {}".format)
    slug = factory.Sequence("setting-{}".format)


class AreaFactory(DjangoModelFactory):
    class Meta:
        model = Area

    name = factory.Sequence("Area {}".format)
    slug = factory.Sequence("area-{}".format)


class InitiativeFactory(PublishedFactory):
    class Meta:
        model = Initiative
        skip_postgeneration_save = True

    name = factory.Sequence("Night walk {}".format)
    slug = factory.Sequence("night-walk-{}".format)
    level = factory.SubFactory(LevelFactory)
    position = factory.Sequence(int)
    summary = "Neighbours walk together."
    description = "A walk *every* Friday."


class PredecessorFactory(PublishedFactory):
    class Meta:
        model = Predecessor

    title = factory.Sequence("Older path {}".format)
    position = factory.Sequence(int)


class TermFactory(PublishedFactory):
    class Meta:
        model = Term

    name = factory.Sequence("Word {}".format)
    slug = factory.Sequence("word-{}".format)
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

    title = factory.Sequence("News {}".format)
    slug = factory.Sequence("news-{}".format)
    summary = "A path was opened."
    body = "It was **long**."
    published_on = DAY


class YearFactory(SourcedFactory):
    class Meta:
        model = FinancialYear

    first_year = factory.Sequence(lambda number: 2040 + number % 50)


class FundingSourceFactory(SourcedFactory):
    class Meta:
        model = FundingSource

    year = factory.SubFactory(YearFactory)
    name = factory.Sequence("Chest {}".format)
    slug = factory.Sequence("chest-{}".format)
    amount = Decimal("1250.50")
    stated_as = "£1,250.50"
    position = factory.Sequence(int)


class ContributorFactory(DjangoModelFactory):
    class Meta:
        model = Contributor

    funding_source = factory.SubFactory(FundingSourceFactory)
    organisation = factory.SubFactory(OrganisationFactory)


class EventFactory(PublishedFactory):
    class Meta:
        model = Event

    title = factory.Sequence("Moor day {}".format)
    short_title = "Moor day"
    slug = factory.Sequence("moor-day-{}".format)
    held_on = DAY
    summary = "A day on the moor."


class AgendaItemFactory(SourcedFactory):
    class Meta:
        model = AgendaItem

    event = factory.SubFactory(EventFactory)
    position = factory.LazyAttribute(lambda item: item.event.items.count() + 1)
    title = factory.Sequence("Talk {}".format)
    kind = ItemKind.TALK


class AppearanceFactory(SourcedFactory):
    class Meta:
        model = Appearance

    item = factory.SubFactory(AgendaItemFactory)
    person = factory.SubFactory(PersonFactory)
    position = factory.Sequence(int)


class DeclarationFactory(DjangoModelFactory):
    class Meta:
        model = Declaration

    title = factory.Sequence("Promise {}".format)
    slug = factory.Sequence("promise-{}".format)


class VersionFactory(SourcedFactory):
    class Meta:
        model = DeclarationVersion

    declaration = factory.SubFactory(DeclarationFactory)
    number = factory.LazyAttribute(lambda version: version.declaration.versions.count() + 1)
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
        TermFactory(defined_by=body, level=here)
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
