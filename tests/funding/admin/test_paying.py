"""Payments in the admin: a fact is recorded, and shown as an exception where it is one."""

from datetime import date
from decimal import Decimal

import pytest

from funding.models import Payment
from tests.support.crawler import text_of
from tests.support.factories import (
    AllocationFactory,
    FundingSourceFactory,
    PaymentFactory,
    YearFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAY = "/admin/funding/payment/add/"


def paid(client, allocation, **changes):
    sent = {"reference": "FIN-1", "allocation": allocation.pk, "paid_on": "2031-05-20", "amount": "12.50"} | changes
    return client.post(PAY, sent, follow=True)


def test_a_payment_is_recorded_once_to_the_recipient(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    assert client.get(f"{PAY}?allocation={allocation.pk}").status_code == 200
    paid(client, allocation)
    assert "A payment with this reference is already recorded" in text_of(paid(client, allocation))
    row = Payment.objects.get()
    assert (row.payee, row.amount, row.recorded_by) == (allocation.recipient, Decimal("12.50"), officer)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "100.01"}, "£0.01 over its allocation of £100."),
        ({"paid_on": "2031-05-05"}, "Paid before its evidence assessment was approved on 6 May 2031."),
        ({"paid_on": "2031-05-31"}, "Paid after 30 May 2031, the deadline for spending the money."),
        ({"paid_on": "2031-03-31"}, "Paid outside the financial year 2031-32."),
    ],
)
def test_an_irregular_payment_is_still_recorded_and_shown_as_an_exception(client, officer, changes, sentence):
    year = YearFactory(first_year=2031, spend_by=date(2031, 5, 30))
    allocation = AllocationFactory(funding_source=FundingSourceFactory(year=year))
    said = text_of(paid(client, allocation, **changes))
    assert "Recorded, and shown in public as an exception:" in said
    assert sentence in said
    assert Payment.objects.count() == 1


def test_an_exception_is_explained_and_a_regular_payment_is_not(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    over = PaymentFactory(allocation=allocation, amount=Decimal("100.01"))
    fine = PaymentFactory(allocation=AllocationFactory(funding_source=source))
    assert over.reference in text_of(client.get("/admin/funding/payment/?exceptions=unexplained"))
    for row in (over, over, fine):
        client.post(f"/admin/funding/payment/{row.pk}/explain/", {"text": "A bank charge."})
    assert [explanation.text for explanation in over.explanations.all()] == ["A bank charge."]
    assert not fine.explanations.exists()
    assert over.reference not in text_of(client.get("/admin/funding/payment/?exceptions=unexplained"))
    assert over.reference in text_of(client.get("/admin/funding/payment/?exceptions=over"))


def test_a_refund_is_a_payment_with_a_negative_sum(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    paid(client, allocation, amount="-2.50", irrecoverable_vat="-0.50")
    assert Payment.objects.get().amount == Decimal("-2.50")
    assert "£2.50 (refund)" in text_of(client.get("/admin/funding/payment/"))


def test_vat_is_a_part_of_the_sum(client, officer, source):
    said = text_of(paid(client, AllocationFactory(funding_source=source), irrecoverable_vat="12.51"))
    assert "VAT that cannot be recovered must be between £0 and the amount." in said
    assert not Payment.objects.exists()


def test_a_payment_that_may_be_there_already_is_pointed_out(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    assert "Same allocation" not in text_of(paid(client, allocation))
    said = text_of(paid(client, allocation, reference="FIN-2"))
    assert "Same allocation, day and sum as FIN-1. Check that it is another payment. If it is not, reverse it." in said
    second = Payment.objects.get(reference="FIN-2")
    client.post(f"/admin/funding/payment/{second.pk}/reverse/", {"reason": "It was FIN-1 again."})
    assert "Same allocation, day and sum as FIN-1." in text_of(paid(client, allocation, reference="FIN-3"))
