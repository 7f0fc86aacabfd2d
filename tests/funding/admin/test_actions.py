"""Actions on what is recorded: it is reversed, carried forward, copied and redacted, each with its reason."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry

from funding.models import Allocation, ContractCopy, Contributor, FundingSource
from tests.support.crawler import text_of
from tests.support.factories import (
    AllocationFactory,
    ContractCopyFactory,
    ContributorFactory,
    ExplanationFactory,
    OrganisationFactory,
    PaymentFactory,
    PublicationFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.models import REDACTED

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_an_allocation_is_reversed_once_with_a_reason_and_not_under_a_payment(client, officer, source):
    row = AllocationFactory(funding_source=source)
    address = f"/admin/funding/allocation/{row.pk}/reverse/"
    payment = PaymentFactory(allocation=row, reference="FIN-7")
    said = text_of(client.post(address, {"reason": "Wrong body"}))
    assert "£12.50 is paid on this allocation (FIN-7). Reverse these payments first" in said
    assert Allocation.objects.count() == 1

    client.post(f"/admin/funding/payment/{payment.pk}/reverse/", {"reason": "Wrong body"})
    assert "This field is required." in text_of(client.post(address, {"reason": "  "}))
    assert client.post(address, {"reason": "Wrong body"}).status_code == 302
    client.post(address, {"reason": "Wrong body"})  # a double click
    assert list(Allocation.objects.values_list("amount", "reason").order_by("pk")) == [
        (Decimal("100.00"), ""),
        (Decimal("-100.00"), "Wrong body"),
    ]
    page = text_of(client.get(f"/admin/funding/allocation/{row.pk}/change/"))
    assert f"Reversed on 1 June 2031 by {officer.username}: view the reversal. Reason: Wrong body" in page
    history = text_of(client.get(f"/admin/funding/allocation/{row.pk}/history/"))
    assert "Reversed by" in history
    assert not LogEntry.objects.filter(change_message__contains="Wrong body")  # nobody could take it out of there


def test_what_is_left_of_a_source_is_carried_into_the_next_year(client, officer, source):
    giver = ContributorFactory(funding_source=source).organisation
    AllocationFactory(funding_source=source, amount=Decimal("250.50"))
    address = f"/admin/funding/fundingsource/{source.pk}/carry/"
    sent = {
        "amount": "1000.01",
        "stated_as": "£1,000",
        "name": "Chest, carried",
        "source": PublicationFactory().pk,
        "as_at": "2031-05-30",
    }
    page = text_of(client.get(address))
    assert "£1,000 is left in Chest, 2031-32." in page
    assert "Add the financial year after 2031-32 first" in text_of(client.post(address, sent))
    YearFactory(first_year=2032)
    assert "£1,000.01 is more than the £1,000 that is left in Chest, 2031-32." in text_of(client.post(address, sent))
    assert FundingSource.objects.count() == 1
    sent["amount"] = "400"
    assert client.post(address, sent).status_code == 302
    assert "already" in text_of(client.post(address, sent))  # a double click
    carried = FundingSource.objects.get(carried_from=source)
    assert (carried.amount, carried.year.label) == (Decimal("400.00"), "2032-33")
    assert carried.contributors.get().organisation == giver
    listed = text_of(client.get("/admin/funding/fundingsource/"))
    assert "Chest 2031-32 £1,250.50 £250.50 £600 In force" in listed


def test_a_source_is_recorded_with_its_contributors_and_only_a_note_of_it_changes(client, officer):
    year, giver, publication = YearFactory(first_year=2031), OrganisationFactory(), PublicationFactory()
    inline = {
        "contributors-TOTAL_FORMS": 1,
        "contributors-INITIAL_FORMS": 0,
        "contributors-0-organisation": giver.pk,
    }
    sent = {
        "year": year.pk,
        "name": "Chest",
        "slug": "chest",
        "amount": "£1,250,000",
        "stated_as": "£1.25 million",
        "position": 0,
        "source": publication.pk,
        "as_at": "2031-05-06",
    } | inline
    assert (
        client.post("/admin/funding/fundingsource/add/", sent | {"contributors-0-organisation": ""}).status_code == 302
    )
    assert client.post("/admin/funding/fundingsource/add/", sent).status_code == 200  # its name is taken
    assert client.post("/admin/funding/fundingsource/add/", sent | {"slug": "box"}).status_code == 302
    row = FundingSource.objects.get(slug="box")
    assert (row.amount, row.recorded_by) == (Decimal("1250000.00"), officer)
    assert row.contributors.get().organisation == giver

    change = f"/admin/funding/fundingsource/{row.pk}/change/"
    assert "£1,250,000" in text_of(client.get(change))
    sent = {"note": "Not split", "checked_on": "2031-05-30", "amount": "1", "name": "Box"}
    assert (
        client.post(change, sent | {"contributors-TOTAL_FORMS": 0, "contributors-INITIAL_FORMS": 0}).status_code == 302
    )
    row.refresh_from_db()
    assert (row.note, row.amount, row.name) == ("Not split", Decimal("1250000.00"), "Chest")
    assert Contributor.objects.count() == 1


def test_a_contributor_that_is_two_keeps_the_source_out(client, officer):
    from tests.support.factories import PostFactory

    year, publication = YearFactory(first_year=2031), PublicationFactory()
    sent = {
        "year": year.pk,
        "name": "Chest",
        "slug": "chest",
        "amount": "5",
        "stated_as": "£5",
        "position": 0,
        "source": publication.pk,
        "as_at": "2031-05-06",
        "contributors-TOTAL_FORMS": 1,
        "contributors-INITIAL_FORMS": 0,
        "contributors-0-organisation": OrganisationFactory().pk,
        "contributors-0-post": PostFactory().pk,
    }
    assert "Choose either an organisation or a post" in text_of(client.post("/admin/funding/fundingsource/add/", sent))
    assert not FundingSource.objects.exists()


def test_a_contract_gets_its_copy_once_and_a_grant_none(client, officer, source):
    contract = AllocationFactory(funding_source=source, kind="contract")
    grant = AllocationFactory(funding_source=source)
    sent = {"title": "Contract", "url": "https://moor.example.org/contract"}
    for row in (contract, contract, grant):
        client.post(f"/admin/funding/allocation/{row.pk}/contract-copy/", sent)
    assert ContractCopy.objects.get().allocation == contract
    assert "https://moor.example.org/contract" in text_of(
        client.get(f"/admin/funding/allocation/{contract.pk}/change/")
    )


def test_text_is_taken_out_and_the_reason_stays(client, officer, source):
    row = AllocationFactory(funding_source=source, purpose="Lanterns for Robin Vale.")
    address = f"/admin/funding/allocation/{row.pk}/redact/"
    assert "This field is required." in text_of(client.post(address, {"reason": "A name"}))
    assert "Select a valid choice" in text_of(client.post(address, {"texts": ["amount"], "reason": "A name"}))
    assert client.post(address, {"texts": ["purpose"], "reason": "A name"}).status_code == 302
    row.refresh_from_db()
    assert (row.purpose, row.conditions) == (REDACTED, "Lit every Friday.")
    page = text_of(client.get(f"/admin/funding/allocation/{row.pk}/change/"))
    assert "Robin Vale" not in page
    assert "A name" in page


@pytest.mark.usefixtures("history")
def test_the_reason_of_a_reversal_is_taken_out_of_each_kind_of_row(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    rows = (PaymentFactory(allocation=allocation), allocation, source)
    for row in rows:
        place = f"/admin/funding/{row._meta.model_name}"
        client.post(f"{place}/{row.pk}/reverse/", {"reason": "Robin Vale was hurt"})
        back = type(row).objects.get(reverses=row)
        assert f"{place}/{back.pk}/redact/" in client.get(f"{place}/{back.pk}/change/").content.decode()
        sent = {"texts": ["reason"], "reason": "A name"}
        assert client.post(f"{place}/{back.pk}/redact/", sent).status_code == 302
        back.refresh_from_db()
        assert back.reason == REDACTED
        for shown in (row, back):
            page = text_of(client.get(f"{place}/{shown.pk}/change/"))
            assert "Robin Vale" not in page
        assert "A name" in page
        assert "Robin Vale" not in text_of(client.get(f"{place}/{row.pk}/history/"))
    assert not LogEntry.objects.filter(change_message__contains="Robin").exists()


def test_an_explanation_and_a_contract_copy_lead_to_where_their_text_is_taken_out(client, officer, source):
    contract = AllocationFactory(funding_source=source, kind="contract")
    payment = PaymentFactory(allocation=contract, amount=Decimal("100.01"))
    rows = (
        (payment, ExplanationFactory(payment=payment, text="Robin Vale was hurt"), "text"),
        (contract, ContractCopyFactory(allocation=contract, title="Contract with Robin Vale"), "title"),
    )
    for owner, row, field in rows:
        place = f"/admin/funding/{row._meta.model_name}/{row.pk}"
        owners = f"/admin/funding/{owner._meta.model_name}/{owner.pk}/change/"
        assert f"{place}/change/" in client.get(owners).content.decode()
        assert f"{place}/redact/" in client.get(f"{place}/change/").content.decode()
        assert client.post(f"{place}/redact/", {"texts": [field], "reason": "A name"}).status_code == 302
        row.refresh_from_db()
        assert getattr(row, field) == REDACTED
        assert "Robin Vale" not in text_of(client.get(owners))
        assert client.post(f"{place}/change/", {field: "Other"}).status_code == 403
        assert client.get(f"/admin/funding/{row._meta.model_name}/add/").status_code == 403
        assert client.get(f"/admin/funding/{row._meta.model_name}/").status_code == 200
