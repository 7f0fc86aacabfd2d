"""Erasing personal data from everywhere that the portal keeps it. Entries and their proofs stay.

Each erasure is first recorded outside the database (`register.kept_outside`), so that after an older backup is restored
`reapply_erasures` can erase the same data again.
"""

from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from events.declarations.choices import OPEN_INVITATION_STATES, EntryKind, InvitationState, PaperAuthority
from events.declarations.models import (
    Entry,
    Invitation,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    SigningRequest,
    Token,
)
from events.declarations.register import kept_outside, log
from vru_portal.ledger import erasures
from vru_portal.links import personal as requests_by_link


@transaction.atomic
def erase_personal_data(*, entry: Entry) -> Entry | None:
    """Erase the personal data of a signature, and append an entry that says so.

    Returns that entry, or None if the data had been erased before.
    """
    log.lock_head()
    personal = PersonalRecord.objects.select_for_update().filter(entry=entry, erased_at=None).first()
    if personal is None:
        return None
    erased = log.append_entry(kind=EntryKind.ERASED, body=entry.body, version=entry.version, of=entry)
    kept_outside.note_erasure(entry, erased)
    clear_personal_record(personal, erased.recorded_at)
    return erased


def clear_personal_record(personal: PersonalRecord, at: Any) -> None:
    """Delete the values behind an entry's commitments, and the invitation or scan that led to the signature."""
    personal.disclosed, personal.erased_at = "", at
    personal.save()
    for invitation in Invitation.objects.filter(entry=personal.entry_id):
        forget_invitation(invitation)
    for paper in PaperSignature.objects.filter(entry=personal.entry_id):
        forget_paper_signature(paper)


@transaction.atomic
def forget_invitation(invitation: Invitation) -> None:
    """Delete the personal data of an invitation that has ended: address, names, emails, links and request to sign."""
    erasures.note_deletion(invitation, invitation.created_at)
    Preparation.objects.filter(invitation=invitation).delete()
    Mail.objects.filter(invitation=invitation).delete()
    Token.objects.filter(invitation=invitation).delete()
    for request in SigningRequest.objects.filter(invitation=invitation):
        delete_signing_request(request)
    Invitation.objects.filter(pk=invitation.pk).update(email="", contact_name="", declined_because="")


def forget_and_revoke_invitation(invitation: Invitation) -> None:
    """Delete an invitation's personal data, and revoke it if it was open.

    In this order: the worker, too, locks emails before invitations.
    """
    forget_invitation(invitation)
    still_open = Invitation.objects.filter(pk=invitation.pk, state__in=(InvitationState.DRAFT, *OPEN_INVITATION_STATES))
    still_open.update(state=InvitationState.REVOKED)


@transaction.atomic
def forget_paper_signature(paper: PaperSignature) -> None:
    """Delete the personal data of a signature on paper. The scan's file goes once this is committed."""
    erasures.note_deletion(paper, paper.recorded_at)
    name, storage = paper.scan.name, paper.scan.storage
    PaperSignature.objects.filter(pk=paper.pk).update(
        signatory_name="",
        signatory_role="",
        authority=PaperAuthority.NOT_STATED,
        authority_reference="",
        authority_date=None,
        scan="",
    )
    if name:
        transaction.on_commit(lambda: storage.delete(name))


@transaction.atomic
def delete_signing_request(request: SigningRequest) -> None:
    erasures.note_deletion(request, request.asked_at)
    SigningRequest.objects.filter(pk=request.pk).delete()


@transaction.atomic
def forget_mailbox(*, by: Any, email: str) -> int:
    """Delete what is held about a mailbox that has not signed: its invitations, which end, and its requests.

    For one that has signed, use `erase_personal_data` with its entry. Returns how many records were deleted.
    """
    log.lock_head()
    invitations = list(Invitation.objects.of_mailbox(email).filter(entry=None))
    for invitation in invitations:
        forget_and_revoke_invitation(invitation)
    requests = list(SigningRequest.objects.filter(email__iexact=email.strip()))
    for request in requests:
        delete_signing_request(request)
    return len(invitations) + len(requests)


@transaction.atomic
def reapply_erasures() -> int:
    """After a backup was restored, delete again what had been deleted since it was made; returns how many records.

    Appends no entry: if the register was restored too, a new entry would fork its history.
    """
    recorded = kept_outside.read_erasures()
    count = 0
    for personal in kept_outside.rows_with_keys(PersonalRecord.objects.select_related("entry"), recorded.entries):
        leaf_hash, at = recorded.entries[personal.pk]
        if personal.erased_at is None and personal.entry.leaf_hash == leaf_hash:
            clear_personal_record(personal, parse_datetime(at))
            count += 1
    for invitation in kept_outside.rows_with_keys(Invitation.objects.all(), recorded.dropped["invitation"]):
        if recorded.includes(invitation, invitation.created_at) and holds_personal_data(invitation):
            forget_and_revoke_invitation(invitation)
            count += 1
    for paper in kept_outside.rows_with_keys(PaperSignature.objects.all(), recorded.dropped["papersignature"]):
        if recorded.includes(paper, paper.recorded_at) and (paper.scan or paper.signatory_name):
            forget_paper_signature(paper)
            count += 1
    for request in kept_outside.rows_with_keys(SigningRequest.objects.all(), recorded.dropped["signingrequest"]):
        if recorded.includes(request, request.asked_at):
            delete_signing_request(request)
            count += 1
    return count + requests_by_link.reapply_erasures()


def holds_personal_data(invitation: Invitation) -> bool:
    """Whether anything is left of an invitation that `forget_invitation` would delete."""
    if invitation.email or invitation.contact_name or invitation.declined_because:
        return True
    related = (Preparation, Mail, Token, SigningRequest)
    return any(model._default_manager.filter(invitation=invitation).exists() for model in related)
