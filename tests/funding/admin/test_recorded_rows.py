"""What is recorded stays: it is shown in the admin, and cannot be changed there."""

from decimal import Decimal

import pytest

from funding.models import Allocation, FundingSource, Payment
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, PaymentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_recorded_row_is_shown_and_cannot_be_changed_or_deleted_or_edited_in_bulk(client, officer, source):
    payment = PaymentFactory(allocation=AllocationFactory(funding_source=source))
    copy = payment.allocation
    for row in (copy, payment):
        model = row._meta.model_name
        page = client.get(f"/admin/funding/{model}/{row.pk}/change/")
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert client.post(f"/admin/funding/{model}/{row.pk}/change/", {"amount": "1"}).status_code == 403
        assert client.post(f"/admin/funding/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        listed = client.get(f"/admin/funding/{model}/")
        assert b'name="action"' not in listed.content
    assert client.post(f"/admin/funding/fundingsource/{source.pk}/delete/", {"post": "yes"}).status_code == 403
    assert (Allocation.objects.count(), Payment.objects.count(), FundingSource.objects.count()) == (1, 1, 1)


def test_an_allocation_shows_what_is_paid_and_each_step(client, officer, source):
    row = AllocationFactory(funding_source=source, kind="contract")
    PaymentFactory(allocation=row, reference="FIN-7", amount=Decimal("112.50"))
    said = text_of(client.get(f"/admin/funding/allocation/{row.pk}/change/"))
    assert "£112.50" in said
    assert "Nothing: £12.50 more has been paid than allocated" in said
    assert "FIN-7" in said
    assert "£12.50 over its allocation of £100." in said
    for label in ("Record a payment", "Reverse", "Add a contract copy", "Redact text", "View on site"):
        assert label in said


# The duty -------------------------------------------------------------------------------------------------------------


def test_the_duty_is_one_and_stays(client, officer, source):
    assert client.get("/admin/funding/publicationduty/add/").status_code == 403
    assert client.get("/admin/funding/publicationduty/1/change/").status_code == 200
    assert client.post("/admin/funding/publicationduty/1/delete/", {"post": "yes"}).status_code == 403
