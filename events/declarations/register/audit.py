"""Checking the register in the database: every column of each of its rows, against what is signed."""

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
from django.db.models import Min, Q
from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Head,
    LiveSignature,
    PaperSignature,
    PersonalRecord,
    RegisterKey,
    SignatoryBody,
    TreeNode,
)
from events.declarations.register import kept_outside, keys, log, merkle, verify
from events.declarations.register.canonical import canonical
from partners.models import Sector
from vru_portal.ledger.comparing import compare_undisturbed
from vru_portal.text.dates import format_utc_timestamp

BATCH_SIZE = 2000


@dataclass
class Audit:
    """One reading of the register, from its first entry to its last.

    While reading, it works out the state that the entries lead to, and finally compares the other tables with it.
    """

    head: Head
    keys: list[tuple[str, bytes, Ed25519PublicKey]]
    frontier: list[bytes] = field(default_factory=list)
    # by id: name and sector in the last entry
    organisations: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    # by organisation and version: the number of the signature
    live: dict[tuple[int, int], int] = field(default_factory=dict)
    personal: dict[int, dict[str, str]] = field(default_factory=dict)  # by entry: what it commits to
    erased: dict[int, str] = field(default_factory=dict)  # by entry: when its personal data was erased
    hashes: dict[int, str] = field(default_factory=dict)
    latest: datetime | None = None  # when the last entry was made

    def faults(self) -> Iterator[str]:
        """A sentence for each fault; none if the register is intact."""
        number = 0
        entries = Entry.objects.order_by("seq").select_related("version__declaration")
        for number, entry in enumerate(entries.iterator(BATCH_SIZE), 1):
            if entry.seq != number:
                yield f"Entry {number} is missing."
                return
            yield from (f"Entry {number}: {fault}" for fault in self.entry_faults(entry))
        yield from self.head_faults(number)
        yield from self.node_faults(number)
        yield from self.personal_faults()
        yield from self.standing_faults()
        yield from self.text_faults()
        yield from self.paper_faults()
        yield from self.key_faults()

    def entry_faults(self, entry: Entry) -> Iterator[str]:
        """What is wrong with an entry. Also updates the state with it."""
        leaf_hash = merkle.leaf_hash(entry.leaf.encode())
        self.hashes[entry.seq] = leaf_hash.hex()
        if entry.leaf_hash != leaf_hash.hex():
            yield "the leaf does not match the hash beside it."
        _, self.frontier = merkle.append_leaf(entry.seq - 1, leaf_hash, self.frontier)
        note = f"{self.head.origin}\n{entry.seq}\n{base64.b64encode(merkle.root_of(self.frontier)).decode()}\n"
        if not self.is_signed(entry.checkpoint, note):
            yield "the checkpoint does not match the entries up to here, or is not signed by the register's key."
        if self.latest and entry.recorded_at < self.latest:
            yield "it is dated before the entry before it."
        self.latest = entry.recorded_at
        try:
            leaf = json.loads(entry.leaf)
            if canonical(leaf) != entry.leaf:
                yield "the leaf is not canonical JSON."
            if differing := [
                name for name, value in expected_leaf_values(entry, self.head.origin).items() if leaf[name] != value
            ]:
                yield f"these columns differ from the leaf: {', '.join(differing)}."
            self.apply(entry, leaf)
        except (ValueError, KeyError, TypeError):
            yield "the leaf cannot be read."

    def apply(self, entry: Entry, leaf: dict[str, Any]) -> None:
        """Update the state with what an entry changes: who has signed, an organisation's name, what was erased."""
        self.organisations[entry.body_id] = (leaf["body"], leaf["sector"])
        if commitments := leaf["commitments"]:
            self.personal[entry.seq] = commitments
        place = (entry.body_id, entry.version_id)
        if entry.kind == EntryKind.SIGNED:
            self.live[place] = entry.seq
        elif entry.kind in (EntryKind.WITHDRAWN, EntryKind.SUPERSEDED):
            self.live.pop(place, None)
        elif entry.kind == EntryKind.ERASED:
            self.erased[entry.of_id or 0] = str(leaf["at"])

    def is_signed(self, checkpoint: str, note: str) -> bool:
        """Whether a checkpoint is exactly this note with a signature by one of the register's keys."""
        beginning = f"{note}\n\N{EM DASH} {self.head.origin} "
        if not checkpoint.startswith(beginning):
            return False
        encoded = checkpoint[len(beginning) :]
        try:
            raw = base64.b64decode(encoded.removesuffix("\n"), validate=True)
        except (ValueError, binascii.Error):
            return False
        if base64.b64encode(raw).decode() + "\n" != encoded:  # Base64 can spell the same bytes in several ways
            return False
        return any(
            raw[:4] == key_id and is_signature_of(public, raw[4:], note.encode()) for _, key_id, public in self.keys
        )

    def head_faults(self, size: int) -> Iterator[str]:
        if self.head.size != size:
            yield f"The head counts {self.head.size} entries, but there are {size}."
        if self.head.frontier != [part.hex() for part in self.frontier]:
            yield "The head's frontier does not match the entries."

    def node_faults(self, size: int) -> Iterator[str]:
        """What is wrong with the tree's nodes, level by level."""
        rows = TreeNode.objects.order_by("level", "index").values_list("level", "index", "hash")
        stored: dict[int, dict[int, str]] = {}  # by level and index
        for level, index, node_hash in rows.iterator(BATCH_SIZE):
            stored.setdefault(level, {})[index] = node_hash
        below = [bytes.fromhex(self.hashes[seq]) for seq in range(1, size + 1)]
        level = 0
        while below:
            if stored.pop(level, {}) != {index: node_hash.hex() for index, node_hash in enumerate(below)}:
                yield f"The tree's nodes at level {level} do not match the entries."
            pairs = zip(below[::2], below[1::2], strict=False)
            below, level = [merkle.node_hash(left, right) for left, right in pairs], level + 1
        if stored:
            yield "The tree has nodes that belong to no entries."

    def personal_faults(self) -> Iterator[str]:
        """What is wrong with the personal data behind the entries' commitments."""
        recorded, seen = kept_outside.read_erasures().entries, set()
        for record in PersonalRecord.objects.order_by("entry_id").iterator(BATCH_SIZE):
            number = record.entry_id
            seen.add(number)
            if record.erased_at is not None:
                leaf_hash, at = recorded.get(number, ("", ""))
                # The time of an erasure is in its entry; after `reapply_erasures`, only in the file of erasures.
                times = {self.erased.get(number), at if leaf_hash == self.hashes.get(number) else None} - {None}
                if record.disclosed or exact_timestamp(record.erased_at) not in times:
                    yield f"Entry {number}: its personal data is missing, but no entry says that it was erased then."
            elif number in self.erased:
                yield f"Entry {number}: its personal data was erased, but is still here."
            elif not matches_commitments(record.disclosed, self.personal.get(number, {})):
                yield f"Entry {number}: its personal data does not match its commitments."
        for number in sorted(set(self.personal) ^ seen):
            yield f"Entry {number}: it has commitments without personal data, or personal data without commitments."

    def standing_faults(self) -> Iterator[str]:
        """Where the signatures in force, or the names of organisations, differ from the entries."""
        rows = LiveSignature.objects.values_list("body", "version", "entry")
        if {(body, version): entry for body, version, entry in rows} != self.live:
            yield "The signatures in force do not match the entries."
        sectors = set(Sector.objects.values_list("name", flat=True))
        for body in (
            SignatoryBody.objects.filter(pk__in=self.organisations).select_related("sector").iterator(BATCH_SIZE)
        ):
            name, sector = self.organisations[body.pk]
            shown = body.sector.name if body.sector else None
            # A sector itself may be renamed, without an entry: then no sector has the old name any more.
            renamed = shown is not None and sector is not None and sector not in sectors
            if name != body.name or (shown != sector and not renamed):
                yield f"Organisation {body.pk} has another name or sector than in its last entry."

    def text_faults(self) -> Iterator[str]:
        """Published texts that are not the ones that were signed, or were not in force when they were."""
        signed = Min("entries__recorded_at", filter=Q(entries__kind=EntryKind.SIGNED))
        version: Any
        for version in DeclarationVersion.objects.exclude(in_force_from=None).annotate(first_signed=signed):
            if hashlib.sha256(version.text.encode()).hexdigest() != version.sha256:
                yield f"The text of version {version.number} is not the one that was published."
            if version.first_signed and timezone.localdate(version.first_signed) < version.in_force_from:
                yield f"Version {version.number} was signed before it came into force."

    def paper_faults(self) -> Iterator[str]:
        """Signatures on paper, or scans, that are not the ones that were confirmed."""
        for paper in PaperSignature.objects.exclude(entry=None).select_related("entry__personal").iterator(BATCH_SIZE):
            entry: Any = paper.entry
            try:
                leaf, values = entry.leaf_values, entry.personal.values
            except (ValueError, KeyError, TypeError, AttributeError, PersonalRecord.DoesNotExist):
                continue  # its entry, or the personal data behind it, is a fault by itself
            stated = {"name": paper.signatory_name, "role": paper.signatory_role, "scan_sha256": paper.scan_sha256}
            if (
                (entry.on_paper, entry.body_id, entry.version_id) != (True, paper.body_id, paper.version_id)
                or leaf.get("signed_on") != paper.signed_on.isoformat()
                or (values and any(values.get(name) != value for name, value in stated.items()))
            ):
                yield f"Entry {entry.pk}: the signature on paper behind it was changed."
            if paper.scan and paper.scan.storage.exists(str(paper.scan.name)):
                with paper.scan.open("rb") as scan:
                    if hashlib.file_digest(scan, "sha256").hexdigest() != paper.scan_sha256:
                        yield f"Entry {entry.pk}: the scan is not the one that was confirmed."

    def key_faults(self) -> Iterator[str]:
        """Public keys that are not written as they were created."""
        for vkey in log.public_keys():
            try:
                name, key_id, public = verify.read_key(vkey)
            except verify.Unclear as why:
                yield f"The key {vkey}: {why}"
                continue
            encoded = base64.b64encode(keys.ED25519_TYPE + public).decode()
            if name != self.head.origin or vkey != f"{name}+{key_id.hex()}+{encoded}":
                yield f"The key {vkey} does not belong to this register."


def find_faults() -> Iterator[str]:
    """A sentence for each fault of the register in the database."""
    sizes = Head.objects.values_list("size", flat=True)
    yield from compare_undisturbed(lambda: list(read_faults()), lambda faults: faults, sizes.first)


def read_faults() -> Iterator[str]:
    """The faults that one reading finds. An entry that is made meanwhile can look like one."""
    head = Head.objects.first()
    if head is None:
        if Entry.objects.exists() or RegisterKey.objects.exists():
            yield "The register's head is missing."
        return
    yield from Audit(head, list(parse_keys(log.public_keys()))).faults()


def parse_keys(vkeys: Iterable[str]) -> Iterator[tuple[str, bytes, Ed25519PublicKey]]:
    """The name, key id and key of each public key that can be read."""
    for vkey in vkeys:
        try:
            name, key_id, encoded = vkey.split("+", 2)
            yield name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
        except ValueError:
            continue  # a checkpoint that needs it is reported


def is_signature_of(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def expected_leaf_values(entry: Entry, origin: str) -> dict[str, object]:
    """The values that the leaf must have, according to the columns beside it."""
    return {
        "at": exact_timestamp(entry.recorded_at),
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


def exact_timestamp(at: datetime) -> str | None:
    """A moment as leaves write it; None if it has fractions of a second, which no leaf has."""
    return None if at.microsecond else format_utc_timestamp(at)


def matches_commitments(disclosed: str, commitments: dict[str, str]) -> bool:
    """Whether these values and salts match the commitments, and are written as they were created."""
    try:
        opened = json.loads(disclosed)
        if canonical(opened) != disclosed:
            return False
        if any(set(part) != {"salt", "value"} or not log.is_salt(part["salt"]) for part in opened.values()):
            return False
        return {name: log.commitment(**part) for name, part in opened.items()} == commitments
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
