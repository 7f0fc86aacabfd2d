import json
import re
from datetime import date

import pytest
import time_machine
from django.conf import settings

from partners.choices import Seat
from tests.support.crawler import Elements
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    EventFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    UnitFactory,
)
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def test_the_directory_shows_leads_with_their_executives_the_team_and_all_others(client, unit):
    lead = PostFactory(seat=Seat.EXECUTIVE, title="Chief", organisation__name="Alpha Body")
    PostFactory(seat=Seat.EXECUTIVE, title="Deputy", organisation=lead.organisation, person__name="Kit Ford")
    PostFactory(seat=Seat.TEAM, title="Head", organisation=unit.organisation, person__name="Sam Brook")
    PostFactory(title="Clerk", organisation__name="Beta Body", person__name="Jo Reed")
    PostFactory(title="Piper", organisation=None, person__name="Ash Field")
    text = Elements(client.get("/partners/").text).text
    order = [
        "Lead organisations",
        "Alpha Body",
        "Kit Ford",
        "Sam Brook",
        "Other organisations and people",
        "Beta Body",
        "Jo Reed",
        "People named without an organisation",  # they may belong to one all the same
    ]
    assert [words for words in (*order, "Ash Field") if words not in text] == []
    places = [text.index(words) for words in [*order, "Ash Field"]]
    assert places == sorted(places)
    assert len(re.findall("Alpha Body", text)) == 1


@pytest.mark.parametrize(("bodies", "pages"), [(0, 1), (1, 1), (50, 1), (51, 2)])
def test_the_directory_shows_fifty_bodies_a_page_and_people_on_the_last(client, bodies, pages):
    OrganisationFactory.create_batch(bodies)
    PersonFactory(name="Ash Field")
    shown = []
    for number in range(1, pages + 1):
        page = Elements(client.get("/partners/", {"page": number}).text)
        shown += [a["href"] for tag, a in page.elements if tag == "a" and "/partners/body-" in (a.get("href") or "")]
        assert ("Ash Field" in page.text) is (number == pages)
    assert len(shown) == len(set(shown)) == bodies
    assert client.get("/partners/", {"page": pages + 1}).headers["Location"] == (
        "/partners/" if pages == 1 else f"/partners/?page={pages}"
    )


def test_a_body_is_described_for_search_engines_as_far_as_it_is_stated(client):
    body = OrganisationFactory(name="Alpha </script> Body", website="https://alpha.example.org/", other_names="A\nB")
    text = client.get(body.get_absolute_url()).text
    data, _ = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data) == {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": "Alpha </script> Body",
        "url": f"{settings.PORTAL_URL}{body.get_absolute_url()}",
        "sameAs": "https://alpha.example.org/",
        "description": "Mends bridges.",
        "alternateName": ["A", "B"],
    }


def test_who_has_left_is_named_as_a_former_holder_and_the_launch_keeps_its_truth(client):
    body = OrganisationFactory(name="Alpha Body")
    then = {"seat": Seat.EXECUTIVE, "organisation": body, "title": "Interim chief"}
    left = PostFactory(person__name="Kit Ford", held_until=date(2019, 11, 30), **then)
    PostFactory(person__name="Sam Brook", held_from=date(2019, 12, 1), seat=Seat.EXECUTIVE, organisation=body)
    event = EventFactory(held_on=date(2019, 10, 2))
    AppearanceFactory(item=AgendaItemFactory(event=event), person=left.person, post=left)

    def read(address):
        return Elements(client.get(address).text).text.replace("\xa0", " ")

    assert "Kit Ford" not in read("/partners/")
    assert "Sam Brook" in read("/partners/")
    assert re.search(
        "People .*Sam Brook.*Former post holders .*Kit Ford.*until 30 November 2019", read(body.get_absolute_url())
    )
    page = read(left.person.get_absolute_url())
    assert "Interim chief, Alpha Body, until 30 November 2019" in page
    assert "executive of the unit" not in page
    assert "Interim chief, Alpha Body" in read(event.get_absolute_url())
    with time_machine.travel("2019-10-02 12:00", tick=False):
        assert "Kit Ford" in read("/partners/")
        assert "Sam Brook" not in read("/partners/")


def test_a_draft_body_is_not_found_by_its_address(client):
    assert client.get(OrganisationFactory(state=State.DRAFT).get_absolute_url()).status_code == 404
