import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import reverse

from events.declarations import schedule
from events.declarations.choices import EntryKind, InvitationState, SigningLinkPurpose
from events.declarations.documents import subject_access
from events.declarations.documents.subject_access import PERSONAL_FIELDS
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    RegisterKey,
    SigningRequest,
    Token,
)
from events.declarations.register import audit, log, verify
from events.declarations.rules import availability, erasure
from tests.support.personal import (
    CANARIES,
    canaries_left,
    entry_of_paper,
    make_declined_invitation,
    make_paper_signature,
    make_prepared_invitation,
    make_signed_entry,
)
from tests.support.signing import invite, new_link, prepare, sign

# Fields that can hold nothing about a person who signs, prepares, is invited or asks: keys, states, days and counts of
# the portal's own, texts that everybody reads, and which member of staff did something, which is kept as a record.
PLAIN = {
    "declaration": {"id", "slug", "title", "event", "paused_because"},
    "declarationversion": {
        *("id", "declaration", "number", "text", "note", "in_force_from", "sha256", "recorded_at", "recorded_by"),
        *("redaction", "source", "source_location", "as_at", "checked_on"),
    },
    "entry": {"seq", "kind", "body", "version", "of", "on_paper", "leaf_hash", "checkpoint", "recorded_at"},
    "head": {"id", "origin", "size", "frontier"},
    "invitation": {
        *("id", "body", "version", "state", "closes_on", "reminders", "sent_at", "entry", "invited_by", "created_at"),
    },
    "livesignature": {"id", "body", "version", "entry"},
    "mail": {"id", "kind", "invitation", "request", "delivery", "attempts", "due_at", "created_at", "sent_at"},
    "papersignature": {"id", "body", "version", "recorded_at", "recorded_by", "confirmed_by", "entry"},
    "personalrecord": {"entry", "erased_at"},
    "preparation": {"id", "invitation", "passed_on_at", "saved_at"},
    "registerkey": {"id", "vkey", "recorded_at", "recorded_by", "redaction"},
    "signatorybody": {"id", "sector", "organisation"},
    "signingrequest": {"id", "sector", "asked_at", "answered_at", "invitation"},
    "token": {"id", "invitation", "purpose", "mailbox", "expires_at", "burnt_at"},  # the mailbox: as a hash
    "treenode": {"id", "level", "index", "hash"},
}


@pytest.mark.once
def test_every_field_of_the_declaration_is_declared_personal_or_plain():
    fields = {
        f"{model._meta.model_name}.{field.name}"
        for model in apps.get_app_config("declarations").get_models()
        if not model.__name__.startswith("Historical")
        for field in model._meta.concrete_fields
    }
    plain = {f"{model}.{field}" for model, names in PLAIN.items() for field in names}
    assert set(PERSONAL_FIELDS) | plain == fields
    assert set(PERSONAL_FIELDS) & plain == set()


# Disclosed and erased, field by field ---------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(request):
    if "once" not in {mark.name for mark in request.node.iter_markers()}:
        request.getfixturevalue("signing_open_in_may")


def of_signing():
    entry = make_signed_entry()
    invitation = entry.invitation
    rows = {
        "entry": entry,
        "personalrecord": entry.personal,
        "invitation": invitation,
        "mail": invitation.mails.filter(to=CANARIES["email"]).first(),
        "token": invitation.tokens.first(),
        "signingrequest": invitation.request,
        "signatorybody": entry.body,
    }
    return rows, CANARIES["email"], lambda: erasure.erase_personal_data(entry=entry)


def of_preparing():
    invitation = make_prepared_invitation()
    rows = {"preparation": invitation.preparation}
    return rows, CANARIES["mailbox"], lambda: erasure.forget_mailbox(by=None, email=CANARIES["mailbox"])


def of_declining():
    invitation = make_declined_invitation()
    return {"invitation": invitation}, CANARIES["mailbox"], lambda: erasure.forget_invitation(invitation)


def of_paper():
    paper = make_paper_signature()
    entry = entry_of_paper(paper)
    return {"papersignature": paper}, str(paper.entry_id), lambda: erasure.erase_personal_data(entry=entry)


def test_every_personal_field_is_disclosed_and_then_erased_or_kept_for_a_reason():
    scenes = {"preparation": of_preparing, "papersignature": of_paper}
    made: dict[Any, list[str]] = {}
    for name in PERSONAL_FIELDS:
        model = name.split(".")[0]
        scene = of_declining if name == "invitation.declined_because" else scenes.get(model, of_signing)
        made.setdefault(scene, []).append(name)
    for scene, names in made.items():
        with transaction.atomic():
            rows, whose, erase = scene()
            found = subject_access.records_about(whose)
            values = {name: value_of(rows[name.split(".")[0]], name) for name in names}
            for name, value in values.items():
                field = rows[name.split(".")[0]]._meta.get_field(name.split(".")[1])
                parts = [part for part in found if part.title == PERSONAL_FIELDS[name][0]]
                assert value not in (None, ""), f"{name} holds nothing: the test would prove nothing"
                assert value in [part.fields[str(field.verbose_name)] for part in parts], f"{name} is not disclosed"
            erase()
            for name, before in values.items():
                row = rows[name.split(".")[0]]
                after = type(row)._default_manager.filter(pk=row.pk).first()
                if PERSONAL_FIELDS[name][1].startswith("Kept: "):
                    assert value_of(after, name) == before, f"{name} is said to be kept"
                else:
                    assert after is None or value_of(after, name) in (None, "", "not_stated"), f"{name} is not erased"
            transaction.set_rollback(True)
    assert set().union(*made.values()) == set(PERSONAL_FIELDS)


def value_of(row, name):
    value = getattr(row, name.split(".")[1])
    return value.name if hasattr(value, "storage") else value


def test_what_was_erased_is_nowhere(django_capture_on_commit_callbacks):
    entry, paper, invitation = make_signed_entry(), make_paper_signature(), make_declined_invitation()
    waiting = make_prepared_invitation()
    assert canaries_left() == set(CANARIES)
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_personal_data(entry=entry)
        erasure.erase_personal_data(entry=entry_of_paper(paper))
    assert canaries_left() == set(CANARIES) - {"paper name", "paper role", "scan"}
    erasure.forget_invitation(invitation)
    erasure.forget_mailbox(by=None, email=CANARIES["mailbox"].upper())
    assert canaries_left() == set()
    waiting.refresh_from_db()
    assert waiting.state == InvitationState.REVOKED
    assert [entry.seq for entry in Entry.objects.filter(kind=EntryKind.ERASED)] == [3, 4]
    assert LiveSignature.objects.count() == 2
    assert list(audit.find_faults()) == []
    assert erasure.erase_personal_data(entry=entry) is None
    assert Entry.objects.count() == 4


def test_erasing_one_leaves_the_others():
    entry, other = make_signed_entry(), sign(invite("Another body", "someone@else.example"), name="Somebody Else")
    erasure.erase_personal_data(entry=entry)
    assert other.personal.values["name"] == "Somebody Else"
    assert other.invitation.email == "someone@else.example"
    assert Mail.objects.filter(invitation=other.invitation).exists()
    assert Token.objects.filter(invitation=other.invitation).exists()


def test_deleting_invitations_that_led_nowhere_keeps_the_signature_of_the_same_mailbox():
    entry = make_signed_entry()
    erasure.forget_mailbox(by=None, email=CANARIES["email"])
    assert Invitation.objects.get(entry=entry).email == CANARIES["mailbox"]
    assert PersonalRecord.objects.get(entry=entry).values["name"] == CANARIES["name"]


def test_a_stranger_verifies_the_register_and_old_receipts_after_an_erasure(tmp_path):
    entry = make_signed_entry()
    before = tmp_path / "before.json"
    before.write_text(json.dumps(log.receipt_data(entry)))
    erasure.erase_personal_data(entry=entry)
    after = tmp_path / "after.json"
    after.write_text(json.dumps(log.receipt_data(Entry.objects.get(pk=entry.pk))))
    assert CANARIES["name"] in before.read_text()
    assert CANARIES["name"] not in after.read_text()
    vkey = RegisterKey.objects.get().vkey
    command = [sys.executable, "-I", verify.__file__, vkey, "receipt", str(before), str(after)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_link_to_a_receipt_whose_data_was_erased_opens_nothing(client):
    entry = make_signed_entry()
    secret = new_link(entry.invitation, SigningLinkPurpose.RECEIPT)
    client.get(reverse("declarations:open", args=[secret]))
    erasure.erase_personal_data(entry=entry)
    assert client.get(reverse("declarations:receipt")).status_code == 404


def test_days_and_dates_used_above_lie_in_the_versions_time():
    version = availability.version_in_force()
    assert version is not None
    assert version.in_force_from == date(2031, 5, 6)
    assert prepare(invite()).invitation.closes_on == date(2031, 8, 4)
    assert PaperSignature.objects.count() == SigningRequest.objects.count() == 0
    assert schedule.erase_expired_personal_data() == 0
