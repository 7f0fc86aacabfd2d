"""Whether anything can be signed, and what stops somebody who tries."""

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils import timezone

from events.declarations.models import (
    DeclarationVersion,
)
from events.declarations.register import log, witness
from partners.models import LegalNotice


class InvalidLink(Exception):  # noqa: N818 - what it is, not what went wrong
    """A link that opens nothing: unknown, damaged, used, revoked or expired. Which of these is told to nobody."""


class SigningClosed(Exception):  # noqa: N818
    """Nobody can sign at the moment: the reason is for the person who tried."""


class StaleText(Exception):  # noqa: N818
    """What somebody read, or checked, is not what would be signed now: nothing is signed."""


def in_force() -> DeclarationVersion | None:
    """Return the wording in force, if there is one."""
    return DeclarationVersion.objects.in_force(timezone.localdate()).select_related("declaration", "source").first()


def why_closed(version: DeclarationVersion | None) -> list[str]:
    """Return why nobody can be invited, ask or sign; for staff. Empty: signing is open.

    From the first invitation on, personal data is taken: what the law wants said of it must be said before.
    """
    reasons = []
    if version is None:
        reasons.append("No wording is in force.")
    elif version.declaration.paused_because:
        reasons.append(f"Signing is paused: {version.declaration.paused_because}")
    if missing := LegalNotice.current().missing:
        reasons.append(f"The legal notice does not say: {', '.join(missing)}.")
    try:
        log.current_key()
        witness.require_no_rollback()
    except ImproperlyConfigured as error:
        reasons.append(str(error))
    return reasons


def require_open(version: DeclarationVersion | None) -> DeclarationVersion:
    """Return the wording in force; raises SigningClosed where nobody can sign."""
    if version is None or why_closed(version):
        paused = version.declaration.paused_because if version else ""
        raise SigningClosed(paused or "Signing is not open.")
    return version


def require_inviting() -> DeclarationVersion:
    """Return the wording in force; raises ValidationError, with every reason, where nobody can be invited."""
    version = in_force()
    if version is None or (reasons := why_closed(version)):
        raise ValidationError(["Nobody can be invited yet.", *(why_closed(version) if version is None else reasons)])
    return version
