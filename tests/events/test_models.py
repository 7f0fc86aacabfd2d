from datetime import date, time

import pytest
from django.core.exceptions import ValidationError

from events.declarations.models import Declaration, DeclarationVersion
from events.models import AgendaItem, Appearance, Event
from events.rules import check_agenda
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    DeclarationFactory,
    EventFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    VersionFactory,
)
from tests.support.refusals import refused_by_the_database, refused_in_words

pytestmark = pytest.mark.django_db


def test_a_place_in_an_agenda_is_taken_once():
    first = AgendaItemFactory()
    second = AgendaItemFactory(event=first.event)
    assert (first.position, second.position) == (1, 2)
    refused_by_the_database(second, position=1)
    assert "already exists" in str(refused_in_words(second, position=1))
    assert AgendaItemFactory().position == 1  # another event's


def test_an_agenda_counts_from_one_in_kinds_that_there_are():
    item = AgendaItemFactory()
    refused_by_the_database(item, position=0)
    refused_by_the_database(item, kind="concert")
    assert "position" in refused_in_words(AgendaItem.objects.get(), position=0)
    assert "kind" in refused_in_words(AgendaItem.objects.get(), kind="concert")


def test_who_appears_is_a_person_or_a_body():
    appearance = AppearanceFactory()
    body = OrganisationFactory()
    expected = {"__all__": ["Choose a person (and their post), or an organisation if no person is named."]}
    refused_by_the_database(appearance, organisation=body)
    refused_by_the_database(appearance, person=None)
    assert refused_in_words(Appearance.objects.get(), organisation=body) == expected
    assert refused_in_words(Appearance.objects.get(), person=None) == expected
    of_body = AppearanceFactory(person=None, organisation=body)
    refused_by_the_database(of_body, post=PostFactory())


def test_the_post_is_the_persons_own():
    appearance = AppearanceFactory(person=PersonFactory(name="Robin Vale"))
    appearance.post = PostFactory(person=appearance.person)
    appearance.full_clean()
    said = refused_in_words(appearance, post=PostFactory(person__name="Kit Ford"))
    assert said == {"post": ["This post belongs to Kit Ford, not Robin Vale."]}


def test_nobody_appears_twice_in_one_item():
    one = AppearanceFactory()
    other = AppearanceFactory(item=one.item)
    refused_by_the_database(other, person=one.person)
    assert "already exists" in str(refused_in_words(other, person=one.person))
    body = AppearanceFactory(item=one.item, person=None, organisation=OrganisationFactory())
    twin = AppearanceFactory(item=one.item, person=None, organisation=OrganisationFactory())
    refused_by_the_database(twin, organisation=body.organisation)
    assert "already exists" in str(refused_in_words(twin, organisation=body.organisation))


def test_there_is_no_third_state():
    event = EventFactory()
    refused_by_the_database(event, state="hidden")
    assert "state" in refused_in_words(event, state="hidden")


def test_an_event_is_somewhere_as_far_as_it_is_stated():
    assert EventFactory.build(source=None, venue="The Barn", place="Moor").location == "The Barn, Moor"
    assert EventFactory.build(source=None, venue="", place="Moor").location == "Moor"
    assert EventFactory.build(source=None).location == ""


def agenda(*items):
    event = EventFactory(title="Moor day")
    for position, kind in items:
        AgendaItemFactory(event=event, position=position, kind=kind, title=f"Item {position}")
    return event


@pytest.mark.parametrize(
    "items",
    [
        [],
        [(1, "talk")],
        [(1, "pause"), (2, "talk"), (3, "ceremony")],
        [(1, "talk"), (2, "closed"), (3, "closed")],
    ],
)
def test_an_agenda_in_order_holds(items):
    check_agenda(event=agenda(*items))


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([(2, "talk")], "The agenda of Moor day has no item 1. “Item 2” is number 2."),
        ([(1, "talk"), (3, "talk")], "The agenda of Moor day has no item 2. “Item 3” is number 3."),
        (
            [(1, "closed"), (2, "talk")],
            "“Item 2” comes after a closed session of Moor day. Put closed sessions last.",
        ),
    ],
)
def test_an_agenda_with_a_gap_or_a_talk_after_a_closed_session_is_refused(items, said):
    with pytest.raises(ValidationError) as caught:
        check_agenda(event=agenda(*items))
    assert caught.value.messages == [said]


def test_a_version_is_numbered_from_one_and_each_once():
    first = VersionFactory()
    second = VersionFactory(declaration=first.declaration)
    assert (first.number, second.number) == (1, 2)
    refused_by_the_database(second, number=1)
    assert "already exists" in str(refused_in_words(second, number=1))
    refused_by_the_database(first, number=0)
    assert refused_in_words(DeclarationVersion.objects.get(pk=first.pk), number=0)


def test_an_event_has_one_declaration():
    event = EventFactory()
    DeclarationFactory(event=event)
    other = DeclarationFactory()
    refused_by_the_database(other, event=event)
    assert "already exists" in refused_in_words(Declaration.objects.get(pk=other.pk), event=event)["event"][0]


def test_days_and_times_are_in_order_and_an_end_needs_a_start():
    event = EventFactory(held_on=date(2031, 5, 6))
    for wrong in (
        {"ends_on": date(2031, 5, 5)},
        {"ends_at": time(9)},
        {"starts_at": time(10), "ends_at": time(9)},
        {"starts_at": time(10), "ends_at": time(10)},
    ):
        refused_by_the_database(event, **wrong)
        refused_in_words(Event.objects.get(), **wrong)
    for right in ({"starts_at": time(22), "ends_at": time(1), "ends_on": date(2031, 5, 7)}, {"ends_at": None}):
        for name, value in right.items():
            setattr(event, name, value)
        event.full_clean()
        event.save()
    item = AgendaItemFactory(event=EventFactory())
    for wrong in ({"ends_at": time(9)}, {"starts_at": time(10), "ends_at": time(9)}):
        refused_by_the_database(item, **wrong)
        refused_in_words(AgendaItem.objects.get(), **wrong)


def test_there_is_no_fourth_status():
    event = EventFactory()
    refused_by_the_database(event, status="rained off")
    assert "status" in refused_in_words(event, status="rained off")


def test_a_time_that_clocks_skip_is_explained():
    said = "There is no 01:30 on 30 March 2031, because the clocks go forward that night. Enter 02:30 or another time."
    event = EventFactory(held_on=date(2031, 3, 30))
    assert refused_in_words(event, starts_at=time(1, 30)) == {"starts_at": [said]}
    assert refused_in_words(AgendaItemFactory(event=event), starts_at=time(1, 30)) == {"starts_at": [said]}


def test_an_item_is_on_a_day_of_its_event():
    item = AgendaItemFactory(event=EventFactory(held_on=date(2031, 5, 6), ends_on=date(2031, 5, 7)))
    assert "day" in refused_in_words(item, day=date(2031, 5, 8))
    item.day = date(2031, 5, 7)
    item.full_clean()


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {"starts_at": time(9)}, "“B” has a time but no day, and Moor day lasts several days. Enter its day."),
        (
            {"day": date(2031, 5, 7), "starts_at": time(9)},
            {"day": date(2031, 5, 6), "starts_at": time(10)},
            "“B” comes after “A” but starts before it. Check both.",
        ),
        ({}, {"day": date(2031, 6, 7)}, "“B” is on a day on which Moor day is not held. Correct one of the two."),
    ],
)
def test_an_agenda_that_contradicts_its_own_times_is_refused(first, second, said):
    event = EventFactory(title="Moor day", held_on=date(2031, 5, 6), ends_on=date(2031, 5, 7))
    AgendaItemFactory(event=event, title="A", **first)
    AgendaItemFactory(event=event, title="B", **second)
    with pytest.raises(ValidationError) as caught:
        check_agenda(event=event)
    assert caught.value.messages == [said]


def test_natural_keys_lead_back_to_their_records():
    item = AgendaItemFactory(event__slug="moor-day")
    declaration = DeclarationFactory(slug="promise")
    assert (item.natural_key(), declaration.natural_key()) == (("moor-day", 1), ("promise",))
    assert AgendaItem.objects.get_by_natural_key("moor-day", 1) == item
    assert Declaration.objects.get_by_natural_key("promise") == declaration
