"""What is read from the address of a list, and what its links repeat."""

import pytest
from django.http import QueryDict

from tests.support.factories import make_everything
from vru_portal.web.filters import MAX_LENGTH, MAX_VALUES, Filters, Parameter, choice, is_slug, search_words

PARAMETERS = {
    "q": search_words("Words"),
    "colour": choice("Colour", ["red", "green"], error="Choose a colour.", several=True),
    "size": choice("Size", ["small", "large"], error="Choose a size."),
    "maker": Parameter("Maker", is_slug, several=True),
    "sort": choice("Sort", ["name"], narrows=False),
}


def asked(query):
    return Filters(QueryDict(query), PARAMETERS)


@pytest.mark.parametrize(
    ("query", "repeated", "errors"),
    [
        ("", "?", []),
        ("q=&colour=&sort=", "?", []),
        ("page=3&utm_source=mail&q=+a+b+", "?q=a+b", []),
        ("colour=red&colour=red&colour=green", "?colour=red&colour=green", []),
        ("size=small&size=large", "?size=large", []),
        ("colour=blue&colour=red&colour=pink", "?colour=red", ["colour"]),
        ("size=huge&colour=red", "?colour=red", ["size"]),
        ("maker=%00&maker=mill", "?maker=mill", []),  # a slug that no record can have just matches nothing
        ("q=%00", "?", ["q"]),
        ("q=" + "x" * MAX_LENGTH, "?q=" + "x" * MAX_LENGTH, []),
        ("q=" + "x" * 5000, "?", ["q"]),
        ("sort=age", "?", []),
    ],
)
def test_declared_parameters_are_read_and_repeated_and_no_others(query, repeated, errors):
    filters = asked(query)
    assert filters.link() == repeated
    assert list(filters.errors) == errors


def test_links_change_one_thing_and_lead_to_the_first_page():
    filters = asked("sort=name&colour=red&colour=blue&page=2&size=small&x=y")
    assert filters.link(colour=["green"], sort=[]) == "?colour=green&size=small"
    assert filters.clear_link == "?sort=name"
    assert filters.prefix() == "colour=red&size=small&sort=name&"
    assert filters.prefix("size", "q") == "size=small&"
    assert [(link.label, link.address) for link in filters.removal_links({"colour": [("red", "Red")]})] == [
        ("Colour: Red", "?size=small&sort=name"),
        ("Colour: blue", "?colour=red&size=small&sort=name"),
        ("Size: small", "?colour=red&sort=name"),
    ]


@pytest.mark.parametrize(("query", "narrowed"), [("", False), ("sort=name&page=2&x=y", False), ("maker=mill", True)])
def test_only_what_leaves_out_rows_counts_as_a_filter(query, narrowed):
    assert asked(query).is_filtered is narrowed


def test_values_that_cannot_be_listed_are_kept_in_bounded_number():
    filters = asked("&".join(f"maker=m{number}" for number in range(900)))
    assert filters.values("maker") == [f"m{number}" for number in range(MAX_VALUES)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "parameter"),
    [
        ("/initiatives/", "partner"),
        ("/initiatives/", "nothing"),
        ("/declaration/register/", "sector"),
        ("/funding/2031-32/", "nothing"),
        ("/funding/2031-32/payments/", "month"),
    ],
)
def test_a_long_address_makes_no_page_long(client, page, parameter):
    """Each of 900 values would be repeated in 900 links."""
    make_everything(1)
    plain = len(client.get(page).content)
    response = client.get(f"{page}?" + "&".join(f"{parameter}=no-such-value-{number}" for number in range(900)))
    assert response.status_code == 200
    assert len(response.content) < plain + 4000
