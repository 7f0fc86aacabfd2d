"""A financial year on paper: the figures of its page, for any year, in a PDF that can be read aloud."""

from contextlib import closing
from datetime import date
from decimal import Decimal

import pytest

from funding.conditions import judged_conditions
from funding.datasets import year_report
from funding.models import Decision, FinancialYear, Overcommitment, Variation
from funding.year_accounts import year_accounts
from tests.support.crawler import text_of
from tests.support.factories import (
    AllocationFactory,
    DecisionFactory,
    FundingSourceFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
    make_everything,
)
from tests.support.pdfs import tags_of, words
from vru_portal.ledger.append_only.recording import reverse
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


def test_it_has_the_conditions_decisions_and_variations_of_the_page(client):
    make_everything(1)
    year = FinancialYear.objects.get(first_year=2031)
    paper, page = words(report(client, "2031-32")), text_of(client.get("/funding/2031-32/"))
    conditions = judged_conditions(year_accounts(year, year.sources.standing()))
    variations = Variation.objects.standing().filter(funding_source__year=year)
    decisions = Decision.objects.standing().filter(year=year)
    assert conditions
    assert variations
    assert decisions
    for row in conditions:
        sums = f"{format_pounds(row.required)} {format_pounds(row.counted)} {row.state.label}"
        assert f"{row.what} {row.account.source.name} {sums}" in paper
        assert row.what in page
    for step in variations:
        assert step.get_kind_display() in page
        of = f"{step.allocation.subject.name}, {step.allocation.recipient.name}" if step.allocation else "Not allocated"
        assert f"{step.get_kind_display()} {of}" in paper
        assert f"{step.decision.reference} {format_pounds(step.amount)}" in paper
    for decision in decisions:
        assert f"{decision.reference} {decision.title}" in paper
    allowed = Overcommitment.objects.standing().get(funding_source__year=year)
    assert f"% of {allowed.funding_source.name} to be allocated beyond its amount" in paper
    assert f"% of {allowed.funding_source.name} to be allocated beyond its amount" in page


def test_more_decisions_than_it_lists_are_counted(client, monkeypatch):
    make_everything(1)
    year = FinancialYear.objects.get(first_year=2031)
    DecisionFactory.create_batch(2, year=year)
    monkeypatch.setattr(year_report, "MAX_STEPS", 1)
    count = Decision.objects.standing().filter(year=year).count()
    assert f"The latest 1 of {count}." in words(report(client, "2031-32"))


def test_sources_that_were_taken_back_after_payments_leave_a_report(client, time_machine):
    time_machine.move_to(date(2034, 5, 6))
    source = FundingSourceFactory(year=YearFactory(first_year=2033))
    UnitFactory()
    allocation, by = AllocationFactory(funding_source=source), UserFactory()
    reverse(allocation, by=by, reason="Withdrawn.")
    PaymentFactory(allocation=allocation, amount=Decimal("7.00"))
    reverse(source, by=by, reason="Never came.")
    assert "£7" in words(report(client, "2033-34"))


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
