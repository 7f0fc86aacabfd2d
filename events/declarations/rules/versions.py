"""Putting a version in force."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.choices import InvitationState, MailKind
from events.declarations.models import (
    DeclarationVersion,
    Invitation,
    LiveSignature,
)
from events.declarations.register import log
from events.declarations.rules.availability import require_inviting_open, signing_blockers
from events.declarations.rules.invitations import create_invitations
from events.declarations.rules.mail_queue import queue_mails
from vru_portal.text.dates import format_date
from vru_portal.text.fonts import validate_drawable


@transaction.atomic
def publish_version(*, by: Any, version: DeclarationVersion, read: str = "") -> int:
    """Put a version in force; it can never be changed again. Returns how many organisations are invited again.

    - Open invitations become invitations to this version, and anyone who already had one is emailed again.
    - Those who signed an earlier version are invited again: now, or by the scheduled job once signing is open.

    ``read`` is the fingerprint of the text that a member of staff has read and approved. Raises ValidationError.
    """
    try:
        log.lock_head()  # so that nobody signs meanwhile
    except ImproperlyConfigured as error:
        raise ValidationError(str(error)) from error
    version.refresh_from_db()
    if version.in_force_from:
        raise ValidationError("This version is already in force.")
    if read and read != version.fingerprint:
        raise ValidationError("The text has changed since you read it. Read it again.")
    if not version.text.strip():
        raise ValidationError("Enter the text before you put it in force.")
    validate_drawable(version.text)
    earlier = version.declaration.versions.exclude(in_force_from=None)
    if newer := earlier.filter(number__gte=version.number).first():
        raise ValidationError(f"Version {newer.number} has been in force. Give the new version a higher number.")
    if earlier.filter(sha256=version.fingerprint).exists():
        raise ValidationError("An earlier version has exactly this text. Change it before you put it in force.")
    today = timezone.localdate()
    for later in earlier.filter(in_force_from__gt=today)[:1]:  # a clock can be set back
        raise ValidationError(
            f"The clock of this portal says that today is {format_date(today)}, but version {later.number} is in force "
            f"from {format_date(later.in_force_from or today)}. Ask the person who runs the portal to set the clock."
        )
    version.sha256, version.in_force_from, version.recorded_by = version.fingerprint, today, by
    version.save()
    open_invitations = Invitation.objects.open().filter(version__declaration=version.declaration)
    already_sent = list(open_invitations.exclude(state=InvitationState.QUEUED))  # the queued ones are still to be sent
    open_invitations.update(version=version)
    if signing_blockers(version):
        return 0
    queue_mails(MailKind.INVITATION, already_sent)
    return invite_previous_signatories(by=by, version=version)


@transaction.atomic
def invite_previous_signatories(*, by: Any, version: DeclarationVersion) -> int:
    """Invite those who signed an earlier version and were not invited to this one, at the mailbox that signed."""
    log.lock_head()
    if require_inviting_open() != version:
        raise ValidationError("Another version is now in force.")
    invited = Invitation.objects.filter(version=version).values("body")
    new = [
        Invitation(body=signature.body, version=version, email=email, state=InvitationState.QUEUED, invited_by=by)
        for signature in signatures_of_other_versions(version).exclude(body__in=invited)
        if (email := signatory_mailbox(signature))
    ]
    create_invitations(new)
    return len(new)


def signatures_of_other_versions(version: DeclarationVersion) -> QuerySet[LiveSignature]:
    """The signatures in force for other versions of the same declaration."""
    standing = LiveSignature.objects.filter(version__declaration=version.declaration).exclude(version=version)
    return standing.select_related("body", "entry__personal")


def signatory_mailbox(signature: LiveSignature) -> str:
    """The email address that signed; empty for a signature on paper, or if it was erased."""
    personal = getattr(signature.entry, "personal", None)
    return personal.values.get("email", "") if personal else ""


@dataclass(frozen=True)
class PublishingConsequences:
    """What would happen if a version were put in force now."""

    moved: int  # open invitations that would become invitations to this version
    again: int  # organisations that signed an earlier version and would be invited again
    unreachable: int  # organisations that signed but whose email address is unknown
    closed: list[str]  # why nobody would be invited, if so


def publishing_consequences(version: DeclarationVersion) -> PublishingConsequences:
    open_invitations = Invitation.objects.open().filter(version__declaration=version.declaration)
    signatures = signatures_of_other_versions(version).exclude(body__in=open_invitations.values("body"))
    reachable = [bool(signatory_mailbox(signature)) for signature in signatures]
    closed = signing_blockers(version)
    return PublishingConsequences(
        moved=open_invitations.count(),
        again=0 if closed else sum(reachable),
        unreachable=0 if closed else len(reachable) - sum(reachable),
        closed=closed,
    )
