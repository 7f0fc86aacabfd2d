"""Allocations in the admin: what is recorded, what is refused, and with which messages."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry

from funding.models import Allocation
from programmes.models import AssessmentDecision
from tests.support.crawler import Elements, text_of
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    ColumnFactory,
    DecisionFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
)
from vru_portal.ledger.append_only.database import DatabaseTriggers

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def assessed(**values):
    """Return an initiative whose assessment was approved on 6 May 2031."""
    initiative = InitiativeFactory(**values)
    AssessmentDecisionFactory(assessment__initiative=initiative)
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
        "decision": DecisionFactory(year=source.year).pk,
        "kind": "grant",
        "purpose": "Lanterns for the night walks.",
    } | changes


ADD = "/admin/funding/allocation/add/"


def test_an_allocation_is_recorded_by_the_form_and_written_to_the_log(client, officer, source):
    response = client.post(ADD, answers(source))
    assert response.status_code == 302
    row = Allocation.objects.get()
    assert (row.amount, row.recorded_by, row.awarded_by.pk) == (Decimal("100.00"), officer, row.awarded_by_id)
    assert row.assessment is not None
    assert row.assessment.initiative == row.initiative
    balance = LogEntry.objects.get()
    assert (balance.user, balance.object_id) == (officer, str(row.pk))


def test_a_double_click_does_not_allocate_twice(client, officer, source):
    sent = answers(source)
    client.post(ADD, sent)
    second = client.post(ADD, sent)
    assert Allocation.objects.count() == 1
    assert f"The same allocation is already recorded: {Allocation.objects.get().public_id}" in text_of(second)


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
        "Bare walk has no approved evidence assessment. Write one and have somebody else approve it, then allocate "
        "money."
    ) in said


def test_a_waiting_and_a_declined_and_a_reversed_assessment_are_no_approval(client, officer, source):
    waiting, declined, taken_back = InitiativeFactory(), InitiativeFactory(), assessed()
    AssessmentFactory(initiative=waiting)
    AssessmentDecisionFactory(assessment__initiative=declined, outcome="declined")
    decision = AssessmentDecision.objects.get(assessment__initiative=taken_back)
    back = decision.build_reversal()
    back.reason, back.recorded_by = "Miscounted", officer
    back.save()
    for initiative in (waiting, declined, taken_back):
        assert "has no approved evidence assessment" in refused(client, source, answers(source, initiative=initiative))


def test_before_the_assessment_was_approved_nothing_is_allocated(client, officer, source):
    said = refused(client, source, answers(source, awarded_on="2031-05-05"))
    assert "was approved on 6 May 2031. Enter that day or a later one." in said
    client.post(ADD, answers(source, awarded_on="2031-05-06"))
    assert Allocation.objects.count() == 1


@pytest.mark.both
def test_an_assessment_approved_by_its_author_opens_no_gate_even_when_it_got_into_the_table(client, officer, source):
    from django.db import connection

    initiative = InitiativeFactory()
    assessment = AssessmentFactory(initiative=initiative)
    triggers = DatabaseTriggers(connection)
    four_eyes = next(g for g in triggers.expected.values() if g.name.endswith("_four_eyes"))
    with connection.cursor() as cursor:
        cursor.execute(triggers.drop_sql(four_eyes))
    AssessmentDecisionFactory(assessment=assessment, recorded_by=assessment.author)
    triggers.install()
    said = refused(client, source, answers(source, initiative=initiative))
    assert "approved" in said
    assert "somebody" in said


def test_a_penny_over_the_source_is_refused_with_the_sums_and_the_way_out(client, officer, source):
    said = refused(client, source, answers(source, amount="1,250.51"))
    assert (
        "£1,250.51 is £0.01 more than is left in Chest, 2031-32: of £1,250.50, £0 is allocated, so £1,250.50 is left. "
        "Allocate that or less, release or reverse another allocation, or choose another source."
    ) in said
    client.post(ADD, answers(source, amount="£1,250.50"))
    assert Allocation.objects.get().amount == Decimal("1250.50")


def test_what_the_duty_asks_for_is_asked_for_at_its_field(client, officer, source):
    from funding.models import PublicationDuty

    ColumnFactory(duty=PublicationDuty.objects.get(), list="grants", field="conditions")
    said = refused(client, source, answers(source))
    assert "Enter “Conditions”: Moor Publishing Order requires it to be published" in said


def test_a_float_a_fraction_of_a_penny_and_a_day_to_come_are_refused(client, officer, source):
    for change, words in (
        ({"amount": "12.345"}, "fractions of a penny"),
        ({"amount": "ten"}, "not a sum in pounds"),
        ({"amount": "0"}, "£0.00"),
        ({"amount": "-5"}, "at least £0.01"),
        ({"awarded_on": "2031-06-02"}, "today or in the past"),
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
    headings = "Money left in each source Source Sum Allocated Carried forward Returned Left Chest, 2031-32"
    assert headings in text_of(response)
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


def test_a_field_that_cannot_be_read_hides_no_broken_rule(client, officer, source):
    fields = answers(source) | {"awarded_on": "31/2/2031", "amount": "1250.51", "purpose": ""}
    errors = client.post(ADD, fields).context["adminform"].form.errors
    assert errors.keys() == {"awarded_on", "amount", "__all__"}, errors
    assert "£1,250.51 is £0.01 more than is left" in errors["amount"][0]
    assert not Allocation.objects.exists()


def test_no_kind_is_chosen_for_anybody(client, officer, source):
    form = client.get(ADD).context["adminform"].form
    assert form["kind"].value() == ""
    errors = client.post(ADD, answers(source) | {"kind": ""}).context["adminform"].form.errors
    assert errors == {"kind": ["This field is required."]}
    assert not Allocation.objects.exists()
