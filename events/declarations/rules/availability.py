"""Whether anybody can be invited or sign now, and the errors raised when they cannot."""

from datetime import date

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.models import DeclarationVersion, Head
from events.declarations.register import kept_outside, log
from partners.models import LegalNotice
from vru_portal.web.prepared_queries import prepared


class SigningClosed(Exception):  # noqa: N818 - reads as the condition it reports
    """Nobody can sign at the moment. The message is shown to the person who tried."""


class StaleText(Exception):  # noqa: N818
    """The text or the answers have changed since the person read them, so nothing was signed."""


def version_in_force() -> DeclarationVersion | None:
    return next(iter(versions_in_force(timezone.localdate())), None)


@prepared
def versions_in_force(day: date) -> QuerySet[DeclarationVersion]:
    return DeclarationVersion.objects.in_force(day).select_related("declaration", "source")[:1]


def signing_blockers(version: DeclarationVersion | None, head: Head | None = None) -> list[str]:
    """The reasons, for staff, why nobody can be invited, ask or sign; empty when signing is open.

    Inviting collects personal data too, so the legal notice must be complete before the first invitation, not only
    before the first signature. With the head's lock held, pass the head, which then keeps what was read of the
    register: `log.append_entry` needs the same.
    """
    reasons = []
    if version is None:
        reasons.append("No version is in force.")
    elif version.declaration.paused_because:
        reasons.append(f"Signing is paused: {version.declaration.paused_because}")
    if missing := LegalNotice.current().missing:
        reasons.append(f"The legal notice does not say: {', '.join(missing)}.")
    try:
        if head:
            log.read_end(head)
        else:
            log.current_key()
            kept_outside.require_no_rollback()
    except ImproperlyConfigured as error:
        reasons.append(str(error))
    return reasons


def require_signing_open(version: DeclarationVersion | None, head: Head | None = None) -> DeclarationVersion:
    """Return this version, or raise SigningClosed. Visitors are told only that it is paused, not what is wrong."""
    if version is None or signing_blockers(version, head):
        paused = version.declaration.paused_because if version else ""
        raise SigningClosed(paused or "Signing is not open.")
    return version


def require_inviting_open() -> DeclarationVersion:
    """Return the version in force, or raise ValidationError with every reason why nobody can be invited."""
    version = version_in_force()
    reasons = signing_blockers(version)
    if version is None or reasons:
        raise ValidationError(["Nobody can be invited yet.", *reasons])
    return version
