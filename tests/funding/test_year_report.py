"""A financial year on paper: the figures of its page, for any year, in a PDF that can be read aloud."""

from contextlib import closing
from decimal import Decimal

import pytest

from funding.datasets import year_report
from funding.models import FinancialYear
from funding.year_accounts import year_accounts
from tests.support.factories import FundingSourceFactory, UnitFactory, YearFactory, make_everything
from tests.support.pdfs import tags_of, words
from vru_portal.ledger.money import format_pounds

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def report(client, label):
    with closing(client.get(f"/funding/{label}/report.pdf")) as response:
        assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
        return response.getvalue()


def test_it_has_the_figures_of_the_page(client):
    make_everything(2)
    year = FinancialYear.objects.get(first_year=2031)
    accounts = year_accounts(year, year.sources.standing())
    paper, page = words(report(client, "2031-32")), client.get("/funding/2031-32/").getvalue().decode()
    sums = {accounts.total, accounts.allocated, accounts.paid, accounts.unallocated} - {Decimal(0)}
    sums |= {account.source.amount for account in accounts.sources}
    assert len(sums) > 3
    for amount in map(format_pounds, sums):
        assert amount in page
        assert amount in paper
    for balance in accounts.balances:
        assert balance.public_id in paper
        assert balance.subject_name in paper


def test_it_can_be_read_aloud(client):
    make_everything(1)
    names = {tag.name for tag in tags_of(report(client, "2031-32"))}
    assert {"H1", "H2", "Table", "Figure"} <= names


def test_a_year_with_sources_only_has_one(client):
    UnitFactory()
    FundingSourceFactory(year=YearFactory(first_year=2033, stated_total=None), name="A hat passed round")
    paper = words(report(client, "2033-34"))
    assert "A hat passed round" in paper
    assert "No allocations have been published" in paper
    assert "£0" not in paper.split()


def test_more_allocations_than_it_lists_are_counted(client, monkeypatch):
    make_everything(3)
    year = FinancialYear.objects.get(first_year=2031)
    count = len(year_accounts(year, year.sources.standing()).balances)
    assert count > 1
    monkeypatch.setattr(year_report, "MAX_ALLOCATIONS", 1)
    assert f"The 1 largest of {count}." in words(report(client, "2031-32"))


@pytest.mark.parametrize("label", ["1999-00", "2031-33", "nonsense", "%00"])
def test_there_is_none_of_other_years(client, label):
    UnitFactory()
    assert client.get(f"/funding/{label}/report.pdf").status_code == 404
