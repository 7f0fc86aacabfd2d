"""Pennies that are planted in what is served of onward grants are found."""

from decimal import Decimal

import pytest

from funding.reconcile import onward, outputs
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedList, ServedPage
from funding.regranting.presenters import OnwardReport
from tests.support.factories import OnwardGrantFactory, UnitFactory, reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(settings):
    UnitFactory()
    made = OnwardGrantFactory(amount=Decimal("60.01"))
    reverse(OnwardGrantFactory(allocation=made.allocation, amount=Decimal("5.00")))
    return made


def differences():
    report = ReconciliationReport()
    onward.check_onward_grants(report)
    return report.differences


def test_what_is_served_adds_up(grant):
    assert differences() == []
    OnwardGrantFactory(allocation=grant.allocation, amount=Decimal("60.00"))
    assert differences() == []


def test_a_penny_in_any_file_is_found(grant, monkeypatch):
    read = outputs.read_list

    def a_penny_more(name, form):
        found = read(name, form)
        found.rows[0]["amount"] = Decimal(str(found.rows[0]["amount"])) + Decimal("0.01")
        return found

    monkeypatch.setattr(outputs, "read_list", a_penny_more)
    found = differences()
    assert len(found) == 3
    assert all("a difference of £0.01" in sentence for sentence in found)


def test_a_penny_on_the_page_is_found(grant, monkeypatch):
    unreported = vars(OnwardReport)["unreported"].fget
    monkeypatch.setattr(OnwardReport, "unreported", property(lambda report: unreported(report) + Decimal("0.01")))
    (found,) = differences()
    assert "Page: “onward-unreported” is £40, but £39.99 in the database: a difference of £0.01." in found


def test_what_cannot_be_read_is_a_difference(grant, monkeypatch):
    monkeypatch.setattr(outputs, "read_list", lambda name, form: ServedList([{"allocation": "?"}]))
    monkeypatch.setattr(outputs, "read_pages", lambda address, continued: ServedPage())
    assert len(differences()) == 3 + 2
