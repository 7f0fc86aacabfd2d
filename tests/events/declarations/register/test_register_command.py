"""`manage.py register`: what it says, and with which exit code."""

import shutil
from io import StringIO

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import transaction

from events.declarations.models import Entry, PersonalRecord, RegisterKey
from events.declarations.register import audit, kept_outside, log, verify
from events.declarations.rules import availability, erasure
from tests.support.races.tampering import run, without_any_trigger
from tests.support.signing import invite, invite_and_sign, open_signing, sign

pytestmark = pytest.mark.django_db


def register(action):
    """Run the command; return its exit code and output."""
    out, err = StringIO(), StringIO()
    try:
        call_command("register", action, stdout=out, stderr=err)
    except SystemExit as ended:
        return ended.code, err.getvalue().strip()
    return 0, out.getvalue()


def test_a_register_that_is_whole_ends_with_nought_and_its_checkpoint():
    open_signing()
    for number in range(3):
        invite_and_sign(f"Body {number}", f"post@{number}.example")
    code, said = register("verify")
    assert (code, said.splitlines()[0]) == (0, "The register is complete. Its newest checkpoint:")
    code, note = register("checkpoint")
    assert said.strip().endswith(note.strip())
    key = verify.read_key(RegisterKey.objects.get().vkey)
    assert verify.read_checkpoints(note, [key])[0][1] == 3


def test_every_fault_is_reported_and_exits_with_one():
    open_signing()
    for number in range(3):
        invite_and_sign(f"Body {number}", f"post@{number}.example")
    with without_any_trigger(), transaction.atomic():
        run("UPDATE declarations_entry SET on_paper = %s WHERE seq = 1", True)
        run("UPDATE declarations_head SET size = 7")
        code, said = register("verify")
        transaction.set_rollback(True)
    assert code == 1
    for fault in ("Entry 1: these columns differ from the leaf: on_paper.", "The head counts 7 entries"):
        assert fault in said


def test_an_older_backup_that_was_put_back_is_an_alarm_and_signs_nothing():
    open_signing()
    invite_and_sign("First", "post@one.example")
    with transaction.atomic():
        invite_and_sign("Second", "post@two.example")
        kept_outside.keep_newest_checkpoint()
        transaction.set_rollback(True)
    assert list(audit.find_faults()) == []  # by itself it is whole: only what is kept outside knows better
    with pytest.raises(CommandError, match="an older backup was restored"):
        register("verify")
    with pytest.raises(ImproperlyConfigured, match="over 2 entries"):
        kept_outside.require_no_rollback()


def test_a_lost_key_stops_and_is_not_replaced():
    open_signing()
    invite_and_sign()
    second = invite("Second", "post@two.example")
    before = RegisterKey.objects.get().vkey
    away = settings.REGISTER_KEYS.with_name("away")
    shutil.move(log.key_path(before), away)
    for damaged in ("missing", "nonsense", "another's"):
        if damaged == "nonsense":
            log.key_path(before).write_text("nonsense")
        if damaged == "another's":
            log.key_path(before).write_text("11" * 32)
        with pytest.raises(ImproperlyConfigured, match=r"missing or unreadable|is not the register"):
            log.require_key()
        with pytest.raises(availability.SigningClosed):
            sign(second)
    assert (Entry.objects.count(), RegisterKey.objects.get().vkey) == (1, before)
    # what was signed can still be read and checked
    assert register("checkpoint")[0] == 0
    shutil.move(away, log.key_path(before))
    assert sign(second).seq == 2


def test_a_portal_without_a_register_says_how_to_make_one():
    log.require_key()
    with pytest.raises(CommandError, match="rotate-key"):
        register("checkpoint")
    code, said = register("rotate-key")
    assert (code, "Back up" in said) == (0, True)
    vkey = RegisterKey.objects.get().vkey
    assert vkey in said
    assert str(log.key_path(vkey)) in said
    key, note = verify.read_key(vkey), register("checkpoint")[1]
    assert verify.read_checkpoints(note, [key])[0][1] == 0
    assert register("verify")[0] == 0


def test_a_rotated_key_signs_from_now_on_and_old_receipts_stay_valid():
    open_signing()
    old = log.receipt_data(invite_and_sign("First", "post@one.example"))
    register("rotate-key")
    new = log.receipt_data(invite_and_sign("Second", "post@two.example"))
    first, second = (verify.read_key(vkey) for vkey in RegisterKey.objects.values_list("vkey", flat=True))
    for receipt, key, size in ((old, first, 1), (new, second, 2)):
        (said,) = verify.answer([key], "receipt", [("receipt", receipt)])
        assert f"is in the register of {size} entries" in said
    for receipt, key in ((old, second), (new, first)):
        with pytest.raises(verify.Unclear, match="is signed by this key"):
            verify.answer([key], "receipt", [("receipt", receipt)])
    assert register("verify")[0] == 0
    # the private key of before is needed no more
    log.key_path(RegisterKey.objects.values_list("vkey", flat=True)[0]).unlink()
    assert register("verify")[0] == 0
    assert invite_and_sign("Third", "post@three.example").seq == 3


def test_erasing_keeps_every_proof():
    open_signing()
    entry = invite_and_sign()
    before = log.receipt_data(entry)
    erasure.erase_personal_data(entry=entry)
    after = log.receipt_data(entry)
    assert PersonalRecord.objects.get().disclosed == ""
    assert (after["leaf"], after["checkpoint"], after["disclosed"]) == (before["leaf"], before["checkpoint"], {})
    key = verify.read_key(RegisterKey.objects.get().vkey)
    (said,) = verify.answer([key], "receipt", [("receipt", after)])
    assert said.split("SHA-256")[0] in verify.answer([key], "receipt", [("receipt", before)])[0]
    assert register("verify")[0] == 0
