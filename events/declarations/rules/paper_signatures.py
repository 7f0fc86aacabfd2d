"""Signatures on paper: entered by one member of staff with a scan, confirmed by another."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.declarations.choices import InvitationState
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    PaperSignature,
)
from events.declarations.register import log
from events.declarations.rules.corrections import end_signature
from events.declarations.rules.erasure import forget_paper_signature
from events.declarations.rules.invitations import end_invitation, tell_of_end
from events.declarations.rules.signing import Signatory, append_signature
from partners.models import LegalNotice

MAX_SCAN_BYTES = 10_000_000  # bytes
# By format, the bytes that a file begins with, and those among its last 1,024.
SCAN_MAGIC_BYTES = {
    "pdf": (b"%PDF-", b"%%EOF"),
    "jpg": (b"\xff\xd8\xff", b"\xff\xd9"),
    "png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}
ALREADY_SIGNED = "This organisation has already signed this version."


def scan_format(content: bytes) -> str:
    """The format of a file by its content, as a key of SCAN_MAGIC_BYTES; empty for any other."""
    for kind, (start, end) in SCAN_MAGIC_BYTES.items():
        if content.startswith(start) and end in content[-1024:]:
            return kind
    return ""


def check_scan(scan: Any) -> bytes:
    """Return the content of a scan, and give it a random name; raises ValidationError if it is not a scan."""
    if not scan:
        raise ValidationError({"scan": "Add a scan of the page with the signature."})
    if scan.size > MAX_SCAN_BYTES:
        raise ValidationError({"scan": f"The file is {scan.size / 1_000_000:.1f} MB. A scan must be 10 MB or smaller."})
    content: bytes = scan.read()
    scan.seek(0)
    kind = scan_format(content)
    if not kind:
        raise ValidationError({"scan": "The file must be a PDF, JPEG or PNG. Scan the page again."})
    extension = scan.name.lower().replace(".jpeg", ".jpg").rpartition(".")[2]
    if extension != kind:
        raise ValidationError({"scan": f"The content of this file is {kind.upper()}, but its name says otherwise."})
    scan.name = f"{uuid4().hex}.{kind}"  # its original name may name people
    return content


@transaction.atomic
def record_paper_signature(*, by: Any, paper: PaperSignature) -> None:
    """Record a signature that was given on paper, with its scan. It counts once a colleague has confirmed it."""
    if not paper.version.in_force_from:
        raise ValidationError({"version": "This version has never been in force."})
    if paper.signed_on > timezone.localdate():  # any day in the past: paper may be older than this portal
        raise ValidationError({"signed_on": "The date must be today or in the past."})
    if paper.authority_date and paper.authority_date > paper.signed_on:
        raise ValidationError({"authority_date": "The decision must be made by the day of the signature."})
    if LegalNotice.current().missing:
        raise ValidationError("Complete the legal notice first: a signature on paper is personal data.")
    paper.scan_sha256 = sha256(check_scan(paper.scan)).hexdigest()
    duplicates = PaperSignature.objects.filter(body=paper.body, version=paper.version, scan_sha256=paper.scan_sha256)
    if duplicates.exists():
        raise ValidationError({"scan": "This scan has already been entered."})
    if LiveSignature.objects.filter(body=paper.body, version=paper.version).exists():
        raise ValidationError({"body": ALREADY_SIGNED})
    paper.recorded_by = by
    paper.full_clean()
    try:
        paper.save()
    except BaseException:
        paper.scan.storage.delete(str(paper.scan.name))  # it names people, and no row would ever lead to it
        raise


@transaction.atomic
def discard_paper_signature(*, by: Any, paper: PaperSignature) -> None:
    """Delete a signature that was entered by mistake and that nobody has confirmed, with its scan."""
    log.lock_head()
    locked = PaperSignature.objects.get(pk=paper.pk)
    if locked.entry_id:
        raise ValidationError("This signature is confirmed. Withdraw it on the page of its entry.")
    forget_paper_signature(locked)
    locked.delete()


def paper_signatory(paper: PaperSignature) -> Signatory:
    """Who signed on paper, with nothing that the paper does not say."""
    return Signatory(
        name=paper.signatory_name,
        role=paper.signatory_role,
        email="",
        authority=paper.authority,
        authority_reference=paper.authority_reference,
        authority_date=paper.authority_date,
        name_is_public=paper.name_is_public,
    )


@transaction.atomic
def confirm_paper_signature(*, by: Any, paper: PaperSignature) -> Entry:
    """Confirm a signature on paper: appends the entry, marked as signed on paper."""
    log.lock_head()
    locked = (
        PaperSignature.objects.select_for_update(of=("self",))
        .select_related("body__sector", "version__declaration")
        .get(pk=paper.pk)
    )
    if locked.entry_id:
        raise ValidationError("This signature is already confirmed.")
    if locked.recorded_by == by:
        raise ValidationError("You entered this signature, so you cannot confirm it. Ask a colleague.")
    if LiveSignature.objects.filter(body=locked.body, version=locked.version).exists():
        raise ValidationError(ALREADY_SIGNED)
    if not locked.scan:
        raise ValidationError("The scan was deleted at the end of its retention period. Enter the signature again.")
    entry = append_signature(
        body=locked.body,
        version=locked.version,
        signatory=paper_signatory(locked),
        stated={"signed_on": locked.signed_on.isoformat()},  # the scan shows what they stated
        on_paper=True,
        scan_sha256=locked.scan_sha256,
    )
    locked.confirmed_by, locked.entry = by, entry
    try:
        with transaction.atomic():
            locked.save()
    except IntegrityError as error:
        raise ValidationError("A colleague has confirmed or changed this in the meantime.") from error
    for invitation in Invitation.objects.open().filter(body=locked.body, version=locked.version):
        invitation.entry = entry
        tell_of_end(invitation)
        end_invitation(invitation, InvitationState.SIGNED, "entry")
    return entry


@transaction.atomic
def withdraw_paper_signature(*, by: Any, entry: Entry) -> Entry:
    """Withdraw a signature on paper for an organisation that asks in writing, since no mailbox signed."""
    log.lock_head()
    if not entry.on_paper:
        raise ValidationError("Only the person at the email address that signed can withdraw it.")
    return end_signature(entry=entry)
