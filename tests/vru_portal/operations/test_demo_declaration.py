"""The declaration of a demonstration: everything that can happen to one has happened, by the real rules."""

import json
import re
from email import message_from_bytes, policy
from io import StringIO

import pytest
from django.conf import settings as portal_settings
from django.core.management import call_command
from django.db.models import Count
from django.test import override_settings
from django.utils import timezone

from events.declarations.choices import EntryKind, InvitationState
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
)
from events.declarations.register import audit, kept_outside, verify
from events.declarations.rules import availability
from partners.models import LegalNotice
from tests.support.factories import UnitFactory
from vru_portal.links.models import Delivery
from vru_portal.operations.demo import populate
from vru_portal.operations.demo.declaration import ADDED_COMMITMENT, NOTICE
from vru_portal.operations.demo.people import EXAMPLE

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FOLDERS = {
    "launch": portal_settings.BASE_DIR / "fixtures",
    "riverside": portal_settings.BASE_DIR / "tests/units/riverside",
}


@pytest.fixture(scope="module", params=FOLDERS)
def told(request, standing, tmp_path_factory):
    """A demonstration of a unit, what was printed, and the mails as files."""
    folder = tmp_path_factory.mktemp(request.param)
    places = {
        "DEMO": True,
        "EMBEDDED": True,
        "REGISTER_KEYS": folder / "register",
        "SCANS": folder / "scans",
        "EMAIL_FILE_PATH": folder / "mail",
        "EMAIL_BACKEND": "vru_portal.web.mail_files.EmailBackend",
    }
    with standing():
        printed = StringIO()
        with override_settings(**places):
            call_command("demo", FOLDERS[request.param], stdout=printed)
        yield printed.getvalue(), places


@pytest.fixture
def filled(told, settings):
    """Look at the demonstration where it is kept; what was printed, and its mails."""
    printed, places = told
    for name in ("REGISTER_KEYS", "SCANS", "EMAIL_FILE_PATH"):
        setattr(settings, name, places[name])
    files = sorted(places["EMAIL_FILE_PATH"].iterdir())
    return printed, [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_every_kind_of_entry_and_every_answer_is_there_and_the_register_is_whole(filled):
    assert {kind for (kind,) in Entry.objects.values_list("kind")} == set(EntryKind)
    assert list(audit.find_faults()) == []
    kept_outside.require_no_rollback()
    kinds = dict(Entry.objects.values_list("kind").annotate(Count("pk")))
    assert (kinds["withdrawn"], kinds["corrected"], kinds["erased"]) == (1, 1, 1)
    assert kinds["superseded"] == 4
    states = {state for (state,) in Invitation.objects.values_list("state")}
    wanted = {InvitationState.SENT, InvitationState.SIGNED, InvitationState.DECLINED, InvitationState.WITHDRAWN}
    assert wanted | {InvitationState.STARTED} == states
    assert Invitation.objects.filter(decides_on__gt=timezone.localdate(), state=InvitationState.STARTED).count() == 1
    assert PersonalRecord.objects.exclude(erased_at=None).count() == 1
    assert PersonalRecord.objects.filter(disclosed__contains="prepared_by").count() == 2
    assert SigningRequest.objects.get().answered_at is None


def test_two_versions_were_put_in_force_and_signatures_of_both_count(filled):
    first, second = DeclarationVersion.objects.exclude(in_force_from=None).order_by("number")
    assert second.text == f"{first.text}\n\n{ADDED_COMMITMENT}"
    assert availability.version_in_force() == second
    assert availability.signing_blockers(second) == []
    assert LiveSignature.objects.filter(version=second).count() == 4
    assert LiveSignature.objects.filter(version=first).count() == 6
    assert Invitation.objects.open().filter(version=second).count() >= 5


def test_some_names_are_public_and_one_signature_is_on_paper_by_two_people(filled):
    live = Entry.objects.signatures().with_status().with_names()
    assert {bool(entry.public_signatory) for entry in live if entry.is_live} == {True, False}
    confirmed, waiting = PaperSignature.objects.order_by("pk")
    assert confirmed.entry
    assert confirmed.entry.on_paper
    assert confirmed.confirmed_by != confirmed.recorded_by
    assert waiting.entry is None
    assert confirmed.scan.read(5) == b"%PDF-"
    confirmed.scan.close()


def test_all_that_it_says_is_marked_and_of_the_day_on_which_it_was_made(filled):
    today = timezone.localdate()
    assert all(body.name.startswith(EXAMPLE) for body in SignatoryBody.objects.all())
    assert {timezone.localdate(entry.recorded_at) for entry in Entry.objects.all()} == {today}
    for record in PersonalRecord.objects.filter(erased_at=None):
        assert "Example" in record.values["name"]
    texts = [row.declined_because for row in Invitation.objects.exclude(declined_because="")]
    texts += [row.message for row in SigningRequest.objects.all()] + [row.name for row in SigningRequest.objects.all()]
    texts += [DeclarationVersion.objects.latest("number").note]
    assert [text for text in texts if not text.startswith(EXAMPLE)] == []
    notice = LegalNotice.current()
    for name, words in NOTICE.items():
        assert getattr(notice, name) == words
    mailboxes = {*Invitation.objects.values_list("email", flat=True), *Mail.objects.values_list("to", flat=True)}
    assert all(mailbox.endswith(".example") for mailbox in mailboxes if mailbox)


def test_its_mails_are_files_and_none_waits(filled):
    _, found = filled
    assert set(Mail.objects.values_list("delivery", flat=True)) == {Delivery.SENT}
    assert {str(message["Message-ID"]) for message in found} >= set(Mail.objects.values_list("message_id", flat=True))
    receipts = [message for message in found if "Receipt" in message["Subject"]]
    assert len(receipts) == 14
    for message in found:
        body = message.get_body(("plain",))
        assert body
        assert "This is a demonstration" in body.get_content()
    keys = [verify.read_key(vkey) for vkey in RegisterKey.objects.values_list("vkey", flat=True)]
    files = [list(message.iter_attachments())[1] for message in receipts]
    said = verify.answer(keys, "receipt", [(file.get_filename(), json.loads(file.get_content())) for file in files])
    assert len(said) == 14


def test_the_link_that_is_printed_opens_an_invitation_that_can_be_signed(filled, client):
    printed, _ = filled
    address = re.search(r"Sign it yourself: (\S+)", printed)
    assert address
    path = address[1].removeprefix(portal_settings.PORTAL_URL)
    assert client.get(path).status_code == 303
    assert client.get("/declaration/sign/").status_code == 200
    assert client.post("/declaration/sign/details/", {}).status_code != 404
    assert not Preparation.objects.filter(invitation__state=InvitationState.SIGNED).exists()


def test_pages_of_it_open(filled, client):
    for address in ("/", "/declaration/", "/declaration/versions/1/", "/declaration/register/",
                    "/declaration/register/1/", "/declaration/register.json", "/privacy/"):  # fmt: skip
        assert client.get(address).status_code == 200, address


def test_where_others_look_on_no_link_is_printed(settings, monkeypatch):
    settings.DEMO, settings.EMBEDDED = True, False
    monkeypatch.setattr(populate, "load_content", lambda _: UnitFactory())
    printed = StringIO()
    call_command("demo", stdout=printed)
    assert "/sign/" not in printed.getvalue()
    assert Entry.objects.exists()
