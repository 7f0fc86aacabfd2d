"""The admin's doors to the ledger: what they refuse, in which words, and what they record."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from funding.models import Allocation, ContractCopy, Contributor, FundingSource, Payment
from programmes.models import AssessmentDecision
from tests.factories import (
    AllocationFactory,
    AssessmentFactory,
    ColumnFactory,
    ContractCopyFactory,
    ContributorFactory,
    DecisionFactory,
    DutyFactory,
    ExplanationFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    PublicationFactory,
    UserFactory,
    YearFactory,
)
from tests.walk import Elements, text_of
from vru_portal.append_only import REDACTED, Guards

pytestmark = [pytest.mark.django_db, pytest.mark.once]
TODAY = date(2031, 6, 1)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=True):
        yield


@pytest.fixture
def officer(client):
    """Somebody who may do everything, signed in."""
    user = UserFactory(is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def source():
    year = YearFactory(first_year=2031, spend_by=date(2032, 3, 31))
    DutyFactory()
    return FundingSourceFactory(year=year, name="Chest", amount=Decimal("1250.50"))


def assessed(**values):
    """Return an initiative whose assessment was approved on 6 May 2031."""
    initiative = InitiativeFactory(**values)
    DecisionFactory(assessment__initiative=initiative)
    return initiative


def answers(source, **changes):
    """Return what a finance officer types to allocate £100."""
    changes.setdefault("initiative", None)
    return {
        "funding_source": source.pk,
        "initiative": (changes.pop("initiative") or assessed()).pk,
        "recipient": OrganisationFactory().pk,
        "amount": "100.00",
        "awarded_on": "2031-05-20",
        "kind": "grant",
        "purpose": "Lanterns for the night walks.",
    } | changes


# Allocating -----------------------------------------------------------------------------------------------------------

ADD = "/admin/funding/allocation/add/"


def test_an_allocation_is_recorded_by_the_form_and_written_to_the_log(client, officer, source):
    response = client.post(ADD, answers(source))
    assert response.status_code == 302
    row = Allocation.objects.get()
    assert (row.amount, row.recorded_by, row.awarded_by.pk) == (Decimal("100.00"), officer, row.awarded_by_id)
    assert row.assessment.initiative == row.initiative
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (officer, str(row.pk))


def test_a_double_click_does_not_allocate_twice(client, officer, source):
    sent = answers(source)
    client.post(ADD, sent)
    second = client.post(ADD, sent)
    assert Allocation.objects.count() == 1
    assert f"The same allocation is recorded already: {Allocation.objects.get().public_id}" in text_of(second)


def refused(client, source, sent):
    """Show that the form refuses this with nothing recorded and nothing lost; return what it says."""
    response = client.post(ADD, sent)
    assert response.status_code == 200
    assert not Allocation.objects.exists()
    assert not LogEntry.objects.exists()
    said = text_of(response)
    assert "Lanterns for the night walks." in response.content.decode()
    return said


def test_without_an_approved_assessment_nothing_is_allocated(client, officer, source):
    bare = InitiativeFactory(name="Bare walk")
    said = refused(client, source, answers(source, initiative=bare))
    assert (
        "Bare walk has no approved evidence assessment. Write one, and have it approved by somebody else, before money "
        "is allocated."
    ) in said


def test_a_waiting_and_a_declined_and_a_reversed_assessment_are_no_approval(client, officer, source):
    waiting, declined, taken_back = InitiativeFactory(), InitiativeFactory(), assessed()
    AssessmentFactory(initiative=waiting)
    DecisionFactory(assessment__initiative=declined, outcome="declined")
    decision = AssessmentDecision.objects.get(assessment__initiative=taken_back)
    back = decision.opposite()
    back.reason, back.recorded_by = "Miscounted", officer
    back.save()
    for initiative in (waiting, declined, taken_back):
        assert "has no approved evidence assessment" in refused(client, source, answers(source, initiative=initiative))


def test_before_the_assessment_was_approved_nothing_is_allocated(client, officer, source):
    said = refused(client, source, answers(source, awarded_on="2031-05-05"))
    assert "was approved on 6 May 2031. Money can be allocated from that day on, not before." in said
    client.post(ADD, answers(source, awarded_on="2031-05-06"))
    assert Allocation.objects.count() == 1


@pytest.mark.both
def test_an_assessment_approved_by_its_author_opens_no_gate_even_when_it_got_into_the_table(client, officer, source):
    from django.db import connection

    initiative = InitiativeFactory()
    assessment = AssessmentFactory(initiative=initiative)
    guards = Guards(connection)
    four_eyes = next(g for g in guards.wanted.values() if g.name.endswith("_four_eyes"))
    with connection.cursor() as cursor:
        cursor.execute(guards.drop(four_eyes))
    DecisionFactory(assessment=assessment, recorded_by=assessment.author)
    guards.install()
    said = refused(client, source, answers(source, initiative=initiative))
    assert "approved" in said
    assert "somebody" in said


def test_a_penny_over_the_source_is_refused_with_the_sums_and_the_way_out(client, officer, source):
    said = refused(client, source, answers(source, amount="1,250.51"))
    assert (
        "£1,250.51 is £0.01 more than is left of Chest, 2031-32: of £1,250.50, £0 is allocated, so £1,250.50 is left. "
        "Allocate that or less, reverse another allocation, or choose another source."
    ) in said
    client.post(ADD, answers(source, amount="£1,250.50"))
    assert Allocation.objects.get().amount == Decimal("1250.50")


def test_what_the_duty_asks_for_is_asked_for_at_its_field(client, officer, source):
    from funding.models import PublicationDuty

    ColumnFactory(duty=PublicationDuty.objects.get(), list="grants", field="conditions")
    said = refused(client, source, answers(source))
    assert "“Conditions” is missing: Moor Publishing Order asks for it to be published" in said


def test_a_float_a_fraction_of_a_penny_and_a_day_to_come_are_refused(client, officer, source):
    for change, words in (
        ({"amount": "12.345"}, "not a sum in pounds"),
        ({"amount": "ten"}, "not a sum in pounds"),
        ({"amount": "0"}, "£0.00"),
        ({"amount": "-5"}, "at least £0.01"),
        ({"awarded_on": "2031-06-02"}, "has not come yet"),
    ):
        assert words in refused(client, source, answers(source, **change)), change


def test_the_form_says_what_is_left_and_which_initiative_lacks_an_assessment(client, officer, source):
    assessed(name="Lit walk")
    InitiativeFactory(name="Bare walk")
    AllocationFactory(funding_source=source, amount=Decimal("250.50"))
    response = client.get(ADD)
    page = response.content.decode()
    assert 'data-left="100000"' in page
    assert "Chest, 2031-32: £1,000 left" in page
    assert "Bare walk (no approved assessment)" in page
    assert "Lit walk (" not in page
    assert "What is left of each source Source Sum Allocated Carried forward Left Chest, 2031-32" in text_of(response)
    assert "js/balance.js" in page


def test_pages_of_the_ledger_carry_no_inline_script_and_no_style(client, officer, source):
    payment = PaymentFactory(allocation=AllocationFactory(funding_source=source))
    for address in (
        ADD,
        f"/admin/funding/allocation/{payment.allocation_id}/change/",
        f"/admin/funding/payment/{payment.pk}/change/",
        f"/admin/funding/payment/{payment.pk}/reverse/",
        f"/admin/funding/fundingsource/{source.pk}/carry/",
        "/admin/funding/payment/import/",
    ):
        page = Elements(client.get(address).content.decode())
        for tag, attributes in page.elements:
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json", address


# What is recorded stays -----------------------------------------------------------------------------------------------


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
    assert "Nothing: £12.50 more is paid than allocated" in said
    assert "FIN-7" in said
    assert "£12.50 over its allocation of £100." in said
    for label in ("Record a payment", "Reverse", "Add a contract copy", "Take text out", "View on site"):
        assert label in said


# Steps ----------------------------------------------------------------------------------------------------------------


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
    assert f"Reversed on 1 June 2031 by {officer.username}: see the reversal. Reason: Wrong body" in page
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
    assert "£1,000 is left of Chest, 2031-32." in page
    assert "The financial year after 2031-32 is not entered yet." in text_of(client.post(address, sent))
    YearFactory(first_year=2032)
    assert "£1,000.01 is more than is left of Chest, 2031-32: £1,000." in text_of(client.post(address, sent))
    assert FundingSource.objects.count() == 1
    sent["amount"] = "400"
    assert client.post(address, sent).status_code == 302
    assert "already" in text_of(client.post(address, sent))  # a double click
    carried = FundingSource.objects.get(carried_from=source)
    assert (carried.amount, carried.year.label) == (Decimal("400.00"), "2032-33")
    assert carried.contributors.get().organisation == giver
    listed = text_of(client.get("/admin/funding/fundingsource/"))
    assert "Chest 2031-32 £1,250.50 £250.50 £600 Stands" in listed


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
    sent = {"position": 3, "note": "Not split", "checked_on": "2031-05-30", "amount": "1", "name": "Box"}
    assert (
        client.post(change, sent | {"contributors-TOTAL_FORMS": 0, "contributors-INITIAL_FORMS": 0}).status_code == 302
    )
    row.refresh_from_db()
    assert (row.position, row.note, row.amount, row.name) == (3, "Not split", Decimal("1250000.00"), "Chest")
    assert Contributor.objects.count() == 1


def test_a_contributor_that_is_two_keeps_the_source_out(client, officer):
    from tests.factories import PostFactory

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
    assert "choose one of the two" in text_of(client.post("/admin/funding/fundingsource/add/", sent))
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


# Paying ---------------------------------------------------------------------------------------------------------------

PAY = "/admin/funding/payment/add/"


def paid(client, allocation, **changes):
    sent = {"reference": "FIN-1", "allocation": allocation.pk, "paid_on": "2031-05-20", "amount": "12.50"} | changes
    return client.post(PAY, sent, follow=True)


def test_a_payment_is_recorded_once_to_the_recipient(client, officer, source):
    allocation = AllocationFactory(funding_source=source)
    assert client.get(f"{PAY}?allocation={allocation.pk}").status_code == 200
    paid(client, allocation)
    assert "recorded already, and each payment is recorded once" in text_of(paid(client, allocation))
    row = Payment.objects.get()
    assert (row.payee, row.amount, row.recorded_by) == (allocation.recipient, Decimal("12.50"), officer)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "100.01"}, "£0.01 over its allocation of £100."),
        ({"paid_on": "2031-05-05"}, "Paid before its evidence assessment was approved on 6 May 2031."),
        ({"paid_on": "2031-05-31"}, "Paid after 30 May 2031, by when the money had to be spent."),
        ({"paid_on": "2031-03-31"}, "Paid outside the financial year 2031-32."),
    ],
)
def test_an_irregular_payment_is_recorded_all_the_same_and_said_to_be_an_exception(client, officer, changes, sentence):
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
    assert "VAT that cannot be recovered is a part of the sum: between £0 and the sum." in said
    assert not Payment.objects.exists()


# The duty -------------------------------------------------------------------------------------------------------------


def test_the_duty_is_one_and_stays(client, officer, source):
    assert client.get("/admin/funding/publicationduty/add/").status_code == 403
    assert client.get("/admin/funding/publicationduty/1/change/").status_code == 200
    assert client.post("/admin/funding/publicationduty/1/delete/", {"post": "yes"}).status_code == 403


# Who may --------------------------------------------------------------------------------------------------------------


def everything():
    """Return each view of the ledger beyond lists, with the permission that opens it."""
    source = FundingSourceFactory(year=YearFactory(first_year=2031))
    allocation = AllocationFactory(funding_source=source, kind="contract")
    payment = PaymentFactory(allocation=allocation, amount=Decimal("100.01"))
    money, evidence = "/admin/funding", f"/admin/programmes/evidenceassessment/{AssessmentFactory().pk}"
    copy, explanation = ContractCopyFactory(allocation=allocation), ExplanationFactory(payment=payment)
    decision = DecisionFactory(assessment__initiative=allocation.initiative)
    return {
        f"{money}/fundingsource/{source.pk}/redact/": "funding.change_fundingsource",
        f"{money}/contractcopy/{copy.pk}/redact/": "funding.change_contractcopy",
        f"{money}/explanation/{explanation.pk}/redact/": "funding.change_explanation",
        f"/admin/programmes/assessmentdecision/{decision.pk}/redact/": "programmes.change_assessmentdecision",
        f"{money}/fundingsource/add/": "funding.add_fundingsource",
        f"{money}/fundingsource/{source.pk}/reverse/": "funding.add_fundingsource",
        f"{money}/fundingsource/{source.pk}/carry/": "funding.add_fundingsource",
        f"{money}/allocation/add/": "funding.add_allocation",
        f"{money}/allocation/import/": "funding.add_allocation",
        f"{money}/allocation/{allocation.pk}/reverse/": "funding.add_allocation",
        f"{money}/allocation/{allocation.pk}/contract-copy/": "funding.add_contractcopy",
        f"{money}/allocation/{allocation.pk}/redact/": "funding.change_allocation",
        f"{money}/payment/add/": "funding.add_payment",
        f"{money}/payment/import/": "funding.add_payment",
        f"{money}/payment/{payment.pk}/reverse/": "funding.add_payment",
        f"{money}/payment/{payment.pk}/explain/": "funding.add_explanation",
        f"{money}/payment/{payment.pk}/redact/": "funding.change_payment",
        "/admin/programmes/evidenceassessment/add/": "programmes.add_evidenceassessment",
        f"{evidence}/decide/": "programmes.add_assessmentdecision",
        f"{evidence}/reverse-decision/": "programmes.add_assessmentdecision",
        f"{evidence}/redact/": "programmes.change_evidenceassessment",
    }


def test_each_view_opens_to_its_own_permission_and_to_no_other(client):
    table = everything()
    for wanted in sorted(set(table.values())):
        user = UserFactory()
        app, codename = wanted.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client.force_login(user)
        for address, needed in table.items():
            expected = 200 if needed == wanted else 403
            assert client.get(address).status_code == expected, (wanted, address)
            if needed != wanted:
                assert client.post(address, {"reason": "Because"}).status_code == 403, (wanted, address)
    for name in ("allocation", "payment"):
        assert client.post(f"/admin/funding/{name}/process_import/").status_code == 403


def test_each_view_asks_for_a_token_and_for_staff():
    strict, stranger = Client(enforce_csrf_checks=True), Client()
    strict.force_login(UserFactory(is_superuser=True))
    for address in everything():
        assert strict.post(address, {"reason": "Because"}).status_code == 403, address
        assert stranger.get(address).headers["Location"] == f"/admin/login/?next={address}"


def test_who_may_only_look_sees_facts_and_no_step(client, source):
    user = UserFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_allocation", "view_payment"]))
    client.force_login(user)
    payment = PaymentFactory(allocation=AllocationFactory(funding_source=source))
    for row in (payment, payment.allocation):
        page = client.get(reverse(f"admin:funding_{row._meta.model_name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert b"/reverse/" not in page.content
        assert b"/redact/" not in page.content
        assert b"payment/add/" not in page.content


@pytest.mark.parametrize("key", ["999999", "x", "1_2F"])
def test_a_step_on_a_row_that_is_not_there_leads_back(client, officer, key):
    for verb in (client.get, client.post):
        assert verb(f"/admin/funding/payment/{key}/reverse/").status_code == 302


@pytest.mark.parametrize("value", ["abc", "9" * 30])
@pytest.mark.parametrize(
    "model",
    [model for model in site._registry if model._meta.app_label in ("funding", "programmes")],
    ids=lambda model: model._meta.label_lower,
)
def test_a_form_that_is_sent_anything_is_shown_again(model, value, client, officer):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    page = client.get(address)
    if page.status_code == 403:  # these are recorded on another row's page
        return
    forms = [
        page.context["adminform"].form,
        *(form for inline in page.context["inline_admin_formsets"] for form in inline.formset.forms),
    ]
    names = [form.add_prefix(name) for form in forms for name in form.fields]
    management = {
        field.html_name: field.value() or 0
        for inline in page.context["inline_admin_formsets"]
        for field in inline.formset.management_form
    }
    assert client.get(address, dict.fromkeys(names, value)).status_code == 200
    # words and slugs may well be so: then it is saved
    assert client.post(address, management | dict.fromkeys(names, value)).status_code in (200, 302)
