"""Requests to sign, from organisations that were not invited: recorded from the public form, answered by staff."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations.models import Invitation, SigningRequest
from events.declarations.register import log
from events.declarations.rules.availability import require_inviting_open, require_signing_open, version_in_force
from events.declarations.rules.invitations import invite
from events.declarations.rules.mail_queue import queue_refusal
from partners.models import Sector
from vru_portal.text.cleaning import fold


@transaction.atomic
def record_request(
    *, name: str, contact_name: str, email: str, sector: Sector | None = None, message: str = ""
) -> None:
    """Record that an organisation asks to sign. Asking twice before an answer makes one request."""
    require_signing_open(version_in_force())
    waiting = SigningRequest.objects.filter(answered_at=None).values_list("name", "email")
    if (fold(name), fold(email)) in {(fold(other), fold(address)) for other, address in waiting}:
        return
    request = SigningRequest(name=name, contact_name=contact_name, email=email, sector=sector, message=message)
    request.full_clean()
    request.save()


@transaction.atomic
def approve_request(*, by: Any, request: SigningRequest) -> Invitation:
    """Invite the organisation that asked, like any other."""
    require_inviting_open()
    log.lock_head()  # before the request, in the order in which signing locks: no two can wait for each other
    locked = lock_unanswered(request)
    invitation = invite(
        by=by,
        organisation=locked.name,
        email=locked.email,
        contact_name=locked.contact_name,
        sector=locked.sector,
        again=True,
    )
    if invitation is None:
        raise ValidationError(
            f"{locked.name} has already been invited. Send that invitation again, or turn down this request."
        )
    locked.answered_at, locked.invitation = timezone.now(), invitation
    locked.save()
    return invitation


@transaction.atomic
def turn_down_request(*, by: Any, request: SigningRequest) -> None:
    """Answer a request by email, without inviting. Once that is sent, the scheduled job deletes the personal data."""
    locked = lock_unanswered(request)
    locked.answered_at = timezone.now()
    locked.save()
    queue_refusal(locked)


def lock_unanswered(request: SigningRequest) -> SigningRequest:
    """Lock a request's row; raises ValidationError if it has been answered."""
    locked = SigningRequest.objects.select_for_update().get(pk=request.pk)
    if locked.answered_at:
        raise ValidationError("This request has already been answered.")
    return locked
