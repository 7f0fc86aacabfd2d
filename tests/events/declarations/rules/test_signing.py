"""What must not be signed, or by nobody else: found by attacking the rules."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import EntryKind, InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import Entry, Head, LiveSignature, Mail
from events.declarations.register import audit
from events.declarations.rules import availability, invitations, signing, versions
from tests.support.factories import UserFactory, VersionFactory
from tests.support.signing import (
    days_from_today,
    invite,
    invite_and_sign,
    new_link,
    open_signing,
    prepare,
    sign,
    signatory,
)
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.links.answering import InvalidLink

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    return open_signing()


def passed_on(invited, email):
    signing.pass_on_to_signatory(secret=invited.secret, signatory=signatory(email=email, prepared_by="Jo"))
    return new_link(invited.invitation, SigningLinkPurpose.CONFIRM)


def test_a_signature_makes_an_entry_and_leaves_the_register_whole(version):
    assert invite_and_sign().seq == 1
    assert list(audit.find_faults()) == []


def test_a_link_to_confirm_works_only_for_the_mailbox_to_which_it_is_passed_on_now(version):
    invited = invite()
    wrong = passed_on(invited, "wrong@body.example")
    chair = passed_on(invited, "chair@body.example")
    late = tokens.issue_secret(
        invitation=invited.invitation, purpose=SigningLinkPurpose.CONFIRM, to="wrong@body.example"
    )  # was in flight
    for secret in (wrong, late):
        with pytest.raises(InvalidLink):
            signing.prepare_signature(secret=secret, signatory=signatory())
    assert signing.signing_token(chair).invitation == invited.invitation


def test_extending_revives_no_link_that_was_taken_back(version, time_machine):
    time_machine.move_to(timezone.now())
    invited = invite()
    wrong = passed_on(invited, "wrong@body.example")
    chair = passed_on(invited, "chair@body.example")
    time_machine.shift(timedelta(days=91))
    invitations.expire_invitation(invitation=invited.invitation)
    for secret in (invited.secret, chair):
        with pytest.raises(InvalidLink):
            signing.signing_token(secret)
    invited.invitation.refresh_from_db()
    invitations.extend_invitation(by=None, invitation=invited.invitation, until=days_from_today(30))
    assert signing.signing_token(chair).invitation.state == InvitationState.SENT
    assert signing.signing_token(invited.secret)
    with pytest.raises(InvalidLink):
        signing.signing_token(wrong)


def test_an_invitation_that_is_opened_again_is_for_the_version_in_force(version, time_machine):
    time_machine.move_to(timezone.now())
    first = invite()
    time_machine.shift(timedelta(days=91))
    invitations.expire_invitation(invitation=first.invitation)
    second = VersionFactory(declaration=version.declaration, text="Other words.")
    versions.publish_version(by=None, version=second)
    first.invitation.refresh_from_db()
    invitations.extend_invitation(by=None, invitation=first.invitation, until=days_from_today(30))
    first.invitation.refresh_from_db()
    assert first.invitation.version == second
    assert sign(first).version == second
    third = VersionFactory(declaration=version.declaration, text="Still other words.")
    assert versions.publish_version(by=None, version=third) == 1


def test_an_invitation_is_not_opened_again_beside_a_newer_one_or_a_signature(version, time_machine):
    time_machine.move_to(timezone.now())
    first = invite()
    time_machine.shift(timedelta(days=91))
    invitations.expire_invitation(invitation=first.invitation)
    first.invitation.refresh_from_db()
    second = invite(again=True)
    with pytest.raises(ValidationError, match="invited again since"):
        invitations.extend_invitation(by=None, invitation=first.invitation, until=days_from_today(30))
    sign(second)
    with pytest.raises(ValidationError, match="has signed the version in force"):
        invitations.extend_invitation(by=None, invitation=first.invitation, until=days_from_today(30))


def test_nobody_signs_an_older_version_over_a_newer_one(version):
    second = VersionFactory(declaration=version.declaration, text="Other words.")
    versions.publish_version(by=None, version=second)
    entry = invite_and_sign()
    with pytest.raises(ValidationError, match="has signed version 2, which is newer"), transaction.atomic():
        signing.append_signature(body=entry.body, version=version, signatory=signatory(), stated={}, on_paper=True)
    assert LiveSignature.objects.get().entry == entry


def test_what_is_stated_is_for_the_body_that_was_shown(version):
    invited = invite("Body A")
    checked = signing.Signatory.from_preparation(prepare(invited)).fingerprint
    body = invited.invitation.body
    body.name = "Quite Another Body"
    body.save()
    with pytest.raises(availability.StaleText):
        signing.sign(secret=invited.secret, checked=checked, text_sha256=version.sha256)
    assert not Entry.objects.exists()


def test_a_text_that_was_changed_since_it_was_read_is_not_put_in_force(version):
    draft = VersionFactory(declaration=version.declaration, text="Other words.")
    read = draft.fingerprint
    type(draft).objects.filter(pk=draft.pk).update(text="Words that nobody has read.")
    with pytest.raises(ValidationError, match="has changed since you read it"):
        versions.publish_version(by=None, version=draft, read=read)


def test_organisations_asked_for_the_earlier_version_are_asked_for_the_new_one(version):
    asked, waiting = invite("Asked"), invite("Waiting")
    type(asked.invitation).objects.filter(pk=asked.invitation.pk).update(state=InvitationState.SENT)
    by = UserFactory()
    second = VersionFactory(declaration=version.declaration, text="Other words.")
    versions.publish_version(by=by, version=second)
    assert Mail.objects.filter(kind=MailKind.INVITATION, invitation=asked.invitation).count() == 2
    assert Mail.objects.filter(kind=MailKind.INVITATION, invitation=waiting.invitation).count() == 1
    second.refresh_from_db()
    assert second.recorded_by == by


def test_a_link_passes_on_five_times_a_day_and_names_nobody_with_a_link(version):
    invited = invite()
    for number in range(5):
        passed_on(invited, f"chair{number}@body.example")
    with pytest.raises(ValidationError, match="too often"):
        passed_on(invited, "another@body.example")
    with pytest.raises(ValidationError, match="Remove the link"):
        signing.prepare_signature(secret=invited.secret, signatory=signatory(name="See www.evil.example"))


def test_a_name_that_looks_the_same_makes_no_second_body(version):
    invite("O'Moor - Trust")
    for name in ("O'Moor\u200b - Trust", "O'Moor - Tr\u00adust", "O'Moor  - TRUST", "O\u2019Moor \u2013 Trust"):
        with pytest.raises(AssertionError, match="invited already"):
            invite(name)


def test_the_key_signs_no_history_but_that_of_the_last_checkpoint(version):
    invite_and_sign()
    for frontier in (["00" * 32], []):
        head = Head.objects.get()
        head.frontier = frontier
        with pytest.raises(IntegrityError), transaction.atomic():
            head.save()
        with transaction.atomic():
            DatabaseTriggers(connection).remove()
            head.save()
            with pytest.raises(ImproperlyConfigured, match="does not match its last entry"):
                invite_and_sign("Another body", "post@another.example")
            transaction.set_rollback(True)
    assert Entry.objects.get().kind == EntryKind.SIGNED
