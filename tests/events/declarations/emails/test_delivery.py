"""Mail that leaves: refused, put off, interrupted, sent twice, never lost."""

import logging
import re
from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from events.declarations import schedule, tasks, tokens
from events.declarations.choices import InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import Invitation, Mail, PersonalRecord, Token
from events.declarations.rules import corrections, invitations, mail_queue
from events.declarations.rules import signing as signing_rules
from tests.events.declarations.emails.worker import content, deliveries, invited, later, work
from tests.support import signing
from tests.support.processes.mail_server import HANG_UP, TAKE, MailServer
from tests.support.processes.portal_process import free_port
from vru_portal.links import delivery, messages
from vru_portal.links.models import Delivery
from vru_portal.operations import schedule as portal_schedule

# A mail server that refuses -------------------------------------------------------------------------------------------


def test_half_is_put_off_some_is_refused_for_good_and_everything_else_leaves_in_the_end(clock, through, caplog):
    caplog.set_level(logging.WARNING)

    def answer(to, attempt):
        number = int("".join(filter(str.isdigit, to)))
        if number % 10 == 9:
            return "550 no such mailbox"
        return "451 come again" if number % 2 and attempt < 2 + number % 3 else TAKE

    with MailServer(answer) as server:
        through(server.port)
        sent = invited(40)
        work()
        assert {delivery for _, delivery in Mail.objects.values_list("to", "delivery")} == set(Delivery) - {"dropped"}
        for _ in range(6):
            later(clock, minutes=16)
    refused = {f"post{n}@body.example" for n in range(40) if n % 10 == 9}
    assert deliveries() == {row.to: Delivery.REFUSED if row.to in refused else Delivery.SENT for row in sent}
    assert {m["Message-ID"] for m in server.taken} == {row.message_id for row in sent if row.to not in refused}
    assert len(server.taken) == 36
    assert all(server.attempts[mailbox] == 1 for mailbox in refused)
    for row in Mail.objects.filter(to__in=refused):
        assert "550" in row.error
        assert Invitation.objects.get(mails=row).state == InvitationState.REFUSED
    assert set(Invitation.objects.exclude(email__in=refused).values_list("state", flat=True)) == {InvitationState.SENT}
    assert caplog.records
    assert not [record for record in caplog.records if "body.example" in record.getMessage()]


def test_a_refused_invitation_can_be_sent_again_and_moves_on(clock, through):
    with MailServer(lambda to, attempt: "550 no such mailbox" if attempt == 1 else TAKE) as server:
        through(server.port)
        [first] = invited(1)
        work()
        Invitation.objects.update(email="mended@body.example")
        server.attempts["mended@body.example"] = 1
        invitations.resend_invitation(by=None, invitation=Invitation.objects.get())
        work()
    assert Invitation.objects.get().state == InvitationState.SENT
    assert [m["To"] for m in server.taken] == ["mended@body.example"]
    assert Mail.objects.get(pk=first.pk).delivery == Delivery.REFUSED


@pytest.mark.parametrize("kind", [MailKind.REMINDER, MailKind.CONFIRM, MailKind.RECEIPT, MailKind.WITHDRAW])
def test_a_refused_mail_of_another_kind_is_seen_and_leaves_the_invitation_as_it_is(clock, through, kind):
    with MailServer(lambda to, attempt: "550 no such mailbox") as server:
        body = signing.invite("A body")
        row = a_mail(kind, body)
        Mail.objects.exclude(pk=row.pk).delete()
        through(server.port)
        state = Invitation.objects.get().state
        tasks.deliver.call(row.pk)
    row.refresh_from_db()
    assert (row.delivery, "550" in row.error) == (Delivery.REFUSED, True)
    assert Invitation.objects.get().state == state


def a_mail(kind, body):
    """Return a mail of a kind that has its reason."""
    if kind == MailKind.CONFIRM:
        secretary = signing.signatory(email="chair@body.example", prepared_by="Ash Helper")
        signing_rules.pass_on_to_signatory(secret=body.secret, signatory=secretary)
    elif kind in (MailKind.RECEIPT, MailKind.WITHDRAW):
        signing.sign(body)
    if kind in (MailKind.REMINDER, MailKind.WITHDRAW):
        return mail_queue.queue_mail(kind, Invitation.objects.get(), to="post@body.example")
    return Mail.objects.get(kind=kind)


def test_a_server_that_refuses_for_days_is_given_up_and_says_so(clock, through):
    with MailServer(lambda to, attempt: "451 come again") as server:
        through(server.port)
        invited(1)
        work()
        for _ in delivery.RETRY_MINUTES:
            assert Mail.objects.get().delivery == Delivery.WAITING
            later(clock, days=1)
    assert Mail.objects.get().delivery == Delivery.REFUSED
    assert Invitation.objects.get().state == InvitationState.REFUSED


# Nothing that takes mail ----------------------------------------------------------------------------------------------


def test_mail_waits_for_as_long_as_there_is_no_server_and_leaves_within_the_hour_when_it_is_back(
    clock, through, caplog
):
    through(free_port())
    sent = invited(3)
    work()
    for _ in range(40):
        later(clock, hours=4)
    for row in Mail.objects.all():
        assert (row.delivery, row.attempts) == (Delivery.WAITING, 41)
        assert "ConnectionRefusedError" in row.error
        assert row.due_at - timezone.now() <= timedelta(hours=1)
    assert DBTaskResult.objects.ready().count() == 0
    assert DBTaskResult.objects.filter(status="READY").count() == 3
    with MailServer() as server:
        through(server.port)
        later(clock, hours=1)
    assert {m["Message-ID"] for m in server.taken} == {row.message_id for row in sent}
    assert set(Mail.objects.values_list("delivery", "error")) == {(Delivery.SENT, "")}


def test_a_sender_that_the_server_refuses_does_not_fail_the_email(clock, through):
    with MailServer() as server:
        through(server.port)
        server.sender = "530 who are you?"
        invited(1)
        work()
        for _ in range(12):
            later(clock, days=1)
        row = Mail.objects.get()
        assert (row.delivery, row.error.partition(":")[0]) == (Delivery.WAITING, "530 who are you?")
        server.sender = TAKE
        later(clock, hours=1)
    assert Mail.objects.get().delivery == Delivery.SENT


def test_a_fault_of_ours_loses_no_mail_and_is_seen_without_its_words_in_the_log(clock, monkeypatch, log):
    def fail(*_):
        raise KeyError(Mail.objects.get().to)

    with monkeypatch.context() as patch:
        patch.setattr(messages, "render_to_string", fail)
        invited(1)
        work()
        for _ in range(12):
            later(clock, days=1)
    row = Mail.objects.get()
    assert (row.delivery, row.attempts) == (Delivery.WAITING, 13)
    assert row.error == "KeyError: 'post0@body.example'"
    assert re.search(r"error=KeyError at=.*mails\.py:\d+ build_message", log.text)  # where it happened
    assert "body.example" not in log.text
    later(clock, hours=1)
    assert Mail.objects.get().delivery == Delivery.SENT


# A worker that is killed ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing after this runs, no handler either."""


STEPS = {
    "before it is claimed": (tasks, "claim_mail"),
    "before a link is made": (tokens, "issue_secret"),
    "before it is sent": (django_mail.EmailMultiAlternatives, "send"),
    "before that is noted": (tasks, "record_delivery"),
}


@pytest.mark.parametrize("place", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("kind", [MailKind.INVITATION, MailKind.RECEIPT])
def test_whenever_the_worker_is_killed_the_mail_is_sent_by_the_next_one(clock, monkeypatch, mailoutbox, place, kind):
    body = signing.invite("A body")
    if kind == MailKind.RECEIPT:
        signing.sign(body)
        Mail.objects.exclude(kind=kind).delete()
    [row] = Mail.objects.all()
    DBTaskResult.objects.exclude(args_kwargs__args=[row.pk]).delete()
    owner, name = place
    with monkeypatch.context() as patch:

        def kill(*_, **__):
            raise Killed

        patch.setattr(owner, name, kill)
        DBTaskResult.objects.get().claim("one")
        with pytest.raises(Killed):
            tasks.deliver.call(row.pk)
    sent_before = len(mailoutbox)
    assert sent_before == (name == "record_delivery")
    later(clock, minutes=5)
    assert len(mailoutbox) == sent_before  # it may be that the worker is only slow
    later(clock, minutes=6)
    later(clock, minutes=11)
    assert len(mailoutbox) == sent_before + 1
    assert {message.extra_headers["Message-ID"] for message in mailoutbox} == {row.message_id}
    assert Mail.objects.get().delivery == Delivery.SENT
    assert DBTaskResult.objects.filter(status="RUNNING").count() == 0
    later(clock, days=1)
    assert len(mailoutbox) == sent_before + 1


def test_an_answer_that_was_lost_sends_twice_under_one_message_id_and_both_links_work(clock, through):
    with MailServer(lambda to, attempt: HANG_UP if attempt == 1 else TAKE) as server:
        through(server.port)
        [row] = invited(1)
        work()
        assert Mail.objects.get().delivery == Delivery.WAITING
        later(clock, minutes=2)
    assert [m["Message-ID"] for m in server.taken] == [row.message_id] * 2
    links = {word for m in server.taken for word in content(m).split() if "/sign/" in word}
    assert len(links) == 2
    for link in links:
        assert tokens.find_usable_token(link.rstrip("/").rpartition("/")[2], SigningLinkPurpose.SIGN)


def test_two_workers_never_send_the_same_email(clock):
    [row] = invited(1)
    first, second = tasks.claim_mail(row.pk), tasks.claim_mail(row.pk)
    assert first
    assert first.attempts == 1
    assert second is None


def test_what_was_forgotten_while_it_was_sent_does_not_come_back(clock, monkeypatch):
    [row] = invited(1)
    real = django_mail.EmailMultiAlternatives.send

    for fails in (False, True):

        def forget(message, *_, fails=fails):
            real(message)
            Mail.objects.all().delete()
            if fails:
                raise OSError("gone")

        monkeypatch.setattr(django_mail.EmailMultiAlternatives, "send", forget)
        row = Mail.objects.first() or mail_queue.queue_mail(MailKind.INVITATION, Invitation.objects.get())
        DBTaskResult.objects.all().delete()
        tasks.deliver.call(row.pk)
        assert not Mail.objects.exists()
        assert not DBTaskResult.objects.exists()


# The timer ------------------------------------------------------------------------------------------------------------


def test_mail_that_has_no_task_any_more_gets_one_and_only_one(clock, mailoutbox):
    invited(3)
    assert schedule.requeue_lost_mails() == 0  # each has a task
    DBTaskResult.objects.all().delete()
    assert schedule.requeue_lost_mails() == 3
    assert schedule.requeue_lost_mails() == 0
    work()
    assert len(mailoutbox) == 3
    assert schedule.requeue_lost_mails() == 0


def test_a_slow_worker_is_left_alone_and_a_killed_one_s_task_is_ended(clock):
    invited(1)
    task = DBTaskResult.objects.get()
    task.claim("one")
    clock.shift(timedelta(minutes=9))
    assert schedule.delete_stuck_tasks() == 0
    clock.shift(timedelta(minutes=2))
    assert schedule.delete_stuck_tasks() == 1
    assert not DBTaskResult.objects.exists()


def test_tasks_that_ended_are_dropped_after_a_week(clock):
    invited(2)
    work()
    clock.shift(timedelta(days=6))
    assert portal_schedule.delete_ended_tasks() == 0
    clock.shift(timedelta(days=2))
    assert portal_schedule.delete_ended_tasks() == 2


def test_a_reminder_is_not_sent_to_somebody_who_has_signed_meanwhile(clock):
    body = signing.invite("A body")
    work()
    clock.shift(timedelta(days=15))
    [due] = Invitation.objects.to_remind(timezone.localdate())
    signing.sign(body)
    assert invitations.remind_invitation(invitation=due) is None
    signed = Invitation.objects.get()
    assert (signed.state, signed.reminders) == (InvitationState.SIGNED, 0)
    assert not Mail.objects.filter(kind=MailKind.REMINDER).exists()


# Mail whose reason is gone --------------------------------------------------------------------------------------------


def test_what_asks_for_nothing_any_more_is_dropped_and_gives_nobody_a_link(clock, mailoutbox):
    body = signing.invite("A body")
    signing.prepare(body)

    def passed_on(to):
        secretary = signing.signatory(email=to, prepared_by="Ash Helper")
        signing_rules.pass_on_to_signatory(secret=body.secret, signatory=secretary)
        return Mail.objects.get(kind=MailKind.CONFIRM, to=to)

    first, second = passed_on("wrong@body.example"), passed_on("chair@body.example")
    made = Token.objects.count()
    tasks.deliver.call(first.pk)  # it waited, and somebody else is asked now
    assert (Token.objects.count(), len(mailoutbox)) == (made, 0)
    signing.prepare(body)  # taken back
    tasks.deliver.call(second.pk)
    assert (Token.objects.count(), len(mailoutbox)) == (made, 0)
    signing_rules.announce_decision_date(secret=body.secret, day=signing.days_from_today(3))
    held = mail_queue.queue_mail(MailKind.REMINDER, body.invitation)
    tasks.deliver.call(held.pk)
    invitations.revoke_invitation(by=None, invitation=body.invitation)
    work()
    assert not mailoutbox
    assert set(Mail.objects.values_list("delivery", flat=True)) == {Delivery.DROPPED}
    assert Token.objects.count() == made


def test_a_link_to_withdraw_is_not_sent_once_the_signature_has_ended(clock, mailoutbox):
    entry = signing.invite_and_sign()
    row = mail_queue.queue_mail(MailKind.WITHDRAW, entry.invitation, to=PersonalRecord.objects.get().values["email"])
    corrections.withdraw_signature(secret=signing.new_link(entry.invitation, SigningLinkPurpose.WITHDRAW))
    tasks.deliver.call(row.pk)
    assert not mailoutbox
    assert Mail.objects.get(pk=row.pk).delivery == Delivery.DROPPED
