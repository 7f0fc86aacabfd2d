"""What pages tell search engines and programs that show links."""

import json
import re
from collections import defaultdict
from html import unescape
from typing import Any

import pytest
from django.conf import settings

from tests.support.crawler import crawl, pages, sitemap
from tests.support.factories import make_everything
from tests.vru_portal.test_queries import more_of_everything_on_one, slugs

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.xdist_group("crawls")]

STEPS_FROM_HOME = 3


@pytest.fixture(scope="module")
def answers(standing):
    from django.test import Client

    from events.models import Event

    with standing():
        make_everything(3)
        Event.objects.filter(slug="opening").update(venue="The Barn", place="Moor")
        more_of_everything_on_one(slugs())
        client = Client()
        found = crawl(client)
        yield {"answers": found, "sitemap": sitemap(client)}


@pytest.fixture
def found(answers):
    """The pages by their addresses, without those of lists that are filtered or continued."""
    return {address: page for address, page in pages(answers["answers"]).items() if "?" not in address}


def described(page) -> dict[str, Any]:
    """Return the JSON-LD of a page, by type."""
    data = [json.loads(text) for text in page.scripts if text.strip()]
    assert {one["@context"] for one in data} <= {"https://schema.org"}
    return {one["@type"]: one for one in data}


def meta(page) -> dict[str, str]:
    return {
        str(attributes.get("name") or attributes.get("property")): str(attributes.get("content"))
        for tag, attributes in page.elements
        if tag == "meta"
    }


def test_every_page_has_a_description_of_its_own(found):
    by_text = defaultdict(list)
    for address, page in found.items():
        told = meta(page)
        assert told["description"] == told["og:description"], address
        assert 20 <= len(told["description"]) <= 201, (address, told["description"])
        assert not re.search(r"[<>{}]|&\w+;|None", told["description"]), address
        if told.get("robots") != "noindex":
            by_text[told["description"]].append(address)
    assert len(found) > 60
    assert {text: here for text, here in by_text.items() if len(here) > 1} == {}


# What a page of each kind states, where everything is stated; each with the type of what it refers to.
COMPLETE = {
    "/events/opening/": (
        "Event",
        {"name", "url", "description", "startDate", "endDate", "eventStatus", "organizer", "performer", "location"},
    ),
    "/initiatives/{initiative}/": (
        "GovernmentService",
        {"name", "url", "description", "serviceType", "provider", "audience", "areaServed"},
    ),
    "/partners/{organisation}/": ("Organization", {"name", "url", "sameAs", "employee"}),
    "/people/{person}/": ("Person", {"name", "url", "familyName", "jobTitle", "worksFor"}),
    "/news/{story}/": (
        "NewsArticle",
        {"headline", "url", "description", "datePublished", "author", "publisher", "image", "mainEntityOfPage"},
    ),
    "/funding/2031-32/": (
        "Dataset",
        {"name", "url", "description", "temporalCoverage", "creator", "distribution", "isAccessibleForFree"},
    ),
    "/data/payments/": (
        "Dataset",
        {"name", "url", "description", "creator", "distribution", "isAccessibleForFree", "variableMeasured"},
    ),
}


def test_pages_of_each_kind_say_all_that_is_stated_to_machines(found):
    for address, (kind, facts) in COMPLETE.items():
        page = found[address.format(**slugs())]
        told = described(page)[kind]
        assert facts <= told.keys(), address
        assert told["url"] == settings.PORTAL_URL + address.format(**slugs())
    # the list of datasets leaves the columns of each to its own page
    assert all("variableMeasured" not in dataset for dataset in described(found["/data/"])["DataCatalog"]["dataset"])
    assert described(found["/events/opening/"])["Event"]["location"] == {
        "@type": "Place",
        "name": "The Barn",
        "address": {"@type": "PostalAddress", "name": "The Barn, Moor", "addressLocality": "Moor"},
    }


def test_structured_data_is_complete_and_links_to_existing_pages(found, answers):
    for address, page in found.items():
        for data in described(page).values():
            for value in values_of(data):
                assert value not in (None, "", [], {}), address
                if isinstance(value, str) and value.startswith(settings.PORTAL_URL):
                    here = value.removeprefix(settings.PORTAL_URL)
                    assert here in answers["answers"] or re.search(r"\.(csv|json|xlsx)$", here), (address, here)


def values_of(data: Any):
    yield data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from values_of(value)


def test_structured_breadcrumbs_match_the_visible_ones(found):
    with_crumbs = 0
    for address, page in found.items():
        crumbs = described(page).get("BreadcrumbList")
        if crumbs is None:
            assert address in ("/", "/declaration/ask/"), address
            continue
        with_crumbs += 1
        items = crumbs["itemListElement"]
        assert [item["position"] for item in items] == list(range(1, len(items) + 1))
        assert ("item" in items[0], "item" in items[-1]) == (True, False)
        assert " / ".join(item["name"] for item in items).replace(" / ", " ") in page.text, address
    assert with_crumbs > 60


def test_every_public_page_is_three_steps_from_home_at_most(answers):
    reached, edge = {"/"}, {"/"}
    read = pages(answers["answers"])
    for _ in range(STEPS_FROM_HOME):
        edge = {link for address in edge if address in read for link in read[address].links(address)}
        moved = {address: answers["answers"][address] for address in edge if address in answers["answers"]}
        edge |= {page.headers["Location"] for page in moved.values() if page.status_code in (301, 302)}
        edge -= reached
        reached |= edge
    assert len(answers["sitemap"]) > 60
    assert [address for address in answers["sitemap"] if address not in reached] == []


@pytest.mark.parametrize("kind", ["initiative", "organisation", "person"])
def test_a_mistake_can_be_reported_from_each_page_about_somebody_or_something(found, kind):
    place = {"initiative": "initiatives", "organisation": "partners", "person": "people"}[kind]
    page = found[f"/{place}/{slugs()[kind]}/"]
    assert "Something wrong on this page?" in page.text
    assert ("a", "/contact/#mistake") in [(tag, attributes.get("href")) for tag, attributes in page.elements]
    assert "Something wrong on a page?" in found["/contact/"].text


def test_a_long_description_ends_at_a_word_and_keeps_its_characters():
    from vru_portal.templatetags.portal import as_descriptions

    text = "Fish &amp; “chips” &lt;here&gt; " + "moor " * 60
    found = re.findall(r'content="([^"]*)"', as_descriptions(text))
    assert len(found) == 2
    assert unescape(found[0]).startswith("Fish & “chips” <here> moor")
    assert unescape(found[0]).endswith("moor…")
