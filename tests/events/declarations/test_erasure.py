import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.urls import reverse

from events.declarations import chores, disclosure, rules
from events.declarations.choices import InvitationState, Kind, MailKind, Purpose, Reason
from events.declarations.disclosure import PERSONAL
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
    Token,
)
from events.declarations.register import audit, log, verify, witness
from tests.events.declarations.personal import (
    CANARIES,
    confirmed,
    declined,
    everything,
    left,
    on_paper,
    prepared,
    signed,
)
from tests.factories import LevelFactory, SectorFactory, UnitFactory, UserFactory
from tests.own_database import answer, migrated_database, python
from tests.signing import invite, link, open_signing, prepare, sign, signatory
from vru_portal.management.commands.serve import Command

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
    "mail": {"id", "kind", "invitation", "delivery", "attempts", "due_at", "created_at", "sent_at"},
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
    assert set(PERSONAL) | plain == fields
    assert set(PERSONAL) & plain == set()


# Disclosed and erased, field by field ---------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(request, time_machine):
    if "once" in {mark.name for mark in request.node.iter_markers()}:
        return
    time_machine.move_to("2031-05-06T10:00:00Z")
    request.getfixturevalue("db")
    UnitFactory()
    LevelFactory()
    open_signing()


def of_signing():
    entry = signed()
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
    return rows, CANARIES["email"], lambda: rules.erase(entry=entry)


def of_preparing():
    invitation = prepared()
    rows = {"preparation": invitation.preparation}
    return rows, CANARIES["mailbox"], lambda: rules.forget_mailbox(by=None, email=CANARIES["mailbox"])


def of_declining():
    invitation = declined()
    return {"invitation": invitation}, CANARIES["mailbox"], lambda: rules.forget(invitation)


def of_paper():
    paper = on_paper()
    return {"papersignature": paper}, str(paper.entry_id), lambda: rules.erase(entry=confirmed(paper))


def test_every_personal_field_is_disclosed_and_then_erased_or_kept_for_a_reason():
    scenes = {"preparation": of_preparing, "papersignature": of_paper}
    made: dict[Any, list[str]] = {}
    for name in PERSONAL:
        model = name.split(".")[0]
        scene = of_declining if name == "invitation.declined_because" else scenes.get(model, of_signing)
        made.setdefault(scene, []).append(name)
    for scene, names in made.items():
        with transaction.atomic():
            rows, whose, erase = scene()
            found = disclosure.held(whose)
            values = {name: value_of(rows[name.split(".")[0]], name) for name in names}
            for name, value in values.items():
                field = rows[name.split(".")[0]]._meta.get_field(name.split(".")[1])
                parts = [part for part in found if part.title == PERSONAL[name][0]]
                assert value not in (None, ""), f"{name} holds nothing: the test would prove nothing"
                assert value in [part.facts[str(field.verbose_name)] for part in parts], f"{name} is not disclosed"
            erase()
            for name, before in values.items():
                row = rows[name.split(".")[0]]
                after = type(row)._default_manager.filter(pk=row.pk).first()
                if PERSONAL[name][1].startswith("Kept: "):
                    assert value_of(after, name) == before, f"{name} is said to be kept"
                else:
                    assert after is None or value_of(after, name) in (None, ""), f"{name} is not erased"
            transaction.set_rollback(True)
    assert set().union(*made.values()) == set(PERSONAL)


def value_of(row, name):
    value = getattr(row, name.split(".")[1])
    return value.name if hasattr(value, "storage") else value


def test_what_was_erased_is_nowhere(django_capture_on_commit_callbacks):
    entry, paper, invitation = signed(), on_paper(), declined()
    waiting = prepared()
    assert left() == set(CANARIES)
    with django_capture_on_commit_callbacks(execute=True):
        rules.erase(entry=entry)
        rules.erase(entry=confirmed(paper))
    assert left() == set(CANARIES) - {"paper name", "paper role", "scan"}
    rules.forget(invitation)
    rules.forget_mailbox(by=None, email=CANARIES["mailbox"].upper())
    assert left() == set()
    waiting.refresh_from_db()
    assert waiting.state == InvitationState.REVOKED
    assert [entry.seq for entry in Entry.objects.filter(kind=Kind.ERASED)] == [3, 4]
    assert LiveSignature.objects.count() == 2
    assert list(audit.faults()) == []
    assert rules.erase(entry=entry) is None
    assert Entry.objects.count() == 4


def test_erasing_one_leaves_the_others():
    entry, other = signed(), sign(invite("Another body", "someone@else.example"), name="Somebody Else")
    rules.erase(entry=entry)
    assert other.personal.values["name"] == "Somebody Else"
    assert other.invitation.email == "someone@else.example"
    assert Mail.objects.filter(invitation=other.invitation).exists()
    assert Token.objects.filter(invitation=other.invitation).exists()


def test_a_mailbox_that_signed_keeps_its_signature_when_what_led_to_none_is_dropped():
    entry = signed()
    rules.forget_mailbox(by=None, email=CANARIES["email"])
    assert Invitation.objects.get(entry=entry).email == CANARIES["mailbox"]
    assert PersonalRecord.objects.get(entry=entry).values["name"] == CANARIES["name"]


def test_a_stranger_verifies_the_register_and_old_receipts_after_an_erasure(tmp_path):
    entry = signed()
    before = tmp_path / "before.json"
    before.write_text(json.dumps(log.receipt(entry)))
    rules.erase(entry=entry)
    after = tmp_path / "after.json"
    after.write_text(json.dumps(log.receipt(Entry.objects.get(pk=entry.pk))))
    assert CANARIES["name"] in before.read_text()
    assert CANARIES["name"] not in after.read_text()
    vkey = RegisterKey.objects.get().vkey
    command = [sys.executable, "-I", verify.__file__, vkey, "receipt", str(before), str(after)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_link_to_a_receipt_whose_data_was_erased_opens_nothing(client):
    entry = signed()
    secret = link(entry.invitation, Purpose.RECEIPT)
    client.get(reverse("declarations:open", args=[secret]))
    rules.erase(entry=entry)
    assert client.get(reverse("declarations:receipt")).status_code == 404


# Disclosure -----------------------------------------------------------------------------------------------------------


def test_all_of_a_person_is_found_by_mailbox_by_entry_and_by_name():
    entry, paper = signed(), on_paper()
    declined()
    mine = {"name", "role", "email", "assistant", "mailbox", "contact", "reference", "message", "error"}
    theirs = {"paper name", "paper role"}

    def told(whose):
        text = disclosure.as_text(disclosure.held(whose))
        assert CANARIES["scan"] not in text  # the scan itself is named: its file is handed over beside it
        return {name for name in CANARIES if CANARIES[name] in text}

    assert told(CANARIES["email"]) == told(f" {CANARIES['email'].upper()} ") == told(str(entry.pk)) == mine
    assert told(CANARIES["mailbox"]) == mine | {"reason"}
    assert told(CANARIES["name"]) == told(CANARIES["assistant"]) == mine
    assert told(str(paper.entry_id)) == told(CANARIES["paper name"]) == theirs
    assert told("nobody@body.example") == told("999") == told("Nobody") == set()
    assert told('" OR 1=1') == told("%") == set()


def test_a_paper_that_nobody_has_confirmed_is_found_by_name():
    on_paper(confirmed=False)
    assert [part.title for part in disclosure.held(CANARIES["paper name"].lower())] == ["Signature on paper"]


def test_the_command_prints_it_as_text_and_as_json(capsys):
    signed()
    call_command("disclose", CANARIES["email"])
    assert f'value":"{CANARIES["name"]}' in capsys.readouterr().out
    call_command("disclose", CANARIES["email"], "--json")
    records = json.loads(capsys.readouterr().out)
    assert {record["record"] for record in records} >= {"Entry", "Signature", "Invitation", "Mail", "Link"}
    with pytest.raises(CommandError, match="Nothing is held"):
        call_command("disclose", "nobody@body.example")


# After signing: each is an entry, and the register stays whole --------------------------------------------------------


def kinds():
    assert list(audit.faults()) == []
    return [entry.kind for entry in Entry.objects.order_by("seq")]


def shown(seq):
    return Entry.objects.with_status().with_names().get(pk=seq).shown


def test_withdrawing_and_signing_again():
    entry = sign(invite("A body"))
    receipt = link(entry.invitation, Purpose.RECEIPT)
    with pytest.raises(rules.InvalidLink):
        rules.withdraw(secret=receipt)  # a forwarded receipt withdraws nothing
    rules.ask_to_withdraw(secret=receipt)
    rules.ask_to_withdraw(secret=receipt)
    assert [mail.to for mail in Mail.objects.filter(kind=MailKind.WITHDRAW)] == ["post@body.example"]
    secret = link(entry.invitation, Purpose.WITHDRAW)
    assert rules.withdraw(secret=secret) == rules.withdraw(secret=secret)
    assert kinds() == ["signed", "withdrawn"]
    assert LiveSignature.objects.count() == 0
    assert rules.invite(by=None, organisation="A body", email="post@body.example") is None
    again = sign(invite("A body", again=True))
    assert kinds() == ["signed", "withdrawn", "signed"]
    assert LiveSignature.objects.get().entry == again
    rules.erase(entry=entry)
    assert kinds()[-1] == "erased"
    assert again.personal.values["name"]


def test_a_later_version_takes_the_place_of_the_earlier_signature():
    first = sign(invite("A body"))
    declaration = first.version.declaration
    second = open_signing(declaration=declaration, text="We keep the paths, and light them.")
    invitation = Invitation.objects.get(version=second)
    assert (invitation.email, invitation.state) == ("post@body.example", InvitationState.QUEUED)
    assert LiveSignature.objects.get().entry == first  # it stands until the later one is there
    secret = link(invitation)
    preparation = rules.prepare(secret=secret, signatory=signatory())
    checked = rules.Signatory.of(preparation).fingerprint
    later = rules.sign(secret=secret, checked=checked, text_sha256=second.sha256)
    assert kinds() == ["signed", "signed", "superseded"]
    assert LiveSignature.objects.get().entry == later


def test_a_name_is_shown_by_consent_and_no_longer_once_it_is_taken_back():
    entry = sign(invite("A body"), name="Sam Example", role="Chair", name_is_public=True)
    receipt = link(entry.invitation, Purpose.RECEIPT)
    assert shown(entry.pk) == {"name": "Sam Example", "role": "Chair"}
    rules.hide_name(secret=receipt)
    assert shown(entry.pk) == {}
    rules.hide_name(secret=receipt)  # whoever was forwarded the receipt cannot fill the register
    assert kinds() == ["signed", "corrected"]
    rules.erase(entry=entry)
    assert shown(entry.pk) == {}
    assert kinds()[-1] == "erased"


def test_a_name_is_shown_no_longer_once_the_signature_is_withdrawn():
    entry = sign(invite("A body"), name_is_public=True)
    assert shown(entry.pk)
    rules.withdraw(secret=link(entry.invitation, Purpose.WITHDRAW))
    assert shown(entry.pk) == {}
    assert kinds() == ["signed", "withdrawn"]


def test_a_correction_is_an_entry_and_the_audit_knows_the_new_name():
    entry, sector = sign(invite("A boddy")), SectorFactory()
    rules.correct(by=None, entry=entry, name="A body", sector=sector, reason=Reason.MISSPELT)
    assert kinds() == ["signed", "corrected"]
    assert Entry.objects.get(pk=2).said["body"] == "A body"
    assert Entry.objects.get(pk=1).said["body"] == "A boddy"
    with pytest.raises(ValidationError):
        rules.correct(by=None, entry=entry, name="A body", sector=sector, reason=Reason.MISSPELT)
    SignatoryBody.objects.update(name="Changed behind the register's back")
    assert list(audit.faults()) != []


# An older backup ------------------------------------------------------------------------------------------------------


def put_back(point):
    """Put the database back to what it was: the files beside it stay as they are, as after a restored backup."""
    transaction.savepoint_rollback(point)


def test_a_backup_from_before_an_erasure_forgets_again(django_capture_on_commit_callbacks):
    entry, paper, waiting = signed(), on_paper(), prepared()
    scan = Path(paper.scan.path)
    content = scan.read_bytes()
    witness.keep_checkpoint()
    before = transaction.savepoint()
    rules.erase(entry=entry)
    rules.forget_mailbox(by=None, email=CANARIES["mailbox"])
    with django_capture_on_commit_callbacks(execute=True):
        rules.erase(entry=confirmed(paper))
    assert left() == set()
    put_back(before)
    scan.write_bytes(content)
    assert left() == set(CANARIES) - {"reason"}

    with django_capture_on_commit_callbacks(execute=True):
        assert rules.erase_again() == 3
    assert left() == set()
    waiting.refresh_from_db()
    assert waiting.state == InvitationState.REVOKED
    assert list(audit.faults()) == []  # the file beside the key says that it was erased, and when
    assert rules.erase_again() == 0


def test_a_later_record_that_got_the_number_of_a_dropped_one_stays(time_machine):
    before = transaction.savepoint()
    invitation = declined()
    rules.forget(invitation)
    put_back(before)
    time_machine.move_to("2031-05-07T10:00:00Z")
    again = declined()
    Mail.objects.all().delete()
    Token.objects.all().delete()
    Invitation.objects.filter(pk=again.pk).update(id=invitation.pk)  # as where numbers start anew
    assert rules.erase_again() == 0
    assert CANARIES["reason"] in everything()


def test_an_older_register_closes_signing_and_takes_no_entry_but_its_pages_stay(client):
    entry = sign(invite("First", "first@body.example"), name="Sam Example")
    older = transaction.savepoint()
    sign(invite("Second", "second@body.example"))
    witness.keep_checkpoint()
    assert rules.why_closed(rules.in_force()) == []
    put_back(older)

    assert "an older backup was put back" in " ".join(rules.why_closed(rules.in_force()))
    with pytest.raises(CommandError, match="older backup"):
        call_command("register", "verify")
    with pytest.raises(ValidationError):
        rules.invite(by=None, organisation="Third", email="third@body.example")
    with pytest.raises(rules.SigningClosed):
        rules.ask(name="Third", contact_name="Ada", email="third@body.example")
    secret = link(entry.invitation, Purpose.WITHDRAW)
    for append in (
        lambda: rules.withdraw(secret=secret),
        lambda: rules.erase(entry=entry),
        lambda: rules.correct(by=None, entry=entry, name="1st", sector=None, reason=Reason.MISSPELT),
    ):
        with pytest.raises(ImproperlyConfigured, match="older backup"), transaction.atomic():
            append()
    assert Entry.objects.count() == 1
    for name in ("register", "register_json", "register_csv", "checkpoint", "declaration"):
        assert client.get(reverse(f"declarations:{name}")).status_code == 200, name
    assert client.get(reverse("declarations:entry", args=[1])).status_code == 200


def test_a_rewritten_register_of_the_same_length_closes_signing_too(tmp_path):
    older = transaction.savepoint()
    sign(invite("First", "first@body.example"))
    witness.keep_checkpoint()
    put_back(older)
    hidden = witness.kept_checkpoint().rename(tmp_path / "hidden")  # or no entry would be taken at all
    sign(invite("Other", "other@body.example"))
    assert rules.why_closed(rules.in_force()) == []
    hidden.rename(witness.kept_checkpoint())
    assert "entries were rewritten" in " ".join(rules.why_closed(rules.in_force()))


MAKE = """
import django; django.setup()
from tests.events.declarations.personal import signed
from tests.signing import open_signing
from events.declarations.register import witness
open_signing(); entry = signed(); witness.keep_checkpoint()
print('{"seq": %d}' % entry.pk)
"""
ERASE = """
import django; django.setup()
from events.declarations import rules
from events.declarations.models import Entry
from events.declarations.register import witness
rules.erase(entry=Entry.objects.get(pk=1)); witness.keep_checkpoint()
print('{"entries": %d}' % Entry.objects.count())
"""
SERVE = """
import vru_portal.wsgi
from events.declarations.models import Invitation, Mail, PersonalRecord
record = PersonalRecord.objects.get()
print('["%s", "%s", %d]' % (record.disclosed, Invitation.objects.get().email, Mail.objects.count()))
"""


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a database that is a file")
def test_a_file_that_is_put_back_serves_nothing_that_was_erased(tmp_path, template):
    with migrated_database(tmp_path / "var", "restored", template) as values:
        file = tmp_path / "var" / "portal.sqlite3"
        assert answer(values, "-c", MAKE) == {"seq": 1}
        backup = file.read_bytes()
        assert CANARIES["name"].encode() in backup
        assert answer(values, "-c", ERASE) == {"entries": 2}
        file.write_bytes(backup)
        assert answer(values, "-c", SERVE) == ["", "", 0]
        found = python(values, "manage.py", "register", "verify")
        assert found.returncode == 1
        assert "older backup" in found.stderr


def test_starting_the_portal_drops_what_a_backup_brought_back():
    entry = signed()
    before = transaction.savepoint()
    rules.erase(entry=entry)
    put_back(before)
    Command().prepare_register()
    assert left() == set()


def test_staff_find_disclose_and_drop_only_with_the_permission(client):
    declined()
    address = reverse("admin:declarations_entry_disclose")
    client.force_login(UserFactory(is_staff=True))
    assert client.get(address).status_code == 403
    assert client.post(address, {"whose": CANARIES["mailbox"], "do": "drop"}).status_code == 403
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(address).status_code == 200
    page = client.post(address, {"whose": CANARIES["mailbox"], "do": "show"})
    assert CANARIES["reason"] in page.text
    assert "no-store" in page.headers["Cache-Control"]
    file = client.post(address, {"whose": CANARIES["mailbox"], "do": "json"})
    assert CANARIES["reason"] in file.content.decode()
    assert "attachment" in file.headers["Content-Disposition"]
    client.post(address, {"whose": CANARIES["mailbox"], "do": "drop"})
    assert CANARIES["reason"] not in everything()
    assert CANARIES["mailbox"] not in everything()


def test_days_and_dates_used_above_lie_in_the_wordings_time():
    version = rules.in_force()
    assert version is not None
    assert version.in_force_from == date(2031, 5, 6)
    assert prepare(invite()).invitation.closes_on == date(2031, 8, 4)
    assert PaperSignature.objects.count() == SigningRequest.objects.count() == 0
    assert chores.forget() == 0


@pytest.mark.django_db
def test_nothing_is_held_under_a_number_that_no_entry_can_have(client):
    for number in ("9" * 15, "9" * 30, "9" * 5000, "\u0663" * 30):
        assert disclosure.held(number) == []
        with pytest.raises(CommandError):
            call_command("disclose", number)
