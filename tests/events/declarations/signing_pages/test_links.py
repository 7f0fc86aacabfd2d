"""Links that open nothing, and requests that must change nothing."""

import re
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from events.declarations.choices import InvitationState, SigningLinkPurpose
from events.declarations.models import (
    Entry,
    Invitation,
    Mail,
    Preparation,
    Token,
)
from events.declarations.rules import invitations
from events.declarations.rules import signing as signing_rules
from tests.events.declarations.signing_pages.visits import (
    CHECK,
    DECIDE,
    DECLINE,
    DETAILS,
    PASSED_ON,
    READ,
    RECEIPT,
    WITHDRAW,
    assert_nothing_written,
    assert_private,
    assert_says,
    go_to_check,
    open_link,
)
from tests.support.crawler import Elements
from tests.support.races.signatories import ANSWERS
from tests.support.signing import invite, invite_and_sign, new_link, signatory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_link_that_opens_nothing_looks_the_same_whatever_is_wrong_with_it(version):
    spent, revoked, expired, declined = invite("Spent"), invite("Revoked"), invite("Expired"), invite("Declined")
    signing_rules.prepare_signature(secret=spent.secret, signatory=signatory())
    fingerprint = signing_rules.Signatory.from_preparation(Preparation.objects.get()).fingerprint
    signing_rules.sign(secret=spent.secret, checked=fingerprint, text_sha256=version.sha256)
    invitations.revoke_invitation(by=None, invitation=revoked.invitation)
    signing_rules.decline_invitation(secret=declined.secret, reason="No.")
    Token.objects.filter(invitation=expired.invitation).update(expires_at=timezone.now())
    secrets = {
        "spent": spent.secret,
        "revoked": revoked.secret,
        "expired": expired.secret,
        "declined": declined.secret,
        "unknown": "A" * 43,
        "malformed": "%F0%9F%9A%B6 '--",
        "too long": "x" * 5000,
        "cut off": spent.secret[:-1],
    }
    seen = set()
    for what, secret in secrets.items():
        client = Client()
        answer = client.get(f"/declaration/sign/{secret}/")
        assert (answer.status_code, answer["Location"]) == (303, READ), what
        for address in (READ, DETAILS, CHECK, PASSED_ON, DECLINE, DECIDE, RECEIPT, WITHDRAW):
            said = assert_private(client.get(address))
            seen.add((said.status_code, said.text, *sorted(said.headers.items())))
        for address in (DETAILS, CHECK, DECLINE, DECIDE, RECEIPT, WITHDRAW):
            said = assert_private(client.post(address, {"reason": "No.", "checked": "x", "form": "withdraw"}))
            assert said.status_code == 404, what
            assert "This link does not work" in said.text
    # the only difference is the page's own address
    words = {re.sub(r"http://[^\"]*/declaration/sign/[a-z-]*/?", "", text) for _, text, *_ in seen}
    assert {status for status, *_ in seen} == {404}
    assert len(words) == 1
    assert_says(assert_private(Client().get(READ)), "This link does not work", "latest email", "hello@unit.example")


@pytest.mark.parametrize("pasted", [">", ")", "%20", "&amp;", ".", "%3E/", "/%3E", "/&amp;", "%E2%80%8B", "/%22)."])
def test_a_link_works_with_what_mail_programs_copy_behind_it(client, invited, pasted):
    page = client.get(f"/declaration/sign/{invited.secret}{pasted}", follow=True)
    assert page.redirect_chain[-1] == (READ, 303)
    assert assert_private(page).status_code == 200


def test_a_cookie_that_is_missing_or_forged_opens_nothing(client, invited):
    assert client.get(CHECK).status_code == 404
    for value in ("", "x", invited.secret, signing.dumps({"secret": invited.secret}), signing.dumps([1], salt="x")):
        client.cookies["signing"] = value
        assert assert_private(client.get(READ)).status_code == 404, value
    client.get(f"/declaration/sign/{invited.secret}/")
    cookie = client.cookies["signing"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == cookie["expires"] == ""
    assert invited.secret not in str(client.get(READ).text)


def test_the_cookie_travels_over_https_only_where_the_portal_does(client, invited, settings):
    settings.SESSION_COOKIE_SECURE = True
    client.get(f"/declaration/sign/{invited.secret}/")
    assert client.cookies["signing"]["secure"]


def test_a_form_without_its_token_is_refused_and_the_link_is_not_written_down(invited, caplog):
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/declaration/sign/{invited.secret}/").status_code == 303
    assert assert_private(client.post(DETAILS, ANSWERS)).status_code == 403
    assert invited.secret not in caplog.text
    assert not Preparation.objects.exists()


def test_head_and_get_write_nothing(invited):
    invite_and_sign("Other", "post@other.example")
    receipt = new_link(Invitation.objects.get(entry=1), SigningLinkPurpose.RECEIPT)
    withdraw = new_link(Invitation.objects.get(entry=1), SigningLinkPurpose.WITHDRAW)
    passed = invite("Third", "post@third.example")
    signing_rules.pass_on_to_signatory(
        secret=passed.secret, signatory=signatory(email="c@third.example", prepared_by="Jo")
    )
    confirm = new_link(passed.invitation, SigningLinkPurpose.CONFIRM)
    for secret in (invited.secret, passed.secret, confirm, receipt, withdraw):
        client = Client()
        with assert_nothing_written():
            for method in (client.head, client.get):
                assert method(f"/declaration/sign/{secret}/").status_code == 303
                for address in (READ, DETAILS, CHECK, PASSED_ON, DECLINE, DECIDE, RECEIPT, WITHDRAW):
                    assert assert_private(method(address)).status_code in (200, 303), address
    with assert_nothing_written():
        for secret in ("unknown", "x" * 5000):
            assert Client().get(f"/declaration/sign/{secret}/").status_code == 303
    invited.invitation.refresh_from_db()
    assert invited.invitation.state == InvitationState.QUEUED


def test_sending_every_form_unchanged_changes_nothing(invited):
    """A scanner that presses each button: as the person who was asked, and with links to what was signed."""
    entry = invite_and_sign("Other", "post@other.example")
    passed = invite("Third", "post@third.example")
    signing_rules.pass_on_to_signatory(
        secret=passed.secret, signatory=signatory(email="c@third.example", prepared_by="Jo")
    )
    confirm = new_link(passed.invitation, SigningLinkPurpose.CONFIRM)
    links = {
        invited.secret: (DETAILS, CHECK, DECLINE, DECIDE),
        passed.secret: (DETAILS, CHECK, PASSED_ON, DECLINE, DECIDE),
        confirm: (DETAILS, CHECK, DECLINE, DECIDE),
        new_link(entry.invitation, SigningLinkPurpose.RECEIPT): (RECEIPT,),
        new_link(entry.invitation, SigningLinkPurpose.WITHDRAW): (WITHDRAW,),
    }
    # somebody has filled it in, and not signed: a reminder is scanned in the meantime
    go_to_check(Client(), invited.secret)
    mails = Mail.objects.count()
    for secret, addresses in links.items():
        scanner = Client()
        open_link(scanner, secret)
        for address in addresses:
            page = scanner.get(address)
            for form in forms_of(page):
                scanner.post(address, form)
    assert Entry.objects.count() == 1
    assert Mail.objects.count() == mails
    assert not Entry.objects.with_status().get().name_is_public
    assert open_link(Client(), confirm).status_code == 200
    invited.invitation.refresh_from_db()
    assert (invited.invitation.state, invited.invitation.decides_on) == (InvitationState.STARTED, None)


def forms_of(page):
    """Return what each form of a page sends if nobody fills it in."""
    found: list[dict[str | None, Any]] = []
    for tag, attributes in Elements(page.text).elements:
        if tag == "form":
            found.append({})
        elif tag == "input" and found and attributes.get("type") not in ("checkbox", "radio"):
            found[-1][attributes["name"]] = attributes.get("value") or ""
        elif tag == "input" and found and "checked" in attributes:
            found[-1][attributes["name"]] = attributes.get("value") or "on"
    return found
