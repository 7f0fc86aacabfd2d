"""Sums to the penny: after refunds, at the largest amounts, on pages, in downloads and in the admin."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from funding.models import Allocation, Payment
from funding.reconcile.report import reconcile
from funding.year_accounts import year_accounts
from tests.support.crawler import text_of
from tests.support.factories import UserFactory
from tests.support.money.ledger import award, pay, year_with_everything
from vru_portal.ledger.money import sum_of_pounds

pytestmark = pytest.mark.django_db
LARGEST = Decimal("999999999999.99")


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to("2032-05-06")


def test_still_to_pay_is_never_more_than_the_allocation(client):
    year = year_with_everything()
    source = year.sources.get(position=0)
    allocation = award(source, "390.00")
    pay(allocation, "100.00")
    pay(allocation, "-807.50")
    account = year_accounts(year, [source]).sources[0]
    assert (account.paid, account.to_pay, account.refunded_beyond_paid) == (
        Decimal("-707.50"),
        Decimal(390),
        Decimal("707.50"),
    )
    whole = (
        account.paid
        + account.to_pay
        - account.over
        + account.refunded_beyond_paid
        + account.unallocated
        + account.carried
    )
    assert whole == source.amount
    assert Allocation.objects.with_paid().with_varied().get().still_to_pay == Decimal(390)
    page = text_of(client.get("/funding/2031-32/"))
    assert "£707.50 more was paid back than had been paid" in page
    assert "£390 allocated, still to pay" in page
    assert "£390 still to pay" in text_of(client.get(allocation.get_absolute_url()))
    report = reconcile()
    assert report.differences == []
    assert any("more paid back than" in exception for exception in report.exceptions)


def test_sums_are_whole_pence_at_the_largest_amounts(client):
    year = year_with_everything()
    source = year.sources.get(position=0)
    allocation = award(source, "1000.00")
    for _ in range(15):
        pay(allocation, LARGEST)
    total = LARGEST * 15
    assert Payment.objects.aggregate(total=sum_of_pounds("amount"))["total"] == total
    assert Allocation.objects.with_paid().get().paid == total
    assert year_accounts(year, [source]).paid == total
    last: Any = Payment.objects.with_irregularities().order_by("pk").last()
    assert (last.running, last.over) == (total, True)
    client.force_login(UserFactory(is_superuser=True))
    for address in ("/funding/2031-32/payments/", "/funding/2031-32/", allocation.get_absolute_url()):
        assert f"£{total:,}" in text_of(client.get(address)), address
    assert reconcile().differences == []


def test_no_sum_of_money_is_left_to_sql_as_pounds():
    """SQLite adds binary fractions: `sum_of_pounds` is for every sum."""
    apps = ("funding", "vru_portal", "programmes", "partners", "events")
    modules = [module for app in apps for module in Path(settings.BASE_DIR, app).rglob("*.py")]
    assert [module.name for module in modules if "Sum(" in module.read_text()] == ["money.py"]
