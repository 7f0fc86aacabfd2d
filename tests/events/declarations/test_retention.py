from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from events.declarations import schedule, tasks
from events.declarations.choices import EntryKind, InvitationState, SigningLinkPurpose
from events.declarations.models import Entry, Invitation, LiveSignature, Mail, PaperSignature, SigningRequest
from events.declarations.register import audit, log
from events.declarations.rules import corrections, invitations, requests
from partners.models import LegalNotice
from tests.support.factories import LevelFactory, UnitFactory
from tests.support.personal import (
    CANARIES,
    canaries_left,
    make_declined_invitation,
    make_paper_signature,
    make_prepared_invitation,
    make_request,
    make_signed_entry,
)
from tests.support.signing import NOTICE, new_link, open_signing
from vru_portal.links.models import Delivery
from vru_portal.operations import schedule as portal_schedule

pytestmark = pytest.mark.django_db

KEPT = 2190  # days, as NOTICE states them
OPEN_FOR = 90


@pytest.fixture(autouse=True)
def opened(time_machine):
    time_machine.move_to("2031-05-06T10:00:00Z")
    UnitFactory()
    LevelFactory()
    assert NOTICE["retention_days"] == KEPT
    return open_signing()


@pytest.fixture
def later(time_machine, django_capture_on_commit_callbacks):
    """Let days pass, run the timed jobs, and return whose data is left."""

    def _later(days: int, *names: str) -> set[str]:
        time_machine.move_to(timezone.now() + timedelta(days=days))
        with django_capture_on_commit_callbacks(execute=True):
            list(portal_schedule.run_all())
        assert list(audit.find_faults()) == []
        return canaries_left(*names)

    return _later


def test_a_signature_is_erased_after_its_days_and_not_before(later):
    entry = make_signed_entry()
    mine = canaries_left()
    assert {"name", "role", "email", "assistant", "mailbox", "contact", "message"} <= mine
    assert later(KEPT - 1) == mine
    assert later(2) == set()
    assert [kept.kind for kept in Entry.objects.order_by("seq")] == [EntryKind.SIGNED, EntryKind.ERASED]
    assert LiveSignature.objects.get().entry == entry  # the promise remains: only the name is gone
    assert later(1) == set()
    assert Entry.objects.count() == 2


def test_a_withdrawn_signature_is_erased_too(later):
    entry = make_signed_entry()
    corrections.withdraw_signature(secret=new_link(entry.invitation, SigningLinkPurpose.WITHDRAW))
    assert "name" in later(KEPT - 1)
    assert later(2) == set()


def test_who_never_signed_is_forgotten_after_the_invitations_last_day(later):
    invitation = make_prepared_invitation()
    closes_in = (invitation.closes_on - timezone.localdate()).days
    mine = canaries_left()
    assert "name" in mine
    assert later(closes_in) == mine
    Invitation.objects.get(state=InvitationState.SENT if invitation.sent_at else InvitationState.STARTED)
    assert later(1) == mine
    assert Invitation.objects.get().state == InvitationState.EXPIRED
    SigningRequest.objects.update(asked_at=timezone.now())  # which has days of its own
    assert later(KEPT - 1) == mine
    assert later(2) == set()
    assert Entry.objects.count() == 0


def test_who_declined_and_who_was_revoked_is_forgotten(later):
    make_declined_invitation()
    invitations.revoke_invitation(by=None, invitation=make_prepared_invitation())
    SigningRequest.objects.update(asked_at=timezone.now() + timedelta(days=OPEN_FOR))
    assert {"reason", "name"} <= later(KEPT + OPEN_FOR)
    assert later(1) == set()


def test_an_invitation_that_can_still_be_used_is_kept_however_old_it_is(later):
    invitation = make_prepared_invitation()
    Invitation.objects.update(closes_on=timezone.localdate() + timedelta(days=2 * KEPT))
    assert {"name", "email", "mailbox", "contact"} <= later(KEPT + 5)
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.STARTED


def send_waiting_mails():
    for mail in Mail.objects.filter(delivery=Delivery.WAITING):
        tasks.deliver.call(mail.pk)


def test_a_request_goes_when_its_days_are_over_or_it_is_turned_down(later):
    make_request()
    assert later(KEPT - 1) == {"mailbox", "contact", "message"}
    assert later(2) == set()
    requests.turn_down_request(by=None, request=make_request())
    assert later(0) == {"mailbox", "contact", "message"}  # they have not been told yet
    send_waiting_mails()
    assert later(0) == set()
    requests.approve_request(by=None, request=make_request())
    assert later(0) == {"mailbox", "contact", "message"}


def test_a_request_that_was_turned_down_goes_though_no_days_are_stated(later):
    requests.turn_down_request(by=None, request=make_request())
    LegalNotice.objects.update(retention_days=None)
    send_waiting_mails()
    assert later(0) == set()


def test_nothing_else_is_dropped_while_no_days_are_stated(later):
    make_signed_entry()
    mine = canaries_left()
    LegalNotice.objects.update(retention_days=None)
    assert later(50 * 365) == mine


def test_a_paper_that_nobody_confirmed_goes_with_its_scan(later):
    paper = make_paper_signature(confirmed=False)
    assert later(KEPT - 1) == {"paper name", "paper role", "reference", "scan"}
    assert later(2) == set()
    assert PaperSignature.objects.get(pk=paper.pk).scan.name == ""
    assert list(paper.scan.storage.listdir("")[1]) == []


def test_a_paper_that_was_confirmed_goes_with_its_entry(later):
    make_paper_signature()
    assert later(KEPT - 1) == {"paper name", "paper role", "reference", "scan"}
    assert later(2) == set()
    assert Entry.objects.filter(kind=EntryKind.ERASED).count() == 1


def test_a_lost_key_keeps_signatures_but_nothing_else(time_machine):
    entry, _ = make_signed_entry(), make_declined_invitation()
    log.key_path(log.current_key().vkey).unlink()
    time_machine.move_to(timezone.now() + timedelta(days=KEPT + OPEN_FOR + 1))
    with pytest.raises(ImproperlyConfigured, match="key is missing"):
        schedule.erase_expired_personal_data()
    assert "reason" not in canaries_left()
    assert entry.personal.values["name"] == CANARIES["name"]
    assert "name" in canaries_left()
