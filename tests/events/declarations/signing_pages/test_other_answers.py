"""Deciding later, declining, hiding a name, withdrawing, and asking to sign."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.declarations.choices import EntryKind, InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import (
    Entry,
    Invitation,
    Mail,
    SigningRequest,
)
from events.declarations.rules import erasure
from tests.events.declarations.signing_pages.visits import (
    ASK,
    DECIDE,
    DECLINE,
    READ,
    RECEIPT,
    WITHDRAW,
    assert_private,
    assert_says,
    form_errors,
    hidden_fields,
    open_link,
    send_form,
)
from tests.support.factories import OrganisationFactory, SectorFactory, UnitFactory
from tests.support.signing import invite_and_sign, new_link

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_declining_asks_why_and_ends_the_link(client, invited):
    open_link(client, invited.secret)
    assert set(form_errors(send_form(client, DECLINE, reason=" "))) == {"reason"}
    assert set(form_errors(send_form(client, DECLINE, reason="x" * 1001))) == {"reason"}
    answer = send_form(client, DECLINE, reason="The board said no.")
    assert (answer.status_code, answer["Location"]) == (303, DECLINE)
    assert_says(assert_private(client.get(DECLINE)), "Invitation declined", "A body")
    assert_says(assert_private(client.get(DECLINE)), "we will invite you again")
    invited.invitation.refresh_from_db()
    assert invited.invitation.state == InvitationState.DECLINED
    assert open_link(Client(), invited.secret).status_code == 404


def test_deciding_later_holds_reminders_until_that_day(client, invited):
    open_link(client, invited.secret)
    yesterday, day = timezone.localdate() - timedelta(days=1), timezone.localdate() + timedelta(days=100)
    for bad in ("", "soon", yesterday.isoformat()):
        assert set(form_errors(send_form(client, DECIDE, day=bad))) == {"day"}, bad
    answer = send_form(client, DECIDE, day=day.isoformat())
    assert_says(
        client.get(answer["Location"]), f"{day:%-d}", "We will not send a reminder before that date", "Change the date"
    )
    invited.invitation.refresh_from_db()
    assert invited.invitation.decides_on == day
    assert invited.invitation.closes_on >= day + timedelta(days=14)
    assert_says(client.get(READ), "Read the declaration")


def test_a_name_is_hidden_from_the_receipt_and_never_shown_by_it(client, version):
    entry = invite_and_sign(name_is_public=True)
    open_link(client, new_link(entry.invitation, SigningLinkPurpose.RECEIPT))
    mark = hidden_fields(client.get(RECEIPT))["invitation_mark"]
    assert_says(client.post(RECEIPT, {"invitation_mark": mark, "form": "name"}), "Tick the box")
    assert Entry.objects.with_status().get(pk=entry.pk).name_is_public
    for _ in range(2):
        answer = client.post(
            RECEIPT, {"invitation_mark": mark, "form": "name", "confirmed": "on", "name_is_public": "yes"}
        )
        assert answer["Location"] == f"{RECEIPT}?saved#changes"
        assert not Entry.objects.with_status().get(pk=entry.pk).name_is_public
    assert_says(client.get(f"{RECEIPT}?saved"), "The register now shows only the organisation")
    assert Entry.objects.filter(kind=EntryKind.CORRECTED).count() == 1


def test_withdrawing_goes_through_the_mailbox_that_signed(client, version):
    entry = invite_and_sign()
    open_link(client, new_link(entry.invitation, SigningLinkPurpose.RECEIPT))
    mark = hidden_fields(client.get(RECEIPT))["invitation_mark"]
    refused = client.post(RECEIPT, {"invitation_mark": mark, "form": "withdraw"})
    assert_says(refused, "Tick the box")
    assert (
        client.post(RECEIPT, {"invitation_mark": mark, "form": "withdraw", "confirmed": "on"})["Location"]
        == f"{RECEIPT}?sent#changes"
    )
    assert_says(
        client.get(f"{RECEIPT}?sent"), "to the email address that signed", "not withdrawn until the link is used"
    )
    assert Mail.objects.get(kind=MailKind.WITHDRAW).to == "post@body.example"
    assert client.get(WITHDRAW)["Location"] == RECEIPT  # the receipt alone withdraws nothing
    assert_says(
        open_link(client, new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)), "Withdraw the signature", "entry 1"
    )
    assert set(form_errors(send_form(client, WITHDRAW))) == {"confirmed"}
    assert send_form(client, WITHDRAW, confirmed="on")["Location"] == WITHDRAW
    assert_says(assert_private(client.get(WITHDRAW)), "Withdrawn", "entry 2")
    client.post(WITHDRAW, {"invitation_mark": mark, "confirmed": "on"})
    assert list(Entry.objects.values_list("kind", flat=True)) == [EntryKind.SIGNED, EntryKind.WITHDRAWN]
    late = Client()
    assert_says(
        open_link(late, new_link(entry.invitation, SigningLinkPurpose.RECEIPT)),
        "This signature was withdrawn",
        "entry 2",
    )
    assert late.post(RECEIPT, {"invitation_mark": mark, "form": "name", "confirmed": "on"})["Location"] == RECEIPT
    assert Entry.objects.count() == 2


def test_after_erasure_the_link_of_a_receipt_opens_nothing(client, version):
    entry = invite_and_sign()
    assert_says(open_link(client, new_link(entry.invitation, SigningLinkPurpose.RECEIPT)), "Sam Example")
    erasure.erase_personal_data(entry=entry)
    assert assert_private(client.get(RECEIPT)).status_code == 404


def test_a_body_that_was_not_invited_gets_the_same_answer_however_often_it_asks(client, version):
    OrganisationFactory(sector=SectorFactory(name="Health"))
    page = assert_private(client.get(ASK))
    assert_says(page, "Ask to sign", "Health")
    incomplete = assert_private(client.post(ASK, {}))
    assert set(form_errors(incomplete)) == {"name", "contact_name", "email"}
    for bad in ({"name": "\u200b"}, {"email": "no address"}, {"name": "x" * 201}, {"contact_name": "a\0b"}):
        form = {"name": "New Trust", "contact_name": "Kim", "email": "kim@new.example"} | bad
        assert set(form_errors(client.post(ASK, form))) == set(bad)
    for _ in range(2):
        answer = assert_private(
            client.post(ASK, {"name": "New  Trust", "contact_name": "Kim", "email": "kim@new.example"})
        )
        assert (answer.status_code, answer["Location"]) == (303, f"{ASK}?sent")
    assert_says(assert_private(client.get(f"{ASK}?sent")), "Request sent")
    assert SigningRequest.objects.get().name == "New Trust"
    assert not Invitation.objects.exists()


def test_nobody_can_ask_before_the_legal_notice_is_stated(client):
    UnitFactory()
    assert_says(client.get(ASK), "Signing is not open")
    assert client.post(ASK, {"name": "x"}).status_code == 503
