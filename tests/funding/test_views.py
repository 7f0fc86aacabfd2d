import re
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from funding.models import PublicationDuty
from funding.templatetags.funding import source_bar
from tests.factories import (
    AllocationFactory,
    ColumnFactory,
    ContactPointFactory,
    ContractCopyFactory,
    ContributorFactory,
    DutyFactory,
    ExplanationFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
)
from tests.vru_portal.test_bad_input import HOSTILE_HERE
from tests.walk import Elements
from vru_portal.append_only import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LONDON = ZoneInfo("Europe/London")


def on(day):
    """Be at noon of a day."""
    return time_machine.travel(datetime(day.year, day.month, day.day, 12, tzinfo=LONDON), tick=False)


def text_of(response):
    assert response.status_code == 200
    return Elements(response.text).text.replace("\u00a0", " ")


def sums(response, name):
    """Return the sums that carry this mark, as reconcile reads them."""
    return re.findall(rf'data-sum="{name}"[^>]*>([^<]*)<', response.text)


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def test_funding_leads_to_the_latest_year_that_has_a_source(client):
    assert "No budget is published yet" in client.get("/funding/").text
    FundingSourceFactory(year__first_year=2031)
    FundingSourceFactory(year__first_year=2033)
    YearFactory(first_year=2035)
    response = client.get("/funding/")
    assert (response.status_code, response.headers["Location"]) == (302, "/funding/2033-34/")
    assert client.get("/funding/2035-36/").status_code == 404


def test_each_sum_stands_as_stated_and_as_a_figure_and_the_sum_is_that_of_the_rows(client):
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


# Once money moves -----------------------------------------------------------------------------------------------------


@pytest.fixture
def later():
    with on(date(2032, 1, 10)):
        yield


@pytest.fixture
def year(later):
    year = YearFactory(first_year=2031, spend_by=date(2032, 3, 31), spend_by_stated="before the thaw")
    DutyFactory(awarding_body__name="The Reeve")
    return year


@pytest.fixture
def allocation(year):
    source = FundingSourceFactory(year=year, amount=Decimal("1000.00"), name="Chest", slug="chest")
    ContributorFactory(funding_source=source, organisation=OrganisationFactory(name="The Mint"))
    return AllocationFactory(
        funding_source=source,
        amount=Decimal("600.00"),
        initiative=InitiativeFactory(name="Night walks", slug="night-walks"),
        recipient=OrganisationFactory(name="Mill & Co", slug="mill"),
        awarded_by=PublicationDuty.objects.get().awarding_body,
        kind="contract",
        starts_on=date(2031, 6, 1),
        ends_on=date(2032, 3, 31),
    )


def test_with_no_allocation_nothing_is_nought_and_nothing_is_invented(client):
    FundingSourceFactory(year=YearFactory(first_year=2031))
    InitiativeFactory(name="Night walks")
    response = client.get("/funding/2031-32/")
    text = text_of(response)
    assert "£0" not in text
    assert "None published" in text
    assert re.search(r"Night walks\W+Sum not stated", text)
    assert 'class="picture' not in response.text
    assert "/funding/2031-32/sources.csv" in Elements(response.text).links("/funding/2031-32/")
    assert "There is no 360Giving file" in text
    assert "No payment is recorded yet" in text_of(client.get("/funding/2031-32/payments/"))


def test_the_sums_are_said_in_words_and_add_up(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("150.25"))
    response = client.get("/funding/2031-32/")
    words = (
        "is the budget. Of it, £600 is allocated and £150.25 paid. £400 is not yet allocated. "
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
    picture = re.findall(r'<svg class="picture picture--wide".*?</svg>', html, re.DOTALL)[0]
    table = re.findall(r"The same, as a table.*?</table>", html, re.DOTALL)[0]
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
        (date(2032, 4, 1), "The money was due to be spent"),
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


def test_a_payment_after_the_last_day_is_flagged_where_the_year_is_told(client, allocation):
    with on(date(2032, 4, 5)):
        PaymentFactory(allocation=allocation, paid_on=date(2032, 4, 1), amount=Decimal("5.00"))
        response = client.get("/funding/2031-32/")
    assert "£5 was paid after that" in text_of(response)
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
    assert "£400 is carried forward into the next year" in text_of(response)


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
    now = client.get("/funding/2031-32/")
    assert [sums(one, "allocated") for one in (before, known, dated, now)] == [["£600"], ["£600"], ["£500"], ["£500"]]
    assert "As known on 1 July 2031" in text_of(known)
    assert "As dated by 1 July 2031" in text_of(dated)
    assert "/funding/2031-32/" in {link.rstrip("?") for link in Elements(known.text).links("/funding/2031-32/")}
    assert "as_at=2031-07-01" in Elements(known.text).text or "allocations.csv?as_at=2031-07-01" in known.text


def test_before_anything_was_known_the_page_says_so_and_leads_on(client, allocation):
    text = text_of(client.get("/funding/2031-32/?as_at=2030-01-01"))
    assert "Nothing was known of this year" in text
    assert "£1,000" not in text


@pytest.mark.parametrize("path", ["/funding/2031-32/", "/funding/2031-32/payments/"])
def test_a_day_that_is_none_is_told_at_the_field(client, allocation, path):
    response = client.get(f"{path}?as_at=tomorrow")
    assert "This is no day" in text_of(response)
    assert 'aria-describedby="day-as_at' in response.text or "day-as_at_error" in response.text
    found = Elements(response.text).elements
    ids = {attributes.get("id") for _, attributes in found}
    links = {attributes.get("href") or "" for tag, attributes in found if tag == "a"}
    assert {link[1:] for link in links if link.startswith("#")} <= ids, "a link leads nowhere"


def test_only_a_page_that_shows_figures_says_whose_they_are_where_the_day_is_none(client, allocation):
    assert "figures here are those of today" in text_of(client.get("/funding/2031-32/?as_at=tomorrow"))
    assert "figures here" not in text_of(client.get("/funding/2031-32/payments/?as_at=tomorrow"))


def test_the_list_can_be_filtered_and_each_filter_undone(client, allocation):
    page = client.get("/funding/2031-32/?initiative=night-walks&kind=contract")
    assert "Initiative: Night walks" in text_of(page)
    links = Elements(page.text).links("/funding/2031-32/")
    assert {"/funding/2031-32/?initiative=night-walks", "/funding/2031-32/?kind=contract"} <= links
    assert "/funding/2031-32/allocations.json?initiative=night-walks&kind=contract" in links
    assert "No allocation matches all of these" in text_of(client.get("/funding/2031-32/?recipient=nobody"))


def test_a_missing_copy_of_a_contract_is_said_and_a_copy_is_linked(client, year):
    source = FundingSourceFactory(year=year, amount=Decimal("50000.00"))
    row = AllocationFactory(funding_source=source, kind="contract", amount=Decimal("10000.01"))
    AllocationFactory(funding_source=source, kind="contract", amount=Decimal("10000.00"))
    text = text_of(client.get("/funding/2031-32/"))
    assert text.count("Copy missing") == 1
    assert "1 contract, £10,000.01. Of 1, the copy is missing" in text
    assert "Copy missing" in text_of(client.get(row.get_absolute_url()))
    ContractCopyFactory(allocation=row, title="Lantern contract")
    text = text_of(client.get("/funding/2031-32/"))
    assert "Copy missing" not in text
    assert "Lantern contract" in text
    assert "Lantern contract" in text_of(client.get(row.get_absolute_url()))


def test_payments_say_what_is_irregular_and_what_the_unit_says_of_it(client, allocation):
    silent = PaymentFactory(allocation=allocation, amount=Decimal("700.00"))
    assert "£100 over its allocation of £600." in text_of(client.get("/funding/2031-32/payments/"))
    assert "No explanation published yet" in text_of(client.get("/funding/2031-32/payments/?exceptions=1"))
    ExplanationFactory(payment=silent, text="The <b>oil</b> cost more.")
    for path in ("/funding/2031-32/payments/", allocation.get_absolute_url()):
        response = client.get(path)
        assert "The unit explains: The <b>oil</b> cost more." in text_of(response).replace("&lt;", "<")
        assert "<b>oil</b>" not in response.text


def test_refunds_and_reversals_are_told_apart(client, allocation):
    wrong = PaymentFactory(allocation=allocation, amount=Decimal("50.00"), reference="FIN-X")
    reverse(wrong, by=None, reason="Entered twice.")
    PaymentFactory(allocation=allocation, amount=Decimal("-1.00"))
    for path in ("/funding/2031-32/payments/", allocation.get_absolute_url()):
        text = text_of(client.get(path))
        assert "Taken back on 10 January 2032: Entered twice." in text
        assert "Takes back payment FIN-X: Entered twice." in text
        assert "A refund: money paid back" in text
    response = client.get("/funding/2031-32/payments/")
    assert sums(response, "payment") == ["£50", "-£50", "-£1"]
    assert sums(response, "payments-total") == ["-£1"]


def test_the_list_that_the_duty_asks_for_has_its_columns_in_its_words(client, allocation):
    duty = PublicationDuty.objects.get()
    ColumnFactory(duty=duty, list="items", field="merchant_category", label="Trade", position=2)
    ColumnFactory(duty=duty, list="items", field="value_for_money", label="Worth it because", position=1)
    ColumnFactory(duty=duty, list="grants", field="purpose", label="Not of this list", position=0)
    PaymentFactory(allocation=allocation, amount=Decimal("500.01"), value_for_money="Three quotes.")
    PaymentFactory(allocation=allocation, amount=Decimal("500.00"))
    text = text_of(client.get("/funding/2031-32/payments/?duty=items"))
    assert "1 payment £500.01 in all" in text
    assert "Worth it because Three quotes. Trade Not stated" in text
    assert "Not of this list" not in text


def test_an_allocation_is_traced_both_ways(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("100.00"), reference="FIN-7")
    response = client.get(allocation.get_absolute_url())
    text = text_of(response)
    for words in ("The Mint", "Chest, 2031-32", "The Reeve", "Night walks", "Mill & Co", "FIN-7", "£100 paid so far",
                  "£500 still to pay", "Night walks were counted.", "The count is sound.", "Lanterns."):  # fmt: skip
        assert words in text, words
    assert "/funding/2031-32/?source=chest" in Elements(response.text).links("/")


def test_an_award_over_years_links_its_other_years(client, allocation):
    following = FundingSourceFactory(year=YearFactory(first_year=2032), amount=Decimal("900.00"))
    same = {name: getattr(allocation, name) for name in ("initiative", "recipient", "kind", "assessment", "awarded_on")}
    other = AllocationFactory(funding_source=following, continues=allocation, amount=Decimal("50.00"), **same)
    for one, two in ((allocation, other), (other, allocation)):
        response = client.get(one.get_absolute_url())
        assert "£650 in all" in text_of(response)
        assert two.get_absolute_url() in Elements(response.text).links("/")


def test_a_reversed_allocation_says_so_and_its_reversal_has_no_page(client, allocation):
    reversal = reverse(allocation, by=None, reason="The wrong mill.")
    text = text_of(client.get(allocation.get_absolute_url()))
    assert "This allocation was taken back" in text
    assert "Reversed on 10 January 2032: The wrong mill." in text
    assert client.get(f"/funding/allocations/{reversal.public_id}/").status_code == 404
    assert reversal.get_absolute_url() == allocation.get_absolute_url()


def test_staff_are_never_named(client, allocation):
    staff = UserFactory(username="agnes-the-clerk", first_name="Agnes")
    payment = PaymentFactory(allocation=allocation, amount=Decimal("900.00"), recorded_by=staff)
    ExplanationFactory(payment=payment, recorded_by=staff)
    names = [allocation.assessment.author.username, "agnes", "colleague-"]
    for path in ("/funding/2031-32/", "/funding/2031-32/payments/", allocation.get_absolute_url()):
        html = client.get(path).text.lower()
        assert not [name for name in names if name in html], path


def test_names_are_text_wherever_they_stand(client, year):
    name = '<script>alert(1)</script> "&'
    source = FundingSourceFactory(year=year, name=name)
    row = AllocationFactory(
        funding_source=source,
        initiative=InitiativeFactory(name=name, slug="nasty"),
        recipient=OrganisationFactory(name=f"{name} body"),
        purpose=name,
    )
    PaymentFactory(allocation=row, reference=f"{name}1", amount=Decimal("900.00"))
    for path in (
        "/funding/2031-32/?initiative=nasty",
        "/funding/2031-32/payments/?recipient=x",
        row.get_absolute_url(),
    ):
        html = client.get(path).text
        assert "<script>alert" not in html
        assert " style=" not in html
        assert " onclick" not in html


@pytest.mark.both
@pytest.mark.parametrize("value", HOSTILE_HERE.values(), ids=HOSTILE_HERE)
def test_no_question_breaks_a_page_of_the_money(client, allocation, value):
    PaymentFactory(allocation=allocation)
    names = (
        "as_at",
        "basis",
        "source",
        "level",
        "initiative",
        "recipient",
        "kind",
        "duty",
        "month",
        "exceptions",
        "page",
    )
    for path in ("/funding/2031-32/", "/funding/2031-32/payments/"):
        for name in names:
            assert client.get(f"{path}?{name}={value}").status_code in (200, 404), (path, name)
    page = allocation.get_absolute_url()  # which reads no name but the last
    for question in (f"page={value}", "&".join(f"{name}={value}" for name in names[:-1])):
        assert client.get(f"{page}?{question}").status_code in (200, 404), question[:80]
    assert client.get(f"/funding/allocations/{value}/").status_code in (404, 301)


@pytest.mark.parametrize("rows", [1, 4])
def test_a_page_of_the_money_asks_at_most_eight_times(client, year, rows):
    ContactPointFactory()
    for _ in range(rows):
        source = FundingSourceFactory(year=year, amount=Decimal("9000.00"))
        ContributorFactory(funding_source=source)
        row = AllocationFactory(funding_source=source, kind="contract")
        for amount in ("600.00", "700.00", "-5.00"):
            payment = PaymentFactory(allocation=row, amount=Decimal(amount))
            ExplanationFactory(payment=payment)
        ContractCopyFactory(allocation=row)
        ColumnFactory(
            duty=PublicationDuty.objects.get(), list="items", field=("purpose", "amount", "date", "recipient")[_]
        )
    found = {}
    for path in (
        "/funding/2031-32/",
        "/funding/2031-32/?as_at=2031-12-01&duty=contracts",
        "/funding/2031-32/payments/",
        "/funding/2031-32/payments/?duty=items&exceptions=1",
        row.get_absolute_url(),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        found[path] = len(queries)
    assert max(found.values()) <= 8, found
