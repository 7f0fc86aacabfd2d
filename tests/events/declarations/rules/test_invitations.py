"""What staff and the timer decide about an invitation: every step from state to state, and those that are refused."""

from datetime import date, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.declarations import schedule, tokens
from events.declarations.choices import (
    ENDED_INVITATION_STATES,
    OPEN_INVITATION_STATES,
    InvitationState,
    MailKind,
    SigningLinkPurpose,
)
from events.declarations.models import Entry, Invitation, Mail
from events.declarations.rules import availability, corrections, erasure, invitations, mail_queue
from events.declarations.rules import signing as signing_rules
from tests.support import signing
from vru_portal.links.answering import InvalidLink
from vru_portal.links.models import Delivery

pytestmark = pytest.mark.django_db
TODAY = date(2031, 6, 1)
STATES = [state for state in InvitationState if state not in (InvitationState.SIGNED, InvitationState.WITHDRAWN)]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(TODAY, tick=False) as moved:
        signing.open_signing()
        yield moved


def in_state(state, **other):
    """Return an invitation in this state, with one link; a signature and its end come about as they do."""
    invited = signing.invite(f"Body {Invitation.objects.count()}", **other)
    invitation = invited.invitation
    if state in (InvitationState.SIGNED, InvitationState.WITHDRAWN):
        entry = signing.sign(invited)
        if state == InvitationState.WITHDRAWN:
            corrections.end_signature(entry=entry)
    else:
        Mail.objects.filter(invitation=invitation).update(delivery=Delivery.SENT)
        Invitation.objects.filter(pk=invitation.pk).update(state=state, sent_at=timezone.now())
        if state in ENDED_INVITATION_STATES:
            invitation.tokens.update(burnt_at=timezone.now())
    invitation.refresh_from_db()
    return invitation


def works(invitation):
    """How many links of an invitation open something."""
    rows = invitation.tokens.filter(burnt_at=None, expires_at__gt=timezone.now(), purpose__in=["sign", "confirm"])
    return rows.count() if invitation.state in OPEN_INVITATION_STATES else 0


def take(rule, **arguments):
    """Take a rule; return the words in which it refuses, or nothing."""
    try:
        rule(by=None, **arguments)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def after(invitation):
    invitation.refresh_from_db()
    return invitation.state


# What each rule makes of each state: the state afterwards, or None where it refuses. ----------------------------------

D, Q, S, R, T, X, E, V = (
    InvitationState.DRAFT,
    InvitationState.QUEUED,
    InvitationState.SENT,
    InvitationState.REFUSED,
    InvitationState.STARTED,
    InvitationState.DECLINED,
    InvitationState.EXPIRED,
    InvitationState.REVOKED,
)
G, W = InvitationState.SIGNED, InvitationState.WITHDRAWN
RULES = {
    "resend": (lambda row: take(invitations.resend_invitation, invitation=row), {Q: Q, S: S, R: Q, T: T}),
    "revoke": (lambda row: take(invitations.revoke_invitation, invitation=row), {D: V, Q: V, S: V, R: V, T: V}),
    "extend": (
        lambda row: take(invitations.extend_invitation, invitation=row, until=TODAY + timedelta(days=200)),
        {D: D, Q: Q, S: S, R: R, T: T, E: S},
    ),
    "hold": (
        lambda row: take(invitations.note_decision_date, invitation=row, until=TODAY + timedelta(days=9)),
        {Q: Q, S: S, R: R, T: T},
    ),
    "invite anew": (
        lambda row: take(invitations.invite_anew, invitation=row, email="new@body.example"),
        {R: V, X: X, E: E, V: V, W: W},
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_takes_an_invitation_from_state_to_state_or_refuses_and_changes_nothing(name):
    rule, table = RULES[name]
    for state in InvitationState:
        row = in_state(state)
        before = Invitation.objects.values().get(pk=row.pk)
        mails, entries = Mail.objects.count(), Entry.objects.count()
        said = rule(row)
        if state in table:
            assert (said, after(row)) == ("", table[state]), (name, state)
        else:
            assert said, (name, state)
            assert Invitation.objects.values().get(pk=row.pk) == before, (name, state)
            assert Mail.objects.count() == mails, (name, state)
        assert Entry.objects.count() == entries, (name, state)


def test_a_second_mail_adds_a_link_and_the_first_stays_good():
    invited = signing.invite()
    row = invited.invitation
    assert "already waiting to be sent" in take(invitations.resend_invitation, invitation=row)
    Mail.objects.update(delivery=Delivery.SENT)
    assert take(invitations.resend_invitation, invitation=row) == ""
    second = signing.new_link(row)
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN)
    assert tokens.find_usable_token(second, SigningLinkPurpose.SIGN)
    assert Mail.objects.filter(kind=MailKind.INVITATION).count() == 2


def test_revoking_burns_every_link_and_a_signature_cannot_be_revoked():
    invited = signing.invite()
    more = signing.new_link(invited.invitation)
    invitations.revoke_invitation(by=None, invitation=invited.invitation)
    for secret in (invited.secret, more):
        assert tokens.find_usable_token(secret, SigningLinkPurpose.SIGN) is None
    signed = signing.invite_and_sign("Another").invitation
    assert "Only the person at the email address that signed can withdraw it" in take(
        invitations.revoke_invitation, invitation=signed
    )


def test_extending_keeps_links_good_and_opens_what_has_expired_but_not_beside_a_newer_one(clock):
    invited = signing.invite()
    row = invited.invitation
    assert "a year from now" in take(invitations.extend_invitation, invitation=row, until=TODAY - timedelta(days=1))
    last = row.closes_on
    clock.move_to(last + timedelta(days=1))
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN) is None
    assert schedule.expire_invitations() == 1
    assert after(row) == InvitationState.EXPIRED
    invitations.extend_invitation(by=None, invitation=row, until=last + timedelta(days=30))
    assert after(row) == InvitationState.SENT
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN)
    clock.move_to(last + timedelta(days=31))
    schedule.expire_invitations()
    newer = invitations.invite_anew(by=None, invitation=row, email="new@body.example")
    said = take(invitations.extend_invitation, invitation=row, until=last + timedelta(days=90))
    assert "invited again since. Extend that invitation" in said
    assert newer.state == InvitationState.QUEUED
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN) is None


def test_an_expired_invitation_whose_mailbox_was_dropped_is_not_opened_again():
    row = in_state(InvitationState.EXPIRED)
    erasure.forget_invitation(row)
    assert "The email address was deleted" in take(
        invitations.extend_invitation, invitation=row, until=TODAY + timedelta(days=1)
    )


def test_an_invitation_expires_after_its_last_day_and_only_if_nobody_has_answered(clock):
    rows = {state: in_state(state) for state in InvitationState}
    clock.move_to(rows[S].closes_on)
    assert schedule.expire_invitations() == 0
    clock.move_to(rows[S].closes_on + timedelta(days=1))
    schedule.expire_invitations()
    for state, row in rows.items():
        expected = InvitationState.EXPIRED if state in (D, Q, S, R, T) else state
        assert after(row) == expected, state
        assert works(row) == 0


def test_a_refused_mailbox_is_given_up_and_the_body_invited_at_another_one():
    invited = signing.invite("Moor Trust")
    row = invited.invitation
    mail = row.mails.get()
    mail.delivery, mail.error = Delivery.REFUSED, "550 no such user"
    mail.save()
    Invitation.objects.update(state=InvitationState.REFUSED)
    newer = invitations.invite_anew(by=None, invitation=row, email="right@moor.example", contact_name="Ann")
    assert after(row) == InvitationState.REVOKED
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN) is None  # it may have reached a stranger
    assert (newer.body, newer.email, newer.state) == (row.body, "right@moor.example", InvitationState.QUEUED)
    assert take(invitations.invite_anew, invitation=row, email="x@moor.example").endswith(
        "Already invited (waiting to be sent)."
    )
    assert "Enter a valid email address." in take(invitations.invite_anew, invitation=in_state(X), email="nobody")


def test_a_refused_mail_is_tried_again_with_the_same_message_id():
    row = signing.invite().invitation
    mail = row.mails.get()
    assert "if the mail server refused it" in take(mail_queue.retry_mail, mail=mail)
    name = mail.message_id
    Mail.objects.update(delivery=Delivery.REFUSED, attempts=10, error="550 no")
    Invitation.objects.update(state=InvitationState.REFUSED)
    assert take(mail_queue.retry_mail, mail=mail) == ""
    mail.refresh_from_db()
    assert (mail.delivery, mail.attempts, mail.error, mail.message_id) == (Delivery.WAITING, 0, "", name)
    assert after(row) == InvitationState.QUEUED
    Mail.objects.update(delivery=Delivery.REFUSED)
    invitations.revoke_invitation(by=None, invitation=row)
    assert "no longer a reason" in take(mail_queue.retry_mail, mail=mail)


# Reminders ------------------------------------------------------------------------------------------------------------


def sent_today(name="A body"):
    row = signing.invite(name).invitation
    Invitation.objects.filter(pk=row.pk).update(state=S, sent_at=timezone.now())
    return row


def reminded(clock, days):
    """Run the timer on each of so many days; return on which days it has reminded, counted from the first."""
    found = []
    for number in range(days + 1):
        clock.move_to(TODAY + timedelta(days=number))
        found += [number] * schedule.queue_reminders()
    clock.move_to(TODAY)
    return found


def test_reminders_come_every_two_weeks_and_three_times_at_most(clock):
    row = sent_today()
    assert reminded(clock, 89) == [14, 28, 42]
    assert Mail.objects.filter(kind=MailKind.REMINDER, invitation=row).count() == 3


def test_those_who_started_are_reminded_but_not_those_who_answered_or_expired(clock):
    rows = {state: in_state(state) for state in InvitationState}
    reminded(clock, 120)
    found = set(Mail.objects.filter(kind=MailKind.REMINDER).values_list("invitation__state", flat=True))
    assert found == {S, T}
    assert Mail.objects.filter(kind=MailKind.REMINDER, invitation__in=[rows[S], rows[T]]).count() == 6


def test_a_day_of_decision_holds_reminders_until_it_is_over_and_keeps_the_invitation_open(clock):
    row = sent_today()
    for day, words in ((TODAY - timedelta(days=1), "between today"), (TODAY + timedelta(days=367), "a year from now")):
        assert words in take(invitations.note_decision_date, invitation=row, until=day)
    decides = TODAY + timedelta(days=100)
    invitations.note_decision_date(by=None, invitation=row, until=decides)
    row.refresh_from_db()
    assert (row.decides_on, row.closes_on) == (decides, decides + timedelta(days=14))
    assert reminded(clock, 114)[0] == 101


def test_nobody_is_reminded_while_nobody_can_sign(clock):
    row = sent_today()
    row.version.declaration.paused_because = "A mistake in the text."
    row.version.declaration.save()
    assert reminded(clock, 30) == []


def test_a_reminder_that_comes_a_moment_after_a_signature_changes_nothing():
    invited = signing.invite()
    stale = Invitation.objects.get(pk=invited.invitation.pk)
    stale.state = S
    entry = signing.sign(invited)
    assert invitations.remind_invitation(invitation=stale) is None
    stale.refresh_from_db()
    assert (stale.state, stale.entry) == (G, entry)


# Declining, deciding later, passing on: by the link -------------------------------------------------------------------


def test_a_body_declines_with_a_reason_and_its_links_open_nothing_afterwards():
    invited = signing.invite()
    with pytest.raises(ValidationError, match="Enter the reason"):
        signing_rules.decline_invitation(secret=invited.secret, reason=" ")
    signing_rules.decline_invitation(secret=invited.secret, reason=" The council has voted against it. ")
    assert after(invited.invitation) == X
    assert invited.invitation.declined_because == "The council has voted against it."
    for rule in (
        lambda: signing_rules.decline_invitation(secret=invited.secret, reason="Again."),
        lambda: signing_rules.announce_decision_date(secret=invited.secret, day=TODAY),
        lambda: signing.prepare(invited),
    ):
        with pytest.raises(InvalidLink):
            rule()


def test_a_body_says_when_it_decides_and_its_link_stays_good_until_two_weeks_later(clock):
    invited = signing.invite()
    day = TODAY + timedelta(days=100)
    signing_rules.announce_decision_date(secret=invited.secret, day=day)
    assert after(invited.invitation) == T
    assert invited.invitation.closes_on == day + timedelta(days=14)
    clock.move_to(day + timedelta(days=14))
    assert tokens.find_usable_token(invited.secret, SigningLinkPurpose.SIGN)
    with pytest.raises(ValidationError, match="a year from now"):
        signing_rules.announce_decision_date(secret=invited.secret, day=day - timedelta(days=1))


def test_an_assistant_passes_on_and_only_the_signatorys_own_mailbox_signs_both_named():
    invited = signing.invite(email="clerk@body.example")
    for change, words in (
        ({"email": "CLERK@body.example", "prepared_by": "Kim Clerk"}, "The invitation was sent to this email address"),
        ({"email": "chair@body.example"}, "Enter your own name"),
    ):
        with pytest.raises(ValidationError, match=words):
            signing_rules.pass_on_to_signatory(secret=invited.secret, signatory=signing.signatory(**change))
    passed = signing.signatory(email="chair@body.example", prepared_by="Kim Clerk")
    signing_rules.pass_on_to_signatory(secret=invited.secret, signatory=passed)
    assert after(invited.invitation) == T
    mail = Mail.objects.get(kind=MailKind.CONFIRM)
    assert mail.to == "chair@body.example"
    version = invited.invitation.version
    with pytest.raises(availability.StaleText):  # not the assistant
        signing_rules.sign(secret=invited.secret, checked=passed.fingerprint, text_sha256=version.sha256)
    confirm = signing.new_link(invited.invitation, SigningLinkPurpose.CONFIRM)
    with pytest.raises(ValidationError, match="passed on to you"):
        signing_rules.pass_on_to_signatory(
            secret=confirm, signatory=signing.signatory(email="x@body.example", prepared_by="Kim")
        )
    signatory = signing_rules.prepare_signature(
        secret=confirm, signatory=signing.signatory(name="Chris Chair", email="forged@x.example")
    )
    assert (signatory.email, signatory.prepared_by) == ("chair@body.example", "Kim Clerk")
    checked = signing_rules.Signatory.from_preparation(signatory).fingerprint
    entry = signing_rules.sign(secret=confirm, checked=checked, text_sha256=version.sha256)
    values = entry.personal.values
    assert (values["name"], values["prepared_by"], values["email"]) == (
        "Chris Chair",
        "Kim Clerk",
        "chair@body.example",
    )
    assert Mail.objects.get(kind=MailKind.RECEIPT).to == "chair@body.example"
    assert after(invited.invitation) == G


def test_passing_on_to_somebody_else_takes_the_first_link_to_confirm_away():
    invited = signing.invite(email="clerk@body.example")
    to = lambda email: signing.signatory(email=email, prepared_by="Kim Clerk")  # noqa: E731
    signing_rules.pass_on_to_signatory(secret=invited.secret, signatory=to("one@body.example"))
    first = signing.new_link(invited.invitation, SigningLinkPurpose.CONFIRM)
    signing_rules.pass_on_to_signatory(secret=invited.secret, signatory=to("two@body.example"))
    assert tokens.find_usable_token(first, SigningLinkPurpose.CONFIRM) is None
    second = signing.new_link(invited.invitation, SigningLinkPurpose.CONFIRM)
    signing.prepare(invited)  # the assistant signs after all
    assert tokens.find_usable_token(second, SigningLinkPurpose.CONFIRM) is None


def test_what_needs_chasing_is_refused_or_silent_after_all_reminders_or_near_its_end(clock):
    rows = {state: in_state(state) for state in InvitationState}
    chased = lambda: {row.state for row in Invitation.objects.to_chase(timezone.localdate())}  # noqa: E731
    assert chased() == {R}
    Invitation.objects.filter(pk=rows[S].pk).update(reminders=3)
    assert chased() == {R, S}
    clock.move_to(rows[T].closes_on - timedelta(days=14))
    assert chased() == {R, S, T}
    Invitation.objects.filter(pk=rows[S].pk).update(decides_on=rows[T].closes_on)
    assert chased() == {R, T}
