"""What happens when an older backup of the database is restored: erased data is erased again, and signing closes."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.urls import reverse

from events.declarations.choices import CorrectionReason, InvitationState, SigningLinkPurpose
from events.declarations.models import (
    Entry,
    Invitation,
    Mail,
    Token,
)
from events.declarations.register import audit, kept_outside
from events.declarations.rules import availability, corrections, erasure, invitations, requests
from tests.support.personal import (
    CANARIES,
    canaries_left,
    entry_of_paper,
    everything_stored,
    make_declined_invitation,
    make_paper_signature,
    make_prepared_invitation,
    make_signed_entry,
)
from tests.support.processes.databases import migrated_database, run_python, run_python_for_json
from tests.support.signing import invite, new_link, sign
from vru_portal.management.commands.serve import Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_open_in_may")]


# An older backup ------------------------------------------------------------------------------------------------------


def put_back(point):
    """Put the database back to what it was: the files beside it stay as they are, as after a restored backup."""
    transaction.savepoint_rollback(point)


def test_a_backup_from_before_an_erasure_forgets_again(django_capture_on_commit_callbacks):
    entry, paper, waiting = make_signed_entry(), make_paper_signature(), make_prepared_invitation()
    scan = Path(paper.scan.path)
    content = scan.read_bytes()
    kept_outside.keep_newest_checkpoint()
    before = transaction.savepoint()
    erasure.erase_personal_data(entry=entry)
    erasure.forget_mailbox(by=None, email=CANARIES["mailbox"])
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_personal_data(entry=entry_of_paper(paper))
    assert canaries_left() == set()
    put_back(before)
    scan.write_bytes(content)
    assert canaries_left() == set(CANARIES) - {"reason"}

    with django_capture_on_commit_callbacks(execute=True):
        assert erasure.reapply_erasures() == 3
    assert canaries_left() == set()
    waiting.refresh_from_db()
    assert waiting.state == InvitationState.REVOKED
    assert list(audit.find_faults()) == []  # the file beside the key says that it was erased, and when
    assert erasure.reapply_erasures() == 0


def test_a_later_record_that_got_the_number_of_a_dropped_one_stays(time_machine):
    before = transaction.savepoint()
    invitation = make_declined_invitation()
    erasure.forget_invitation(invitation)
    put_back(before)
    time_machine.move_to("2031-05-07T10:00:00Z")
    again = make_declined_invitation()
    Mail.objects.all().delete()
    Token.objects.all().delete()
    Invitation.objects.filter(pk=again.pk).update(id=invitation.pk)  # as where numbers start anew
    assert erasure.reapply_erasures() == 0
    assert CANARIES["reason"] in everything_stored()


def test_an_older_register_closes_signing_and_takes_no_entry_but_its_pages_stay(client):
    entry = sign(invite("First", "first@body.example"), name="Sam Example")
    older = transaction.savepoint()
    sign(invite("Second", "second@body.example"))
    kept_outside.keep_newest_checkpoint()
    assert availability.signing_blockers(availability.version_in_force()) == []
    put_back(older)

    assert "an older backup was restored" in " ".join(availability.signing_blockers(availability.version_in_force()))
    with pytest.raises(CommandError, match="older backup"):
        call_command("register", "verify")
    with pytest.raises(ValidationError):
        invitations.invite(by=None, organisation="Third", email="third@body.example")
    with pytest.raises(availability.SigningClosed):
        requests.record_request(name="Third", contact_name="Ada", email="third@body.example")
    secret = new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)
    for append in (
        lambda: corrections.withdraw_signature(secret=secret),
        lambda: erasure.erase_personal_data(entry=entry),
        lambda: corrections.correct_entry(
            by=None, entry=entry, name="1st", sector=None, reason=CorrectionReason.MISSPELT
        ),
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
    kept_outside.keep_newest_checkpoint()
    put_back(older)
    hidden = kept_outside.checkpoint_file().rename(tmp_path / "hidden")  # or no entry would be taken at all
    sign(invite("Other", "other@body.example"))
    assert availability.signing_blockers(availability.version_in_force()) == []
    hidden.rename(kept_outside.checkpoint_file())
    assert "entries were rewritten" in " ".join(availability.signing_blockers(availability.version_in_force()))


MAKE = """
import django; django.setup()
from tests.support.personal import make_signed_entry
from tests.support.signing import open_signing
from events.declarations.register import kept_outside
open_signing(); entry = make_signed_entry(); kept_outside.keep_newest_checkpoint()
print('{"seq": %d}' % entry.pk)
"""
ERASE = """
import django; django.setup()
from events.declarations.rules import erasure
from events.declarations.models import Entry
from events.declarations.register import kept_outside
erasure.erase_personal_data(entry=Entry.objects.get(pk=1)); kept_outside.keep_newest_checkpoint()
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
        assert run_python_for_json(values, "-c", MAKE) == {"seq": 1}
        backup = file.read_bytes()
        assert CANARIES["name"].encode() in backup
        assert run_python_for_json(values, "-c", ERASE) == {"entries": 2}
        file.write_bytes(backup)
        assert run_python_for_json(values, "-c", SERVE) == ["", "", 0]
        found = run_python(values, "manage.py", "register", "verify")
        assert found.returncode == 1
        assert "older backup" in found.stderr


def test_starting_the_portal_drops_what_a_backup_brought_back():
    entry = make_signed_entry()
    before = transaction.savepoint()
    erasure.erase_personal_data(entry=entry)
    put_back(before)
    Command().prepare_register()
    assert canaries_left() == set()
