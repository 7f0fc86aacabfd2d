"""What the home page takes from each app."""

import re
from datetime import date
from typing import Any

import pytest

from events.choices import EventStatus
from tests.support.crawler import Elements
from tests.support.factories import (
    AgendaItemFactory,
    EntryFactory,
    EventFactory,
    FundingSourceFactory,
    PassageFactory,
    UnitFactory,
    VersionFactory,
    YearFactory,
)
from vru_portal.public import home
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def test_the_latest_agenda_is_that_of_the_latest_public_event_that_has_one(django_assert_num_queries):
    event = EventFactory(held_on=date(2031, 5, 6))
    for _ in range(3):
        AgendaItemFactory(event=event)
    AgendaItemFactory(event=EventFactory(held_on=date(2031, 5, 5)))
    AgendaItemFactory(event=EventFactory(held_on=date(2031, 5, 9), state=State.DRAFT))
    for status in (EventStatus.CANCELLED, EventStatus.POSTPONED):
        AgendaItemFactory(event=EventFactory(held_on=date(2031, 5, 9), status=status))
    EventFactory(held_on=date(2031, 5, 8))
    with django_assert_num_queries(1):
        found: Any = home.latest_event_with_agenda()
        assert found == event
        assert found.source.title


def test_without_an_agenda_there_is_no_latest_event():
    EventFactory()
    assert home.latest_event_with_agenda() is None


def test_the_latest_years_sources_come_with_their_year(django_assert_num_queries):
    FundingSourceFactory(year__first_year=2031)
    year = YearFactory(first_year=2033)
    second, first = FundingSourceFactory(year=year, position=2), FundingSourceFactory(year=year, position=1)
    FundingSourceFactory(year__first_year=2034, carried_from=first)  # which has no budget of its own
    with django_assert_num_queries(5):
        found = home.latest_year_money()["sources"]
        assert found == [first, second]
        assert {row.year.label for row in found} == {"2033-34"}
        assert all(row.year.source.title and row.source.title for row in found)


# Each figure and sentence under its own source and day ----------------------------------------------------------------


def read(client):
    return Elements(client.get("/").text).text.replace("\xa0", " ")


def test_signatures_of_an_earlier_version_count_and_are_shown_separately(client):
    UnitFactory()
    first = VersionFactory(in_force=True, in_force_from=date(2019, 5, 9))
    for _ in range(2):
        EntryFactory(version=first)
    assert "2 have signed the declaration" in read(client)
    assert "of them" not in read(client)
    second = VersionFactory(in_force=True, in_force_from=date(2019, 6, 9), declaration=first.declaration)
    EntryFactory(version=second)
    assert "3 have signed the declaration, 1 of them version 2" in read(client)


def test_signatures_are_not_under_the_source_of_a_text(client):
    UnitFactory()
    PassageFactory(slot="home_declaration", source__title="Old plan", as_at=date(2019, 10, 2))
    EntryFactory(version=VersionFactory(in_force=True, in_force_from=date(2019, 5, 9)))
    assert re.search(r"Old plan.*Signed by 1 of 1 that were asked As recorded in this portal on", read(client))
    assert not re.search(r"that were asked As at 2 October 2019", read(client))


@pytest.mark.parametrize(("held_on", "shown"), [(date(2019, 10, 2), True), (date(2032, 1, 1), False)])
def test_text_about_one_event_is_not_shown_under_a_later_one(client, held_on, shown):
    UnitFactory()
    PassageFactory(slot="home_launch", body="The unit was launched.", as_at=date(2019, 10, 2))
    AgendaItemFactory(event=EventFactory(held_on=held_on, summary="A day on the moor."))
    assert ("The unit was launched." in read(client)) is shown
    assert ("A day on the moor." in read(client)) is not shown
