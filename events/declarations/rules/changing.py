"""After signing: withdrawing, correcting, hiding a name. Each is an entry; none is taken away."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    InvitationState,
    Kind,
    MailKind,
    Purpose,
    Reason,
)
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    PersonalRecord,
    SignatoryBody,
)
from events.declarations.register import log
from events.declarations.rules.inviting import send
from events.declarations.rules.opening import InvalidLink
from partners.models import Sector


@transaction.atomic
def ask_to_withdraw(*, secret: str) -> None:
    """Send the link that withdraws a signature to the mailbox that signed, and nowhere else.

    ``secret`` is that of a receipt: whoever was forwarded it can ask, and gets nothing. At most one mail in a
    quarter of an hour. Raises InvalidLink.
    """
    token = tokens.find(secret, Purpose.RECEIPT)
    if token is None or token.invitation.entry is None:
        raise InvalidLink
    entry = token.invitation.entry
    personal = PersonalRecord.objects.filter(entry=entry, erased_at=None).first()
    lately = timezone.now() - timedelta(minutes=15)
    waiting = token.invitation.mails.filter(kind=MailKind.WITHDRAW, created_at__gt=lately)
    if personal and LiveSignature.objects.filter(entry=entry).exists() and not waiting.exists():
        send(MailKind.WITHDRAW, token.invitation, to=personal.values["email"])


@transaction.atomic
def withdraw(*, secret: str) -> Entry:
    """Withdraw a signature: an entry, never a deletion. Sent twice, it is one entry. Raises InvalidLink."""
    log.lock()
    token = tokens.find(secret, Purpose.WITHDRAW)
    if token is None or token.invitation.entry is None:
        raise InvalidLink
    return end_signature(entry=token.invitation.entry)


def end_signature(*, entry: Entry) -> Entry:
    """Append the withdrawal of a signature, or return the entry that ended it before."""
    live = LiveSignature.objects.filter(entry=entry).first()
    if live is None:
        return entry.followed_by.filter(kind__in=[Kind.WITHDRAWN, Kind.SUPERSEDED]).latest("seq")
    withdrawn = log.append(kind=Kind.WITHDRAWN, body=entry.body, version=entry.version, of=entry)
    live.delete()
    Invitation.objects.filter(entry=entry).update(state=InvitationState.WITHDRAWN)
    return withdrawn


@transaction.atomic
def hide_name(*, secret: str) -> None:
    """Take back, by an entry, that the public sees who signed. Raises InvalidLink for all but a receipt's link.

    Nobody is named by it: a receipt is forwarded, and whoever has it may hide a name but not publish one.
    """
    log.lock()
    token = tokens.find(secret, Purpose.RECEIPT)
    entry = Entry.objects.with_status().with_names().filter(invitation=token.invitation).first() if token else None
    if entry is None or not entry.is_live:
        raise InvalidLink
    if entry.name_is_public:
        stated = {"name_is_public": False, "reason": str(Reason.CONSENT)}
        log.append(kind=Kind.CORRECTED, body=entry.body, version=entry.version, of=entry, stated=stated)


@transaction.atomic
def correct(*, by: Any, entry: Entry, name: str, sector: Sector | None, reason: Reason) -> Entry:
    """Correct what the register shows of a body, by an entry that everybody sees; the one before stays."""
    log.lock()
    body = SignatoryBody.objects.select_for_update().get(pk=entry.body_id)
    if entry.kind != Kind.SIGNED:
        raise ValidationError("Correct the signature that this entry follows.")
    if (body.name, body.sector) == (name.strip(), sector):
        raise ValidationError("Nothing is different.")
    if reason == Reason.CONSENT:
        raise ValidationError("Only the signatory decides whether their name is shown, when signing.")
    body.name, body.sector = name.strip(), sector
    body.full_clean()
    body.save()
    return log.append(
        kind=Kind.CORRECTED, body=body, version=entry.version, of=entry, stated={"reason": str(Reason(reason))}
    )
