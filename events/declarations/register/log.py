"""Appending to the register, and proofs about it. Appending keeps the head's row locked until the commit."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Head,
    PersonalRecord,
    RegisterKey,
    SignatoryBody,
    TreeNode,
)
from events.declarations.register import kept_outside, keys, merkle
from events.declarations.register.canonical import canonical
from vru_portal.text.dates import format_utc_timestamp
from vru_portal.web.prepared_queries import prepared

NO_KEY_MESSAGE = "The register has no key yet. Make one: manage.py register rotate-key"


# The key --------------------------------------------------------------------------------------------------------------


def current_key() -> keys.SigningKey:
    """The key that signs. Raises ImproperlyConfigured if it is lost: a new one must be made on purpose."""
    newest = next(iter(newest_keys()), None)
    if newest is None:
        raise ImproperlyConfigured(NO_KEY_MESSAGE)
    name = newest.vkey.split("+")[0]
    path = key_path(newest.vkey)
    try:
        key = keys.read_key_file(path, name)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The register's key is missing or unreadable: {path}. Restore it from your backup. If there is none, "
            "make a new key: manage.py register rotate-key"
        ) from error
    if key.vkey != newest.vkey:
        raise ImproperlyConfigured(f"{path} is not the register's key {newest.vkey}. Restore that key.")
    return key


@prepared
def newest_keys() -> QuerySet[RegisterKey]:
    return RegisterKey.objects.order_by("-id")[:1]


def public_keys() -> list[str]:
    """The register's public keys, the oldest first. Each checkpoint is signed by one of them."""
    return list(RegisterKey.objects.values_list("vkey", flat=True))


def require_key() -> None:
    """Raise ImproperlyConfigured if the register has a key whose file is lost. Without a register, do nothing."""
    if RegisterKey.objects.exists():
        current_key()


def key_path(vkey: str) -> Path:
    """The file of the private key that belongs to a public one, named by its key id."""
    folder: Path = settings.REGISTER_KEYS
    return folder / f"{vkey.split('+')[1]}.key"


@transaction.atomic
def rotate_key() -> RegisterKey:
    """Make the key for all signatures that follow. Earlier public keys stay known, so that old receipts stay valid."""
    origin = settings.PORTAL_URL.split("://")[1] + "/declaration"
    head, _ = Head.objects.select_for_update().get_or_create(id=1, defaults={"origin": origin})
    if head.size == 0 and head.origin != origin:  # the portal's address may change until the first entry, never after
        head.origin = origin
        head.save()
    key = keys.make_key_file(settings.REGISTER_KEYS, head.origin)
    return RegisterKey.objects.create(vkey=key.vkey)


# Appending ------------------------------------------------------------------------------------------------------------


def lock_head() -> Head:
    """Lock the head: nobody else can append until this transaction ends."""
    head = next(iter(locked_heads()), None)
    if head is None:
        raise ImproperlyConfigured(NO_KEY_MESSAGE)
    return head


@prepared
def locked_heads() -> QuerySet[Head]:
    return Head.objects.select_for_update()


@dataclass(frozen=True)
class End:
    """How the log ends, as read with the head's lock held: nobody else changes it meanwhile."""

    key: keys.SigningKey
    size: int
    checkpoint: str
    at: datetime | None  # when the last entry was made, if there is one


def read_end(head: Head) -> End:
    """Read what the next entry continues, and keep it with the head.

    Raises ImproperlyConfigured where the key is lost, or where the register does not contain what the kept checkpoint
    was signed over: an older backup was restored, or entries were rewritten.
    """
    if head.end is None or head.end.size != head.size:
        key = current_key()
        kept_size, kept = kept_outside.read_kept_checkpoint()
        found = {seq: (checkpoint, at) for seq, checkpoint, at in ends(head.size, kept_size)}
        if kept_size and found.get(kept_size, ("", None))[0].split("\n\n")[0] != kept:
            raise kept_outside.rollback_error(kept_size)
        head.end = End(key, head.size, *found.get(head.size, ("", None)))
    return head.end


@prepared
def ends(size: int, kept_size: int) -> QuerySet[Entry, tuple[int, str, datetime]]:
    return Entry.objects.filter(Q(seq=size) | Q(seq=kept_size)).values_list("seq", "checkpoint", "recorded_at")


def append_entry(
    *,
    kind: EntryKind,
    body: SignatoryBody,
    version: DeclarationVersion,
    personal: Mapping[str, str] | None = None,
    stated: Mapping[str, Any] | None = None,
    of: Entry | None = None,
    on_paper: bool = False,
    head: Head | None = None,
) -> Entry:
    """Append an entry and sign the checkpoint over it. Must run inside a transaction.

    - ``personal``: values about people. The leaf has only salted commitments to them, so they can be erased later.
    - ``stated``: further values of the leaf, which are permanently public.
    - ``head``: what `lock_head` returned in this transaction, to save a query.
    """
    head = head or lock_head()
    # A database restored from a backup would otherwise give numbers away a second time, for which receipts exist.
    end = read_end(head)
    old_frontier = [bytes.fromhex(node) for node in head.frontier]
    previous = require_continuation(end, old_frontier)
    seq, at = head.size + 1, timezone.now().replace(microsecond=0)
    if previous:  # a clock can be set back; the order of the entries cannot
        at = max(at, previous)
    salted_values = {name: {"salt": make_salt(), "value": value} for name, value in (personal or {}).items() if value}
    leaf = canonical(
        {
            "at": format_utc_timestamp(at),
            "body": body.name,
            "body_id": body.pk,
            "commitments": {name: commitment(**salted) for name, salted in salted_values.items()},
            "declaration": version.declaration.slug,
            "kind": str(kind),
            "of": None if of is None else of.seq,
            "on_paper": on_paper,
            "origin": head.origin,
            "sector": str(body.sector) if body.sector else None,
            "seq": seq,
            "text_sha256": version.sha256,
            "version": version.number,
            **(stated or {}),
        }
    )
    leaf_hash = merkle.leaf_hash(leaf.encode())
    nodes, frontier = merkle.append_leaf(head.size, leaf_hash, old_frontier)
    entry = Entry(
        seq=seq,
        kind=kind,
        body=body,
        version=version,
        of=of,
        on_paper=on_paper,
        recorded_at=at,
        leaf=leaf,
        leaf_hash=leaf_hash.hex(),
        checkpoint=end.key.checkpoint(seq, merkle.root_of(frontier)),
    )
    entry.save(force_insert=True)
    TreeNode.objects.bulk_create(TreeNode(level=name[0], index=name[1], hash=h.hex()) for name, h in nodes)
    if salted_values:
        PersonalRecord.objects.create(entry=entry, disclosed=canonical(salted_values))
    head.size, head.frontier = seq, [node.hex() for node in frontier]
    head.save()
    head.end = End(end.key, seq, entry.checkpoint, at)
    transaction.on_commit(lambda: kept_outside.keep_if_newer(seq, entry.checkpoint))
    return entry


def require_continuation(end: End, frontier: list[bytes]) -> datetime | None:
    """Return when the last entry was made, if there is one.

    Raises ImproperlyConfigured if the head does not match its checkpoint: no key signs two histories.
    """
    if end.size == 0:
        return None
    root = base64.b64encode(merkle.root_of(frontier)).decode()
    if end.checkpoint.split("\n")[1:3] != [str(end.size), root]:
        raise ImproperlyConfigured(
            "The register's head does not match its last entry: somebody has changed it. Nothing else is signed. "
            "To see what is wrong, run: manage.py register verify"
        )
    return end.at


def make_salt() -> str:
    return secrets.token_hex(16)


def is_salt(text: str) -> bool:
    """Whether a salt has the one form in which salts are made.

    With another length, letters could move from the salt to the value or back, and the commitment would stay the same.
    """
    return re.fullmatch("[0-9a-f]{32}", text) is not None


def commitment(salt: str, value: str) -> str:
    """What a leaf has in place of a personal value: SHA-256 of a random salt's bytes and the value's.

    Without the salt, names and email addresses could be found by trying likely ones.
    """
    return hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest()


# Proving --------------------------------------------------------------------------------------------------------------


def newest_checkpoint() -> str:
    """The newest signed checkpoint, which for an empty register says that it is empty.

    Raises ImproperlyConfigured if there is no register yet.
    """
    newest = Entry.objects.order_by("seq").last()
    return newest.checkpoint if newest else current_key().checkpoint(0, merkle.EMPTY_ROOT)


def inclusion_proof(seq: int, size: int) -> list[str]:
    """The audit path of an entry in the register of this size, in Base64, from the leaf upwards."""
    return base64_proof(lambda node: merkle.inclusion_proof(seq - 1, size, node))


def consistency_proof(old: int, new: int) -> list[str]:
    """The proof that the register of size ``new`` extends that of size ``old``, in Base64."""
    return base64_proof(lambda node: merkle.consistency_proof(old, new, node))


def base64_proof(prove: Callable[[merkle.Lookup], list[bytes]]) -> list[str]:
    """Run a function that proves something from tree nodes, and return the proof in Base64.

    It runs twice: first to note which nodes it needs, then, with all of them fetched in one query, for its result.
    """
    needed: list[merkle.Node] = []

    def note_node(node: merkle.Node) -> bytes:
        needed.append(node)
        return b""

    prove(note_node)
    condition = Q(pk__in=[])  # matches nothing, for proofs that need no nodes
    for level, index in needed:
        condition |= Q(level=level, index=index)
    rows = TreeNode.objects.filter(condition).values_list("level", "index", "hash")
    nodes = {(level, index): bytes.fromhex(node_hash) for level, index, node_hash in rows}
    return [base64.b64encode(node_hash).decode() for node_hash in prove(nodes.__getitem__)]


def entry_proof(entry: Entry) -> dict[str, Any]:
    """What proves to anybody, without this portal, that an entry is in the register."""
    return {
        "checkpoint": entry.checkpoint,
        "inclusion_proof": inclusion_proof(entry.seq, entry.seq),
        "leaf": entry.leaf,
    }


def receipt_data(entry: Entry) -> dict[str, Any]:
    """The proof of a signature together with who signed: for the signatory, and anyone they show it to."""
    personal = PersonalRecord.objects.filter(entry=entry).first()
    return entry_proof(entry) | {"disclosed": personal.salted_values if personal else {}}
