"""What holds for every page of the money."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from funding.models import PublicationDuty
from tests.support.factories import (
    AllocationFactory,
    ColumnFactory,
    ContactPointFactory,
    ContractCopyFactory,
    ContributorFactory,
    ExplanationFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    UserFactory,
)
from tests.vru_portal.public.test_bad_input import HOSTILE_HERE

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_staff_are_never_named(client, allocation):
    staff = UserFactory(username="agnes-the-clerk", first_name="Agnes")
    payment = PaymentFactory(allocation=allocation, amount=Decimal("900.00"), recorded_by=staff)
    ExplanationFactory(payment=payment, recorded_by=staff)
    names = [allocation.assessment.author.username, "agnes", "colleague-"]
    for path in ("/funding/2031-32/", "/funding/2031-32/payments/", allocation.get_absolute_url()):
        html = client.get(path).text.lower()
        assert not [name for name in names if name in html], path


def test_names_are_text_wherever_they_are_shown(client, year):
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
    for query in (f"page={value}", "&".join(f"{name}={value}" for name in names[:-1])):
        assert client.get(f"{page}?{query}").status_code in (200, 404), query[:80]
    assert client.get(f"/funding/allocations/{value}/").status_code in (404, 301)


@pytest.mark.parametrize("rows", [1, 4])
def test_a_page_of_the_money_asks_this_often_however_many_rows_there_are(client, year, rows):
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
    asked = {
        "/funding/2031-32/": 22,
        "/funding/2031-32/?as_at=2031-12-01&duty=contracts": 21,
        "/funding/2031-32/payments/": 17,
        "/funding/2031-32/payments/?duty=items&exceptions=1": 19,
        row.get_absolute_url(): 11,
    }
    found = {}
    for path in asked:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        found[path] = len(queries)
    assert found == asked
