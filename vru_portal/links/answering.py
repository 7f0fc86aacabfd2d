"""Answering what an emailed link asks for: which links open it, why it may be closed, and two people who type at once.

Each app has rules of its own about what an answer is; these are the same for all.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from vru_portal.links.choices import LinkPurpose
from vru_portal.links.models import LinkDraft
from vru_portal.links.secrets import mailbox_hash, new_secret, secret_hash
from vru_portal.text.characters import remove_forbidden
from vru_portal.text.cleaning import with_plain_breaks

LINK_LIFE_AFTER_CLOSING = timedelta(days=365)
MAX_TYPED = 2000  # characters of one answer
TOO_LONG = f"Shorten this to {MAX_TYPED:,} characters."


class InvalidLink(Exception):  # noqa: N818 - reads as the condition it reports
    """A link that does not work: unknown, damaged, used, taken back or expired. The page does not say which."""


class NotOpen(Exception):  # noqa: N818
    """The answers cannot be changed now, for a reason that the page gives."""

    def __init__(self, reason: str, token: Any) -> None:
        super().__init__(reason)
        self.reason, self.token = reason, token


class ChangedMeanwhile(Exception):  # noqa: N818
    """Somebody else has changed the same answers since the form was opened; ``saved`` is what they have entered."""

    def __init__(self, saved: Mapping[str, str]) -> None:
        super().__init__()
        self.saved = saved


def issue_secret(*, draft: LinkDraft, purpose: LinkPurpose, to: str = "") -> str:
    """Create a link and return its secret, which is stored nowhere."""
    secret = new_secret()
    draft.tokens.create(
        purpose=purpose,
        sha256=secret_hash(secret),
        mailbox=mailbox_hash(to) if purpose == LinkPurpose.CONFIRM else "",
        expires_at=answering_link_expiry(draft.closes_on),
    )
    return secret


def answering_link_expiry(closes_on: date) -> datetime:
    """A link opens a page for as long as there is something to say: until a year after its request has closed.

    Nothing can be changed with it from the day after the last one on which the request is open.
    """
    return timezone.make_aware(datetime.combine(closes_on + LINK_LIFE_AFTER_CLOSING, time.max))


def find_token(tokens: QuerySet[Any], secret: str) -> Any | None:
    """The token of a link that opens a page now; None for any other, whatever is wrong with it."""
    token = tokens.filter(sha256=secret_hash(secret), burnt_at=None, expires_at__gt=timezone.now()).first()
    return token if token and is_theirs(token) else None


def is_theirs(token: Any) -> bool:
    """Whether a link belongs to the person who is to answer now: answers can be taken back, or passed on."""
    return token.purpose != LinkPurpose.CONFIRM or bool(token.mailbox == mailbox_hash(token.draft.confirm_email))


def kept(typed: Mapping[str, str]) -> dict[str, str]:
    """Typed texts as they are stored: without characters that a database refuses, and no longer than a person types.

    A text that is too long is cut to one character too many, so that `is_too_long` still tells that it cannot be sent.
    """
    return {name: remove_forbidden(with_plain_breaks(text))[: MAX_TYPED + 1] for name, text in typed.items()}


def is_too_long(text: str) -> bool:
    return len(text) > MAX_TYPED


def require_unchanged(*, saved: Mapping[str, str], before: Mapping[str, str], typed: Mapping[str, str]) -> None:
    """Raise ChangedMeanwhile if somebody else has changed one of these answers, and to something else.

    ``before`` is what the form showed when it was opened.
    """
    texts = {name: with_plain_breaks(str(saved.get(name, ""))) for name in typed}
    if any(
        texts[name] not in (with_plain_breaks(before.get(name, "")), with_plain_breaks(text))
        for name, text in typed.items()
    ):
        raise ChangedMeanwhile(texts)
