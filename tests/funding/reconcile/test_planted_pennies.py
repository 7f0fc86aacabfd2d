"""`manage.py reconcile` finds a penny that is planted in any of the outputs, and names the output."""

import pytest
import time_machine

from tests.funding.reconcile.conftest import NOW
from tests.support.altered_responses import in_json, in_text, in_workbook, serve_once
from tests.support.money.ledger import fill, reconciled, year_with_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("year_is_over")]


@pytest.fixture(scope="module")
def served_before(standing):
    """A ledger for all tests, and what has been served of it."""
    with standing():
        with time_machine.travel(NOW):
            fill(year_with_everything())
        yield {}


@pytest.fixture(autouse=True)
def served(served_before, monkeypatch):
    serve_once(monkeypatch, served_before)


YEAR = "/funding/2031-32/"
PLANTS = {
    "page: source": (YEAR, in_text('data-sum="source">£1,000<', 'data-sum="source">£1,000.01<'), "Page"),
    "page: headline": (YEAR, in_text('data-sum="allocated">£1,623.95<', 'data-sum="allocated">£1,623.96<'), "Page"),
    "page: allocation": (YEAR, in_text('data-sum="allocation">£123.45<', 'data-sum="allocation">£123.44<'), "Page"),
    "page: paid": (YEAR, in_text('data-sum="allocation-paid">£600<', 'data-sum="allocation-paid">£600.01<'), "Page"),
    "page: payment": (f"{YEAR}payments/", in_text('data-sum="payment">£0.01<', 'data-sum="payment">£0.02<'), "Page"),
    "CSV: sources": (f"{YEAR}sources.csv", in_text(",1000.00,", ",1000.01,"), "CSV"),
    "CSV: allocations": (f"{YEAR}allocations.csv", in_text(",500.50,", ",500.51,"), "CSV"),
    "CSV: payments": (f"{YEAR}payments.csv", in_text(",-0.10,", ",-0.11,"), "CSV"),
    "JSON: sources": (f"{YEAR}sources.json", in_json("rows", "not_allocated"), "JSON"),
    "JSON: allocations": (f"{YEAR}allocations.json", in_json("rows", "paid"), "JSON"),
    "JSON: payments": (f"{YEAR}payments.json", in_json("rows", "amount"), "JSON"),
    "JSON: total": (f"{YEAR}payments.json", in_text('"total": "1100.51"', '"total": "1100.52"'), "JSON"),
    "XLSX: sources": (f"{YEAR}sources.xlsx", in_workbook("Rows", "amount"), "XLSX"),
    "XLSX: allocations": (f"{YEAR}allocations.xlsx", in_workbook("Rows", "amount"), "XLSX"),
    "XLSX: payments": (f"{YEAR}payments.xlsx", in_workbook("Rows", "amount"), "XLSX"),
    "360Giving JSON": (
        "/funding/360giving/moor-fund.json", in_json("grants", "amountAwarded"), "360Giving of moor-fund, JSON"),
    "360Giving JSON, disbursed": (
        "/funding/360giving/moor-fund.json", in_json("grants", "amountDisbursed"), "360Giving of moor-fund, JSON"),
    "360Giving XLSX": (
        "/funding/360giving/moor-fund.xlsx", in_workbook("grants", "Amount Disbursed"), "360Giving of moor-fund, XLSX"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_a_penny_in_an_output_is_found_and_the_output_named(name, plant):
    path, change, output = PLANTS[name]
    plant(path, change)
    code, said = reconciled()
    assert code == 1, said
    differences = [line for line in said.splitlines() if line.endswith("a difference of £0.01.")]
    assert differences, said
    assert {output in line for line in differences} == {True}, differences


def test_an_output_that_cannot_be_read_is_a_difference(plant):
    plant(f"{YEAR}payments.json", lambda content: content[:-20])
    code, said = reconciled()
    assert (code, "2031-32, JSON of payments: cannot be read" in said) == (1, True), said
