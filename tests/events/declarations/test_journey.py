"""The signing journey as a browser without JavaScript meets it: each page, and each way in which it can go wrong."""

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations import rules
from events.declarations.choices import InvitationState, Kind, MailKind, Purpose
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Invitation,
    Mail,
    Preparation,
    SigningRequest,
    Token,
)
from tests.factories import ContactPointFactory, OrganisationFactory, SectorFactory, UnitFactory
from tests.signatories import ANSWERS
from tests.signing import invite, link, open_signing, signatory, signed
from tests.walk import Elements

pytestmark = [pytest.mark.django_db, pytest.mark.once]

READ, DETAILS, CHECK = "/declaration/sign/", "/declaration/sign/details/", "/declaration/sign/check/"
RECEIPT, WITHDRAW, PASSED_ON = (
    "/declaration/sign/receipt/",
    "/declaration/sign/withdraw/",
    "/declaration/sign/passed-on/",
)
DECLINE, DECIDE, ASK = "/declaration/sign/decline/", "/declaration/sign/decide/", "/declaration/ask/"
NAMES = (  # the second and the last are written from right to left
    "x" * 120,
    "\u0645\u062d\u0645\u062f \u0635\u0627\u0644\u062d",
    "Zoe\u0308 O\u2019Neill-\u00c5ngstr\u00f6m",
    "\u5c71\u7530 \u592a\u90ce",
    "<b>Sam</b> {{ 7 }}",
    "\u0646\u0627\u0632\u0646\u06cc\u0646\u200c\u0632\u0647\u0631\u0627",
)
ANOTHER = ANSWERS | {
    "who": "another",
    "prepared_by": "Jo Assistant",
    "email": "chair@body.example",
    "authorised": "",
    "name_is_public": "yes",  # sent along by a browser that hides it
}


@pytest.fixture
def version():
    ContactPointFactory(unit=UnitFactory(), kind="email", value="hello@unit.example")
    return open_signing()


@pytest.fixture
def invited(version):
    return invite()


def follow(client, secret):
    """Open a mailed link; return the page to which it leads."""
    answer = client.get(f"/declaration/sign/{secret}/", follow=True)
    return personal(answer)


def personal(answer):
    """Return an answer that nobody may store or index."""
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Referrer-Policy"] == "same-origin"
    return answer


def send(client, address, **answers):
    """Send a form as a browser would: with the hidden fields of its page."""
    page = personal(client.get(address))
    assert page.status_code == 200, page
    return personal(client.post(address, hidden(page) | answers))


def hidden(page):
    """Return the hidden fields of a page's last form."""
    found: dict[str | None, Any] = {}
    for tag, attributes in Elements(page.text).elements:
        if tag == "form":
            found = {}
        elif tag == "input" and attributes.get("type") == "hidden":
            found[attributes["name"]] = attributes["value"]
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def to_check(client, secret, **answers):
    """Come as far as the last page before signing; return it."""
    follow(client, secret)
    answer = send(client, DETAILS, **ANSWERS | answers)
    assert (answer.status_code, answer["Location"]) == (303, CHECK), errors(answer)
    return personal(client.get(CHECK))


def errors(answer):
    return answer.context["form"].errors if answer.context else answer


def says(answer, *words):
    text = Elements(answer.text).text
    for word in words:
        assert word in text, f"{word!r} not in {text}"
    return answer


@contextmanager
def nothing_written():
    with CaptureQueriesContext(connection) as queries:
        yield
    written = [q["sql"] for q in queries if re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE)", q["sql"], re.IGNORECASE)]
    assert written == []


# From the link to the receipt -----------------------------------------------------------------------------------------


@pytest.mark.both
def test_from_the_link_to_the_receipt(client, invited, version):
    says(follow(client, invited.secret), "A body", version.text, version.sha256, "Your details")
    page = to_check(client, invited.secret)
    says(
        page, "Sam Example", "Chair of trustees", "My post", "post@body.example", "I am authorised to sign for A body."
    )
    says(page, "Not your name, and never your email address.")
    answer = personal(client.post(CHECK, hidden(page)))
    assert (answer.status_code, answer["Location"]) == (303, RECEIPT)
    receipt = personal(client.get(RECEIPT))
    says(receipt, "Signed. Thank", "Receipt for entry 1", "A body", "Sam Example", "not shown in public", "In force")
    entry = Entry.objects.get()
    assert entry.checkpoint.strip() in receipt.text.replace("&quot;", '"')
    assert {"/declaration/sign/receipt.pdf", "/declaration/sign/receipt.json"} <= Elements(receipt.text).links(RECEIPT)
    assert "<svg" in receipt.text
    assert f"declaration/register/{entry.seq}" in receipt.text
    assert entry.personal.values == {
        "name": "Sam Example",
        "role": "Chair of trustees",
        "email": "post@body.example",
        "authority": "My post",
    }
    assert Mail.objects.get(kind=MailKind.RECEIPT).to == "post@body.example"
    # refreshed, and come back to from the mail's link in another browser
    assert personal(client.get(RECEIPT)).text.count("Sam Example") == receipt.text.count("Sam Example")
    says(follow(Client(), link(entry.invitation, Purpose.RECEIPT)), "Receipt for entry 1", "Sam Example")


def test_a_delegated_decision_and_a_public_name(client, invited):
    follow(client, invited.secret)
    lacking = send(client, DETAILS, **ANSWERS | {"authority": "delegated"})
    assert set(errors(lacking)) == {"authority_reference", "authority_date"}
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    day = {"authority": "delegated", "authority_reference": "Minute 14", "authority_date": tomorrow}
    assert set(errors(send(client, DETAILS, **ANSWERS | day))) == {"authority_date"}
    page = to_check(client, invited.secret, **day | {"authority_date": "27/03/2019", "name_is_public": "yes"})
    says(page, "Delegated decision: Minute 14, 27 March 2019")
    assert "Not your name" not in page.text
    client.post(CHECK, hidden(page))
    entry = Entry.objects.with_status().get()
    assert entry.name_is_public
    assert entry.personal.values["authority"] == "Delegated decision: Minute 14, 27 March 2019"


def test_a_mistake_loses_nothing_and_each_error_leads_to_its_field(client, invited):
    follow(client, invited.secret)
    answer = send(client, DETAILS, **ANSWERS | {"name": "", "authorised": ""})
    assert answer.status_code == 200
    page = Elements(answer.text)
    assert "<title>Error: Your details" in answer.text
    values = {a.get("id"): a for _, a in page.elements}
    assert values["id_role"]["value"] == "Chair of trustees"
    assert values["id_name"]["aria-invalid"] == "true"
    targets = re.findall(r'<li><a href="#([^"]+)"', answer.text)
    assert targets == ["id_name", "id_authorised"]
    assert set(targets) <= set(values)
    says(answer, "Confirm that you are authorised to sign, or choose that somebody else signs")
    assert not Preparation.objects.exists()
    # the box is never ticked for anybody, not even for who comes back
    to_check(client, invited.secret)
    box = next(a for _, a in Elements(client.get(DETAILS).text).elements if a.get("id") == "id_authorised")
    assert "checked" not in box


def test_names_of_people_are_taken_as_they_are_and_what_nobody_can_read_is_refused(client, invited):
    follow(client, invited.secret)
    for bad in ("", "   ", "\u200b\u200d", "\u2800", "a\u202eb", "a\0b", "...", "x" * 121, "\u0301"):
        assert "name" in errors(send(client, DETAILS, **ANSWERS | {"name": bad})), ascii(bad)
    for good in NAMES:
        page = to_check(client, invited.secret, name=good)
        kept = Preparation.objects.get().name
        assert kept == good.replace("e\u0308", "ë")
        says(page, kept)
        assert "<b>Sam</b> {{" not in page.text
    assert "role" in errors(send(client, DETAILS, **ANSWERS | {"role": "x" * 121}))
    with pytest.raises(ValidationError):  # the rule holds at every door
        rules.prepare(secret=invited.secret, signatory=signatory(name="\u200b"))


# Somebody else signs --------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_an_assistant_prepares_and_the_signatory_confirms_from_their_own_mailbox(client, invited):
    follow(client, invited.secret)
    lacking = send(client, DETAILS, **ANOTHER | {"prepared_by": "", "email": ""})
    assert set(errors(lacking)) == {"prepared_by", "email"}
    own = send(client, DETAILS, **ANOTHER | {"email": "POST@Body.example"})
    assert set(errors(own)) == {"email"}
    answer = send(client, DETAILS, **ANOTHER)
    assert (answer.status_code, answer["Location"]) == (303, PASSED_ON)
    says(client.get(PASSED_ON), "Nothing is signed yet", "Sam Example", "chair@body.example", "Jo Assistant")
    assert Mail.objects.get(kind=MailKind.CONFIRM).to == "chair@body.example"
    assert not Preparation.objects.get().name_is_public  # only the signatory can agree to that
    # the assistant comes nowhere near signing
    for address in (READ, CHECK):
        assert client.get(address)["Location"] == PASSED_ON
    of = hidden(client.get(DETAILS))["of"]
    fingerprint = rules.Signatory.of(Preparation.objects.get()).fingerprint
    form = {"of": of, "checked": fingerprint, "text_sha256": invited.invitation.version.sha256}
    client.post(CHECK, form)
    assert not Entry.objects.exists()
    # the signatory must tick the box themselves
    chair = Client()
    says(follow(chair, link(invited.invitation, Purpose.CONFIRM)), "Jo Assistant has prepared this signature for you")
    assert chair.get(CHECK)["Location"] == DETAILS
    page = send(chair, DETAILS, **{**ANSWERS, "authorised": ""})
    assert set(errors(page)) == {"authorised"}
    assert "who" not in page.context["form"].fields
    assert send(chair, DETAILS, **ANSWERS)["Location"] == CHECK
    page = says(chair.get(CHECK), "Prepared by", "Jo Assistant", "chair@body.example")
    assert chair.post(CHECK, hidden(page))["Location"] == RECEIPT
    says(chair.get(RECEIPT), "Jo Assistant", "Sam Example")
    assert Entry.objects.get().personal.values["prepared_by"] == "Jo Assistant"
    # the assistant, who knows all the answers, does not get the receipt
    assert personal(client.post(CHECK, form | {"checked": page.context["signatory"].fingerprint})).status_code == 404


def test_taking_back_ends_the_link_that_was_passed_on(client, invited):
    follow(client, invited.secret)
    send(client, DETAILS, **ANOTHER)
    first = link(invited.invitation, Purpose.CONFIRM)
    chair = Client()
    page = to_check(chair, first)
    says(client.get(DETAILS), "You passed this on to Sam Example", "their link stops working")
    assert send(client, DETAILS, **ANOTHER | {"email": "vice@body.example"})["Location"] == PASSED_ON
    assert chair.post(CHECK, hidden(page)).status_code == 404
    second = link(invited.invitation, Purpose.CONFIRM)
    assert follow(Client(), second).status_code == 200
    assert to_check(client, invited.secret)["Location"] == READ  # it was not shown in this browser yet
    says(client.get(READ), "Read the declaration")
    mine = client.get(CHECK)
    assert follow(Client(), second).status_code == 404
    assert client.post(CHECK, hidden(mine))["Location"] == RECEIPT
    # within the hour the links that were taken back still show nobody's receipt
    for gone in (first, second):
        late = Client()
        follow(late, gone)
        assert late.post(CHECK, hidden(mine)).status_code == 404
    assert Entry.objects.get().personal.values["email"] == "post@body.example"


# Links that open nothing ----------------------------------------------------------------------------------------------


def test_a_link_that_opens_nothing_looks_the_same_whatever_is_wrong_with_it(version):
    spent, revoked, expired, declined = invite("Spent"), invite("Revoked"), invite("Expired"), invite("Declined")
    rules.prepare(secret=spent.secret, signatory=signatory())
    fingerprint = rules.Signatory.of(Preparation.objects.get()).fingerprint
    rules.sign(secret=spent.secret, checked=fingerprint, text_sha256=version.sha256)
    rules.revoke(by=None, invitation=revoked.invitation)
    rules.decline(secret=declined.secret, because="No.")
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
            said = personal(client.get(address))
            seen.add((said.status_code, said.text, *sorted(said.headers.items())))
        for address in (DETAILS, CHECK, DECLINE, DECIDE, RECEIPT, WITHDRAW):
            said = personal(client.post(address, {"because": "No.", "checked": "x", "what": "withdraw"}))
            assert said.status_code == 404, what
            assert "This link does not work" in said.text
    # where the page stands is the only difference: its own address
    words = {re.sub(r"http://[^\"]*/declaration/sign/[a-z-]*/?", "", text) for _, text, *_ in seen}
    assert {status for status, *_ in seen} == {404}
    assert len(words) == 1
    says(personal(Client().get(READ)), "This link does not work", "newest mail", "hello@unit.example")


def test_a_cookie_that_is_missing_or_forged_opens_nothing(client, invited):
    assert client.get(CHECK).status_code == 404
    for value in ("", "x", invited.secret, signing.dumps({"secret": invited.secret}), signing.dumps([1], salt="x")):
        client.cookies["signing"] = value
        assert personal(client.get(READ)).status_code == 404, value
    client.get(f"/declaration/sign/{invited.secret}/")
    cookie = client.cookies["signing"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", READ)
    assert cookie["max-age"] == cookie["expires"] == ""
    assert invited.secret not in str(client.get(READ).text)


def test_the_cookie_travels_over_https_only_where_the_portal_does(client, invited, settings):
    settings.SESSION_COOKIE_SECURE = True
    client.get(f"/declaration/sign/{invited.secret}/")
    assert client.cookies["signing"]["secure"]


def test_a_form_without_its_token_is_refused_and_the_link_is_not_written_down(invited, caplog):
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/declaration/sign/{invited.secret}/").status_code == 303
    assert personal(client.post(DETAILS, ANSWERS)).status_code == 403
    assert invited.secret not in caplog.text
    assert not Preparation.objects.exists()


# What writes nothing --------------------------------------------------------------------------------------------------


def test_head_and_get_write_nothing(invited):
    signed("Other", "post@other.example")
    receipt = link(Invitation.objects.get(entry=1), Purpose.RECEIPT)
    withdraw = link(Invitation.objects.get(entry=1), Purpose.WITHDRAW)
    passed = invite("Third", "post@third.example")
    rules.pass_on(secret=passed.secret, signatory=signatory(email="c@third.example", prepared_by="Jo"))
    confirm = link(passed.invitation, Purpose.CONFIRM)
    for secret in (invited.secret, passed.secret, confirm, receipt, withdraw):
        client = Client()
        with nothing_written():
            for method in (client.head, client.get):
                assert method(f"/declaration/sign/{secret}/").status_code == 303
                for address in (READ, DETAILS, CHECK, PASSED_ON, DECLINE, DECIDE, RECEIPT, WITHDRAW):
                    assert personal(method(address)).status_code in (200, 303), address
    with nothing_written():
        for secret in ("unknown", "x" * 5000):
            assert Client().get(f"/declaration/sign/{secret}/").status_code == 303
    invited.invitation.refresh_from_db()
    assert invited.invitation.state == InvitationState.QUEUED


def test_who_sends_every_form_as_it_stands_changes_nothing(invited):
    """A scanner that presses each button: as the person who was asked, and with links to what was signed."""
    entry = signed("Other", "post@other.example")
    passed = invite("Third", "post@third.example")
    rules.pass_on(secret=passed.secret, signatory=signatory(email="c@third.example", prepared_by="Jo"))
    confirm = link(passed.invitation, Purpose.CONFIRM)
    links = {
        invited.secret: (DETAILS, CHECK, DECLINE, DECIDE),
        passed.secret: (DETAILS, CHECK, PASSED_ON, DECLINE, DECIDE),
        confirm: (DETAILS, CHECK, DECLINE, DECIDE),
        link(entry.invitation, Purpose.RECEIPT): (RECEIPT,),
        link(entry.invitation, Purpose.WITHDRAW): (WITHDRAW,),
    }
    # somebody has filled it in, and not signed: a reminder is scanned in the meantime
    to_check(Client(), invited.secret)
    mails = Mail.objects.count()
    for secret, addresses in links.items():
        scanner = Client()
        follow(scanner, secret)
        for address in addresses:
            page = scanner.get(address)
            for form in forms_of(page):
                scanner.post(address, form)
    assert Entry.objects.count() == 1
    assert Mail.objects.count() == mails
    assert not Entry.objects.with_status().get().name_is_public
    assert follow(Client(), confirm).status_code == 200
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


# Twice, back, and side by side ----------------------------------------------------------------------------------------


@pytest.mark.both
def test_sent_twice_it_is_one_entry_and_the_same_receipt(client, invited):
    page = to_check(client, invited.secret)
    before, form = client.cookies["signing"].value, hidden(page)
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
    assert client.post(CHECK, {"of": form["of"]}).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert client.post(CHECK, form).status_code == 404


def test_answers_that_were_changed_in_another_tab_are_shown_again(client, invited):
    first = to_check(client, invited.secret)
    second = to_check(client, invited.secret, name="Pat Other")
    answer = client.post(CHECK, hidden(first))
    assert answer["Location"] == DETAILS
    colleague = Client()
    to_check(colleague, invited.secret, name="Third Person")
    answer = client.post(CHECK, hidden(second))
    assert answer["Location"] == f"{DETAILS}?changed"
    says(client.get(answer["Location"]), "Nothing is signed", "changed in another window")
    assert client.get(CHECK)["Location"] == f"{DETAILS}?changed"
    assert not Entry.objects.exists()


def test_a_form_for_one_body_never_signs_for_another(client, version):
    first, second = invite("First", "pa@both.example"), invite("Second", "pa@both.example")
    page = to_check(client, first.secret)
    for secret in (second.secret, first.secret):
        to_check(client, secret)
    to_check(client, second.secret)  # the same person, the same answers
    answer = personal(client.post(CHECK, hidden(page)))
    assert answer.status_code == 409
    says(answer, "Another link was opened", "Second")
    for address in (DETAILS, DECLINE, DECIDE):
        assert client.post(address, ANSWERS | {"of": hidden(page)["of"], "because": "No."}).status_code == 409
    assert not Entry.objects.exists()
    assert not Invitation.objects.filter(state=InvitationState.DECLINED).exists()


def test_a_form_for_one_body_sent_with_the_used_link_of_another_is_no_repeat(client, version):
    first, second = invite("First", "pa@both.example"), invite("Second", "pa@both.example")
    form = hidden(to_check(client, first.secret))
    page = to_check(client, second.secret)
    used = client.cookies["signing"].value
    assert client.post(CHECK, hidden(page))["Location"] == RECEIPT
    client.cookies["signing"] = used
    assert personal(client.post(CHECK, form)).status_code == 404
    answer = personal(client.post(CHECK, hidden(page) | {"of": form["of"]}))
    assert answer.status_code == 409
    says(answer, "Nothing was signed")
    assert Entry.objects.get().body == second.invitation.body


@pytest.mark.both
def test_no_form_can_send_what_a_database_does_not_take(version):
    signed_entry, hostile = signed("Other", "post@other.example"), "a\0b"
    extra = ("text_sha256", "checked", "because", "day", "what", "name_is_public")
    cases = (
        (invite().secret, (DETAILS, DECLINE, DECIDE, CHECK)),
        (link(signed_entry.invitation, Purpose.RECEIPT), (RECEIPT,)),
        (link(signed_entry.invitation, Purpose.WITHDRAW), (WITHDRAW,)),
    )
    for secret, addresses in cases:
        client = Client()
        form = hidden(to_check(client, secret) if CHECK in addresses else follow(client, secret))
        for address in addresses:
            names = ("text_sha256", "checked") if address == CHECK else (*ANOTHER, "authority_date")
            sent = [form | dict.fromkeys((*ANOTHER, *extra), hostile), {"of": hostile}]
            sent += [form | ANOTHER | {name: hostile} for name in (names if address in (CHECK, DETAILS) else ())]
            for answers in sent:
                answer = personal(client.post(address, answers))
                assert answer.status_code in (200, 303, 409), (address, answers)
    assert Entry.objects.count() == 1


def test_the_way_to_https_is_kept_by_nobody(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = personal(client.get("/declaration/sign/secret/"))
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/declaration/sign/secret/")


# Closed, and changed --------------------------------------------------------------------------------------------------


def test_while_signing_is_paused_the_reason_is_said_and_what_was_signed_stays_in_reach(client, invited):
    page = to_check(client, invited.secret)
    entry = signed("Other", "post@other.example")
    Declaration.objects.update(paused_because="We correct a mistake until Monday.")
    for address in (READ, DETAILS, CHECK, ASK):
        answer = client.post(CHECK, hidden(page)) if address == CHECK else client.get(address)
        assert personal(answer).status_code == 503
        assert int(answer["Retry-After"]) > 0
        says(answer, "We correct a mistake until Monday.", "If you need an answer before, contact us")
        assert ("Your link stays good" in answer.text) == (address != ASK)  # nobody who asks has one
    assert client.post(DETAILS, ANSWERS | {"of": hidden(page)["of"]}).status_code == 503
    assert follow(Client(), link(entry.invitation, Purpose.RECEIPT)).status_code == 200
    Declaration.objects.update(paused_because="")
    assert client.post(CHECK, hidden(page))["Location"] == RECEIPT


def test_a_lost_key_is_a_page_and_not_a_fault(client, invited, settings, tmp_path):
    page = to_check(client, invited.secret)
    withdrawing = Client()
    follow(withdrawing, link(signed("Other", "post@other.example").invitation, Purpose.WITHDRAW))
    settings.REGISTER_KEYS = tmp_path / "nothing"
    for answer in (client.post(CHECK, hidden(page)), client.get(READ), send(withdrawing, WITHDRAW, sure="on")):
        assert personal(answer).status_code == 503
        says(answer, "Signing is not open")
    assert Entry.objects.count() == 1


def test_a_new_wording_in_between_is_shown_with_what_changed_and_nothing_is_signed(client, invited, version):
    page = to_check(client, invited.secret)
    new = DeclarationVersion.objects.get(pk=version.pk)
    new.pk, new.number, new.text, new.in_force_from, new.sha256 = None, 2, "We keep the paths and gates.", None, ""
    new._state.adding = True
    new.save()
    rules.publish(by=None, version=new)
    reader = Client()  # whoever has not come so far yet, but has read the text before
    reader.cookies["signing"] = client.cookies["signing"].value
    answer = personal(client.post(CHECK, hidden(page)))
    assert answer.status_code == 409
    says(answer, "The text has changed. Nothing is signed", "version 1", "Version 2")
    assert re.search(r"<ins>.*gates.*</ins>", answer.text, re.DOTALL)
    assert not Entry.objects.exists()
    says(reader.get(CHECK), "The text has changed", "Continue with version 2")
    page = says(client.get(CHECK), "Sam Example", "Version 2", new.sha256)
    assert client.post(CHECK, hidden(page))["Location"] == RECEIPT
    assert Entry.objects.get().version == new


def test_who_has_not_read_the_text_is_led_to_it_before_signing(client, invited):
    client.get(f"/declaration/sign/{invited.secret}/")
    send(client, DETAILS, **ANSWERS)
    assert client.get(CHECK)["Location"] == READ
    client.get(READ)
    assert client.get(CHECK).status_code == 200


# Not now, or not at all -----------------------------------------------------------------------------------------------


def test_declining_asks_why_and_ends_the_link(client, invited):
    follow(client, invited.secret)
    assert set(errors(send(client, DECLINE, because=" "))) == {"because"}
    assert set(errors(send(client, DECLINE, because="x" * 1001))) == {"because"}
    answer = send(client, DECLINE, because="The board said no.")
    assert (answer.status_code, answer["Location"]) == (303, DECLINE)
    says(personal(client.get(DECLINE)), "Declined", "A body")
    says(personal(client.get(DECLINE)), "we invite you again")
    invited.invitation.refresh_from_db()
    assert invited.invitation.state == InvitationState.DECLINED
    assert follow(Client(), invited.secret).status_code == 404


def test_deciding_later_holds_reminders_until_that_day(client, invited):
    follow(client, invited.secret)
    yesterday, day = timezone.localdate() - timedelta(days=1), timezone.localdate() + timedelta(days=100)
    for bad in ("", "soon", yesterday.isoformat()):
        assert set(errors(send(client, DECIDE, day=bad))) == {"day"}, bad
    answer = send(client, DECIDE, day=day.isoformat())
    says(client.get(answer["Location"]), f"{day:%-d}", "No reminder comes before that day", "Change the day")
    invited.invitation.refresh_from_db()
    assert invited.invitation.decides_on == day
    assert invited.invitation.closes_on >= day + timedelta(days=14)
    says(client.get(READ), "Read the declaration")


# After signing --------------------------------------------------------------------------------------------------------


def test_a_name_is_hidden_from_the_receipt_and_never_shown_by_it(client, version):
    entry = signed(name_is_public=True)
    follow(client, link(entry.invitation, Purpose.RECEIPT))
    of = hidden(client.get(RECEIPT))["of"]
    says(client.post(RECEIPT, {"of": of, "what": "name"}), "Tick the box")
    assert Entry.objects.with_status().get(pk=entry.pk).name_is_public
    for _ in range(2):
        answer = client.post(RECEIPT, {"of": of, "what": "name", "sure": "on", "name_is_public": "yes"})
        assert answer["Location"] == f"{RECEIPT}?saved#changes"
        assert not Entry.objects.with_status().get(pk=entry.pk).name_is_public
    says(client.get(f"{RECEIPT}?saved"), "The register now shows only the organisation")
    assert Entry.objects.filter(kind=Kind.CORRECTED).count() == 1


def test_withdrawing_goes_through_the_mailbox_that_signed(client, version):
    entry = signed()
    follow(client, link(entry.invitation, Purpose.RECEIPT))
    of = hidden(client.get(RECEIPT))["of"]
    refused = client.post(RECEIPT, {"of": of, "what": "withdraw"})
    says(refused, "Tick the box")
    assert client.post(RECEIPT, {"of": of, "what": "withdraw", "sure": "on"})["Location"] == f"{RECEIPT}?sent#changes"
    says(client.get(f"{RECEIPT}?sent"), "to the mailbox that signed", "nothing is withdrawn")
    assert Mail.objects.get(kind=MailKind.WITHDRAW).to == "post@body.example"
    assert client.get(WITHDRAW)["Location"] == RECEIPT  # the receipt alone withdraws nothing
    says(follow(client, link(entry.invitation, Purpose.WITHDRAW)), "Withdraw the signature", "entry 1")
    assert set(errors(send(client, WITHDRAW))) == {"sure"}
    assert send(client, WITHDRAW, sure="on")["Location"] == WITHDRAW
    says(personal(client.get(WITHDRAW)), "Withdrawn", "entry 2")
    client.post(WITHDRAW, {"of": of, "sure": "on"})
    assert list(Entry.objects.values_list("kind", flat=True)) == [Kind.SIGNED, Kind.WITHDRAWN]
    late = Client()
    says(follow(late, link(entry.invitation, Purpose.RECEIPT)), "This signature was withdrawn", "entry 2")
    assert late.post(RECEIPT, {"of": of, "what": "name", "sure": "on"})["Location"] == RECEIPT
    assert Entry.objects.count() == 2


def test_after_erasure_the_link_of_a_receipt_opens_nothing(client, version):
    entry = signed()
    says(follow(client, link(entry.invitation, Purpose.RECEIPT)), "Sam Example")
    rules.erase(entry=entry)
    assert personal(client.get(RECEIPT)).status_code == 404


# Not invited ----------------------------------------------------------------------------------------------------------


def test_a_body_that_was_not_invited_asks_and_is_told_the_same_however_often(client, version):
    OrganisationFactory(sector=SectorFactory(name="Health"))
    page = personal(client.get(ASK))
    says(page, "Ask to sign", "Health")
    lacking = personal(client.post(ASK, {}))
    assert set(errors(lacking)) == {"name", "contact_name", "email"}
    for bad in ({"name": "\u200b"}, {"email": "no address"}, {"name": "x" * 201}, {"contact_name": "a\0b"}):
        form = {"name": "New Trust", "contact_name": "Kim", "email": "kim@new.example"} | bad
        assert set(errors(client.post(ASK, form))) == set(bad)
    for _ in range(2):
        answer = personal(client.post(ASK, {"name": "New  Trust", "contact_name": "Kim", "email": "kim@new.example"}))
        assert (answer.status_code, answer["Location"]) == (303, f"{ASK}?sent")
    says(personal(client.get(f"{ASK}?sent")), "Your request is with us")
    assert SigningRequest.objects.get().name == "New Trust"
    assert not Invitation.objects.exists()


def test_nobody_can_ask_before_the_legal_notice_is_stated(client):
    UnitFactory()
    says(client.get(ASK), "Signing is not open")
    assert client.post(ASK, {"name": "x"}).status_code == 503
