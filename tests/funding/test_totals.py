"""Payments by range, band, words and year; and added up, so that “who received most” is one click away."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.http import QueryDict

from funding.filters import PaymentFilters, TotalsFilters
from funding.filters.tally import TALLIED
from funding.models import Payment
from tests.support.factories import (
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    UserFactory,
    YearFactory,
)
from tests.support.money.ledger import award, pay, year_with_everything
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db
COMPARED = [
    "",
    "recipient=mill",
    "level=low&kind=grant",
    "year=2031-32",
    "q=lamps",
    "min=20&initiative=walk",
    "month=2031-06",
]


@pytest.fixture(scope="module")
def ledger(standing):
    with standing(), time_machine.travel(datetime(2032, 5, 6, 12, tzinfo=UTC), tick=False):
        record()
        yield


def record():
    """Payments of two years that differ in everything that can be filtered."""
    year = year_with_everything()
    before = FundingSourceFactory(year=YearFactory(first_year=2030), name="Old", slug="old", amount=Decimal("900.00"))
    mill, inn = OrganisationFactory(name="Mill", slug="mill"), OrganisationFactory(name="Inn", slug="inn")
    low, high = LevelFactory(slug="low", position=1), LevelFactory(slug="high", position=2)
    walk, talk = InitiativeFactory(level=low, slug="walk"), InitiativeFactory(level=high, slug="talk")
    first, second = year.sources.order_by("position")
    a = award(first, "500.00", initiative=walk, recipient=mill)
    b = award(second, "500.00", initiative=talk, recipient=inn, kind="contract")
    c = award(before, "500.00", initiative=walk, recipient=mill, awarded_on=date(2030, 5, 6))
    pay(a, "10.00", payee=mill, paid_on=date(2031, 5, 6), purpose="Lamps and oil")
    pay(a, "20.50", payee=inn, paid_on=date(2031, 6, 1), reference="LAMPS-1")
    pay(b, "300.00", payee=inn, paid_on=date(2031, 6, 30))
    pay(b, "-40.00", payee=inn, paid_on=date(2031, 7, 1))
    pay(c, "99.99", payee=mill, paid_on=date(2030, 8, 1))
    reverse(pay(c, "5.00", payee=mill, paid_on=date(2030, 8, 2)), by=UserFactory(), reason="Twice.")


def asked(query, kind=PaymentFilters):
    return kind(None, QueryDict(query))


def amounts(query):
    return [f"{payment.amount}" for payment in asked(query).rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2031-06-01&to=2031-06-30", ["20.50", "300.00"]),
        ("to=2031-06-01&from=2031-06-30", ["20.50", "300.00"]),  # whichever way round
        ("to=2030-08-01", ["99.99"]),
        ("min=20.50&max=300", ["99.99", "20.50", "300.00"]),
        ("max=20.50&min=20.50", ["20.50"]),
        ("max=-5", ["-5.00", "-40.00"]),
        ("min=£1,00.00", []),
        ("q=lamps", ["10.00", "20.50"]),
        ("q=MILL+lamps", ["10.00"]),
        ("q=nothing", []),
        ("year=2030-31", ["99.99", "5.00", "-5.00"]),
        ("year=2030-31&year=2031-32&level=high", ["300.00", "-40.00"]),
        ("year=2029-30", []),
        ("level=low&sort=largest", ["99.99", "20.50", "10.00", "5.00", "-5.00"]),
        ("kind=contract&sort=newest", ["-40.00", "300.00"]),
        ("level=low&min=10&sort=recipient", ["20.50", "99.99", "10.00"]),
    ],
)
def test_payments_are_found_by_range_band_words_and_years(ledger, query, found):
    assert amounts(query) == found


@pytest.mark.parametrize(
    "query", ["from=2031-02-30", "to=yesterday", "min=ten", "max=1.234", "year=2031-33", "min=" + "9" * 50]
)
def test_an_impossible_value_is_an_error_of_its_field(ledger, query):
    filters = asked(query)
    assert list(filters.errors) == [query.partition("=")[0]]
    assert (filters.count, filters.total, list(filters.rows)) == (0, 0, [])
    assert filters.tally.matching == []


@pytest.mark.parametrize("query", COMPARED)
def test_totals_options_and_list_agree(ledger, query):
    filters = asked(query)
    rows = list(filters.rows)
    for name in TALLIED:
        totals = filters.tally.totals(name)
        assert sum(total.payments for total in totals) == filters.count == len(rows)
        assert sum(total.amount for total in totals) == filters.total
    for name, options in filters.tally.options.items():
        for option in options:
            other = QueryDict(query).copy()
            other.setlist(name, [option.choice.slug])
            there = asked(other.urlencode())
            assert (option.payments, option.amount) == (there.count, there.total), (name, option)
    months = asked(query, TotalsFilters)
    if "month" not in query:
        assert sum(day.amount for day in months.days) == filters.total


def test_who_received_most_is_one_click_away_and_leads_to_the_payments(client, ledger):
    page = client.get("/funding/2031-32/payments/")
    address = "/payments/totals/?year=2031-32&amp;by=recipient"
    assert f'<a href="{address}">Who received the most in <span class="number">2031-32</span>?</a>' in page.text
    assert '<a href="/payments/totals/?by=recipient">Who received the most in all years?</a>' in page.text
    assert '<a href="/payments/totals/?by=recipient">Who received the most?</a>' in client.get("/payments/").text
    filtered = client.get("/funding/2031-32/payments/?min=5").text
    assert '<a href="/payments/totals/?min=5&amp;by=recipient">Who received the most in all years?</a>' in filtered
    totals = client.get(address.replace("&amp;", "&"))
    names = [(bar.total.choice.name, bar.total.amount, bar.width) for bar in totals.context["bars"]]
    assert names == [("Inn", Decimal("280.50"), "100.00"), ("Mill", Decimal("10.00"), "3.57")]
    for bar in totals.context["bars"]:
        there = client.get(f"/payments/{bar.payments_query}")
        assert there.context["filters"].total == bar.total.amount
    assert "style=" not in totals.text.partition("<table>")[2]


def test_totals_download_as_they_are_shown(client, ledger):
    for by in ("recipient", "level", "month", "year", "kind", "source", "initiative"):
        page = client.get(f"/payments/totals/?by={by}&min=5")
        file = client.get(f"/payment-totals.csv?by={by}&min=5").getvalue().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(file, newline="")))
        assert [(row["name"], Decimal(row["amount"])) for row in rows] == [
            (bar.total.choice.name, bar.total.amount) for bar in page.context["bars"]
        ]
        assert len(rows) > 1
    assert client.get("/payment-totals.csv?by=colour").status_code == 400


def test_several_years_download_as_they_are_listed(client, ledger):
    query = "?year=2030-31&year=2031-32&sort=largest"
    listed = client.get(f"/payments/{query}").context["page"]
    file = client.get(f"/payments.csv{query}").getvalue().decode("utf-8-sig")
    references = [row["reference"] for row in csv.DictReader(io.StringIO(file, newline=""))]
    assert references == [Payment.objects.get(pk=key).reference for key in listed]


@pytest.mark.parametrize("name", ["Trust (2020)", "Mill"])
def test_a_filter_in_use_has_the_whole_name_and_no_count(client, ledger, name):
    slug = OrganisationFactory(name=name, slug="trust").slug if name != "Mill" else "mill"
    links = client.get(f"/payments/?recipient={slug}").context["removal_links"]
    assert [link.label for link in links] == [f"Recipient: {name}"]


def test_what_is_not_found_leads_on(client, ledger):
    text = client.get("/funding/2031-32/payments/?q=nothing").text
    assert "No payments match these filters" in text
    assert 'href="/payments/?q=nothing">look in all years' in text
    assert "No payments match these filters" in client.get("/payments/totals/?q=nothing").text


def test_a_page_asks_as_often_for_many_payments_as_for_few(client, ledger, django_assert_max_num_queries):
    for address in ("/payments/", "/payments/totals/?by=recipient", "/payments/totals/?by=month"):
        client.get(address)
        with django_assert_max_num_queries(20):
            client.get(address)
