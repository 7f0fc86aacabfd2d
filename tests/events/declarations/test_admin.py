"""Staff's pages of the declaration: what they show, what each step does; none changes the register silently."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations import rules
from events.declarations.choices import OPEN, Delivery, InvitationState, Kind, MailKind
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Head,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
    Token,
    TreeNode,
)
from events.declarations.register import audit, log
from partners.models import LegalNotice
from tests import signing
from tests.factories import SectorFactory, UnitFactory, UserFactory, VersionFactory
from tests.walk import Elements, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HERE = "/admin/declarations"


@pytest.fixture
def officer(client):
    user = UserFactory(is_superuser=True, username="officer")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    return signing.open_signing()


def page(model, row=None, step="change"):
    name = model if row is None else f"{model}/{row.pk}/{step}"
    return f"{HERE}/{name}/"


def everything_in_the_register():
    """Return all rows that the register is made of."""
    kept = (Entry, Head, TreeNode, LiveSignature, PersonalRecord, RegisterKey)
    return [list(model._default_manager.order_by("pk").values()) for model in kept]


# What is not there ----------------------------------------------------------------------------------------------------


def test_what_the_register_is_made_of_is_no_admin_page():
    for model in (Token, Head, TreeNode, LiveSignature, PersonalRecord, Preparation):
        assert model not in site._registry, model


def test_no_page_adds_changes_or_deletes_what_comes_about_elsewhere(client, officer, version):
    entry = signing.signed("Moor Trust")
    rules.ask(name="Lake Council", contact_name="Ann", email="a@lake.example")
    paper = PaperSignature.objects.create(
        body=entry.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
    )
    before = everything_in_the_register()
    rows: list[Any] = [entry, RegisterKey.objects.get(), Mail.objects.first(), SigningRequest.objects.get(), paper]
    rows.append(entry.invitation)
    for row in rows:
        model = row._meta.model_name
        sent = {field.name: "1" for field in row._meta.concrete_fields}
        values = type(row)._default_manager.values().get(pk=row.pk)
        assert client.post(page(model, row), sent).status_code == 403, model
        assert client.post(page(model, row, "delete"), {"post": "yes"}).status_code == 403, model
        assert b'name="_save"' not in client.get(page(model, row)).content, model
        chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        client.post(page(model), chosen)
        assert type(row)._default_manager.values().get(pk=row.pk) == values, model
        if model not in ("invitation", "papersignature"):
            assert client.get(f"{HERE}/{model}/add/").status_code == 403, model
    assert everything_in_the_register() == before


def test_a_body_in_the_register_is_renamed_by_an_entry_and_not_on_its_own_page(client, officer, version):
    body = signing.signed("Moor Trust").body
    waiting = signing.invite("Lake Council").invitation.body
    sent = {"name": "Other name", "sector": SectorFactory().pk, "organisation": ""}
    assert client.post(page("signatorybody", body), sent).status_code == 302
    assert client.post(page("signatorybody", body, "delete"), {"post": "yes"}).status_code == 403
    body.refresh_from_db()
    assert (body.name, body.sector) == ("Moor Trust", None)
    assert "correct its name or sector on the page of the signature" in text_of(client.get(page("signatorybody", body)))
    client.post(page("signatorybody", waiting), sent)
    waiting.refresh_from_db()
    assert waiting.name == "Other name"
    assert list(audit.faults()) == []


def test_the_address_that_entries_name_stays_and_pausing_says_why(client, officer, version):
    declaration = version.declaration
    address = page("declaration", declaration)
    LegalNotice.objects.update(complaints="")
    sent = {"title": declaration.title, "slug": "moved", "event": "", "paused_because": "The wording is being checked."}
    assert client.post(address, sent).status_code == 302
    declaration.refresh_from_db()
    assert declaration.slug != "moved"
    said = text_of(client.get(address))
    assert "Signing is paused: The wording is being checked." in said
    assert "The legal notice does not say: complaints." in said


# Wordings -------------------------------------------------------------------------------------------------------------


def test_a_wording_is_put_in_force_after_a_page_that_says_what_it_sets_off(client, officer, version):
    signing.signed("Signed body")
    signing.invite("Waiting body")
    rules.erase(entry=signing.signed("Erased body"))
    draft = VersionFactory(declaration=version.declaration, text="We keep the paths lit.")
    assert "A draft, which only staff see" in text_of(client.get(page("declarationversion", draft)))
    said = text_of(client.get(page("declarationversion", draft, "publish")))
    assert "Open invitations that are for this wording from then on; their bodies are told by mail 1" in said
    assert "Bodies that have signed an earlier wording and are invited again by mail 1" in said
    assert "Bodies that have signed and cannot be: on paper, or their mailbox is erased 1" in said
    assert "We keep the paths lit." in said
    assert client.post(page("declarationversion", draft, "publish"), {}).status_code == 200  # not read
    draft.refresh_from_db()
    assert not draft.is_public
    response = client.post(
        page("declarationversion", draft, "publish"), {"read": "on", "text_sha256": draft.fingerprint}, follow=True
    )
    assert "In force. Invited again: 1" in text_of(response)
    assert Invitation.objects.filter(version=draft).count() == 2
    assert "is in force since" in text_of(
        client.post(page("declarationversion", draft, "publish"), {"read": "on", "text_sha256": draft.fingerprint})
    )


def test_a_published_wording_never_changes_and_a_draft_does(client, officer, version):
    draft = VersionFactory(declaration=version.declaration)
    VersionFactory._meta.model.objects.filter(pk=version.pk).update(checked_on=None)
    for row in (draft, version):
        sent = {
            "declaration": row.declaration_id,
            "number": row.number,
            "text": "Other words.",
            "note": "",
            "source": row.source_id,
            "source_location": "",
            "as_at": "2031-05-06",
            "checked_on": "2031-05-07",
        }
        assert client.post(page("declarationversion", row), sent).status_code == 302
        row.refresh_from_db()
        assert (row.text == "Other words.") == (row is draft)
        assert str(row.checked_on) == "2031-05-07"
    assert client.post(page("declarationversion", version, "delete"), {"post": "yes"}).status_code == 403
    assert client.post(page("declarationversion", draft, "delete"), {"post": "yes"}).status_code == 302
    assert list(DeclarationVersion.objects.all()) == [version]


def test_a_new_wording_begins_with_the_next_number_and_the_words_in_force(client, officer, version):
    add = client.get(f"{HERE}/declarationversion/add/").context["adminform"].form
    assert add["number"].value() == version.number + 1
    assert add["text"].value() == version.text
    assert add["declaration"].value() == version.declaration_id
    draft = VersionFactory(declaration=version.declaration, number=version.number + 1, text=f"{version.text} Besides.")
    shown = client.get(page("declarationversion", draft, "publish")).text
    assert f"What it changes in version {version.number}" in shown
    assert re.search(r"<ins>.*Besides", shown)
    Declaration.objects.create(title="Another", slug="another")
    assert "text" not in client.get(f"{HERE}/declarationversion/add/").context["adminform"].form.initial


def test_what_keeps_signing_closed_leads_to_the_page_on_which_it_is_mended(client, officer):
    notice, versions = "/admin/partners/legalnotice/", f"{HERE}/declarationversion/"
    for address in (f"{HERE}/invitation/", f"{HERE}/invitation/add/"):
        shown = client.get(address).text
        assert f'<a href="{versions}">Put a wording in force.</a>' in shown, address
        assert f'<a href="{notice}add/">Complete the legal notice.</a>' in shown, address
    version = signing.open_signing()
    LegalNotice.objects.update(complaints="")
    Declaration.objects.update(paused_because="Wait & see <b>")
    shown = client.get(f"{HERE}/invitation/").text
    assert f'<a href="{notice}1/change/">Complete the legal notice.</a>' in shown
    assert f'<a href="{HERE}/declaration/{version.declaration_id}/change/">End the pause.</a>' in shown
    assert "Wait &amp; see &lt;b&gt;" in shown


def test_what_the_database_refuses_is_logged_without_its_row(client, officer, version, monkeypatch, caplog):
    def refuse(**more):
        raise IntegrityError("Failing row contains (24, Sam Secret, sam@secret.example)")

    monkeypatch.setattr(rules, "revoke", refuse)
    invitation = signing.invite().invitation
    said = text_of(client.post(page("invitation", invitation, "revoke"), {}))
    assert "The database refused this" in said
    assert "The database refused a step: IntegrityError" in caplog.text
    assert "ecret" not in caplog.text


def test_publishing_while_something_is_missing_says_that_signing_stays_closed(client, officer):
    log.rotate_key()
    draft = VersionFactory()
    said = text_of(client.get(page("declarationversion", draft, "publish")))
    assert "Signing stays closed, and nobody is invited again, until this is mended The legal notice" in said


# Invitations ----------------------------------------------------------------------------------------------------------


def test_the_numbers_above_the_list_are_those_of_the_lists_that_they_lead_to(client, officer, version):
    today = timezone.localdate()
    for state in (*OPEN, InvitationState.DECLINED, InvitationState.EXPIRED):
        for _ in range(2 if state == InvitationState.SENT else 1):
            row = signing.invite(f"Body {Invitation.objects.count()}").invitation
            Invitation.objects.filter(pk=row.pk).update(state=state)
    later = Invitation.objects.filter(state=InvitationState.STARTED)
    later.update(decides_on=today + timedelta(days=3))
    entry = signing.signed("Signed body")
    rules.ask(name="Lake Council", contact_name="Ann", email="a@lake.example")
    PaperSignature.objects.create(body=entry.body, version=version, signed_on=today, recorded_by=officer, scan="x.pdf")
    response = client.get(page("invitation"))
    figures = {figure.label: figure for figure in response.context["figures"]}
    assert {label: figure.number for label, figure in figures.items()} == {
        "Invited": 8,
        "To chase": 1,
        "Waiting to be sent": 1,
        "Sent": 2,
        "Refused by the mail server": 1,
        "Started": 1,
        "Signed": 1,
        "Declined": 1,
        "Expired": 1,
        "Decide later": 1,
        "On paper, to confirm": 1,
        "Ask to sign": 1,
    }
    for label, figure in figures.items():
        assert f'href="{figure.address}"'.replace("&", "&amp;") in response.content.decode()
        assert client.get(figure.address).context["cl"].result_count == figure.number, label


def test_the_list_is_searched_and_filtered_by_what_the_mail_server_said(client, officer, version):
    for name in ("Moor Trust", "Lake Council"):
        signing.invite(name, f"post@{name.split()[0].lower()}.example")
    Mail.objects.filter(invitation__body__name="Moor Trust").update(delivery=Delivery.REFUSED)
    for query, expected in (
        ("q=lake.example", "Lake Council"),
        ("q=Moor", "Moor Trust"),
        ("mail=refused", "Moor Trust"),
        ("mail=waiting", "Lake Council"),
        ("mail=nonsense&chase=nonsense", None),
    ):
        found = client.get(f"{page('invitation')}?{query}").context["cl"].result_list
        names = [row.body.name for row in found]
        assert names == [expected] if expected else len(names) == 2, query


def test_each_step_of_an_invitation_does_what_it_says(client, officer, version):
    row = signing.invite("Moor Trust", "post@moor.example").invitation
    Mail.objects.update(delivery=Delivery.SENT)
    day = timezone.localdate() + timedelta(days=120)
    assert "post@moor.example" in text_of(client.get(page("invitation", row, "resend")))
    offered = (timezone.localdate() + timedelta(days=90)).isoformat()  # as browsers want it
    assert f'value="{offered}"' in client.get(page("invitation", row, "extend")).content.decode()
    steps = [
        ("resend", {}, "Waiting to be sent again"),
        ("decides-on", {"day": day}, f"They decide on {day:%-d %B %Y}"),
        ("extend", {"day": day + timedelta(days=30)}, "Can be used until"),
        ("revoke", {}, "Revoked"),
        ("invite-again", {"email": "other@moor.example"}, "Invited again"),
    ]
    for step, sent, words in steps:
        said = text_of(client.post(page("invitation", row, step), sent, follow=True))
        assert words in said, step
    row.refresh_from_db()
    assert (row.state, row.decides_on, row.closes_on) == (InvitationState.REVOKED, day, day + timedelta(days=30))
    newest = Invitation.objects.latest("pk")
    assert (newest.body, newest.email, newest.state) == (row.body, "other@moor.example", InvitationState.QUEUED)
    assert LogEntry.objects.filter(object_id=str(row.pk)).count() == len(steps)
    for step in ("resend", "revoke", "decides-on", "extend"):
        assert "This cannot be done to it." in text_of(client.post(page("invitation", row, step), {"day": day})), step
    past = {"day": timezone.localdate() - timedelta(days=1)}
    assert "within a year" in text_of(client.post(page("invitation", newest, "extend"), past))
    assert "from today on" in text_of(client.post(page("invitation", newest, "decides-on"), past))


def test_an_invitation_shows_its_mails_and_who_has_prepared_what(client, officer, version):
    invited = signing.invite(email="clerk@moor.example")
    passed = signing.signatory(name="Chris Chair", email="chair@moor.example", prepared_by="Kim Clerk")
    rules.pass_on(secret=invited.secret, signatory=passed)
    Mail.objects.filter(kind=MailKind.INVITATION).update(delivery=Delivery.REFUSED, error="550 mailbox unknown")
    said = text_of(client.get(page("invitation", invited.invitation)))
    for words in ("Chris Chair", "chair@moor.example", "Kim Clerk", "550 mailbox unknown", "Please confirm"):
        assert words in said
    assert invited.secret not in said


def chosen(action, rows, **sent):
    return {"action": action, "_selected_action": [row.pk for row in rows], **sent}


def test_many_are_sent_again_or_extended_only_after_a_page_that_names_them(client, officer, version):
    rows = [signing.invite(f"Body {number}").invitation for number in range(4)]
    rules.revoke(by=None, invitation=rows[3])
    Mail.objects.exclude(invitation=rows[2]).update(delivery=Delivery.SENT)
    asked = client.post(page("invitation"), chosen("resend", rows))
    said = text_of(asked)
    assert "This is done to 3 of those that you chose. It cannot be done to 1 more" in said
    assert "Body 0: waiting to be sent" in said
    assert "Body 3" not in said
    assert Mail.objects.count() == 4
    done = client.post(page("invitation"), chosen("resend", rows, confirmed="yes"), follow=True)
    assert "Send again: done for 2." in text_of(done)
    assert "Body 2: A mail to this body is waiting to be sent already." in text_of(done)
    assert Mail.objects.count() == 6
    day = timezone.localdate() + timedelta(days=150)
    assert "This field is required" in text_of(client.post(page("invitation"), chosen("extend", rows, confirmed="yes")))
    client.post(page("invitation"), chosen("extend", rows, confirmed="yes", day=day))
    assert Invitation.objects.filter(closes_on=day).count() == 3
    refused = client.post(page("invitation"), chosen("resend", rows[3:]), follow=True)
    assert "this can be done to none of them" in text_of(refused)


# Mails and requests ---------------------------------------------------------------------------------------------------


def test_a_refused_mail_is_seen_with_what_the_server_said_and_tried_again(client, officer, version):
    row = signing.invite().invitation
    mail = row.mails.get()
    assert "This mail was not refused: waiting." in text_of(client.post(page("mail", mail, "retry")))
    Mail.objects.update(delivery=Delivery.REFUSED, attempts=10, error="550 mailbox unknown")
    Invitation.objects.update(state=InvitationState.REFUSED)
    assert "550 mailbox unknown" in text_of(client.get(f"{page('mail')}?delivery__exact=refused"))
    assert client.post(page("mail", mail, "retry")).status_code == 302
    mail.refresh_from_db()
    row.refresh_from_db()
    assert (mail.delivery, mail.attempts, row.state) == (Delivery.WAITING, 0, InvitationState.QUEUED)


def test_a_request_is_approved_or_turned_down_once(client, officer, version):
    for name in ("Moor Trust", "Lake Council"):
        rules.ask(name=name, contact_name="Ann Lee", email="post@moor.example", message="Please.")
    moor, lake = SigningRequest.objects.order_by("pk")
    assert "Mail to Ann Lee, post@moor.example" in text_of(client.get(page("signingrequest", moor, "approve")))
    assert client.post(page("signingrequest", moor, "approve")).status_code == 302
    assert client.post(page("signingrequest", lake, "turn-down")).status_code == 302
    for row in (moor, lake):
        for step in ("approve", "turn-down"):
            assert "This request was answered on" in text_of(client.post(page("signingrequest", row, step)))
    assert [row.body.name for row in Invitation.objects.all()] == ["Moor Trust"]
    assert "Invited" in text_of(client.get(page("signingrequest", moor)))


def test_a_request_is_not_approved_while_signing_is_closed(client, officer, version):
    rules.ask(name="Moor Trust", contact_name="Ann Lee", email="post@moor.example")
    Declaration.objects.update(paused_because="A mistake in the text.")
    row = SigningRequest.objects.get()
    said = text_of(client.post(page("signingrequest", row, "approve")))
    assert "Nobody can be invited yet." in said
    assert "Signing is paused: A mistake in the text." in said
    assert not Invitation.objects.exists()


# The register ---------------------------------------------------------------------------------------------------------


def test_a_correction_is_an_entry_that_is_named_before_it_is_made(client, officer, version):
    entry, sector = signing.signed("Moor Turst"), SectorFactory()
    address = page("entry", entry, "correct")
    said = text_of(client.get(address))
    assert f"Entry {entry.pk + 1} or later: “Corrected”, for Moor Turst, which follows entry {entry.pk}." in said
    assert "The register is public and keeps every entry for good." in said
    assert "consent" not in said.lower()
    sent = {"name": "Moor Trust", "sector": sector.pk, "reason": "misspelt"}
    assert "Select a valid choice" in text_of(client.post(address, sent | {"reason": "consent"}))
    assert "Nothing is different." in text_of(client.post(address, sent | {"name": "Moor Turst", "sector": ""}))
    assert Entry.objects.count() == 1
    assert client.post(address, sent).status_code == 302
    made = Entry.objects.latest("seq")
    assert (made.kind, made.of, made.said["body"], made.said["reason"]) == (
        Kind.CORRECTED,
        entry,
        "Moor Trust",
        "misspelt",
    )
    body = SignatoryBody.objects.get()
    assert (body.name, body.sector) == ("Moor Trust", sector)
    assert "Go to the signature that this entry follows." in text_of(client.get(page("entry", made, "correct")))
    assert list(audit.faults()) == []


def test_erasing_says_what_goes_and_stays_and_leaves_an_entry(client, officer, version):
    entry = signing.sign(signing.invite("Moor Trust", "post@moor.example"), name="Sam Example")
    assert "Sam Example" in text_of(client.get(page("entry", entry)))
    address = page("entry", entry, "erase")
    said = text_of(client.get(address))
    for words in ("What goes, for good", "What stays: the entry, its proofs", "“Personal data erased”, for Moor Trust"):
        assert words in said
    assert client.post(address, {}).status_code == 200
    assert entry.personal.disclosed
    assert client.post(address, {"sure": "on"}).status_code == 302
    assert Entry.objects.latest("seq").kind == Kind.ERASED
    shown = client.get(page("entry", entry)).content.decode()
    assert "Sam Example" not in shown
    assert "post@moor.example" not in shown
    assert address not in shown
    assert "is erased." in text_of(client.post(address, {"sure": "on"}))
    assert not LogEntry.objects.filter(change_message__contains="Sam").exists()
    assert list(audit.faults()) == []


def test_a_lost_key_is_said_in_the_form_and_no_fault(client, officer, version, settings):
    entry = signing.signed("Moor Trust")
    for path in settings.REGISTER_KEYS.glob("*.key"):
        path.unlink()
    sent = {"name": "Moor Council", "sector": "", "reason": "renamed"}
    assert "The register's key is missing or unreadable" in text_of(client.post(page("entry", entry, "correct"), sent))
    assert "The register's key is missing or unreadable" in text_of(client.get(page("invitation")))
    assert Entry.objects.count() == 1


# Who may --------------------------------------------------------------------------------------------------------------


def every_step(version, officer):
    """Return each page that does something, with the permission that opens it."""
    entry = signing.signed("Signed body")
    invitation = signing.invite("Open body").invitation
    rules.ask(name="Lake Council", contact_name="Ann", email="a@lake.example")
    request, mail = SigningRequest.objects.get(), invitation.mails.get()
    draft = VersionFactory(declaration=version.declaration)
    paper = PaperSignature.objects.create(
        body=invitation.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
    )
    return {
        page("declarationversion", draft, "publish"): "publish_declarationversion",
        f"{page('invitation')}add/": "add_invitation",
        f"{page('invitation')}paste/": "add_invitation",
        f"{page('invitation')}import/": "add_invitation",
        page("invitation", invitation, "invite-again"): "add_invitation",
        page("invitation", invitation, "resend"): "change_invitation",
        page("invitation", invitation, "extend"): "change_invitation",
        page("invitation", invitation, "decides-on"): "change_invitation",
        page("invitation", invitation, "revoke"): "change_invitation",
        page("mail", mail, "retry"): "change_mail",
        page("signingrequest", request, "approve"): "change_signingrequest",
        page("signingrequest", request, "turn-down"): "change_signingrequest",
        f"{page('papersignature')}add/": "add_papersignature",
        page("papersignature", paper, "confirm"): "confirm_papersignature",
        page("papersignature", paper, "discard"): "delete_papersignature",
        page("entry", entry, "correct"): "correct_entry",
        page("entry", entry, "erase"): "erase_entry",
        page("entry", entry, "withdraw"): "confirm_papersignature",
    }


def test_each_page_opens_to_its_own_permission_and_to_no_other(client, officer, version):
    table = every_step(version, officer)
    for wanted in sorted(set(table.values())):
        user = UserFactory()
        user.user_permissions.add(Permission.objects.get(content_type__app_label="declarations", codename=wanted))
        client.force_login(user)
        before = everything_in_the_register()
        for address, needed in table.items():
            assert client.get(address).status_code == (200 if needed == wanted else 403), (wanted, address)
            if needed != wanted:
                assert client.post(address, {"sure": "on", "read": "on"}).status_code == 403, (wanted, address)
        if wanted != "change_invitation":
            day = timezone.localdate() + timedelta(days=200)
            client.post(page("invitation"), chosen("extend", Invitation.objects.all(), confirmed="yes", day=day))
            assert not Invitation.objects.filter(closes_on=day).exists(), wanted
        assert everything_in_the_register() == before
    assert client.post(f"{page('invitation')}process_import/").status_code == 403
    strict, stranger = Client(enforce_csrf_checks=True), Client()
    strict.force_login(officer)
    for address in table:
        assert strict.post(address, {"sure": "on"}).status_code == 403, address
        assert stranger.get(address).headers["Location"] == f"/admin/login/?next={address}"
    assert not Mail.objects.filter(kind=MailKind.REMINDER).exists()


def test_who_may_only_look_sees_facts_and_no_step(client, officer, version):
    every_step(version, officer)
    user = UserFactory()
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="declarations", codename__startswith="view_")
    )
    client.force_login(user)
    for model in ("declarationversion", "invitation", "mail", "signingrequest", "papersignature", "entry"):
        row = site._registry[type_of(model)].model._default_manager.first()
        assert client.get(page(model)).status_code == 200, model
        shown = client.get(page(model, row)).content.decode()
        tools = re.search(r'<ul class="object-tools">(.*?)</ul>', shown, re.DOTALL)
        steps = [name for name in re.findall(r'href="([^"]+)"', tools[1] if tools else "") if "history" not in name]
        assert [name for name in steps if name.startswith(f"{HERE}/")] == [], model
    assert "Paste a list" not in text_of(client.get(page("invitation")))


def type_of(name):
    return next(model for model in site._registry if model._meta.label_lower == f"declarations.{name}")


# How often they ask ---------------------------------------------------------------------------------------------------

LISTS = (
    "declaration",
    "declarationversion",
    "signatorybody",
    "invitation",
    "mail",
    "signingrequest",
    "papersignature",
    "entry",
    "registerkey",
)


def test_lists_and_pages_ask_no_more_often_for_three_rows_than_for_one(client, officer, version):
    def more(number):
        entry = signing.signed(f"Signed {number}")
        invited = signing.invite(f"Open {number}")
        rules.pass_on(
            secret=invited.secret, signatory=signing.signatory(email=f"c{number}@b.example", prepared_by="Kim")
        )
        rules.ask(name=f"Asks {number}", contact_name="Ann", email="a@lake.example")
        VersionFactory(declaration=version.declaration)
        PaperSignature.objects.create(
            body=entry.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
        )

    def ask():
        found = {}
        for name in LISTS:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(page(name)).status_code == 200
            found[name] = len(queries)
        return found

    UnitFactory()
    more(0)
    ask()  # what Django looks up once for all
    one = ask()
    for number in (1, 2):
        more(number)
    assert ask() == one, one
    assert max(number for name, number in one.items() if name != "invitation") <= 12, one
    assert one["invitation"] <= 17, one  # with the numbers above it, and whether signing is open


def test_pages_carry_no_inline_script_and_no_style(client, officer, version):
    table = every_step(version, officer)
    client.force_login(UserFactory(is_superuser=True))
    addresses = [*table, *(page(name) for name in LISTS)]
    for address in addresses:
        for tag, attributes in Elements(client.get(address).content.decode()).elements:
            assert "style" not in attributes, address
            assert not any(name.startswith("on") for name in attributes), address
            assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json", address
    asked = client.post(page("invitation"), chosen("resend", Invitation.objects.open()))
    assert "<script>" not in asked.content.decode()
