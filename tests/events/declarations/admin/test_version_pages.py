"""Staff pages of declarations and their versions."""

import re

import pytest
from django.db import IntegrityError

from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Invitation,
)
from events.declarations.register import log
from events.declarations.rules import erasure, invitations
from partners.models import LegalNotice
from tests.events.declarations.admin.pages import ADMIN_PATH, page_path
from tests.support import signing
from tests.support.crawler import text_of
from tests.support.factories import VersionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_version_is_put_in_force_after_a_page_that_says_what_it_sets_off(client, officer, version):
    signing.invite_and_sign("Signed body")
    signing.invite("Waiting body")
    erasure.erase_personal_data(entry=signing.invite_and_sign("Erased body"))
    draft = VersionFactory(declaration=version.declaration, text="We keep the paths lit.")
    assert "This is a draft. Only staff can see it" in text_of(client.get(page_path("declarationversion", draft)))
    said = text_of(client.get(page_path("declarationversion", draft, "publish")))
    assert "Open invitations that will move to this version (we will email these organisations) 1" in said
    assert "Organisations that signed an earlier version and will be invited again by email 1" in said
    assert "Organisations that signed but have no email address to invite (paper signature or erased data) 1" in said
    assert "We keep the paths lit." in said
    assert client.post(page_path("declarationversion", draft, "publish"), {}).status_code == 200  # not read
    draft.refresh_from_db()
    assert not draft.is_public
    response = client.post(
        page_path("declarationversion", draft, "publish"), {"read": "on", "text_sha256": draft.fingerprint}, follow=True
    )
    assert "In force. Invited again: 1" in text_of(response)
    assert Invitation.objects.filter(version=draft).count() == 2
    assert "has been in force since" in text_of(
        client.post(page_path("declarationversion", draft, "publish"), {"read": "on", "text_sha256": draft.fingerprint})
    )


def test_a_published_version_never_changes_and_a_draft_does(client, officer, version):
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
        assert client.post(page_path("declarationversion", row), sent).status_code == 302
        row.refresh_from_db()
        assert (row.text == "Other words.") == (row is draft)
        assert str(row.checked_on) == "2031-05-07"
    assert client.post(page_path("declarationversion", version, "delete"), {"post": "yes"}).status_code == 403
    assert client.post(page_path("declarationversion", draft, "delete"), {"post": "yes"}).status_code == 302
    assert list(DeclarationVersion.objects.all()) == [version]


def test_a_new_version_begins_with_the_next_number_and_the_words_in_force(client, officer, version):
    add = client.get(f"{ADMIN_PATH}/declarationversion/add/").context["adminform"].form
    assert add["number"].value() == version.number + 1
    assert add["text"].value() == version.text
    assert add["declaration"].value() == version.declaration_id
    draft = VersionFactory(declaration=version.declaration, number=version.number + 1, text=f"{version.text} Besides.")
    shown = client.get(page_path("declarationversion", draft, "publish")).text
    assert f"What it changes in version {version.number}" in shown
    assert re.search(r"<ins>.*Besides", shown)
    Declaration.objects.create(title="Another", slug="another")
    assert "text" not in client.get(f"{ADMIN_PATH}/declarationversion/add/").context["adminform"].form.initial


def test_what_keeps_signing_closed_leads_to_the_page_on_which_it_is_mended(client, officer):
    notice, versions = "/admin/partners/legalnotice/", f"{ADMIN_PATH}/declarationversion/"
    for address in (f"{ADMIN_PATH}/invitation/", f"{ADMIN_PATH}/invitation/add/"):
        shown = client.get(address).text
        assert f'<a href="{versions}">Publish a version of the text.</a>' in shown, address
        assert f'<a href="{notice}add/">Complete the legal notice.</a>' in shown, address
    version = signing.open_signing()
    LegalNotice.objects.update(complaints="")
    Declaration.objects.update(paused_because="Wait & see <b>")
    shown = client.get(f"{ADMIN_PATH}/invitation/").text
    assert f'<a href="{notice}1/change/">Complete the legal notice.</a>' in shown
    assert f'<a href="{ADMIN_PATH}/declaration/{version.declaration_id}/change/">End the pause.</a>' in shown
    assert "Wait &amp; see &lt;b&gt;" in shown


def test_what_the_database_refuses_is_logged_without_its_row(client, officer, version, monkeypatch, caplog):
    def refuse(**more):
        raise IntegrityError("Failing row contains (24, Sam Secret, sam@secret.example)")

    monkeypatch.setattr(invitations, "revoke_invitation", refuse)
    invitation = signing.invite().invitation
    said = text_of(client.post(page_path("invitation", invitation, "revoke"), {}))
    assert "The database refused this" in said
    assert "The database refused an action: IntegrityError" in caplog.text
    assert "ecret" not in caplog.text


def test_publishing_while_something_is_missing_says_that_signing_stays_closed(client, officer):
    log.rotate_key()
    draft = VersionFactory()
    said = text_of(client.get(page_path("declarationversion", draft, "publish")))
    assert "Signing stays closed, and nobody is invited again, until you fix this The legal notice" in said
