"""Long pages begin with a list of their sections."""

import pytest

from tests.support.crawler import Elements
from tests.support.factories import UnitFactory, make_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.parametrize("address", ["/about/", "/funding/2031-32/"])
def test_a_long_page_lists_its_sections_and_only_those_that_it_has(client, address):
    make_everything(1)
    page = Elements(client.get(address).text)
    ids = {attributes.get("id") for _, attributes in page.elements}
    sections = {href for tag, a in page.elements if tag == "a" and (href := a.get("href") or "").startswith("#")}
    assert len(sections) > 4
    assert {section for section in sections if section[1:] not in ids} == set()


def test_a_page_without_sections_lists_none(client):
    UnitFactory(vision="")
    page = Elements(client.get("/about/").text)
    assert not [a for tag, a in page.elements if tag == "a" and a.get("href") in ("#words", "#messages")]
