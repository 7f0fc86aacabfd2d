"""What is new: stories and the programme's own milestones, on a page and in a feed."""

from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from tests.support.crawler import Elements
from tests.support.factories import (
    AllocationFactory,
    EntryFactory,
    PaymentFactory,
    PublicationFactory,
    StoryFactory,
    UnitFactory,
    VersionFactory,
    reverse,
)
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def news(client, **query):
    return Elements(client.get("/news/", query).text).text.replace("\xa0", " ")


def feed(client):
    response = client.get("/feed.atom")
    assert response["Content-Type"].startswith("application/atom+xml")
    return ElementTree.fromstring(response.content)  # noqa: S314 - it is ours


def test_without_anything_new_the_page_says_so_and_the_feed_is_empty(client):
    assert "No news yet" in news(client)
    assert feed(client).findall(f"{ATOM}entry") == []


def test_stories_and_milestones_are_in_the_order_of_their_dates(client, unit):
    StoryFactory(title="A path", published_on=date(2031, 5, 6))
    StoryFactory(title="A draft", state=State.DRAFT)
    PublicationFactory(title="Our plan", issued_by=unit.organisation, published_on=date(2031, 5, 7))
    PublicationFactory(title="Their plan", published_on=date(2031, 5, 7))
    PublicationFactory(title="Our draft", issued_by=unit.organisation, state=State.DRAFT)
    text = news(client)
    assert text.index("7 May 2031 Published: Our plan From the date of the publication.") < text.index(
        "6 May 2031 A path A path was opened."
    )
    assert not [hidden for hidden in ("A draft", "Our draft", "Their plan") if hidden in text]


def test_a_text_is_a_milestone_only_once_it_is_in_force(client):
    version = VersionFactory(in_force=True, in_force_from=date(2019, 5, 9))
    VersionFactory(declaration=version.declaration)
    title = version.declaration.title
    assert f"9 May 2019 Version 1 of “{title}” came into force" in news(client)
    assert "Version 2" not in news(client)


def test_the_tenth_organisation_is_a_milestone_but_the_ninth_is_not(client):
    version = VersionFactory(in_force=True)
    for day in range(1, 11):
        assert "tenth" not in news(client)
        with time_machine.travel(datetime(2026, 3, day, 12, tzinfo=UTC), tick=False):
            EntryFactory(version=version)
    text = news(client)
    assert "10 March 2026 The tenth organisation signed the declaration From the public register." in text
    assert "1 March 2026 The first organisation signed the declaration" in text


def test_a_years_first_payment_is_a_milestone_unless_it_was_reversed(client):
    allocation = AllocationFactory()
    year = allocation.funding_source.year.label
    first = PaymentFactory(allocation=allocation, paid_on=date(2031, 6, 1))
    PaymentFactory(allocation=allocation, paid_on=date(2031, 6, 3))
    assert f"1 June 2031 The first payment from the money for {year} was made" in news(client)
    reverse(first)
    assert f"3 June 2031 The first payment from the money for {year} was made" in news(client)


@pytest.mark.parametrize(("stories", "pages"), [(20, 1), (21, 2)])
def test_news_comes_twenty_a_page(client, stories, pages):
    StoryFactory.create_batch(stories)
    assert client.get("/news/", {"page": pages}).status_code == 200
    assert (client.get("/news/").text.count("A path was opened.")) == 20
    assert news(client, page=pages).count("A path was opened.") == stories - 20 * (pages - 1)


def test_the_feed_has_what_readers_need(client, unit):
    story = StoryFactory(title="A path & a “wall”", summary="It was opened.", published_on=date(2031, 5, 6))
    version = VersionFactory(in_force=True, in_force_from=date(2019, 5, 9))
    for _ in range(10):  # all on one day, so that the first and the tenth are, too
        EntryFactory(version=version)
    root = feed(client)
    (own,) = [link.get("href") for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own == f"{settings.PORTAL_URL}/feed.atom"
    for name in ("id", "title", "updated"):
        assert root.findtext(f"{ATOM}{name}")
    entries = root.findall(f"{ATOM}entry")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries) == 4
    first = entries[0]
    assert first.findtext(f"{ATOM}title") == "A path & a “wall”"
    assert first.findtext(f"{ATOM}summary") == "It was opened."
    assert first.find(f"{ATOM}link").get("href") == settings.PORTAL_URL + story.get_absolute_url()
    updated = datetime.fromisoformat(first.findtext(f"{ATOM}updated"))
    assert timezone.localdate(updated) == date(2031, 5, 6)
    assert f'href="/feed.atom" type="application/atom+xml" title="News of {unit.name}"' in client.get("/news/").text


@pytest.fixture
def mixed(unit):
    StoryFactory(title="A path", body="Built of gravel.", published_on=date(2031, 5, 6))
    StoryFactory(title="A gate", summary="It was hung.", published_on=date(2030, 5, 6))
    PublicationFactory(title="Our path plan", issued_by=unit.organisation, published_on=date(2030, 5, 7))


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["A path", "Published: Our path plan", "A gate"]),
        ({"sort": "oldest"}, ["A gate", "Published: Our path plan", "A path"]),
        ({"kind": "story"}, ["A path", "A gate"]),
        ({"kind": "publication"}, ["Published: Our path plan"]),
        ({"kind": ["story", "publication"], "year": "2030"}, ["Published: Our path plan", "A gate"]),
        ({"q": "PATH"}, ["A path", "Published: Our path plan"]),
        ({"q": "gravel path"}, ["A path"]),
        ({"q": "nothing of the sort"}, []),
    ],
)
def test_the_news_can_be_filtered_searched_and_put_in_order(client, query, shown):
    response = client.get("/news/", query)
    assert [item.title for item in response.context["page"]] == shown
    assert ("see all news" in response.text) is (not shown)


@pytest.mark.usefixtures("mixed")
def test_each_filter_of_the_news_says_how_many_it_would_leave_and_can_be_removed(client):
    facets = client.get("/news/").context["filters"].facets
    assert {option.name: option.count for option in facets["kind"]} == {"Stories": 2, "Publications": 1}
    assert {option.slug: option.count for option in facets["year"]} == {"2031": 1, "2030": 2}
    chosen = client.get("/news/", {"kind": "story"})
    assert {option.slug: option.count for option in chosen.context["filters"].facets["year"]} == {"2031": 1, "2030": 1}
    assert "Remove: </span>Kind: Stories" in chosen.text


@pytest.mark.usefixtures("mixed")
def test_a_filter_of_the_news_that_does_not_exist_is_explained(client):
    response = client.get("/news/", {"kind": "gossip"})
    assert response.status_code == 200
    assert "There is a problem with the filters" in response.text


def test_one_item_needs_no_filters(client, unit):
    PublicationFactory(issued_by=unit.organisation)
    assert 'id="filters"' not in client.get("/news/").text
