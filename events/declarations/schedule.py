"""Timed jobs of declarations: lost mail, reminders, expired invitations, and personal data kept for long enough.

`vru_portal.operations.schedule` runs them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.choices import ENDED_INVITATION_STATES, InvitationState
from events.declarations.models import Entry, Invitation, Mail, PaperSignature, SigningRequest
from events.declarations.register import kept_outside
from events.declarations.rules import availability, erasure, invitations, versions
from events.declarations.tasks import deliver
from partners.models import LegalNotice
from vru_portal.links import delivery
from vru_portal.links.models import Delivery


def delete_stuck_tasks() -> int:
    return delivery.delete_stuck_tasks(deliver)


def requeue_lost_mails() -> int:
    return delivery.requeue_lost(Mail.objects.all(), deliver)


def expire_invitations() -> int:
    """Close the invitations whose last day is over."""
    past = list(Invitation.objects.overdue(timezone.localdate()))
    for invitation in past:
        invitations.expire_invitation(invitation=invitation)
    return len(past)


def invite_previous_signatories() -> int:
    """Invite those who signed an earlier version to sign the one in force.

    Publishing a version does this at once; this job catches up where signing was closed at that moment.
    """
    version = availability.version_in_force()
    if version is None or availability.signing_blockers(version):
        return 0
    return versions.invite_previous_signatories(by=None, version=version)


def queue_reminders() -> int:
    """Queue the reminders that are due; none while signing is closed."""
    version = availability.version_in_force()
    if version is None or availability.signing_blockers(version):
        return 0
    due = list(Invitation.objects.to_remind(timezone.localdate()))
    return sum(invitations.remind_invitation(invitation=invitation) is not None for invitation in due)


def erase_expired_personal_data() -> int:
    """Erase the personal data that has been kept for as long as the legal notice states.

    Raises ImproperlyConfigured where nothing can be appended to the register. Signed entries come last for that reason:
    everything else is erased by then, and they are as soon as the register is repaired.
    """
    turned_down = SigningRequest.objects.filter(answered_at__isnull=False, invitation=None)
    told = turned_down.exclude(mails__delivery=Delivery.WAITING)
    erased = apply_to_each(told, erasure.delete_signing_request)
    retention_days = LegalNotice.current().retention_days
    if not retention_days:  # the unit has not stated how long it keeps personal data
        return erased
    limit = timezone.now() - timedelta(days=retention_days)
    unsigned = [state for state in ENDED_INVITATION_STATES if state != InvitationState.WITHDRAWN]
    expired = Invitation.objects.filter(state__in=unsigned, closes_on__lt=timezone.localdate(limit)).exclude(email="")
    erased += apply_to_each(expired, erasure.forget_invitation)
    erased += apply_to_each(SigningRequest.objects.filter(asked_at__lt=limit), erasure.delete_signing_request)
    papers = PaperSignature.objects.filter(entry=None, recorded_at__lt=limit).exclude(scan="", signatory_name="")
    erased += apply_to_each(papers, erasure.forget_paper_signature)
    signed = Entry.objects.signatures().filter(recorded_at__lt=limit, personal__erased_at=None, personal__isnull=False)
    return erased + apply_to_each(
        signed.select_related("body__sector", "version__declaration"),
        lambda row: erasure.erase_personal_data(entry=row),
    )


def apply_to_each(rows: QuerySet[Any], rule: Callable[[Any], object]) -> int:
    """Apply a rule to each row, in one transaction per row: it opens its own. Returns how many."""
    due = list(rows)  # all of them first: the rule changes what the query would find
    for row in due:
        rule(row)
    return len(due)


JOBS: tuple[tuple[Callable[[], int | None], str], ...] = (
    (delete_stuck_tasks, "stuck mail tasks deleted"),
    (requeue_lost_mails, "emails queued again"),
    (expire_invitations, "invitations closed after their last day"),
    (invite_previous_signatories, "organisations invited to sign the new version"),
    (queue_reminders, "reminders queued"),
    (erase_expired_personal_data, "records whose personal data was erased"),
    # Last, so that it covers the entries which the jobs above have appended.
    (kept_outside.keep_newest_checkpoint, ""),
)
