"""Long pages begin with a list of their sections."""

import re

import pytest

from tests.support.crawler import Elements
from tests.support.factories import UnitFactory, make_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once]


# Each page of several sections that is longer than about three screens, and how many of them it has here at least.
# Lists have pages and filters instead.
LONG = {
    **dict.fromkeys(("/about/", "/funding/2031-32/", "/brochure/", "/data/", "/gaps/"), 5),
    "/privacy/": 4,
    "/results/": 3,
    "/partners/": 3,
    "/declaration/": 3,
    "/data/payments/": 2,
}


def contents(text):
    """Return the addresses in the list of the sections of a page, on the page itself."""
    lists = re.findall(r'<nav[^>]* aria-label="(?:On this page|Contents)">(.*?)</nav>', text, re.DOTALL)
    return {href for found in lists for href in re.findall(r'href="#([^"]*)"', found)}


@pytest.mark.parametrize("address", LONG)
def test_a_long_page_lists_its_sections_and_only_those_that_it_has(client, address):
    make_everything(1)
    text = client.get(address).text
    ids = {attributes.get("id") for _, attributes in Elements(text).elements}
    assert len(contents(text)) >= LONG[address]
    assert contents(text) - ids == set()


def test_a_page_without_sections_lists_none(client):
    UnitFactory(vision="")
    page = Elements(client.get("/about/").text)
    assert not [a for tag, a in page.elements if tag == "a" and a.get("href") in ("#words", "#messages")]
