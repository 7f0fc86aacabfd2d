import os
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from events.declarations import chores, rules
from events.declarations.choices import Delivery, InvitationState, MailKind
from events.declarations.models import Invitation, Mail
from events.declarations.register import log, witness
from tests.factories import LevelFactory, UnitFactory
from tests.signing import days, invite, link, open_signing, sign
from vru_portal import mail_files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(time_machine):
    time_machine.move_to("2031-05-06T10:00:00Z")
    UnitFactory()
    LevelFactory()
    return open_signing()


def sent(name="A body", email="post@body.example"):
    """Invite, and say that the mail has left."""
    invited = invite(name, email)
    Mail.objects.filter(invitation=invited.invitation).update(delivery=Delivery.SENT, sent_at=timezone.now())
    Invitation.objects.filter(pk=invited.invitation.pk).update(state=InvitationState.SENT, sent_at=timezone.now())
    return invited


def pass_days(time_machine, number):
    time_machine.move_to(timezone.now() + timedelta(days=number))


def reminders():
    return Mail.objects.filter(kind=MailKind.REMINDER).count()


def test_a_task_that_a_killed_worker_left_is_freed_and_its_mail_queued_again(time_machine):
    invite()
    DBTaskResult.objects.update(status=TaskResultStatus.RUNNING, started_at=timezone.now())
    assert (chores.reap(), chores.send_lost()) == (0, 0)  # it may still be at work
    time_machine.move_to(timezone.now() + timedelta(minutes=11))
    assert (chores.reap(), chores.send_lost()) == (1, 1)
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY
    assert chores.send_lost() == 0


def test_ended_tasks_go_after_a_week(time_machine):
    invite()
    DBTaskResult.objects.update(
        status=TaskResultStatus.SUCCESSFUL, started_at=timezone.now(), finished_at=timezone.now()
    )
    pass_days(time_machine, 6)
    assert chores.clear() == 0
    pass_days(time_machine, 2)
    assert chores.clear() == 1


def test_reminders_come_every_two_weeks_three_times_and_then_no_more(time_machine):
    sent()
    found = []
    for _ in range(80):
        pass_days(time_machine, 1)
        chores.remind()
        found.append(reminders())
    assert [found.index(number) + 1 for number in (1, 2, 3)] == [14, 28, 42]
    assert found[-1] == 3


def test_nobody_is_reminded_who_has_signed_declined_was_revoked_or_decides_later(time_machine):
    sign(sent("Signed"))
    declined = sent("Declined", "declined@body.example")
    rules.decline(secret=declined.secret, because="Not for us.")
    rules.revoke(by=None, invitation=sent("Revoked", "revoked@body.example").invitation)
    later = sent("Later", "later@body.example")
    rules.decide_on(secret=later.secret, day=days(30))
    pass_days(time_machine, 29)
    assert chores.remind() == 0
    pass_days(time_machine, 2)
    assert chores.remind() == 1
    assert Mail.objects.get(kind=MailKind.REMINDER).invitation == later.invitation


def test_an_invitation_ends_after_its_last_day_and_its_links_with_it(time_machine):
    invited = sent()
    pass_days(time_machine, 90)
    assert chores.expire() == 0
    rules.opened(invited.secret)
    pass_days(time_machine, 1)
    assert chores.expire() == 1
    with pytest.raises(rules.InvalidLink):
        rules.opened(invited.secret)
    assert chores.expire() == 0


def test_one_that_fails_stops_no_other(monkeypatch):
    invitation = invite().invitation
    rules.decline(secret=link(invitation), because="Not for us.")
    entry = sign(invite("Another", "another@body.example"))

    def fail():
        raise DatabaseError("Key (email)=(post@body.example) already exists.")

    monkeypatch.setattr(chores, "reap", fail)
    Invitation.objects.filter(pk=invitation.pk).update(closes_on=days(-9999))
    with pytest.raises(DatabaseError):
        list(chores.all_of_them())
    assert Invitation.objects.get(pk=invitation.pk).email == ""
    assert witness.kept_checkpoint().read_text() == entry.checkpoint


def test_the_timer_goes_on_after_a_fault_and_names_nobody(monkeypatch, capsys):
    waits = []

    class Enough(BaseException):
        pass

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise Enough

    address = "post@body.example"

    def fail():
        raise DatabaseError(f"Key (email)=({address}) already exists.")

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(chores, "reap", fail)
    # closing the connection would end this test's transaction
    monkeypatch.setattr("events.declarations.management.commands.chores.close_old_connections", lambda: None)
    with pytest.raises(Enough):
        call_command("chores", "--every", "300")
    assert waits == [300, 300]
    said = capsys.readouterr().err
    assert "A chore failed, and is tried again: DatabaseError" in said
    assert address not in said


def test_a_lost_key_is_a_sentence(time_machine):
    sign(invite())
    log.key_path(log.current_key().vkey).unlink()
    call_command("chores")  # nothing is to be appended
    pass_days(time_machine, 2191)
    with pytest.raises(CommandError, match="key is missing"):
        call_command("chores")


def test_a_register_that_was_put_back_is_a_sentence():
    sign(invite())
    witness.kept_checkpoint().write_text("name\n9\nroot\n\nsignature\n")
    with pytest.raises(CommandError, match="older backup"):
        call_command("chores")


def test_mails_that_were_written_to_files_go_after_a_week(settings, tmp_path, time_machine):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "vru_portal.mail_files.EmailBackend", tmp_path
    time_machine.move_to(timezone.now())
    for name, age in (("old", 8), ("new", 6)):
        written = timezone.now().timestamp() - age * 86_400
        (tmp_path / f"{name}.eml").write_text("To: sam@secret.example")
        os.utime(tmp_path / f"{name}.eml", (written, written))
    assert mail_files.clear_away() == 1
    assert [path.name for path in tmp_path.glob("*.eml")] == ["new.eml"]
