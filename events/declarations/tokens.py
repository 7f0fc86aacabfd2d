"""Links that are mailed. The portal keeps only their hashes: whoever reads the database can use none of them."""

import hashlib
import secrets
from datetime import datetime, time, timedelta

from django.utils import timezone

from events.declarations.choices import OPEN, SIGNING, Purpose
from events.declarations.models import Invitation, Preparation, Token
from partners.models import LegalNotice

RECEIPT_DAYS = 3650  # at most: it ends when personal data is erased
WITHDRAW_DAYS = 7
LONGEST = 100  # characters: what is longer is no link of ours


def mint(*, invitation: Invitation, purpose: Purpose, to: str = "") -> str:
    """Return a new link's secret, and keep its hash; and that of the mailbox which alone may confirm by it."""
    secret = secrets.token_urlsafe(32)
    Token.objects.create(
        invitation=invitation,
        purpose=purpose,
        sha256=hashed(secret),
        mailbox=hashed(to.casefold()) if to else "",
        expires_at=expiry(invitation, purpose),
    )
    return secret


def hashed(secret: str) -> str:
    """Return what is kept of a link's secret; text that is no Unicode has a hash too, which nothing matches."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def expiry(invitation: Invitation, purpose: Purpose) -> datetime:
    """Return until when a link of this purpose can be used."""
    if purpose == Purpose.RECEIPT:
        kept = LegalNotice.current().retention_days or RECEIPT_DAYS
        began = invitation.entry.recorded_at if invitation.entry else timezone.now()
        return began + timedelta(days=min(kept, RECEIPT_DAYS))
    if purpose == Purpose.WITHDRAW:
        return timezone.now() + timedelta(days=WITHDRAW_DAYS)
    return timezone.make_aware(datetime.combine(invitation.closes_on, time.max))


def find(secret: str, *purposes: Purpose) -> Token | None:
    """Return the token of a link that can be used now; None for every other, whatever is wrong with it.

    Each is looked for in the same way, so that nothing but the answer tells them apart.
    """
    rows = Token.objects.filter(sha256=hashed(secret[:LONGEST]), purpose__in=purposes, burnt_at=None)
    token = rows.filter(expires_at__gt=timezone.now()).select_related("invitation__body", "invitation__version").first()
    if token and token.purpose in SIGNING and token.invitation.state not in OPEN:
        return None
    if token and token.purpose == Purpose.CONFIRM:
        preparation = Preparation.objects.filter(invitation=token.invitation).first()
        return token if is_for(token, preparation) else None
    return token


def is_for(token: Token, preparation: Preparation | None) -> bool:
    """Return whether a link to confirm went to the mailbox of who is to confirm now."""
    return bool(preparation and preparation.passed_on_at and token.mailbox == hashed(preparation.email.casefold()))
