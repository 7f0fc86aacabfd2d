"""Signatures on paper: entered by one member of staff with a scan, confirmed by another."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.declarations.choices import (
    InvitationState,
)
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    PaperSignature,
)
from events.declarations.register import log
from events.declarations.rules.changing import end_signature
from events.declarations.rules.forgetting import forget_paper
from events.declarations.rules.inviting import close
from events.declarations.rules.signing import Signatory, append_signature
from partners.models import LegalNotice

LARGEST_SCAN = 10_000_000  # bytes
# What a scan begins and ends with, by how its name ends.
SCANS = {
    "pdf": (b"%PDF-", b"%%EOF"),
    "jpg": (b"\xff\xd8\xff", b"\xff\xd9"),
    "png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}
TYPES = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}


def kind_of_scan(content: bytes) -> str:
    """Return what a file is, by its content: pdf, jpg, png, or nothing where it is none of them."""
    for kind, (start, end) in SCANS.items():
        if content.startswith(start) and end in content[-1024:]:
            return kind
    return ""


def checked_scan(scan: Any) -> bytes:
    """Return the content of a scan and give it a name of ours; raises ValidationError for what is no scan."""
    if not scan:
        raise ValidationError({"scan": "Add a scan of the page with the signature."})
    if scan.size > LARGEST_SCAN:
        raise ValidationError({"scan": f"This file has {scan.size / 1_000_000:.1f} MB; a scan has at most 10 MB."})
    content: bytes = scan.read()
    scan.seek(0)
    kind = kind_of_scan(content)
    if not kind:
        raise ValidationError({"scan": "This is no PDF, JPEG or PNG, whatever its name says. Scan the page as one."})
    named = scan.name.lower().replace(".jpeg", ".jpg").rpartition(".")[2]
    if named != kind:
        raise ValidationError({"scan": f"The content of this file is {kind.upper()}, its name says otherwise."})
    scan.name = f"{uuid4().hex}.{kind}"  # the one that it came with may name people
    return content


@transaction.atomic
def record_paper(*, by: Any, paper: PaperSignature) -> None:
    """Enter a signature that was given on paper, with its scan: it counts once a colleague has confirmed it."""
    if not paper.version.in_force_from:
        raise ValidationError({"version": "This wording was never in force."})
    if paper.signed_on > timezone.localdate():  # the same words may have been signed long before they stood here
        raise ValidationError({"signed_on": "This day is still to come."})
    if LegalNotice.current().missing:
        raise ValidationError("The legal notice is not complete: from here on personal data is taken.")
    paper.scan_sha256 = sha256(checked_scan(paper.scan)).hexdigest()
    same = PaperSignature.objects.filter(body=paper.body, version=paper.version, scan_sha256=paper.scan_sha256)
    if same.exists():
        raise ValidationError({"scan": "This scan is entered already."})
    if LiveSignature.objects.filter(body=paper.body, version=paper.version).exists():
        raise ValidationError({"body": "This body has signed this wording already."})
    paper.recorded_by = by
    paper.full_clean()
    try:
        paper.save()
    except BaseException:
        paper.scan.storage.delete(str(paper.scan.name))  # it names people, and no row would
        raise


@transaction.atomic
def discard_paper(*, by: Any, paper: PaperSignature) -> None:
    """Take back what was entered by mistake and nobody has confirmed; its scan goes with it."""
    log.lock()
    locked = PaperSignature.objects.get(pk=paper.pk)
    if locked.entry_id:
        raise ValidationError("This signature is confirmed: it is withdrawn on the page of its entry.")
    forget_paper(locked)
    locked.delete()


@transaction.atomic
def confirm_paper(*, by: Any, paper: PaperSignature) -> Entry:
    """Confirm a signature on paper against its scan: appends the entry, marked as signed on paper."""
    log.lock()
    locked = (
        PaperSignature.objects.select_for_update(of=("self",))
        .select_related("body__sector", "version__declaration")
        .get(pk=paper.pk)
    )
    if locked.entry_id:
        raise ValidationError("This signature is confirmed already.")
    if locked.recorded_by == by:
        raise ValidationError("Whoever entered a signature on paper cannot confirm it: ask a colleague.")
    signatory = Signatory(
        name=locked.signatory_name, role=locked.signatory_role, email="", name_is_public=locked.name_is_public
    )
    if LiveSignature.objects.filter(body=locked.body, version=locked.version).exists():
        raise ValidationError("This body has signed this wording already.")
    if not locked.scan:
        raise ValidationError("The scan was dropped when its time was up. Enter the signature anew.")
    entry = append_signature(
        body=locked.body,
        version=locked.version,
        signatory=signatory,
        stated={"signed_on": locked.signed_on.isoformat()},  # what was stated, and how, the scan shows
        on_paper=True,
        scan_sha256=locked.scan_sha256,
    )
    locked.confirmed_by, locked.entry = by, entry
    try:
        with transaction.atomic():
            locked.save()
    except IntegrityError as error:
        raise ValidationError("This was confirmed or changed in the meantime.") from error
    for invitation in Invitation.objects.open().filter(body=locked.body, version=locked.version):
        invitation.entry = entry
        close(invitation, InvitationState.SIGNED, "entry")
    return entry


@transaction.atomic
def withdraw_paper(*, by: Any, entry: Entry) -> Entry:
    """Withdraw a signature on paper for a body that asks in writing: there is no mailbox that signed."""
    log.lock()
    if not entry.on_paper:
        raise ValidationError("This signature is withdrawn only from the mailbox that gave it.")
    return end_signature(entry=entry)
