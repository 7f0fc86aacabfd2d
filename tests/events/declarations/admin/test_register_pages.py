"""Staff pages of the register: nothing changes it without adding an entry."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.models import (
    Entry,
    Head,
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
from events.declarations.register import audit
from events.declarations.rules import requests
from partners.models import LegalNotice
from tests.events.declarations.admin.pages import ADMIN_PATH, page_path, register_rows
from tests.support import signing
from tests.support.crawler import text_of
from tests.support.factories import SectorFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_the_parts_of_the_register_have_no_admin_pages():
    for model in (Token, Head, TreeNode, LiveSignature, PersonalRecord, Preparation):
        assert model not in site._registry, model


def test_no_page_adds_changes_or_deletes_what_comes_about_elsewhere(client, officer, version):
    entry = signing.invite_and_sign("Moor Trust")
    requests.record_request(name="Lake Council", contact_name="Ann", email="a@lake.example")
    paper = PaperSignature.objects.create(
        body=entry.body, version=version, signed_on=timezone.localdate(), recorded_by=officer, scan="x.pdf"
    )
    before = register_rows()
    rows: list[Any] = [entry, RegisterKey.objects.get(), Mail.objects.first(), SigningRequest.objects.get(), paper]
    rows.append(entry.invitation)
    for row in rows:
        model = row._meta.model_name
        sent = {field.name: "1" for field in row._meta.concrete_fields}
        values = type(row)._default_manager.values().get(pk=row.pk)
        assert client.post(page_path(model, row), sent).status_code == 403, model
        assert client.post(page_path(model, row, "delete"), {"post": "yes"}).status_code == 403, model
        assert b'name="_save"' not in client.get(page_path(model, row)).content, model
        chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        client.post(page_path(model), chosen)
        assert type(row)._default_manager.values().get(pk=row.pk) == values, model
        if model not in ("invitation", "papersignature"):
            assert client.get(f"{ADMIN_PATH}/{model}/add/").status_code == 403, model
    assert register_rows() == before


def test_a_body_in_the_register_is_renamed_by_an_entry_and_not_on_its_own_page(client, officer, version):
    body = signing.invite_and_sign("Moor Trust").body
    waiting = signing.invite("Lake Council").invitation.body
    sent = {"name": "Other name", "sector": SectorFactory().pk, "organisation": ""}
    assert client.post(page_path("signatorybody", body), sent).status_code == 302
    assert client.post(page_path("signatorybody", body, "delete"), {"post": "yes"}).status_code == 403
    body.refresh_from_db()
    assert (body.name, body.sector) == ("Moor Trust", None)
    assert "To correct its name or sector, go to the page of its signature" in text_of(
        client.get(page_path("signatorybody", body))
    )
    client.post(page_path("signatorybody", waiting), sent)
    waiting.refresh_from_db()
    assert waiting.name == "Other name"
    assert list(audit.find_faults()) == []


def test_the_address_that_entries_name_stays_and_pausing_says_why(client, officer, version):
    declaration = version.declaration
    address = page_path("declaration", declaration)
    LegalNotice.objects.update(complaints="")
    sent = {"title": declaration.title, "slug": "moved", "event": "", "paused_because": "The wording is being checked."}
    assert client.post(address, sent).status_code == 302
    declaration.refresh_from_db()
    assert declaration.slug != "moved"
    said = text_of(client.get(address))
    assert "Signing is paused: The wording is being checked." in said
    assert "The legal notice does not say: complaints." in said


def test_a_correction_is_an_entry_that_is_named_before_it_is_made(client, officer, version):
    entry, sector = signing.invite_and_sign("Moor Turst"), SectorFactory()
    address = page_path("entry", entry, "correct")
    said = text_of(client.get(address))
    assert f"Entry {entry.pk + 1} or later: “Corrected”, for Moor Turst, which follows entry {entry.pk}." in said
    assert "The register is public and keeps every entry permanently." in said
    assert "consent" not in said.lower()
    sent = {"name": "Moor Trust", "sector": sector.pk, "reason": "misspelt"}
    assert "Select a valid choice" in text_of(client.post(address, sent | {"reason": "consent"}))
    assert client.get(address).context["form"]["reason"].subwidgets[0].data["value"] == ""  # none is chosen beforehand
    assert "This field is required" in text_of(client.post(address, sent | {"reason": ""}))
    assert "You have not changed anything yet." in text_of(
        client.post(address, sent | {"name": "Moor Turst", "sector": ""})
    )
    assert Entry.objects.count() == 1
    assert client.post(address, sent).status_code == 302
    made = Entry.objects.latest("seq")
    assert (made.kind, made.of, made.leaf_values["body"], made.leaf_values["reason"]) == (
        EntryKind.CORRECTED,
        entry,
        "Moor Trust",
        "misspelt",
    )
    body = SignatoryBody.objects.get()
    assert (body.name, body.sector) == ("Moor Trust", sector)
    assert "Go to the signature that this entry follows." in text_of(client.get(page_path("entry", made, "correct")))
    assert list(audit.find_faults()) == []


def test_erasing_says_what_goes_and_stays_and_leaves_an_entry(client, officer, version):
    entry = signing.sign(signing.invite("Moor Trust", "post@moor.example"), name="Sam Example")
    assert "Sam Example" in text_of(client.get(page_path("entry", entry)))
    address = page_path("entry", entry, "erase")
    said = text_of(client.get(address))
    for words in (
        "This permanently erases",
        "It keeps the entry and its proofs",
        "“Personal data erased”, for Moor Trust",
    ):
        assert words in said
    assert client.post(address, {}).status_code == 200
    assert entry.personal.disclosed
    assert client.post(address, {"confirmed": "on"}).status_code == 302
    assert Entry.objects.latest("seq").kind == EntryKind.ERASED
    shown = client.get(page_path("entry", entry)).content.decode()
    assert "Sam Example" not in shown
    assert "post@moor.example" not in shown
    assert address not in shown
    assert "has been erased." in text_of(client.post(address, {"confirmed": "on"}))
    assert not LogEntry.objects.filter(change_message__contains="Sam").exists()
    assert list(audit.find_faults()) == []


def test_a_lost_key_is_an_error_of_the_form_not_a_server_error(client, officer, version, settings):
    entry = signing.invite_and_sign("Moor Trust")
    for path in settings.REGISTER_KEYS.glob("*.key"):
        path.unlink()
    sent = {"name": "Moor Council", "sector": "", "reason": "renamed"}
    assert "The register's key is missing or unreadable" in text_of(
        client.post(page_path("entry", entry, "correct"), sent)
    )
    assert "The register's key is missing or unreadable" in text_of(client.get(page_path("invitation")))
    assert Entry.objects.count() == 1
