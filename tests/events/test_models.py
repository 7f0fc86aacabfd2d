import pytest
from django.core.exceptions import ValidationError

from events.declarations.models import Declaration, DeclarationVersion
from events.models import AgendaItem, Appearance
from events.rules import check_agenda
from tests.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    DeclarationFactory,
    EventFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    VersionFactory,
)
from tests.refusals import refused_by_the_database, refused_in_words

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
    assert said == {"post": ["This post is Kit Ford's, not Robin Vale's."]}


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
        ([(2, "talk")], "The agenda of Moor day has no item 1: “Item 2” is 2."),
        ([(1, "talk"), (3, "talk")], "The agenda of Moor day has no item 2: “Item 3” is 3."),
        (
            [(1, "closed"), (2, "talk")],
            "“Item 2” stands after a closed session of Moor day: closed sessions come last.",
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


def test_natural_keys_lead_back_to_their_records():
    item = AgendaItemFactory(event__slug="moor-day")
    declaration = DeclarationFactory(slug="promise")
    assert (item.natural_key(), declaration.natural_key()) == (("moor-day", 1), ("promise",))
    assert AgendaItem.objects.get_by_natural_key("moor-day", 1) == item
    assert Declaration.objects.get_by_natural_key("promise") == declaration
