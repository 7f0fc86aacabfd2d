"""What a receipt says: as JSON for `verify.py`, and as labelled lines for the page and the PDF."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.models import Entry, PersonalRecord
from events.declarations.register import log
from partners.models import Unit
from vru_portal.text.dates import format_date
from vru_portal.web.addresses import full_url

ERASED_VALUE = "Erased. The proof still works without it."


@dataclass(frozen=True)
class ReceiptLine:
    """A line of a receipt, as pages and PDFs show it."""

    term: str
    value: str
    note: str = ""
    voice: bool = False  # set like a signature: a person's own words


@dataclass(frozen=True)
class Receipt:
    """A receipt, as pages and PDFs show it."""

    number: int
    organisation: str  # as the entry names it: it may have been renamed since
    title: str
    unit: str
    is_example: bool
    recorded_at: datetime
    address: str
    lines: tuple[ReceiptLine, ...]
    proof: tuple[ReceiptLine, ...]


def build_receipt(entry: Entry) -> Receipt:
    entry = Entry.objects.with_status().with_names().select_related("version__declaration").get(pk=entry.pk)
    unit = Unit.objects.with_organisations().get()
    return Receipt(
        number=entry.seq,
        organisation=str(entry.leaf_values["body"]),
        title=f"{entry.version.declaration.title}, version {entry.version.number}",
        unit=unit.name,
        is_example=unit.is_example,
        recorded_at=entry.recorded_at,
        address=full_url(entry.get_absolute_url()),
        lines=tuple(signature_lines(entry)),
        proof=tuple(proof_lines(entry)),
    )


def receipt_as_json(entry: Entry) -> bytes:
    """The receipt that `verify.py` reads.

    The keys are in it for information only: to check a receipt, take them from elsewhere.
    """
    return (
        json.dumps(log.receipt_data(entry) | {"keys": log.public_keys()}, ensure_ascii=False, indent=1).encode() + b"\n"
    )


def signature_lines(entry: Entry) -> Iterator[ReceiptLine]:
    """Who signed and on what authority, what they stated, when, and which text."""
    record = PersonalRecord.objects.filter(entry=entry).first()
    values = record.values if record else {}
    if "name" in values:
        shown = "shown in public" if entry.name_is_public else "not shown in public"
        role = values.get("role", "")
        yield ReceiptLine("Signed by", values["name"], note=f"{role} ({shown})" if role else f"({shown})", voice=True)
    else:
        yield ReceiptLine("Signed by", ERASED_VALUE)
    for name, term in (("prepared_by", "Prepared by"), ("authority", "Authority")):
        if name in values:
            yield ReceiptLine(term, values[name])
    if statement := entry.leaf_values.get("statement"):  # paper has no box to tick
        yield ReceiptLine("Stated", f"“{statement}”")
    if entry.on_paper:
        signed_on = entry.leaf_values.get("signed_on")
        when = f" on {format_date(date.fromisoformat(signed_on))}" if signed_on else ""
        yield ReceiptLine("How", f"On paper{when}. One member of staff entered it and another confirmed it.")
    yield ReceiptLine("Recorded", format_recorded_at(entry.recorded_at))
    in_force_from = entry.version.in_force_from
    since = f", in force from {format_date(in_force_from)}" if in_force_from else ""
    yield ReceiptLine("Text", f"Version {entry.version.number}{since}")
    if entry.ended_by:
        yield ReceiptLine("Since then", str(EntryKind(entry.ended_by).label))


def proof_lines(entry: Entry) -> Iterator[ReceiptLine]:
    """What anybody needs to check, without this portal, that the entry is in the register."""
    proof = log.entry_proof(entry)
    yield ReceiptLine("SHA-256 of the text", entry.version.sha256)
    yield ReceiptLine("Hash of the entry", entry.leaf_hash)
    yield ReceiptLine(
        "Inclusion proof", "\n".join(proof["inclusion_proof"]) or "Not needed, because this is the first entry."
    )
    yield ReceiptLine("Checkpoint", proof["checkpoint"].rstrip("\n"))
    yield ReceiptLine("The register's public key", key_of_checkpoint(proof["checkpoint"]))


def key_of_checkpoint(checkpoint: str) -> str:
    """The public key that signed a checkpoint: its signature begins with four bytes that identify the key."""
    key_id = base64.b64decode(checkpoint.split()[-1])[:4].hex()
    return next(vkey for vkey in log.public_keys() if vkey.split("+")[1] == key_id)


def format_recorded_at(at: datetime) -> str:
    """Write a moment with its time zone, which a receipt needs to be clear on its own: 9 October 2019, 2:06pm (BST)."""
    local = timezone.localtime(at)
    return f"{format_date(local)}, {local:%-I:%M%p}".replace("AM", "am").replace("PM", "pm") + f" ({local:%Z})"
