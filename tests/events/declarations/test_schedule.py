import os
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from events.declarations import schedule
from events.declarations.choices import InvitationState, MailKind
from events.declarations.models import Invitation, Mail
from events.declarations.rules import invitations, signing
from tests.support.factories import LevelFactory, UnitFactory
from tests.support.signing import days_from_today, invite, open_signing, sign
from vru_portal.links.answering import InvalidLink
from vru_portal.links.models import Delivery
from vru_portal.web import mail_files

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
    assert (schedule.delete_stuck_tasks(), schedule.requeue_lost_mails()) == (0, 0)  # it may still be at work
    time_machine.move_to(timezone.now() + timedelta(minutes=11))
    assert (schedule.delete_stuck_tasks(), schedule.requeue_lost_mails()) == (1, 1)
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY
    assert schedule.requeue_lost_mails() == 0


def test_reminders_come_every_two_weeks_three_times_and_then_no_more(time_machine):
    sent()
    found = []
    for _ in range(80):
        pass_days(time_machine, 1)
        schedule.queue_reminders()
        found.append(reminders())
    assert [found.index(number) + 1 for number in (1, 2, 3)] == [14, 28, 42]
    assert found[-1] == 3


def test_nobody_is_reminded_who_has_signed_declined_was_revoked_or_decides_later(time_machine):
    sign(sent("Signed"))
    declined = sent("Declined", "declined@body.example")
    signing.decline_invitation(secret=declined.secret, reason="Not for us.")
    invitations.revoke_invitation(by=None, invitation=sent("Revoked", "revoked@body.example").invitation)
    later = sent("Later", "later@body.example")
    signing.announce_decision_date(secret=later.secret, day=days_from_today(30))
    pass_days(time_machine, 29)
    assert schedule.queue_reminders() == 0
    pass_days(time_machine, 2)
    assert schedule.queue_reminders() == 1
    assert Mail.objects.get(kind=MailKind.REMINDER).invitation == later.invitation


def test_an_invitation_ends_after_its_last_day_and_its_links_with_it(time_machine):
    invited = sent()
    pass_days(time_machine, 90)
    assert schedule.expire_invitations() == 0
    signing.signing_token(invited.secret)
    pass_days(time_machine, 1)
    assert schedule.expire_invitations() == 1
    with pytest.raises(InvalidLink):
        signing.signing_token(invited.secret)
    assert schedule.expire_invitations() == 0


def test_mails_that_were_written_to_files_go_after_a_week(settings, tmp_path, time_machine):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "vru_portal.web.mail_files.EmailBackend", tmp_path
    time_machine.move_to(timezone.now())
    for name, age in (("old", 8), ("new", 6)):
        written = timezone.now().timestamp() - age * 86_400
        (tmp_path / f"{name}.eml").write_text("To: sam@secret.example")
        os.utime(tmp_path / f"{name}.eml", (written, written))
    assert mail_files.delete_old_mails() == 1
    assert [path.name for path in tmp_path.glob("*.eml")] == ["new.eml"]
