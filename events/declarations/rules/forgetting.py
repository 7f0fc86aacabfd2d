"""Erasing: personal data goes from everywhere that the portal keeps it; entries and their proofs stay.

Whatever is dropped is noted outside the database first (`witness`): a backup that is put back forgets it again.
"""

from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from events.declarations.choices import OPEN, InvitationState, Kind
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
from events.declarations.register import log, witness


@transaction.atomic
def erase(*, entry: Entry) -> Entry | None:
    """Erase the personal data of a signature; the entry and its proofs stay.

    Appends an entry that says so; returns None where it was erased before.
    """
    log.lock()
    personal = PersonalRecord.objects.select_for_update().filter(entry=entry, erased_at=None).first()
    if personal is None:
        return None
    erased = log.append(kind=Kind.ERASED, body=entry.body, version=entry.version, of=entry)
    witness.note_erasure(entry, erased)
    drop_personal(personal, erased.recorded_at)
    return erased


def drop_personal(personal: PersonalRecord, at: Any) -> None:
    """Drop the values behind an entry's commitments, and what led to the signature."""
    personal.disclosed, personal.erased_at = "", at
    personal.save()
    for invitation in Invitation.objects.filter(entry=personal.entry_id):
        forget(invitation)
    for paper in PaperSignature.objects.filter(entry=personal.entry_id):
        forget_paper(paper)


@transaction.atomic
def forget(invitation: Invitation) -> None:
    """Drop the personal data of an invitation that is answered or over: mailbox, names, mails, links, the request."""
    witness.note_dropped(invitation, invitation.created_at)
    Preparation.objects.filter(invitation=invitation).delete()
    Mail.objects.filter(invitation=invitation).delete()
    Token.objects.filter(invitation=invitation).delete()
    for request in SigningRequest.objects.filter(invitation=invitation):
        forget_request(request)
    Invitation.objects.filter(pk=invitation.pk).update(email="", contact_name="", declined_because="")


def forget_open(invitation: Invitation) -> None:
    """Drop an invitation's personal data; one that was open ends by it. Mails first: the worker locks in this order."""
    forget(invitation)
    still_open = Invitation.objects.filter(pk=invitation.pk, state__in=(InvitationState.DRAFT, *OPEN))
    still_open.update(state=InvitationState.REVOKED)


@transaction.atomic
def forget_paper(paper: PaperSignature) -> None:
    """Drop the personal data of a signature on paper, the scan too, once this is committed."""
    witness.note_dropped(paper, paper.recorded_at)
    name, storage = paper.scan.name, paper.scan.storage
    PaperSignature.objects.filter(pk=paper.pk).update(signatory_name="", signatory_role="", scan="")
    if name:
        transaction.on_commit(lambda: storage.delete(name))


@transaction.atomic
def forget_request(request: SigningRequest) -> None:
    """Drop a request to sign."""
    witness.note_dropped(request, request.asked_at)
    SigningRequest.objects.filter(pk=request.pk).delete()


@transaction.atomic
def forget_mailbox(*, by: Any, email: str) -> int:
    """Drop what is held of a mailbox that has not signed: its invitations, which end, and its requests.

    A signature is erased by its entry. Returns how many records were dropped.
    """
    log.lock()
    invitations = list(Invitation.objects.of_mailbox(email).filter(entry=None))
    for invitation in invitations:
        forget_open(invitation)
    requests = list(SigningRequest.objects.filter(email__iexact=email.strip()))
    for request in requests:
        forget_request(request)
    return len(invitations) + len(requests)


@transaction.atomic
def erase_again() -> int:
    """Drop what was dropped before and is here all the same, in a database put back from a backup.

    Appends nothing: where the register was put back too, the next entry would make two histories. Returns how much.
    """
    noted = witness.erased_before()
    again = 0
    for personal in witness.rows(PersonalRecord.objects.select_related("entry"), noted.entries):
        leaf_hash, at = noted.entries[personal.pk]
        if personal.erased_at is None and personal.entry.leaf_hash == leaf_hash:
            drop_personal(personal, parse_datetime(at))
            again += 1
    for invitation in witness.rows(Invitation.objects.all(), noted.dropped["invitation"]):
        if noted.holds(invitation, invitation.created_at) and holds_personal(invitation):
            forget_open(invitation)
            again += 1
    for paper in witness.rows(PaperSignature.objects.all(), noted.dropped["papersignature"]):
        if noted.holds(paper, paper.recorded_at) and (paper.scan or paper.signatory_name):
            forget_paper(paper)
            again += 1
    for request in witness.rows(SigningRequest.objects.all(), noted.dropped["signingrequest"]):
        if noted.holds(request, request.asked_at):
            forget_request(request)
            again += 1
    return again


def holds_personal(invitation: Invitation) -> bool:
    """Return whether anything is left of an invitation that `forget` would drop."""
    if invitation.email or invitation.contact_name or invitation.declined_because:
        return True
    left = (Preparation, Mail, Token, SigningRequest)
    return any(model._default_manager.filter(invitation=invitation).exists() for model in left)
