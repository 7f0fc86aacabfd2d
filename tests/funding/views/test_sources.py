"""A year's sources, before any of its money moves."""

import re
from decimal import Decimal
from itertools import pairwise

import pytest

from funding.templatetags.funding import source_bar
from tests.support.crawler import Elements
from tests.support.factories import (
    ContributorFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    YearFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_funding_leads_to_the_latest_year_that_has_a_source(client):
    assert "No budget has been published yet" in client.get("/funding/").text
    FundingSourceFactory(year__first_year=2031)
    FundingSourceFactory(year__first_year=2033)
    YearFactory(first_year=2035)
    response = client.get("/funding/")
    assert (response.status_code, response.headers["Location"]) == (302, "/funding/2033-34/")
    assert client.get("/funding/2035-36/").status_code == 404


def test_each_sum_is_shown_as_stated_and_as_a_figure_and_the_rows_add_up_to_the_total(client):
    year = YearFactory(first_year=2031, spend_by_stated="before the thaw")
    for amount, stated in (("1000000.00", "a million"), ("250000.50", "£250,000.50"), ("0.01", "a penny")):
        source = FundingSourceFactory(year=year, amount=Decimal(amount), stated_as=stated)
    ContributorFactory(funding_source=source, organisation=OrganisationFactory(name="The Mint"))
    InitiativeFactory(name="Night walks")
    text = Elements(client.get("/funding/2031-32/").text).text
    for words in ("£1,000,000", "a million", "£250,000.50", "£0.01", "a penny", "£1,250,000.51", "before the thaw"):
        assert words in text, words
    assert "The Mint" in text
    assert re.search(r"Night walks\W+Sum not stated", text)


def test_years_link_to_one_another(client):
    for first in (2031, 2033):
        FundingSourceFactory(year__first_year=first)
    page = Elements(client.get("/funding/2031-32/").text)
    assert {"/funding/2031-32/", "/funding/2033-34/"} <= page.links("/funding/2031-32/")


@pytest.mark.parametrize("amounts", [["1"], ["1", "1", "1"], ["0.01", "999999999999.99"], ["5"] * 30, []])
def test_the_bar_is_as_wide_as_its_shares_and_shows_even_the_smallest(amounts):
    rows = source_bar([FundingSourceFactory.build(year=None, amount=Decimal(a)) for a in amounts])["rows"]
    widths = [Decimal(row["width"]) for row in rows]
    assert all(re.fullmatch(r"\d+\.\d\d", row[name]) for row in rows for name in ("x", "width"))
    assert all(width > Decimal("0.5") for width in widths)
    if rows:
        assert abs(sum(widths, Decimal(0)) - 100) < Decimal("0.2")
        assert rows[0]["x"] == "0.00"
        for before, after in pairwise(rows):
            assert abs(Decimal(before["x"]) + Decimal(before["width"]) - Decimal(after["x"])) < Decimal("0.02")
    assert {row["tone"] for row in rows} <= set(range(1, 7))
