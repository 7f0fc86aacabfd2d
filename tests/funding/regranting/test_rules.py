"""What recipients award on: what is recorded of it and what is not, and that no total of the unit's money has it."""

import json
from datetime import date
from decimal import Decimal
from functools import partial

import pytest
import time_machine
from django.db import IntegrityError, transaction

from funding.models import Allocation, OnwardGrant, Regranting
from funding.reconcile.report import reconcile
from funding.regranting.rules.recording import next_reference, record_onward_grant, record_regranting
from funding.regranting.sums import with_onward
from funding.year_accounts import year_accounts
from tests.support.crawler import text_of
from tests.support.factories import (
    DAY,
    AllocationFactory,
    OnwardGrantFactory,
    PaymentFactory,
    RegrantingFactory,
    UnitFactory,
    UserFactory,
    VariationFactory,
    reverse,
)
from tests.support.refusals import validation_messages
from vru_portal.ledger.append_only.recording import redact
from vru_portal.ledger.money import format_pounds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


def reported(allocation, **fields):
    return OnwardGrant(
        **{
            "allocation": allocation,
            "recipient_name": "Fen club",
            "amount": Decimal("10.00"),
            "awarded_on": DAY,
            "title": "Boots",
        }
        | fields
    )


def record(grant):
    return record_onward_grant(by=UserFactory(), grant=grant)


def test_a_grant_is_recorded_once_with_its_code():
    grant = AllocationFactory()
    assert record_regranting(by=UserFactory(), allocation=grant, regrant_type="FRG010").regrant_type == "FRG010"
    again = validation_messages(lambda: record_regranting(by=UserFactory(), allocation=grant, regrant_type="FRG020"))
    assert again[""][0].startswith("This grant is already recorded as one for regranting.")
    wrong = validation_messages(
        lambda: record_regranting(by=UserFactory(), allocation=AllocationFactory(), regrant_type="FRG999")
    )
    assert "regrant_type" in wrong


def test_an_onward_grant_needs_a_grant_for_regranting_that_is_not_reversed():
    assert "allocation" in validation_messages(lambda: record(reported(AllocationFactory())))
    allocation = RegrantingFactory().allocation
    reverse(allocation)
    (said,) = validation_messages(lambda: record(reported(allocation)))["allocation"]
    assert said == "This allocation was reversed. Choose the one that replaced it."
    assert not OnwardGrant.objects.exists()


def test_what_cannot_have_been_awarded_is_refused_in_words():
    allocation = RegrantingFactory().allocation
    for fields, name in (
        ({"amount": Decimal("0.00")}, "amount"),
        ({"amount": Decimal("-1.00")}, "amount"),
        ({"awarded_on": date(2031, 6, 2)}, "awarded_on"),
        ({"reported_on": date(2031, 6, 2)}, "reported_on"),
        ({"recipient_name": ""}, "recipient_name"),
        ({"url": "nowhere"}, "url"),
    ):
        grant = reported(allocation, **fields)
        assert name in validation_messages(partial(record, grant)), fields


def test_one_without_a_reference_gets_the_next_and_is_not_recorded_twice():
    allocation = RegrantingFactory().allocation
    first, second = record(reported(allocation)), record(reported(allocation, title="Coats"))
    assert (first.reference, second.reference) == (f"{allocation.public_id}-1", f"{allocation.public_id}-2")
    assert "already recorded" in validation_messages(lambda: record(reported(allocation)))[""][0]
    with_reference = reported(allocation, reference="360G-fen-1")  # which it was given since it was reported
    assert "a title of its own" in validation_messages(lambda: record(with_reference))[""][0]
    for reference in ("360G-fen-2", "360G-fen-3"):  # each says itself that it is another
        record(reported(allocation, reference=reference, title="Hats"))
    assert "already recorded" in validation_messages(lambda: record(reported(allocation, title="Hats")))[""][0]


def test_a_reference_that_is_made_up_is_free_whoever_has_called_a_grant_so():
    allocation, other = RegrantingFactory().allocation, RegrantingFactory().allocation
    record(reported(other, reference=f"{allocation.public_id.upper()}-1"))
    assert record(reported(allocation)).reference == f"{allocation.public_id}-2"


def test_numbering_looks_at_the_last_reference_however_many_there_are(django_assert_num_queries):
    allocation = RegrantingFactory().allocation
    for reference in ("", "", f"{allocation.public_id}-7b", ""):
        record(reported(allocation, reference=reference, title=str(OnwardGrant.objects.count())))
    reverse(OnwardGrant.objects.get(reference=f"{allocation.public_id}-3"))
    with django_assert_num_queries(2) as queries:
        assert next_reference(allocation) == f"{allocation.public_id}-4"
    assert all("LIMIT 1" in query["sql"] for query in queries.captured_queries)


def test_a_reference_is_used_once_in_any_case_and_under_any_allocation():
    OnwardGrantFactory(reference="360G-fen-1")
    other = RegrantingFactory().allocation
    messages = validation_messages(lambda: record(reported(other, reference="360g-FEN-1")))
    assert messages == {"": ["This onward grant is already recorded."]}
    with pytest.raises(IntegrityError), transaction.atomic():
        OnwardGrantFactory(allocation=other, reference="360G-FEN-1")


def test_one_is_reversed_and_recorded_again_under_another_reference_however_long():
    wrong = OnwardGrantFactory(reference="x" * 120)
    reverse(wrong)
    assert not OnwardGrant.objects.standing().exists()
    record(reported(wrong.allocation))
    assert OnwardGrant.objects.standing().count() == 1


def test_what_is_reported_is_in_no_total_of_the_units_money(client):
    """The same year, before and after its recipient reports: pages, accounts and the checks are what they were."""
    UnitFactory()
    allocation = RegrantingFactory().allocation
    PaymentFactory(allocation=allocation)
    year = allocation.funding_source.year

    def figures():
        accounts = year_accounts(year, year.sources.standing())
        return accounts.total, accounts.allocated, accounts.paid, accounts.to_pay, accounts.unallocated

    addresses = (year.get_absolute_url(), "/payments/", "/payments/totals/", "/allocations.json", "/payments.json")

    def served():
        pages = [client.get(address).getvalue() for address in addresses if not address.endswith(".json")]
        files = [client.get(address).getvalue() for address in addresses if address.endswith(".json")]
        return pages, [without_the_moment(json.loads(file)) for file in files]

    before, now = figures(), served()
    assert now[1][0]["rows"][0]["amount"] == "100.00"
    OnwardGrantFactory(allocation=allocation, amount=Decimal("60.00"))
    assert figures() == before
    assert served() == now
    assert "60.00" not in json.dumps(served()[1])


def without_the_moment(file):
    """What a file says, but not when it was made."""
    return {name: value for name, value in file.items() if name != "generated"}


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ((), "£0 of £100 reported"),
        (("60.00", "15.50"), "£24.50 has not been reported as awarded to others."),
        (("100.00",), "All of it has been reported as awarded to others."),
        (("60.00", "60.01"), "That is £20.01 more than was allocated. The recipient may have added other money."),
    ],
    ids=["nothing", "some", "all", "more"],
)
def test_the_page_of_an_allocation_names_what_is_not_reported(client, amounts, said):
    UnitFactory()
    allocation = RegrantingFactory().allocation
    for amount in amounts:
        OnwardGrantFactory(allocation=allocation, amount=Decimal(amount))
    reverse(OnwardGrantFactory(allocation=allocation, amount=Decimal("5.00"), recipient_name="Taken back"))
    page = text_of(client.get(allocation.get_absolute_url()))
    assert said in page
    recipient = text_of(client.get(allocation.recipient.get_absolute_url()))
    assert f"{format_pounds(sum(map(Decimal, amounts), Decimal(0)))} of £100 for" in recipient
    assert ("£24.50 has not been reported" in recipient) == ("£24.50" in said)
    assert "is not counted again in any total" in page
    assert "(common regrant, FRG010)" in page
    assert "Taken back" not in page
    assert ("No onward grants have been reported yet" in page) is (not amounts)


def test_what_was_released_of_an_allocation_is_not_missing_from_the_reports(client):
    UnitFactory()
    allocation = RegrantingFactory().allocation
    VariationFactory(allocation=allocation, amount=Decimal("40.00"))
    OnwardGrantFactory(allocation=allocation, amount=Decimal("50.00"))
    page = text_of(client.get(allocation.get_absolute_url()))
    assert "£50 of £60 reported" in page
    assert "£10 has not been reported as awarded to others." in page
    assert reconcile().differences == []


def test_an_allocation_that_is_not_awarded_on_does_not_mention_it(client):
    UnitFactory()
    assert "Onward grants by the recipient" not in text_of(client.get(AllocationFactory().get_absolute_url()))


def test_only_the_first_are_listed_and_the_file_has_them_all(client):
    UnitFactory()
    allocation = RegrantingFactory().allocation
    OnwardGrantFactory.create_batch(21, allocation=allocation, amount=Decimal("1.00"))
    OnwardGrantFactory()  # of another
    page = client.get(allocation.get_absolute_url())
    assert "This page shows the first 20 of 21. The downloads have all of them." in text_of(page)
    address = f"/onward-grants.csv?allocation={allocation.public_id}"
    assert address in page.content.decode()
    assert client.get(address).getvalue().count(b"\r\n") == 22


def test_the_amount_that_is_awarded_on_is_known_by_the_day():
    grant = OnwardGrantFactory(amount=Decimal("60.00"))
    (row,) = with_onward(Allocation.objects.all())
    assert (row.regrant_type, row.onward) == ("FRG010", Decimal("60.00"))
    reverse(grant)
    (row,) = with_onward(Allocation.objects.all())
    assert row.onward == Decimal("0.00")
    reverse(Regranting.objects.get())
    (row,) = with_onward(Allocation.objects.all())
    assert row.regrant_type is None


def test_an_address_that_is_redacted_is_linked_nowhere(client):
    UnitFactory()
    grant = OnwardGrantFactory(url="https://fen.example.org/kim")
    page, file = grant.allocation.get_absolute_url(), "/onward-grants.csv"
    for address in (page, file):
        assert b"https://fen.example.org/kim" in client.get(address).getvalue()
    redact(grant, fields=["url"], by=UserFactory(), reason="It names a person.")
    assert b"[redacted]" not in client.get(page).getvalue()
    for address in (page, file):
        assert b"fen.example.org" not in client.get(address).getvalue()


@pytest.mark.parametrize("count", [0, 1])
def test_the_page_of_a_reversed_allocation_says_nothing_of_what_is_still_to_be_reported(client, count):
    UnitFactory()
    allocation = RegrantingFactory().allocation
    for _ in range(count):
        record(reported(allocation))
    reverse(allocation)
    page = client.get(allocation.get_absolute_url()).content.decode()
    said = "reported these grants before the allocation was reversed" if count else "had reported no onward grants"
    assert said in page
    for stale in ("has not been reported", "awards this money", "reported yet", "onward-grants.csv", "onward-reported"):
        assert stale not in page, stale


def test_an_onward_grant_is_found_where_it_is_listed(client):
    UnitFactory()
    grant = OnwardGrantFactory(recipient_name="Selly Oak Boxing", description="Gloves for beginners.")
    listed = grant.get_absolute_url()
    for typed in ("Selly Oak Boxing", "gloves beginners"):
        assert f'href="{listed}"' in client.get("/search/", {"q": typed}).text
    assert f'href="{listed}"' in client.get("/data/onward-grants/").text
    assert "Gloves for beginners." in client.get(listed).text
    redact(grant, fields=["recipient_name", "description"], by=UserFactory(), reason="It names a person.")
    assert f'href="{listed}"' not in client.get("/search/", {"q": "Selly Oak Boxing"}).text
    reverse(grant)
    nowhere = client.get("/data/onward-grants/").text
    assert listed not in nowhere
    assert "View this list on the site" in nowhere
