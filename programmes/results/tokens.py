"""Links to returns that are emailed. Only their hashes are stored."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from programmes.results.choices import LinkPurpose
from programmes.results.models import ReturnDraft, Token
from vru_portal.links.secrets import mailbox_hash, new_secret, secret_hash

LINK_LIFE_AFTER_CLOSING = timedelta(days=365)


def issue_secret(*, draft: ReturnDraft, purpose: LinkPurpose, to: str = "") -> str:
    """Create a link and return its secret, which is stored nowhere."""
    secret = new_secret()
    Token.objects.create(
        draft=draft,
        purpose=purpose,
        sha256=secret_hash(secret),
        mailbox=mailbox_hash(to) if purpose == LinkPurpose.CONFIRM else "",
        expires_at=link_expiry(draft),
    )
    return secret


def link_expiry(draft: ReturnDraft) -> datetime:
    """A link opens a page for as long as there is something to say: until a year after the return has closed.

    Nothing can be changed with it from the day on which the return closes.
    """
    return timezone.make_aware(datetime.combine(draft.asked.closes_on + LINK_LIFE_AFTER_CLOSING, time.max))


def find_usable_token(secret: str) -> Token | None:
    """The token of a link that opens a page now; None for any other, whatever is wrong with it."""
    rows = Token.objects.filter(sha256=secret_hash(secret), burnt_at=None, expires_at__gt=timezone.now())
    token = rows.select_related("draft__asked__initiative", "draft__asked__organisation").first()
    if token and token.purpose == LinkPurpose.CONFIRM and token.mailbox != mailbox_hash(token.draft.confirm_email):
        return None  # it was taken back, or passed on to somebody else
    return token
