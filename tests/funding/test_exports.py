"""Downloads: the rows, order and total of the page beside which they are offered, in three formats that agree."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pytest
from django.http import QueryDict

from funding.datasets.published import LISTS_OF_A_YEAR, filters_of_year
from funding.filters import AllocationFilters, PaymentFilters
from funding.models import FinancialYear, Payment, PublicationDuty
from funding.year_accounts import year_accounts
from partners.models import Unit
from tests.support.factories import (
    DAY,
    ContractCopyFactory,
    ContributorFactory,
    ExplanationFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    UserFactory,
)
from tests.support.money.ledger import LICENCE, award, fill, irregularity, pay, year_with_everything
from vru_portal.ledger.append_only.recording import redact, reverse
from vru_portal.publishing.state import State
from vru_portal.tabular.writers import PENNY, Column, Table, csv_parts, escape_formula
from vru_portal.text.cleaning import normalise_line, normalise_reference

pytestmark = [pytest.mark.django_db, pytest.mark.once]
YEAR = "/funding/2031-32/"
LISTS = tuple(LISTS_OF_A_YEAR)


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to(datetime(2032, 5, 6, 12, tzinfo=UTC))


@pytest.fixture
def year():
    return year_with_everything()


def get(client, name, form, query=""):
    response = client.get(f"{YEAR}{name}.{form}{query}")
    assert response.status_code == 200, response.getvalue()
    return response


def rows(client, name, form, query=""):
    """Return a download's rows, each cell as text."""
    content = get(client, name, form, query).getvalue()
    if form == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    if form == "json":
        return [{k: v or "" for k, v in row.items()} for row in json.loads(content)["rows"]]
    lines = list(openpyxl.load_workbook(io.BytesIO(content))["Rows"].iter_rows(values_only=True))
    return [dict(zip(lines[0], map(as_text, line), strict=True)) for line in lines[1:]]


def as_text(cell):
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return f"{cell:.2f}" if isinstance(cell, int | float) else cell or ""


def asked(kind, year, query=""):
    """Return the filters that the page has for the same address."""
    data = QueryDict(query.removeprefix("?"))
    if kind == "payments":
        return PaymentFilters(year, data)
    return AllocationFilters(year, data, year_accounts(year, list(year.sources.standing())))


def name_of(client, name, form, query=""):
    """Return the name under which a download is saved."""
    disposition = client.head(f"{YEAR}{name}.{form}{query}").headers["Content-Disposition"]
    return disposition.removeprefix('attachment; filename="').removesuffix('"')


def test_the_three_formats_agree_cell_by_cell(client, year):
    irregularity(fill(year))
    for name, number in {"sources": 2, "allocations": 3, "payments": 7}.items():
        found = [rows(client, name, form) for form in ("csv", "json", "xlsx")]
        assert found[0] == found[1] == found[2], name
        assert len(found[0]) == number, name


DOWNLOADS = [
    ("allocations", ""),
    ("allocations", "?source=chest-1"),
    ("allocations", "?source=chest-1&source=chest-0&kind=grant"),
    ("allocations", "?kind=contract"),
    ("allocations", "?source=nobody"),
    ("payments", ""),
    ("payments", "?kind=contract"),
    ("payments", "?month=2032-04"),
    ("payments", "?exceptions=1"),
    ("payments", "?duty=items"),
    ("payments", "?source=chest-0&month=2031-05"),
    ("payments", "?initiative=nobody"),
]


def test_a_download_holds_exactly_the_filtered_page(client, year):
    irregularity(fill(year))
    for name, query in DOWNLOADS:
        filters = asked(name, year, query)
        key = {"allocations": ("id", "public_id"), "payments": ("reference", "reference")}[name]
        found = rows(client, name, "csv", query)
        assert [row[key[0]] for row in found] == [getattr(row, key[1]) for row in filters.rows], (name, query)
        stated = json.loads(get(client, name, "json", query).getvalue())
        total = sum((Decimal(row["amount"]) for row in found), Decimal(0))
        counted = (filters.count, filters.total)
        assert (stated["count"], Decimal(stated["total"])) == counted == (len(found), total), (name, query)
        if name == "allocations":
            assert sum((Decimal(row["paid"]) for row in found), Decimal(0)) == filters.paid, query


@pytest.mark.parametrize("name", LISTS)
def test_an_impossible_day_or_basis_is_answered_with_what_to_enter(client, year, name):
    for query in ("as_at=31.4.2031", "as_at=2031-02-30", "as_at=" + "9" * 10_000, "basis=guessed", "as_at=2099-01-01"):
        response = client.get(f"{YEAR}{name}.csv?{query}")
        said = (response.status_code, response.headers["Content-Type"])
        assert said == (400, "text/plain; charset=utf-8"), query
        assert 20 < len(response.text) < 300, query


def test_every_file_that_the_page_of_a_year_names_can_be_had(client, year):
    fill(year)
    named = re.findall(r'"contentUrl": ?"([^"]+)"', client.get(YEAR).text)
    assert len(named) == 3 * len(LISTS)
    for address in named:
        response = client.get(address)
        assert (response.status_code, len(response.getvalue()) > 100) == (200, True), address


def test_a_list_that_does_not_exist_is_not_found(client, year):
    answers = {
        address: client.get(f"/funding/{address}").status_code
        for address in (
            *(
                f"2031-32/{name}"
                for name in ("sources.pdf", "secrets.csv", "sources.csv.json", "payments.CSV", "%00.csv")
            ),
            *("2040-41/sources.csv", "2031/sources.csv", "x/sources.csv"),
        )
    }
    assert set(answers.values()) == {404}, answers


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("payments.pdf", "There is no format “pdf”. Use one of: csv, json, xlsx.\n"),
        ("sources.CSV", "There is no format “CSV”. Use one of: csv, json, xlsx.\n"),
        ("secrets.csv", f"A year has no list “secrets”. Use one of: {', '.join(LISTS)}.\n"),
    ],
)
def test_what_a_year_does_not_have_is_answered_with_what_it_has(client, year, address, said):
    response = client.get(f"{YEAR}{address}")
    assert (response.status_code, response["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert response.text == said


def test_at_launch_there_are_sources_and_nothing_is_made_up(client, year):
    found = rows(client, "sources", "csv")
    assert [row["amount"] for row in found] == ["1000.00", "2000.50"]
    assert found[0]["contributors"] == "Moor Partnership"
    assert {row[name] for row in found for name in ("allocated", "paid", "still_to_pay", "not_allocated")} == {""}
    assert rows(client, "allocations", "csv") == rows(client, "payments", "xlsx") == []
    assert json.loads(get(client, "payments", "json").getvalue())["total"] == "0.00"


def test_each_source_adds_up(client, year):
    irregularity(fill(year))
    for row in rows(client, "sources", "csv"):
        sums = {name: Decimal(row[name] or 0) for name in row if name in (
            "amount", "paid", "still_to_pay", "paid_over_allocations", "not_allocated", "carried_forward")}  # fmt: skip
        assert (
            sums["paid"] + sums["still_to_pay"] - sums["paid_over_allocations"] + sums["not_allocated"]
            + sums["carried_forward"] == sums["amount"]
        )  # fmt: skip


def test_a_payment_says_what_it_is(client, year):
    irregularity(fill(year))
    found = {row["amount"]: row for row in rows(client, "payments", "csv")}
    assert (found["600.10"]["net"], found["600.10"]["irrecoverable_vat"]) == ("500.08", "100.02")
    assert (found["500.50"]["net"], found["500.50"]["irrecoverable_vat"]) == ("", "")
    assert found["-0.10"]["state"] == "Refund"
    assert (found["77.77"]["state"], found["77.77"]["reversal_reason"]) == ("Reversed", "Paid twice.")
    assert found["-77.77"]["state"] == f"Reversal of {found['77.77']['reference']}"
    assert "Paid after 31 March 2032" in found["5000.00"]["exceptions"]
    assert found["5000.00"]["explanation"] == "The oil came late."
    assert found["600.10"]["payee_org_id"] == "GB-COH-01234567"


def test_what_was_not_known_on_a_day_is_in_no_cell_of_it(client, year, time_machine):
    time_machine.move_to(datetime(2031, 6, 1, 12, tzinfo=UTC))
    payment = pay(award(year.sources.first()), "150.00")
    time_machine.move_to(datetime(2031, 7, 1, 12, tzinfo=UTC))
    ExplanationFactory(payment=payment, text="Told in July.")
    reverse(payment, by=UserFactory(), reason="Found in July.")
    (before,) = rows(client, "payments", "csv", "?as_at=2031-06-30")
    assert (before["state"], before["reversal_reason"], before["explanation"]) == ("Payment", "", "")
    assert "over its allocation" in before["exceptions"]
    after, reversal = rows(client, "payments", "csv", "?as_at=2031-07-01")
    assert (after["state"], after["reversal_reason"], after["explanation"], after["exceptions"]) == (
        "Reversed", "Found in July.", "Told in July.", "",
    )  # fmt: skip
    assert reversal["amount"] == "-150.00"
    stated = json.loads(get(client, "payments", "json", "?as_at=2031-06-30").getvalue())
    assert (stated["as_at"], stated["basis"]) == ("2031-06-30", "as known by that day")


def test_a_contract_copy_is_in_the_list_from_the_day_on_which_it_was_known(client, year, time_machine):
    time_machine.move_to(datetime(2031, 6, 1, 12, tzinfo=UTC))
    contract = award(year.sources.first(), kind="contract")
    ContractCopyFactory(allocation=contract, url="https://moor.example.org/june")
    time_machine.move_to(datetime(2031, 7, 1, 12, tzinfo=UTC))
    ContractCopyFactory(allocation=contract, url="https://moor.example.org/july")
    june, both = "https://moor.example.org/june", "https://moor.example.org/june; https://moor.example.org/july"
    for query, urls in {"?as_at=2031-06-30": june, "?as_at=2031-07-01": both, "": both}.items():
        (row,) = rows(client, "allocations", "csv", query)
        assert row["contract_copies"] == urls, query


def test_a_draft_publication_is_not_named(client, year):
    shown, hidden = year.sources.order_by("position")
    hidden.source.state = State.DRAFT
    hidden.source.title = "Plan of a secret"
    hidden.source.save()
    for form in ("csv", "json", "xlsx"):
        assert [row["stated_in"] for row in rows(client, "sources", form)] == [shown.source.title, ""]
        assert "secret" not in str(rows(client, "sources", form))


def test_no_member_of_staff_is_named(client, year):
    by = UserFactory(username="secretive", first_name="Sacha", last_name="Secretive")
    allocation = award(year.sources.first())
    redact(allocation, fields=["purpose"], by=by, reason="It named a walker.")
    reverse(pay(allocation, "5.00"), by=by, reason="Paid twice.")
    for name in LISTS:
        for form in ("csv", "json"):
            assert b"secretive" not in get(client, name, form).getvalue().lower()
        assert "secretive" not in str(rows(client, name, "xlsx")).lower()


def test_a_file_says_what_it_is_and_as_at_when(client, year):
    assert name_of(client, "payments", "csv") == "payments-2031-32-as-at-2032-05-06.csv"
    assert name_of(client, "sources", "xlsx", "?as_at=2031-06-01") == "sources-2031-32-as-at-2031-06-01.xlsx"
    dated = name_of(client, "sources", "xlsx", "?as_at=2031-06-01&basis=dated")
    assert dated == "sources-2031-32-dated-by-2031-06-01.xlsx"
    found = json.loads(get(client, "sources", "json").getvalue())
    assert (found["publisher"], found["licence"], found["as_at"]) == ("Moor Partnership", LICENCE, "2032-05-06")
    assert found["columns"].keys() == found["rows"][0].keys()
    assert "example" not in found
    PublicationDuty.objects.update(licence_name="", licence_url="")
    assert "licence" not in json.loads(get(client, "sources", "json").getvalue())


def test_example_data_says_so_in_every_format(client, year):
    fill(year)
    Unit.objects.update(is_example=True)
    for form in ("csv", "json", "xlsx"):
        assert name_of(client, "payments", form).startswith("example-payments")
        assert {row["example"] for row in rows(client, "payments", form)} == {"Example data"}
    assert json.loads(get(client, "payments", "json").getvalue())["example"] is True


def test_the_workbook_holds_numbers_and_days_and_says_what_it_is(client, year):
    fill(year)
    book = openpyxl.load_workbook(io.BytesIO(get(client, "payments", "xlsx").getvalue()))
    headings = [cell.value for cell in book["Rows"][1]]
    cells = dict(zip(headings, book["Rows"][2], strict=True))
    assert (cells["amount"].value, cells["amount"].number_format) == (600.1, "#,##0.00")
    assert (cells["paid_on"].value.date(), cells["paid_on"].is_date) == (DAY, True)
    assert book["Rows"].freeze_panes == "A2"
    meta = {row[0]: row[1] for row in book["Meta"].iter_rows(values_only=True)}
    assert (meta["publisher"], meta["count"], meta["total"]) == ("Moor Partnership", 6, 1100.51)


def test_asking_for_the_head_makes_no_file(client, year):
    for form in ("csv", "json", "xlsx"):
        response = client.head(f"{YEAR}allocations.{form}")
        assert (response.status_code, response.getvalue()) == (200, b"")
        assert f".{form}" in response.headers["Content-Disposition"]
    assert client.post(f"{YEAR}allocations.csv").status_code == 405


def test_rows_are_fetched_in_the_same_questions_however_many(client, year, django_assert_max_num_queries):
    allocation = award(year.sources.first())
    for _ in range(9):
        pay(allocation, "1.00")
    for name in LISTS:
        get(client, name, "json").close()
        with django_assert_max_num_queries(19):
            response = get(client, name, "json")
        assert response.streaming
        response.close()


# Formulas -------------------------------------------------------------------------------------------------------------

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201",
    "  =1+1", '"=1+1', "'=1+1", "\u00a0=1+1", "\ufeff=1+1", "\u200b=1+1", "\ufe621", "=cmd|' /C calc'!A0", "\u201c=1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text):
    assert escape_formula(text) == f"'{text}"
    table = Table({}, [Column("word", "", lambda row: row), Column("amount", "", lambda row: Decimal("-1.50"))],
                  [text], total_of="amount")  # fmt: skip
    line = "".join(csv_parts(table)).split("\r\n", 1)[1]
    assert next(csv.reader(io.StringIO(line, newline=""))) == [f"'{text}", "-1.50"]


@pytest.mark.parametrize("text", ["", "Lanterns", "2031-05-06", "a=1", "£-5", "Oil, 5", "it's", "“Quoted”", "10 - 3"])
def test_other_text_is_left_as_it_is(text):
    assert escape_formula(text) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_every_text_cell_of_every_list_is_neutral_and_a_negative_sum_a_number(client, text):
    hostile_year(text)
    cleaned = normalise_line(text)  # as fields of one line keep it
    neutral = {f"'{text}", f"'{cleaned}"}
    reference = escape_formula(normalise_reference(text))  # which keeps no apostrophe of its own
    for name, least in {"sources": 6, "allocations": 11, "payments": 9}.items():
        hostile: dict[str, str] = {}
        for row in rows(client, name, "csv"):
            if name == "payments":
                assert row.pop("reference") in (reference, f"{reference} reversed")
            hostile |= {column: cell for column, cell in row.items() if cell in (text, cleaned, *neutral)}
            assert not [cell for cell in row.values() if cell.startswith((text, cleaned))]
        assert len(hostile) >= least, (name, hostile)
        assert set(hostile.values()) <= neutral
        book = openpyxl.load_workbook(io.BytesIO(get(client, name, "xlsx").getvalue()))
        cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
        assert not [cell for cell in cells if cell.data_type == "f"]
        texts = [cell.value for cell in cells if isinstance(cell.value, str)]
        assert not [said for said in texts if escape_formula(said) != said and not said.startswith("'")]
    assert [row["amount"] for row in rows(client, "payments", "csv")] == ["150.00", "-150.00"]


def hostile_year(text):
    """Record a ledger in which every text that people write is a formula."""
    year_with_everything()
    words = dict.fromkeys(("purpose", "value_for_money", "department", "merchant_category"), text)
    body = OrganisationFactory(name=text, slug="body")
    source = FundingSourceFactory(
        year=FinancialYear.objects.get(), name=text, nature=text, stated_as=text, wording=text, note=text
    )
    ContributorFactory(funding_source=source, organisation=body)
    initiative = InitiativeFactory(name=text, level=LevelFactory(name=text))
    allocation = award(
        source, initiative=initiative, recipient=body, kind="contract", conditions=text, reasons=text, **words
    )
    ContractCopyFactory(allocation=allocation, url=text)
    payment = pay(allocation, "150.00", reference=text, **words)
    ExplanationFactory(payment=payment, text=text)
    reverse(payment, by=UserFactory(), reason=text)


def test_a_list_of_more_than_a_thousand_rows_is_whole(client, year):
    allocation = award(year.sources.first())
    Payment.objects.bulk_create(
        Payment(reference=f"BULK-{n}", allocation=allocation, payee=allocation.recipient, paid_on=DAY, amount=PENNY)
        for n in range(1001)
    )
    found = json.loads(get(client, "payments", "json").getvalue())
    assert (found["count"], found["total"], len(found["rows"])) == (1001, "10.01", 1001)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_a_download_that_is_only_asked_about_does_not_claim_to_be_empty(client, year, name, form):
    fill(year)
    sent = get(client, name, form)
    asked_about = client.head(f"{YEAR}{name}.{form}")
    assert asked_about.getvalue() == b""
    assert asked_about.headers.get("Content-Length") in (
        None,
        sent.headers.get("Content-Length", str(len(sent.getvalue()))),
    )
    for header in ("Content-Type", "Content-Disposition"):
        assert asked_about.headers[header] == sent.headers[header]


@pytest.mark.parametrize("name", ["payments", "allocations"])
def test_a_value_that_matches_nothing_makes_another_file_than_none_and_an_unknown_parameter_the_same(year, name):
    def depends_on(query):
        return filters_of_year(name, year, QueryDict(query)).data.urlencode()

    assert depends_on("initiative=$$") != depends_on("") == depends_on("unknown=1")
    assert depends_on("as_at=2031-12-01") != depends_on("")
