"""Every list of records has filters with counts, chips, orders and files; those of money are tested with the money."""

import csv
import io
import itertools

import pytest
from django.http import QueryDict

from events.declarations.datasets import SignatoryFilters
from events.declarations.filters import RegisterFilters
from events.filters import EventFilters
from funding.regranting.filters import OnwardGrantFilters
from partners.filters import OrganisationFilters, PostFilters, PublicationFilters
from programmes.filters import NewsFilters
from programmes.presenters.news import NewsItem, all_news
from programmes.results.filters import FigureFilters, PartFilters, ReturnFilters
from tests.support.factories import make_everything
from vru_portal.public.catalogue import CatalogueFilters
from vru_portal.public.milestones import milestones

pytestmark = pytest.mark.django_db


class AllNewsFilters(NewsFilters[NewsItem]):
    """The filters of the news as its page has them. What is listed has no rows: some of it follows from many tables."""

    def __init__(self, data):
        super().__init__(data, all_news(milestones()))


def listed(found):
    """Return what tells the rows of a list apart, in its order."""
    if isinstance(found, NewsFilters):
        return [(item.dated, item.title) for item in found.found]
    return [row.pk for row in found.rows]


LISTS = [
    CatalogueFilters,
    OrganisationFilters,
    PostFilters,
    PublicationFilters,
    EventFilters,
    RegisterFilters,
    SignatoryFilters,
    FigureFilters,
    PartFilters,
    ReturnFilters,
    OnwardGrantFilters,
    AllNewsFilters,
]


@pytest.fixture(scope="module", autouse=True)
def furnished(standing):
    with standing():
        make_everything(3)
        yield


@pytest.mark.parametrize("filters", LISTS)
def test_each_count_is_what_choosing_it_shows_and_each_order_shows_the_same_rows(filters):
    whole = filters(QueryDict(""))
    assert whole.count == len(listed(whole)) > 0
    assert whole.facets
    for name, options in whole.facets.items():
        for option in options:
            chosen = filters(QueryDict(f"{name}={option.slug}"))
            assert chosen.count == len(listed(chosen)) == option.count, (name, option)
            for other, further in itertools.islice(chosen.facets.items(), 2):
                for one in further[:2]:
                    both = chosen.valid.copy()
                    both.setlist(other, [one.slug])
                    assert filters(both).count == one.count
    keys = {order: listed(filters(QueryDict(f"sort={order}"))) for order in filters.ORDERS}
    assert len({tuple(sorted(found)) for found in keys.values()}) == 1
    assert [link.current for link in filters(QueryDict("sort=" + [*filters.ORDERS][-1])).sort_links][-1]


@pytest.mark.parametrize("filters", LISTS)
def test_words_and_values_that_nothing_has_find_nothing(filters):
    assert filters(QueryDict("q=zzznothing")).count == 0
    for name in filters(QueryDict("")).facets:
        nothing = filters(QueryDict(f"{name}=zzznothing"))
        assert (nothing.count, list(nothing.errors)) == (0, [name])


@pytest.mark.once
@pytest.mark.parametrize(
    ("page", "file", "shown"),
    [
        ("/partners/?part=leads&sort=name", "/partners.csv?part=leads&sort=name", "name"),
        ("/partners/?q=body&sort=sector", "/partners.csv?q=body&sort=sector", "name"),
        ("/events/?when=past&sort=earliest", "/events.csv?when=past&sort=earliest", "title"),
    ],
)
def test_a_list_downloads_as_it_is_shown(client, page, file, shown):
    listed = client.get(page)
    rows = list(csv.DictReader(io.StringIO(client.get(file).getvalue().decode("utf-8-sig"), newline="")))
    assert [str(row) for row in listed.context["page"]] == [row[shown] for row in rows] != []
    for form in ("csv", "json", "xlsx"):
        address = file.replace(".csv", f".{form}").replace("&", "&amp;")
        assert f'href="{address}"' in listed.text


@pytest.mark.once
@pytest.mark.parametrize(
    ("path", "facet"), [("/partners/", "sector"), ("/events/", "year"), ("/declaration/register/", "sector")]
)
def test_a_list_shows_counts_chips_and_a_way_on(client, path, facet):
    whole = client.get(f"{path}?{facet}=")
    option = whole.context["filters"].facets[facet][0]
    assert f'<span class="count">{option.count}</span>' in whole.text
    chosen = client.get(f"{path}?{facet}={option.slug}").text
    assert "Remove: " in chosen
    assert "Clear all" in chosen
    empty = client.get(f"{path}?q=zzznothing").text.partition('class="empty"')[2]
    assert "href=" in empty.partition("</div>")[0]


@pytest.mark.once
def test_the_directory_leads_to_the_list_and_is_itself_without_filters(client):
    page = client.get("/partners/")
    assert "lead_entries" in page.context
    assert 'href="?sort=name"' in page.text
    assert "lead_entries" not in client.get("/partners/?sort=name").context


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/payments/?min=abc", "Error: Payments"),
        ("/events/?year=x", "Error: Events"),
        ("/payments/", "Payments"),
    ],
)
def test_a_filter_that_is_wrong_is_said_first_and_has_the_focus(address, title, client):
    page = client.get(address).text
    assert f"<title>{title}" in page
    assert ('class="govuk-error-summary" tabindex="-1" autofocus>' in page) is title.startswith("Error")


def test_a_wrong_password_is_said_in_the_title(client):
    page = client.post("/admin/login/", {"login": "sam", "password": "x"}, follow=True).text
    assert "<title>Error: Sign in" in page
