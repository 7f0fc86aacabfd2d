"""What a receipt says: for a program as JSON, for a person as facts that a paper sets."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils import formats, timezone

from events.declarations.choices import Kind
from events.declarations.models import Entry, PersonalRecord
from events.declarations.register import log
from partners.models import Unit

ERASED = "Erased. The proof holds without it."


@dataclass(frozen=True)
class Fact:
    """A line of a receipt; with ``voice`` it is a person's own words."""

    term: str
    value: str
    note: str = ""
    voice: bool = False


@dataclass(frozen=True)
class Receipt:
    """A receipt in words."""

    number: int
    body: str
    title: str
    unit: str
    is_example: bool
    recorded_at: datetime
    address: str
    facts: tuple[Fact, ...]
    proof: tuple[Fact, ...]


def of(entry: Entry) -> Receipt:
    """Return the receipt of a signature, as things stand now."""
    entry = Entry.objects.with_status().with_names().get(pk=entry.pk)
    unit = Unit.objects.with_bodies().get()
    return Receipt(
        number=entry.seq,
        body=str(entry.said["body"]),
        title=f"{entry.version.declaration.title}, version {entry.version.number}",
        unit=unit.name,
        is_example=unit.is_example,
        recorded_at=entry.recorded_at,
        address=settings.PORTAL_URL + entry.get_absolute_url(),
        facts=tuple(facts(entry)),
        proof=tuple(proof(entry)),
    )


def as_json(entry: Entry) -> bytes:
    """Return the receipt that `verify.py` reads. The keys are for information: who checks takes them from elsewhere."""
    return json.dumps(log.receipt(entry) | {"keys": log.vkeys()}, ensure_ascii=False, indent=1).encode() + b"\n"


def facts(entry: Entry) -> Iterator[Fact]:
    """Yield who signed and on what basis, what they stated, when, and which text."""
    record = PersonalRecord.objects.filter(entry=entry).first()
    values = record.values if record else {}
    if "name" in values:
        shown = "shown in public" if entry.name_is_public else "not shown in public"
        role = values.get("role", "")
        yield Fact("Signed by", values["name"], note=f"{role} ({shown})" if role else f"({shown})", voice=True)
    else:
        yield Fact("Signed by", ERASED)
    for name, term in (("prepared_by", "Prepared by"), ("authority", "Authority")):
        if name in values:
            yield Fact(term, values[name])
    if statement := entry.said.get("statement"):  # nobody ticks one on paper
        yield Fact("Stated", f"“{statement}”")
    if entry.on_paper:
        signed_on = entry.said.get("signed_on")
        when = f" on {day(date.fromisoformat(signed_on))}" if signed_on else ""
        yield Fact("How", f"On paper{when}. One member of staff entered it, another confirmed it.")
    yield Fact("Recorded", moment(entry.recorded_at))
    yield Fact("Text", f"Version {entry.version.number}, in force from {day(entry.version.in_force_from)}")
    if entry.ended_by:
        yield Fact("Since then", str(Kind(entry.ended_by).label))


def proof(entry: Entry) -> Iterator[Fact]:
    """Yield what lets anybody check, without this portal, that the entry is in the register."""
    proven = log.proof(entry)
    yield Fact("SHA-256 of the text", entry.version.sha256)
    yield Fact("Hash of the entry", entry.leaf_hash)
    yield Fact("Inclusion proof", "\n".join(proven["inclusion_proof"]) or "None is needed: it is the first entry.")
    yield Fact("Checkpoint", proven["checkpoint"].rstrip("\n"))
    yield Fact("The register's public key", key_of(proven["checkpoint"]))


def key_of(checkpoint: str) -> str:
    """Return the public key that signed a checkpoint, which names it by four bytes."""
    named = base64.b64decode(checkpoint.split()[-1])[:4].hex()
    return next(vkey for vkey in log.vkeys() if vkey.split("+")[1] == named)


def moment(at: datetime) -> str:
    """Return a moment in the portal's time zone, such as 9 October 2019, 2:06pm."""
    local = timezone.localtime(at)
    return f"{day(local)}, {local:%-I:%M%p}".replace("AM", "am").replace("PM", "pm") + f" ({local:%Z})"


def day(value: date | None) -> str:
    """Return a day such as 5 May 2031."""
    return formats.date_format(value, "j F Y") if value else ""
