import re
from datetime import date, time, timedelta

import pytest
from django.utils import timezone

from events.choices import ItemKind
from tests.support.crawler import Elements
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    DeclarationFactory,
    EventFactory,
    OrganisationFactory,
    PostFactory,
    UnitFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def test_upcoming_events_are_above_past_events(client):
    today = timezone.localdate()
    for days, title in ((-2, "Older"), (-1, "Old"), (0, "Today"), (9, "Later")):
        EventFactory(title=title, held_on=today + timedelta(days))
    text = Elements(client.get("/events/").text).text
    places = [text.index(title) for title in ("Upcoming", "Today", "Later", "Past", "Old", "Older")]
    assert places == sorted(places)


@pytest.mark.parametrize(("events", "pages"), [(0, 1), (1, 1), (20, 1), (21, 2)])
def test_past_events_come_twenty_a_page_and_those_to_come_on_the_first(client, events, pages):
    EventFactory.create_batch(events, held_on=date(2019, 3, 4))
    EventFactory(title="Still to come", held_on=timezone.localdate())
    for number in range(1, pages + 1):
        response = client.get("/events/", {"page": number})
        assert response.text.count("Moor day ") == min(20, events - 20 * (number - 1))
        assert ("Still to come" in response.text) is (number == 1)


def test_an_agenda_is_in_order_with_who_appears_and_closed_sessions_apart(client):
    event = EventFactory(slug="day", title="Moor day", venue="The Barn", place="Moor")
    DeclarationFactory(event=event)
    welcome = AgendaItemFactory(event=event, title="Welcome")
    post = PostFactory(person__name="Robin Vale", title="Warden", organisation__name="Moor Rangers")
    AppearanceFactory(item=welcome, person=post.person, post=post)
    body = OrganisationFactory(name="Fen Rangers")
    AppearanceFactory(item=welcome, person=None, organisation=body, description="A boat")
    AgendaItemFactory(event=event, title="Signing", kind=ItemKind.CEREMONY)
    AgendaItemFactory(event=event, title="Council", kind=ItemKind.CLOSED, text="Without guests.")
    page = Elements(client.get("/events/day/").text)
    order = [
        "The Barn, Moor",
        "Welcome",
        "Robin Vale",
        "Warden, Moor Rangers",
        "Fen Rangers",
        "A boat",
        "Signing",
        "Council",
        "Without guests.",
    ]
    assert [words for words in order if words not in page.text] == []
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    assert "/declaration/" in page.links("/events/day/")


def test_times_and_status_are_beside_the_words_as_stated(client):
    event = EventFactory(
        ends_on=date(2031, 5, 7),
        days="two days in May",
        starts_at=time(9, 30),
        ends_at=time(12),
        times="9.30 for 10",
        status="postponed",
        status_note="Flooded.",
    )
    AgendaItemFactory(event=event, title="Walk", day=date(2031, 5, 7), starts_at=time(10), times="after tea")
    text = Elements(client.get(event.get_absolute_url()).text).text.replace("\xa0", " ")
    for words in (
        "Postponed, no new date yet. Flooded.",
        "6 to 7 May 2031, 9:30am to midday",
        "Days as stated: two days in May",
        "Times as stated: 9.30 for 10",
        "7 May 2031, 10am (as stated: after tea) Walk",
    ):
        assert words in text
    assert "Postponed, no new date yet. Flooded." in Elements(client.get("/events/").text).text


def test_an_event_without_times_names_none(client):
    event = EventFactory()
    AgendaItemFactory(event=event)
    text = Elements(client.get(event.get_absolute_url()).text).text
    assert "Times not stated" in text
    assert not re.search(r"\d(am|pm)|midnight|None", text)


def test_an_event_without_an_agenda_or_a_place_says_so(client):
    text = Elements(client.get(EventFactory().get_absolute_url()).text).text
    assert "Agenda Not stated" in text
    assert "None" not in text
