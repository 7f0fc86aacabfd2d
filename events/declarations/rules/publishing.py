"""Putting a wording in force."""

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
from events.declarations.rules.inviting import create_invitations, send_all
from events.declarations.rules.opening import require_inviting, why_closed


@transaction.atomic
def publish(*, by: Any, version: DeclarationVersion, read: str = "") -> int:
    """Put a wording in force: frozen from now on. Returns how many bodies are invited to it anew.

    Invitations that wait are for the new wording from now on; whoever has signed an earlier one is invited again, or as
    soon as signing is open (`chores`); who was asked for the wording before is told of this one. ``read`` is the
    fingerprint of the text that was read, where somebody has read it. Raises ValidationError.
    """
    try:
        log.lock()  # nobody signs meanwhile
    except ImproperlyConfigured as error:
        raise ValidationError(str(error)) from error
    version.refresh_from_db()
    if version.in_force_from:
        raise ValidationError("This wording is in force already.")
    if read and read != version.fingerprint:
        raise ValidationError("The text was changed since you read it. Read it again.")
    if not version.text.strip():
        raise ValidationError("A wording without words cannot be put in force.")
    earlier = version.declaration.versions.exclude(in_force_from=None)
    if newer := earlier.filter(number__gte=version.number).first():
        raise ValidationError(f"Version {newer.number} was in force before: give the new wording a higher number.")
    if earlier.filter(sha256=version.fingerprint).exists():
        raise ValidationError("These are, to the letter, the words of an earlier version. Change them, or leave it.")
    version.sha256, version.in_force_from, version.recorded_by = version.fingerprint, timezone.localdate(), by
    version.save()
    waiting = Invitation.objects.open().filter(version__declaration=version.declaration)
    told = list(waiting.exclude(state=InvitationState.QUEUED))
    waiting.update(version=version)
    if why_closed(version):
        return 0
    send_all(MailKind.INVITATION, told)
    return invite_again(by=by, version=version)


@transaction.atomic
def invite_again(*, by: Any, version: DeclarationVersion) -> int:
    """Invite whoever has signed an earlier wording, and was not asked for this one, at the mailbox that signed."""
    log.lock()
    if require_inviting() != version:
        raise ValidationError("Another wording is in force.")
    invited = Invitation.objects.filter(version=version).values("body")
    fresh = [
        Invitation(body=signature.body, version=version, email=email, state=InvitationState.QUEUED, invited_by=by)
        for signature in standing_before(version).exclude(body__in=invited)
        if (email := mailbox(signature))
    ]
    create_invitations(fresh)
    return len(fresh)


def standing_before(version: DeclarationVersion) -> QuerySet[LiveSignature]:
    """Return the signatures that stand for other wordings of the same declaration."""
    standing = LiveSignature.objects.filter(version__declaration=version.declaration).exclude(version=version)
    return standing.select_related("body", "entry__personal")


def mailbox(signature: LiveSignature) -> str:
    """Return the mailbox that signed; nothing for a signature on paper, and where it was erased."""
    personal = getattr(signature.entry, "personal", None)
    return personal.values.get("email", "") if personal else ""


@dataclass(frozen=True)
class Consequences:
    """What putting a wording in force would do."""

    moved: int  # open invitations that are for this wording then
    again: int  # bodies that have signed before and are invited again
    unreachable: int  # those of them without a mailbox that is known
    closed: list[str]  # why nobody would be invited


def consequences(version: DeclarationVersion) -> Consequences:
    """Return what putting a wording in force would do now."""
    waiting = Invitation.objects.open().filter(version__declaration=version.declaration)
    standing = standing_before(version).exclude(body__in=waiting.values("body"))
    reachable = [bool(mailbox(signature)) for signature in standing]
    closed = why_closed(version)
    return Consequences(
        moved=waiting.count(),
        again=0 if closed else sum(reachable),
        unreachable=0 if closed else len(reachable) - sum(reachable),
        closed=closed,
    )
