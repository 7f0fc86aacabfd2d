"""Forms that are sent twice, at the same time, while signing is closed, or after the text has changed."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from events.declarations.choices import InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Invitation,
    Mail,
)
from events.declarations.rules import versions
from tests.events.declarations.signing_pages.visits import (
    ANSWERS_FOR_ANOTHER,
    ASK,
    CHECK,
    DECIDE,
    DECLINE,
    DETAILS,
    PASSED_ON,
    READ,
    RECEIPT,
    WITHDRAW,
    assert_private,
    assert_says,
    go_to_check,
    hidden_fields,
    open_link,
    send_form,
)
from tests.support.races.signatories import ANSWERS
from tests.support.signing import invite, invite_and_sign, new_link

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.both
def test_sent_twice_it_is_one_entry_and_the_same_receipt(client, invited):
    page = go_to_check(client, invited.secret)
    before, form = client.cookies["signing"].value, hidden_fields(page)
    assert client.post(CHECK, form)["Location"] == RECEIPT
    receipt = client.get(RECEIPT)
    # the second press of a double click left before the first was answered
    client.cookies["signing"] = before
    assert client.post(CHECK, form)["Location"] == RECEIPT
    again = client.get(RECEIPT)
    assert again.context["entry"] == receipt.context["entry"]
    # the other tab, and the back button, afterwards
    assert client.post(CHECK, form)["Location"] == RECEIPT
    for address in (READ, DETAILS, CHECK, DECLINE, DECIDE, PASSED_ON, WITHDRAW):
        assert client.get(address)["Location"] == RECEIPT
    assert Entry.objects.count() == Mail.objects.filter(kind=MailKind.RECEIPT).count() == 1
    # blank, or later than an hour after, it is a link like any that is spent
    client.cookies["signing"] = before
    assert client.post(CHECK, {"invitation_mark": form["invitation_mark"]}).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert client.post(CHECK, form).status_code == 404


def test_answers_that_were_changed_in_another_tab_are_shown_again(client, invited):
    first = go_to_check(client, invited.secret)
    second = go_to_check(client, invited.secret, name="Pat Other")
    answer = client.post(CHECK, hidden_fields(first))
    assert answer["Location"] == DETAILS
    colleague = Client()
    go_to_check(colleague, invited.secret, name="Third Person")
    answer = client.post(CHECK, hidden_fields(second))
    assert answer["Location"] == f"{DETAILS}?changed"
    assert_says(client.get(answer["Location"]), "Nothing is signed", "changed in another window")
    assert client.get(CHECK)["Location"] == f"{DETAILS}?changed"
    assert not Entry.objects.exists()


def test_a_form_for_one_body_never_signs_for_another(client, version):
    first, second = invite("First", "pa@both.example"), invite("Second", "pa@both.example")
    page = go_to_check(client, first.secret)
    for secret in (second.secret, first.secret):
        go_to_check(client, secret)
    go_to_check(client, second.secret)  # the same person, the same answers
    answer = assert_private(client.post(CHECK, hidden_fields(page)))
    assert answer.status_code == 409
    assert_says(answer, "You opened another link", "Second")
    for address in (DETAILS, DECLINE, DECIDE):
        assert (
            client.post(
                address, ANSWERS | {"invitation_mark": hidden_fields(page)["invitation_mark"], "reason": "No."}
            ).status_code
            == 409
        )
    assert not Entry.objects.exists()
    assert not Invitation.objects.filter(state=InvitationState.DECLINED).exists()


def test_a_form_for_one_body_sent_with_the_used_link_of_another_is_no_repeat(client, version):
    first, second = invite("First", "pa@both.example"), invite("Second", "pa@both.example")
    form = hidden_fields(go_to_check(client, first.secret))
    page = go_to_check(client, second.secret)
    used = client.cookies["signing"].value
    assert client.post(CHECK, hidden_fields(page))["Location"] == RECEIPT
    client.cookies["signing"] = used
    assert assert_private(client.post(CHECK, form)).status_code == 404
    answer = assert_private(client.post(CHECK, hidden_fields(page) | {"invitation_mark": form["invitation_mark"]}))
    assert answer.status_code == 409
    assert_says(answer, "Nothing was signed")
    assert Entry.objects.get().body == second.invitation.body


@pytest.mark.both
def test_no_form_can_send_what_a_database_does_not_take(version):
    signed_entry, hostile = invite_and_sign("Other", "post@other.example"), "a\0b"
    extra = ("text_sha256", "checked", "reason", "day", "form", "name_is_public")
    cases = (
        (invite().secret, (DETAILS, DECLINE, DECIDE, CHECK)),
        (new_link(signed_entry.invitation, SigningLinkPurpose.RECEIPT), (RECEIPT,)),
        (new_link(signed_entry.invitation, SigningLinkPurpose.WITHDRAW), (WITHDRAW,)),
    )
    for secret, addresses in cases:
        client = Client()
        form = hidden_fields(go_to_check(client, secret) if CHECK in addresses else open_link(client, secret))
        for address in addresses:
            names = ("text_sha256", "checked") if address == CHECK else (*ANSWERS_FOR_ANOTHER, "authority_date")
            sent = [form | dict.fromkeys((*ANSWERS_FOR_ANOTHER, *extra), hostile), {"invitation_mark": hostile}]
            sent += [
                form | ANSWERS_FOR_ANOTHER | {name: hostile} for name in (names if address in (CHECK, DETAILS) else ())
            ]
            for answers in sent:
                answer = assert_private(client.post(address, answers))
                assert answer.status_code in (200, 303, 409), (address, answers)
    assert Entry.objects.count() == 1


def test_the_way_to_https_is_kept_by_nobody(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = assert_private(client.get("/declaration/sign/secret/"))
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/declaration/sign/secret/")


def test_while_signing_is_paused_the_reason_is_said_and_what_was_signed_stays_in_reach(client, invited):
    page = go_to_check(client, invited.secret)
    entry = invite_and_sign("Other", "post@other.example")
    Declaration.objects.update(paused_because="We correct a mistake until Monday.")
    for address in (READ, DETAILS, CHECK, ASK):
        answer = client.post(CHECK, hidden_fields(page)) if address == CHECK else client.get(address)
        assert assert_private(answer).status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert_says(answer, "We correct a mistake until Monday.", "If you need an answer sooner, contact us")
        assert ("Your link still works" in answer.text) == (address != ASK)  # nobody who asks has one
    assert (
        client.post(DETAILS, ANSWERS | {"invitation_mark": hidden_fields(page)["invitation_mark"]}).status_code == 503
    )
    assert open_link(Client(), new_link(entry.invitation, SigningLinkPurpose.RECEIPT)).status_code == 200
    Declaration.objects.update(paused_because="")
    assert client.post(CHECK, hidden_fields(page))["Location"] == RECEIPT


def test_a_lost_key_is_a_page_and_not_a_fault(client, invited, settings, tmp_path):
    page = go_to_check(client, invited.secret)
    withdrawing = Client()
    open_link(
        withdrawing, new_link(invite_and_sign("Other", "post@other.example").invitation, SigningLinkPurpose.WITHDRAW)
    )
    settings.REGISTER_KEYS = tmp_path / "nothing"
    for answer in (
        client.post(CHECK, hidden_fields(page)),
        client.get(READ),
        send_form(withdrawing, WITHDRAW, confirmed="on"),
    ):
        assert assert_private(answer).status_code == 503
        assert_says(answer, "Signing is not open")
    assert Entry.objects.count() == 1


def test_a_new_version_in_between_is_shown_with_what_changed_and_nothing_is_signed(client, invited, version):
    page = go_to_check(client, invited.secret)
    new = DeclarationVersion.objects.get(pk=version.pk)
    new.pk, new.number, new.text, new.in_force_from, new.sha256 = None, 2, "We keep the paths and gates.", None, ""
    new._state.adding = True
    new.save()
    versions.publish_version(by=None, version=new)
    reader = Client()  # whoever has not come so far yet, but has read the text before
    reader.cookies["signing"] = client.cookies["signing"].value
    answer = assert_private(client.post(CHECK, hidden_fields(page)))
    assert answer.status_code == 409
    assert_says(answer, "The text has changed. Nothing is signed", "version 1", "Version 2")
    assert re.search(r"<ins>.*gates.*</ins>", answer.text, re.DOTALL)
    assert not Entry.objects.exists()
    assert_says(reader.get(CHECK), "The text has changed", "Continue with version 2")
    page = assert_says(client.get(CHECK), "Sam Example", "Version 2", new.sha256)
    assert client.post(CHECK, hidden_fields(page))["Location"] == RECEIPT
    assert Entry.objects.get().version == new


def test_who_has_not_read_the_text_is_led_to_it_before_signing(client, invited):
    client.get(f"/declaration/sign/{invited.secret}/")
    send_form(client, DETAILS, **ANSWERS)
    assert client.get(CHECK)["Location"] == READ
    client.get(READ)
    assert client.get(CHECK).status_code == 200
