"""A year's page once money moves: its sums, its deadline, and what was known on a day."""

import re
from datetime import date
from decimal import Decimal

import pytest

from tests.funding.views.reading import on, sums, text_of
from tests.support.crawler import Elements
from tests.support.factories import (
    AllocationFactory,
    ContractCopyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    PaymentFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.recording import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_with_no_allocation_nothing_is_nought_and_nothing_is_invented(client):
    FundingSourceFactory(year=YearFactory(first_year=2031))
    InitiativeFactory(name="Night walks")
    response = client.get("/funding/2031-32/")
    text = text_of(response)
    assert "£0" not in text
    assert "None published" in text
    assert re.search(r"Night walks\W+Sum not stated", text)
    assert 'class="sankey' not in response.text
    assert "/funding/2031-32/sources.csv" in Elements(response.text).links("/funding/2031-32/")
    assert "There is no 360Giving file" in text
    assert "No payments have been recorded yet" in text_of(client.get("/funding/2031-32/payments/"))


def test_a_year_leads_to_its_payments_and_to_who_received_most_before_there_are_any_and_after(client, allocation):
    links = Elements(client.get("/funding/2031-32/").text).links("/funding/2031-32/")
    assert {"/funding/2031-32/payments/", "/payments/totals/"} <= links
    PaymentFactory(allocation=allocation, amount=Decimal("150.25"))
    response = client.get("/funding/2031-32/")
    assert 'href="/payments/totals/?year=2031-32"' in response.text
    assert "£150.25" in text_of(client.get("/payments/totals/?year=2031-32"))


def test_the_sums_are_said_in_words_and_add_up(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("150.25"))
    response = client.get("/funding/2031-32/")
    words = (
        "is the budget. Of this budget, £600 has been allocated and £150.25 has been paid. £400 has not been allocated "
        "yet. "
        "It must be spent before the thaw."
    )
    assert words in text_of(response)
    found = {
        name: sums(response, name)
        for name in ("total", "allocated", "paid", "to-pay", "unallocated", "over", "carried")
    }
    assert found == {
        "total": ["£1,000"],
        "allocated": ["£600"],
        "paid": ["£150.25"],
        "to-pay": ["£449.75"],
        "unallocated": ["£400"],
        "over": [],
        "carried": [],
    }
    assert sums(response, "allocation") == sums(response, "allocations-total") == ["£600"]
    assert sums(response, "allocation-paid") == sums(response, "allocations-paid-total") == ["£150.25"]


def test_picture_and_table_show_the_same_sums(client, allocation):
    html = client.get("/funding/2031-32/").text
    picture = re.findall(r'<svg class="sankey sankey--wide".*?</svg>', html, re.DOTALL)[0]
    table = re.findall(r"The same figures as a table.*?</table>", html, re.DOTALL)[0]
    for amount in ("£600", "£400"):
        assert f">{amount}<" in picture
        assert f">{amount}<" in table
    assert ">£1,000<" in table


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2032, 3, 29), "There are 2 days left"),
        (date(2032, 3, 30), "There is 1 day left"),
        (date(2032, 3, 31), "Today is the last day"),
        (date(2032, 4, 1), "The deadline has passed"),
    ],
)
def test_the_days_left_are_counted_to_the_last_one(client, allocation, day, words):
    with on(day):
        text = text_of(client.get("/funding/2031-32/"))
    assert words in text
    assert ("It had to be spent" in text) == (day > date(2032, 3, 31))
    assert "counted here to 31 March 2032" in text


def test_no_deadline_is_invented(client, later):
    year = YearFactory(first_year=2031)
    AllocationFactory(funding_source=FundingSourceFactory(year=year))
    text = text_of(client.get("/funding/2031-32/"))
    assert "spent by" not in text
    assert "left (" not in text
    assert "Deadline Not stated" in text


def test_a_payment_after_the_last_day_is_flagged_on_the_years_page(client, allocation):
    with on(date(2032, 4, 5)):
        PaymentFactory(allocation=allocation, paid_on=date(2032, 4, 1), amount=Decimal("5.00"))
        response = client.get("/funding/2031-32/")
    assert "£5 was paid after the deadline" in text_of(response)
    assert "/funding/2031-32/payments/?exceptions=1" in Elements(response.text).links("/funding/2031-32/")


def test_money_over_an_allocation_is_named(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("600.01"))
    response = client.get("/funding/2031-32/")
    assert sums(response, "over") == ["£0.01"]
    assert "Over its allocation" in text_of(response)


def test_what_is_carried_forward_is_part_of_the_sums(client, allocation):
    following = YearFactory(first_year=2032)
    FundingSourceFactory(year=following, carried_from=allocation.funding_source, amount=Decimal("400.00"))
    response = client.get("/funding/2031-32/")
    assert (sums(response, "carried"), sums(response, "unallocated")) == (["£400"], [])
    assert "£400 has been carried forward to the next year" in text_of(response)


@pytest.mark.both
def test_known_by_a_day_does_not_change_and_dated_by_it_does(client, year):
    with on(date(2031, 6, 1)):
        source = FundingSourceFactory(year=year, amount=Decimal("1000.00"))
        wrong = AllocationFactory(funding_source=source, amount=Decimal("600.00"))
    before = client.get("/funding/2031-32/?as_at=2031-07-01")
    reverse(wrong, by=None, reason="A slip.")
    AllocationFactory(
        funding_source=source, amount=Decimal("500.00"), assessment=wrong.assessment, initiative=wrong.initiative
    )
    known = client.get("/funding/2031-32/?as_at=2031-07-01")
    dated = client.get("/funding/2031-32/?as_at=2031-07-01&basis=dated")
    assert "As recorded in this portal on 1" not in dated.text
    now = client.get("/funding/2031-32/")
    assert [sums(one, "allocated") for one in (before, known, dated, now)] == [["£600"], ["£600"], ["£500"], ["£500"]]
    assert "As known on 1 July 2031" in text_of(known)
    assert "Everything dated up to 1 July 2031, including corrections made since." in text_of(dated)
    assert "/funding/2031-32/" in {link.rstrip("?") for link in Elements(known.text).links("/funding/2031-32/")}
    assert "as_at=2031-07-01" in Elements(known.text).text or "allocations.csv?as_at=2031-07-01" in known.text


@pytest.mark.parametrize("typed", ["1/7/2031", "1 July 2031", "1st Jul 2031"])
def test_a_day_in_an_address_is_read_as_in_a_form_and_links_have_its_one_form(client, allocation, typed):
    with on(date(2031, 8, 1)):
        plain = client.get("/funding/2031-32/", {"as_at": "2031-07-01"}).text
        assert client.get("/funding/2031-32/", {"as_at": typed}).text == plain
        assert "as_at=2031-07-01" in plain
        payments = client.get("/funding/2031-32/payments/", {"from": typed, "to": "1/8/2031"}).text
        assert "from=2031-07-01" in payments
        refused = client.get("/funding/2031-32/payments/", {"from": "7/25/2031"})
        assert "There is no month 25. Enter the day before the month: 25/7/2031." in text_of(refused)
        api = client.get("/api/v1/payments/", {"from": typed})
        assert (api.status_code, api.json()["errors"]["from"]) == (400, "Enter a date in the format 2019-12-01.")


def test_a_date_before_anything_was_known_says_so_and_links_on(client, allocation):
    text = text_of(client.get("/funding/2031-32/?as_at=2030-01-01"))
    assert "Nothing was known about this year" in text
    assert "£1,000" not in text


@pytest.mark.parametrize("path", ["/funding/2031-32/", "/funding/2031-32/payments/"])
def test_an_invalid_date_is_an_error_of_its_field(client, allocation, path):
    response = client.get(f"{path}?as_at=tomorrow")
    assert "“tomorrow” is not a date. Enter a date such as 27 3 2020" in text_of(response)
    assert 'aria-describedby="day-as_at' in response.text or "day-as_at_error" in response.text
    found = Elements(response.text).elements
    ids = {attributes.get("id") for _, attributes in found}
    links = {attributes.get("href") or "" for tag, attributes in found if tag == "a"}
    assert {link[1:] for link in links if link.startswith("#")} <= ids, "a link leads nowhere"


def test_only_a_page_with_figures_says_whose_they_are_if_the_date_is_invalid(client, allocation):
    assert "Change the date" in text_of(client.get("/funding/2031-32/?as_at=tomorrow"))
    assert "Change the date" not in text_of(client.get("/funding/2031-32/payments/?as_at=tomorrow"))


def test_the_list_can_be_filtered_and_each_filter_undone(client, allocation):
    page = client.get("/funding/2031-32/?initiative=night-walks&kind=contract")
    assert "Initiative: Night walks" in text_of(page)
    links = Elements(page.text).links("/funding/2031-32/")
    assert {"/funding/2031-32/?initiative=night-walks", "/funding/2031-32/?kind=contract"} <= links
    assert "/funding/2031-32/allocations.json?initiative=night-walks&kind=contract" in links
    assert "No allocations match these filters" in text_of(client.get("/funding/2031-32/?recipient=nobody"))


def test_a_missing_copy_of_a_contract_is_reported_and_a_copy_is_linked(client, year):
    source = FundingSourceFactory(year=year, amount=Decimal("50000.00"))
    row = AllocationFactory(funding_source=source, kind="contract", amount=Decimal("10000.01"))
    AllocationFactory(funding_source=source, kind="contract", amount=Decimal("10000.00"))
    text = text_of(client.get("/funding/2031-32/"))
    assert text.count("Copy missing") == 1
    assert "1 contract, £10,000.01. 1 without a copy" in text
    assert "Copy missing" in text_of(client.get(row.get_absolute_url()))
    ContractCopyFactory(allocation=row, title="Lantern contract")
    text = text_of(client.get("/funding/2031-32/"))
    assert "Copy missing" not in text
    assert "Lantern contract" in text
    assert "Lantern contract" in text_of(client.get(row.get_absolute_url()))
