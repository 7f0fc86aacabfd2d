"""After signing: withdrawing, correcting, hiding a name. Each appends an entry; no entry is ever removed."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    CorrectionReason,
    EntryKind,
    InvitationState,
    MailKind,
    SigningLinkPurpose,
)
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    PersonalRecord,
    SignatoryBody,
)
from events.declarations.register import log
from events.declarations.rules.mail_queue import queue_mail
from partners.models import Sector
from vru_portal.links.answering import InvalidLink


@transaction.atomic
def send_withdrawal_link(*, secret: str) -> None:
    """Email the link that withdraws a signature to the mailbox that signed, and nowhere else.

    ``secret`` is that of a receipt's link. Receipts are forwarded, so anyone with one can ask, but only the signatory
    gets the email; at most one every fifteen minutes. Raises InvalidLink.
    """
    token = tokens.find_usable_token(secret, SigningLinkPurpose.RECEIPT)
    if token is None or token.invitation.entry is None:
        raise InvalidLink
    entry = token.invitation.entry
    personal = PersonalRecord.objects.filter(entry=entry, erased_at=None).first()
    since = timezone.now() - timedelta(minutes=15)
    recent = token.invitation.mails.filter(kind=MailKind.WITHDRAW, created_at__gt=since)
    if personal and LiveSignature.objects.filter(entry=entry).exists() and not recent.exists():
        queue_mail(MailKind.WITHDRAW, token.invitation, to=personal.values["email"])


@transaction.atomic
def withdraw_signature(*, secret: str) -> Entry:
    """Withdraw a signature by appending an entry. Sent twice, it makes one entry. Raises InvalidLink."""
    log.lock_head()
    token = tokens.find_usable_token(secret, SigningLinkPurpose.WITHDRAW)
    if token is None or token.invitation.entry is None:
        raise InvalidLink
    return end_signature(entry=token.invitation.entry)


def end_signature(*, entry: Entry) -> Entry:
    """Append the withdrawal of a signature, or return the entry that has already ended it."""
    live = LiveSignature.objects.filter(entry=entry).first()
    if live is None:
        return entry.followed_by.filter(kind__in=[EntryKind.WITHDRAWN, EntryKind.SUPERSEDED]).latest("seq")
    withdrawn = log.append_entry(kind=EntryKind.WITHDRAWN, body=entry.body, version=entry.version, of=entry)
    live.delete()
    Invitation.objects.filter(entry=entry).update(state=InvitationState.WITHDRAWN)
    invitation = Invitation.objects.filter(entry=entry).first()  # none if it was signed on paper
    personal = PersonalRecord.objects.filter(entry=entry, erased_at=None).first()
    if invitation and personal:
        queue_mail(MailKind.WITHDRAWN, invitation, to=personal.values["email"])
    return withdrawn


@transaction.atomic
def hide_signatory_name(*, secret: str) -> None:
    """Append an entry that takes back the consent to publish the signatory's name. Raises InvalidLink.

    There is no counterpart that publishes a name: receipts are forwarded, and anyone with one may hide a name but not
    reveal it.
    """
    log.lock_head()
    token = tokens.find_usable_token(secret, SigningLinkPurpose.RECEIPT)
    entry = Entry.objects.with_status().with_names().filter(invitation=token.invitation).first() if token else None
    if entry is None or not entry.is_live:
        raise InvalidLink
    if entry.name_is_public:
        stated = {"name_is_public": False, "reason": str(CorrectionReason.CONSENT)}
        log.append_entry(kind=EntryKind.CORRECTED, body=entry.body, version=entry.version, of=entry, stated=stated)


@transaction.atomic
def correct_entry(*, by: Any, entry: Entry, name: str, sector: Sector | None, reason: CorrectionReason) -> Entry:
    """Correct what the register shows of an organisation, by appending an entry that everybody sees."""
    log.lock_head()
    body = SignatoryBody.objects.select_for_update().get(pk=entry.body_id)
    if entry.kind != EntryKind.SIGNED:
        raise ValidationError("Correct the signature that this entry is about.")
    if (body.name, body.sector) == (name.strip(), sector):
        raise ValidationError("You have not changed anything yet. Change the name or the sector.")
    if reason == CorrectionReason.CONSENT:
        raise ValidationError("Only the signatory can decide whether their name is shown.")
    body.name, body.sector = name.strip(), sector
    body.full_clean()
    body.save()
    return log.append_entry(
        kind=EntryKind.CORRECTED,
        body=body,
        version=entry.version,
        of=entry,
        stated={"reason": str(CorrectionReason(reason))},
    )
