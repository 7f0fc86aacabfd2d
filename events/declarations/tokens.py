"""Links that are emailed. Only their hashes are stored, so nobody can use a link by reading the database."""

from datetime import datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.choices import OPEN_INVITATION_STATES, SIGNING_PURPOSES, SigningLinkPurpose
from events.declarations.models import Invitation, Preparation, Token
from partners.models import LegalNotice
from vru_portal.links.secrets import mailbox_hash, new_secret, secret_hash
from vru_portal.web.prepared_queries import prepared

RECEIPT_DAYS = 3650  # at most: a receipt's link ends when the personal data behind it is erased
WITHDRAW_DAYS = 7


def issue_secret(*, invitation: Invitation, purpose: SigningLinkPurpose, to: str = "") -> str:
    """Create a link and return its secret, which is stored nowhere.

    ``to`` is the mailbox that the link is sent to: if the invitation is passed on to somebody else, it stops working.
    """
    secret = new_secret()
    Token.objects.create(
        invitation=invitation,
        purpose=purpose,
        sha256=secret_hash(secret),
        mailbox=mailbox_hash(to),
        expires_at=signing_link_expiry(invitation, purpose),
    )
    return secret


def signing_link_expiry(invitation: Invitation, purpose: SigningLinkPurpose) -> datetime:
    if purpose == SigningLinkPurpose.RECEIPT:
        retention = LegalNotice.current().retention_days or RECEIPT_DAYS
        began = invitation.entry.recorded_at if invitation.entry else timezone.now()
        return began + timedelta(days=min(retention, RECEIPT_DAYS))
    if purpose == SigningLinkPurpose.WITHDRAW:
        return timezone.now() + timedelta(days=WITHDRAW_DAYS)
    return timezone.make_aware(datetime.combine(invitation.closes_on, time.max))


def find_usable_token(secret: str, *purposes: SigningLinkPurpose) -> Token | None:
    """The token of a link that can be used now; None for any other, whatever is wrong with it.

    All are looked up by the same query, so that neither the answer nor its timing tells why a link does not work.
    """
    usable = usable_tokens(secret_hash(secret), timezone.now())
    token = next((token for token in usable if token.purpose in purposes), None)
    if token and token.purpose in SIGNING_PURPOSES and token.invitation.state not in OPEN_INVITATION_STATES:
        return None
    if token and token.purpose == SigningLinkPurpose.CONFIRM:
        preparation = Preparation.objects.filter(invitation=token.invitation).first()
        return token if was_sent_to_signatory(token, preparation) else None
    return token


@prepared
def usable_tokens(sha256: str, now: datetime) -> QuerySet[Token]:
    rows = Token.objects.filter(sha256=sha256, burnt_at=None, expires_at__gt=now)
    return rows.select_related("invitation__body", "invitation__version")


def was_sent_to_signatory(token: Token, preparation: Preparation | None) -> bool:
    """Whether a link to confirm went to the mailbox of the person who is to confirm now."""
    if preparation is None or preparation.passed_on_at is None:
        return False
    return token.mailbox == mailbox_hash(preparation.email)
