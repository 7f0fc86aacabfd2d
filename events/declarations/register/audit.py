"""Checking the register in the database: every column of every row that it is made of, against what is signed."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from events.declarations.choices import Kind
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Head,
    LiveSignature,
    PersonalRecord,
    RegisterKey,
    SignatoryBody,
    TreeNode,
)
from events.declarations.register import keys, log, merkle, verify, witness
from events.declarations.register.canonical import canonical
from partners.models import Sector

BATCH = 2000


@dataclass
class Audit:
    """One reading of the register, from its first entry to its last, in flat memory but for what stands at the end."""

    head: Head
    keys: list[tuple[str, bytes, Ed25519PublicKey]]
    frontier: list[bytes] = field(default_factory=list)
    bodies: dict[int, tuple[str, str | None]] = field(default_factory=dict)  # by id: the name and sector shown last
    live: dict[tuple[int, int], int] = field(default_factory=dict)  # by body and version: the number of the signature
    personal: dict[int, dict[str, str]] = field(default_factory=dict)  # by entry: what it commits to
    erased: dict[int, str] = field(default_factory=dict)  # by entry: when its personal data was erased
    hashes: dict[int, str] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """Yield a sentence for each fault; nothing where the register is whole."""
        number = 0
        entries = Entry.objects.order_by("seq").select_related("version__declaration")
        for number, entry in enumerate(entries.iterator(BATCH), 1):
            if entry.seq != number:
                yield f"Entry {number} is missing."
                return
            yield from (f"Entry {number}: {fault}" for fault in self.entry_faults(entry))
        yield from self.head_faults(number)
        yield from self.node_faults(number)
        yield from self.personal_faults()
        yield from self.standing_faults()
        yield from self.text_faults()
        yield from self.key_faults()

    def entry_faults(self, entry: Entry) -> Iterator[str]:
        """Yield what is wrong with an entry, and read on over it."""
        hashed = merkle.leaf_hash(entry.leaf.encode())
        self.hashes[entry.seq] = hashed.hex()
        if entry.leaf_hash != hashed.hex():
            yield "the leaf is not the one whose hash stands beside it."
        _, self.frontier = merkle.completed(entry.seq - 1, hashed, self.frontier)
        note = f"{self.head.origin}\n{entry.seq}\n{base64.b64encode(merkle.root_of(self.frontier)).decode()}\n"
        if not self.is_signed(entry.checkpoint, note):
            yield "the checkpoint was not signed over this history."
        try:
            said = json.loads(entry.leaf)
            if canonical(said) != entry.leaf:
                yield "the leaf is not written canonically."
            if differing := [name for name, value in expected(entry, self.head.origin).items() if said[name] != value]:
                yield f"what stands beside the leaf is not what it says: {', '.join(differing)}."
            self.read(entry, said)
        except (ValueError, KeyError, TypeError):
            yield "the leaf cannot be read."

    def read(self, entry: Entry, said: dict[str, Any]) -> None:
        """Note what an entry changes: who has signed, how a body is called, what was erased."""
        self.bodies[entry.body_id] = (said["body"], said["sector"])
        if commitments := said["commitments"]:
            self.personal[entry.seq] = commitments
        place = (entry.body_id, entry.version_id)
        if entry.kind == Kind.SIGNED:
            self.live[place] = entry.seq
        elif entry.kind in (Kind.WITHDRAWN, Kind.SUPERSEDED):
            self.live.pop(place, None)
        elif entry.kind == Kind.ERASED:
            self.erased[entry.of_id or 0] = str(said["at"])

    def is_signed(self, checkpoint: str, note: str) -> bool:
        """Return whether a checkpoint is this note with a signature of one of the register's keys, to the byte."""
        beginning = f"{note}\n\N{EM DASH} {self.head.origin} "
        if not checkpoint.startswith(beginning):
            return False
        encoded = checkpoint[len(beginning) :]
        try:
            raw = base64.b64decode(encoded.removesuffix("\n"), validate=True)
        except (ValueError, binascii.Error):
            return False
        if base64.b64encode(raw).decode() + "\n" != encoded:
            return False
        return any(raw[:4] == named and verifies(public, raw[4:], note.encode()) for _, named, public in self.keys)

    def head_faults(self, size: int) -> Iterator[str]:
        """Yield what is wrong with the head."""
        if self.head.size != size:
            yield f"The head says {self.head.size} entries; there are {size}."
        if self.head.frontier != [part.hex() for part in self.frontier]:
            yield "The head's frontier is not that of the entries."

    def node_faults(self, size: int) -> Iterator[str]:
        """Yield what is wrong with the tree's nodes: each is read once, level by level."""
        rows = TreeNode.objects.order_by("level", "index").values_list("level", "index", "hash")
        found: dict[int, dict[int, str]] = {}
        for level, index, hashed in rows.iterator(BATCH):
            found.setdefault(level, {})[index] = hashed
        below = [bytes.fromhex(self.hashes[seq]) for seq in range(1, size + 1)]
        level = 0
        while below:
            if found.pop(level, {}) != {index: hashed.hex() for index, hashed in enumerate(below)}:
                yield f"The tree's nodes of level {level} are not those of the entries."
            pairs = zip(below[::2], below[1::2], strict=False)
            below, level = [merkle.node_hash(left, right) for left, right in pairs], level + 1
        if found:
            yield "The tree has nodes that no entries make."

    def personal_faults(self) -> Iterator[str]:
        """Yield what is wrong with the personal data behind the entries' commitments."""
        noted, seen = witness.erased_before().entries, set()
        for record in PersonalRecord.objects.order_by("entry_id").iterator(BATCH):
            number = record.entry_id
            seen.add(number)
            if record.erased_at is not None:
                leaf_hash, at = noted.get(number, ("", ""))
                known = {self.erased.get(number), at if leaf_hash == self.hashes.get(number) else None} - {None}
                if record.disclosed or exact(record.erased_at) not in known:
                    yield f"Entry {number}: its personal data is gone, and no entry says that it was erased then."
            elif number in self.erased:
                yield f"Entry {number}: its personal data was erased, and is here."
            elif not opens(record.disclosed, self.personal.get(number, {})):
                yield f"Entry {number}: its personal data is not what it commits to."
        for number in sorted(set(self.personal) ^ seen):
            yield f"Entry {number}: it commits to personal data, or has some, without the other."

    def standing_faults(self) -> Iterator[str]:
        """Yield where the signatures that stand, or the names of bodies, are not those of the entries."""
        rows = LiveSignature.objects.values_list("body", "version", "entry")
        if {(body, version): entry for body, version, entry in rows} != self.live:
            yield "The signatures that stand are not those that the entries leave."
        sectors = set(Sector.objects.values_list("name", flat=True))
        for body in SignatoryBody.objects.filter(pk__in=self.bodies).select_related("sector").iterator(BATCH):
            name, sector = self.bodies[body.pk]
            shown = body.sector.name if body.sector else None
            renamed = shown is not None and sector is not None and sector not in sectors  # the sector, not the body's
            if name != body.name or (shown != sector and not renamed):
                yield f"Body {body.pk} is called otherwise than in its last entry, without a correction."

    def text_faults(self) -> Iterator[str]:
        """Yield which published texts are not those that were signed."""
        for version in DeclarationVersion.objects.exclude(in_force_from=None):
            if hashlib.sha256(version.text.encode()).hexdigest() != version.sha256:
                yield f"The text of version {version.number} is not the one that was published."

    def key_faults(self) -> Iterator[str]:
        """Yield which public keys are not written as they were made."""
        for vkey in log.vkeys():
            try:
                name, named, public = verify.read_key(vkey)
            except verify.Unclear as why:
                yield f"The key {vkey}: {why}"
                continue
            encoded = base64.b64encode(keys.ED25519 + public).decode()
            if name != self.head.origin or vkey != f"{name}+{named.hex()}+{encoded}":
                yield f"The key {vkey} is not one of this register's."


def faults() -> Iterator[str]:
    """Yield a sentence for each fault of the register in the database."""
    head = Head.objects.first()
    if head is None:
        if Entry.objects.exists() or RegisterKey.objects.exists():
            yield "The register's head is missing."
        return
    yield from Audit(head, list(public_keys(log.vkeys()))).faults()


def public_keys(vkeys: Iterable[str]) -> Iterator[tuple[str, bytes, Ed25519PublicKey]]:
    """Yield the name, the key id and the key of each that can be read."""
    for vkey in vkeys:
        try:
            name, named, encoded = vkey.split("+", 2)
            yield name, bytes.fromhex(named), Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
        except ValueError:
            continue  # a checkpoint that needs it is reported


def verifies(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Return whether this is the key's signature of the message."""
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def expected(entry: Entry, origin: str) -> dict[str, object]:
    """Return what the leaf must say, by what stands beside it."""
    return {
        "at": exact(entry.recorded_at),
        "body_id": entry.body_id,
        "declaration": entry.version.declaration.slug,
        "kind": entry.kind,
        "of": entry.of_id,
        "on_paper": entry.on_paper,
        "origin": origin,
        "seq": entry.seq,
        "text_sha256": entry.version.sha256,
        "version": entry.version.number,
    }


def exact(at: datetime) -> str | None:
    """Return a moment as leaves write it; None for one that they cannot write."""
    return None if at.microsecond else log.moment(at)


def opens(disclosed: str, commitments: dict[str, str]) -> bool:
    """Return whether these values and salts are those of the commitments, written as they were."""
    try:
        opened = json.loads(disclosed)
        if canonical(opened) != disclosed:
            return False
        if any(set(part) != {"salt", "value"} or not plain_hex(part["salt"]) for part in opened.values()):
            return False
        return {name: log.commitment(**part) for name, part in opened.items()} == commitments
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def plain_hex(text: str) -> bool:
    """Return whether a salt is written as salts are: the same bytes can be written with capitals and blanks too."""
    return bytes.fromhex(text).hex() == text
