"""Events for calendars and programs: what is stated, and nothing else."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine

from events.choices import EventStatus, ItemKind
from events.models import AgendaItem, Event
from tests.support.factories import AgendaItemFactory, AppearanceFactory, EventFactory, PersonFactory, UnitFactory
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db
LONDON = ZoneInfo("Europe/London")


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def entries(client, address):
    """Return the entries of a calendar by their titles, read as strictly as the library can."""
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    content = response.getvalue()
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    calendar = icalendar.Calendar.from_ical(content)
    assert calendar.errors == []
    assert {str(calendar[name]) for name in ("version", "method")} == {"2.0", "PUBLISH"}
    found = list(calendar.events)
    for entry in found:
        assert entry.errors == []
        assert {"uid", "dtstamp", "sequence", "dtstart", "summary", "status"} <= {name.lower() for name in entry}
    assert len({entry["uid"] for entry in found}) == len(found)
    return {str(entry["summary"]): entry for entry in found}


def agenda(client, event):
    return entries(client, f"{event.get_absolute_url()}agenda.ics")


@pytest.mark.parametrize(
    ("facts", "start", "end"),
    [
        ({}, date(2031, 5, 6), date(2031, 5, 7)),
        ({"ends_on": date(2031, 5, 8)}, date(2031, 5, 6), date(2031, 5, 9)),
        # An end on another day is not known without its time.
        ({"ends_on": date(2031, 5, 8), "starts_at": time(9)}, date(2031, 5, 6), date(2031, 5, 9)),
        ({"starts_at": time(9, 30)}, datetime(2031, 5, 6, 9, 30, tzinfo=LONDON), None),
        (
            {"starts_at": time(9, 30), "ends_at": time(16)},
            datetime(2031, 5, 6, 9, 30, tzinfo=LONDON),
            datetime(2031, 5, 6, 16, tzinfo=LONDON),
        ),
        (
            {"starts_at": time(19), "ends_at": time(1), "ends_on": date(2031, 5, 7)},
            datetime(2031, 5, 6, 19, tzinfo=LONDON),
            datetime(2031, 5, 7, 1, tzinfo=LONDON),
        ),
    ],
)
def test_an_event_is_days_until_its_times_are_stated(client, facts, start, end):
    (entry,) = agenda(client, EventFactory(times="about nine", **facts)).values()
    assert entry["dtstart"].dt == start
    assert (entry["dtend"].dt if "dtend" in entry else None) == end
    assert "about nine" in entry["description"]


def test_a_time_is_the_one_on_clocks_in_london_in_summer_and_in_winter(client):
    for day, hour in ((date(2031, 1, 6), 9), (date(2031, 7, 7), 8)):
        (entry,) = agenda(client, EventFactory(held_on=day, starts_at=time(9))).values()
        assert entry["dtstart"].params["TZID"] == "Europe/London"
        assert entry["dtstart"].dt.astimezone(UTC).hour == hour


@pytest.mark.parametrize(
    ("status", "told", "begins"),
    [
        (EventStatus.ON, "CONFIRMED", ""),
        (EventStatus.POSTPONED, "TENTATIVE", "Postponed: "),
        (EventStatus.CANCELLED, "CANCELLED", "Cancelled: "),
    ],
)
def test_calendars_show_that_an_event_is_cancelled(client, status, told, begins):
    event = EventFactory(title="Moor day", status=status, status_note="The moor is flooded.")
    AgendaItemFactory(event=event, title="Walk", starts_at=time(9))
    found = agenda(client, event)
    assert {title: str(entry["status"]) for title, entry in found.items()} == {
        f"{begins}Moor day": told,
        f"{begins}Walk": told,
    }
    assert "The moor is flooded." in found[f"{begins}Moor day"]["description"]


def test_items_with_a_time_have_entries_of_their_own_and_those_without_none(client):
    event = EventFactory(title="Moor days", ends_on=date(2031, 5, 8), venue="The Barn", place="Moor")
    AgendaItemFactory(event=event, title="Arrival")
    AgendaItemFactory(event=event, title="Walk", day=date(2031, 5, 7), starts_at=time(9), ends_at=time(10))
    AgendaItemFactory(event=event, title="Some day", starts_at=time(9))  # nothing says on which day
    found = agenda(client, event)
    assert set(found) == {"Moor days", "Walk"}
    walk = found["Walk"]
    assert walk["dtstart"].dt == datetime(2031, 5, 7, 9, tzinfo=LONDON)
    assert walk["dtend"].dt == datetime(2031, 5, 7, 10, tzinfo=LONDON)
    assert walk["related-to"] == found["Moor days"]["uid"]
    assert walk["location"] == "The Barn, Moor"
    assert "1. Arrival\n2. Walk" in found["Moor days"]["description"]


def test_a_closed_session_has_no_number_as_on_the_page(client):
    event = EventFactory(title="Moor day")
    AgendaItemFactory(event=event, title="Arrival")
    AgendaItemFactory(event=event, title="Talks behind doors", kind=ItemKind.CLOSED)
    assert agenda(client, event)["Moor day"]["description"].endswith("1. Arrival\nTalks behind doors")


def test_all_public_events_are_in_one_file_the_same_as_alone(client):
    event = EventFactory(title="Moor day; with tea, cake\\")
    EventFactory(title="Hidden", state=State.DRAFT)
    EventFactory(title="Fen day")
    everything = entries(client, "/events.ics")
    assert set(everything) == {"Moor day; with tea, cake\\", "Fen day"}
    alone = agenda(client, event)[event.title]
    assert [alone[name] for name in ("uid", "sequence", "url")] == [
        everything[event.title][name] for name in ("uid", "sequence", "url")
    ]


def test_without_events_the_calendar_is_empty(client):
    assert entries(client, "/events.ics") == {}


@pytest.mark.usefixtures("history")
def test_each_change_raises_the_sequence_and_leaves_the_identity(client):
    event = EventFactory(title="Moor day")
    item = AgendaItemFactory(event=event, title="Walk")
    appearance = AppearanceFactory(item=item)
    changes = (
        lambda: Event.objects.get(pk=event.pk).save(),
        lambda: AgendaItem.objects.get(pk=item.pk).save(),
        lambda: AppearanceFactory(item=item),
        appearance.delete,
        item.delete,
        lambda: Event.objects.get(pk=event.pk).save(),
    )
    seen = [agenda(client, event)["Moor day"]]
    for change in changes:
        change()
        seen.append(agenda(client, event)["Moor day"])
        assert seen[-1]["sequence"] > seen[-2]["sequence"]
        assert seen[-1]["last-modified"].dt >= seen[-2]["last-modified"].dt
    assert len({entry["uid"] for entry in seen}) == 1


@pytest.mark.usefixtures("history")
def test_the_schedule_has_what_is_stated_and_null_for_what_is_not(client):
    event = EventFactory(title="Moor day", slug="moor", times="from nine", starts_at=time(9), place="Moor")
    item = AgendaItemFactory(event=event, title="Walk", times="after tea")
    AppearanceFactory(item=item, person=PersonFactory(name="Robin Vale", honorific=""))
    found = client.get("/events/moor/schedule.json").json()
    assert (found["starts_at"], found["ends_at"], found["times_as_stated"]) == ("09:00", None, "from nine")
    assert (found["first_day"], found["last_day"], found["status"]) == ("2031-05-06", "2031-05-06", "on")
    assert (found["place"], found["venue"], found["time_zone"]) == ("Moor", None, "Europe/London")
    (walk,) = found["items"]
    assert (walk["title"], walk["starts_at"], walk["times_as_stated"]) == ("Walk", None, "after tea")
    assert [who["name"] for who in walk["appearances"]] == ["Robin Vale"]
    assert [change["after"] for change in found["changes_since_publication"]] == ["Walk"]


@pytest.mark.parametrize("end", ["", "agenda.ics", "schedule.json"])
def test_a_draft_is_in_no_file(client, end):
    assert client.get(f"{EventFactory(state=State.DRAFT).get_absolute_url()}{end}").status_code == 404


# What has changed -----------------------------------------------------------------------------------------------------


def said(client, event):
    """Return what an event's page says has changed."""
    changes = client.get(f"{event.get_absolute_url()}schedule.json").json()["changes_since_publication"]
    return [(change["what"], change["before"], change["after"], change["changed_on"]) for change in changes]


@pytest.fixture
def published(history):
    """An event that was prepared on one day and published on the next."""
    with time_machine.travel("2031-04-01 12:00", tick=True):
        event = EventFactory(title="Moor day", state=State.DRAFT, venue="The Barn")
        walk = AgendaItemFactory(event=event, title="Wak")
        tea = AgendaItemFactory(event=event, title="Tea")
        AppearanceFactory(item=tea, person=PersonFactory(name="Robin Vale", honorific=""))
        walk.title = "Walk"
        walk.save()
    with time_machine.travel("2031-04-02 12:00", tick=True):
        workflow.publish(event, by=None)
    return Event.objects.get(pk=event.pk)


def edited(event, edit):
    """Edit a published event as staff do, on the third of the month, and publish it."""
    with time_machine.travel("2031-04-03 12:00", tick=True):
        workflow.propose(event, by=None, edit=edit)
        workflow.publish(event, by=None)


def test_what_was_prepared_before_it_was_published_has_not_changed(client, published):
    assert said(client, published) == []
    assert "Changed since" not in client.get(published.get_absolute_url()).text


def test_a_pending_change_is_not_announced(client, published):
    workflow.propose(published, by=None, edit=lambda: save(published, venue="The Hall"))
    assert said(client, published) == []


def save(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ({"venue": "The Hall"}, ("Venue", "The Barn", "The Hall")),
        ({"held_on": date(2031, 5, 9)}, ("Date", "6 May 2031", "9 May 2031")),
        ({"ends_on": date(2031, 5, 7)}, ("Date", "6 May 2031", "6 to 7 May 2031")),
        ({"starts_at": time(9, 30)}, ("Time", None, "9:30am")),
        ({"status": EventStatus.CANCELLED}, ("Status", "On", "Cancelled")),
    ],
)
def test_a_changed_event_says_what_it_was_and_since_when(client, published, values, change):
    edited(published, lambda: save(published, **values))
    assert said(client, published) == [(*change, "2031-04-03")]
    text = client.get(published.get_absolute_url()).text
    assert "Changed since this was published" in text
    assert "3\xa0April\xa02031" in text


def test_changed_added_and_removed_items_are_listed(client, published):
    walk, tea = published.items.all()

    def edit():
        save(walk, starts_at=time(9), ends_at=time(10))
        tea.delete()
        AgendaItemFactory(event=published, title="Supper", position=2, source=published.source)

    edited(published, edit)
    assert said(client, published) == [
        ("“Walk”, time", None, "9am to 10am", "2031-04-03"),
        ("Added to the agenda", None, "Supper", "2031-04-03"),
        ("Removed from the agenda", "Tea", None, "2031-04-03"),
    ]


def test_items_that_changed_places_are_listed_with_their_numbers(client, published):
    walk, tea = published.items.all()

    def swap():
        save(walk, position=9)
        save(tea, position=1)
        save(walk, position=2)

    edited(published, swap)
    assert said(client, published) == [
        ("“Tea”, number", "2", "1", "2031-04-03"),
        ("“Walk”, number", "1", "2", "2031-04-03"),
    ]


def test_the_numbers_of_items_after_one_that_was_added_are_not_listed(client, published):
    walk, tea = published.items.all()

    def edit():
        save(tea, position=3)
        save(walk, position=2)
        AgendaItemFactory(event=published, title="Breakfast", position=1, source=published.source)

    edited(published, edit)
    assert said(client, published) == [("Added to the agenda", None, "Breakfast", "2031-04-03")]


def test_people_who_join_or_leave_are_listed_but_drafts_are_not_named(client, published):
    tea = published.items.get(title="Tea")
    appearance = tea.appearances.get()
    joining = PersonFactory(name="Kit Ford", honorific="")

    def edit():
        appearance.delete()
        AppearanceFactory(item=tea, person=joining, source=published.source)

    edited(published, edit)
    assert said(client, published) == [
        ("“Tea”, who appears", None, "Kit Ford", "2031-04-03"),
        ("“Tea”, who appears", "Robin Vale", None, "2031-04-03"),
    ]
    save(appearance.person, state=State.DRAFT)
    assert [change[1] for change in said(client, published)] == [None]
