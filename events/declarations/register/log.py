"""Appending to the register, and what can be proven of it. Whoever appends holds the head's row until they commit."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.declarations.choices import Kind
from events.declarations.models import (
    DeclarationVersion,
    Entry,
    Head,
    PersonalRecord,
    RegisterKey,
    SignatoryBody,
    TreeNode,
)
from events.declarations.register import keys, merkle, witness
from events.declarations.register.canonical import canonical

NO_KEY = "The register has no key yet. Make one: manage.py register rotate-key"


# The key --------------------------------------------------------------------------------------------------------------


def current_key() -> keys.Key:
    """Return the key that signs; raises ImproperlyConfigured where it is lost: a new one would not be known."""
    known = RegisterKey.objects.last()
    if known is None:
        raise ImproperlyConfigured(NO_KEY)
    name = known.vkey.split("+")[0]
    path = key_path(known.vkey)
    try:
        key = keys.read(path, name)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The register's key is missing or unreadable: {path}. Put it back from your backup. A new one is made "
            "only by: manage.py register rotate-key"
        ) from error
    if key.vkey != known.vkey:
        raise ImproperlyConfigured(f"{path} does not hold the register's key {known.vkey}. Put that back.")
    return key


def vkeys() -> list[str]:
    """Return the register's public keys, the oldest first: each checkpoint is signed by one of them."""
    return list(RegisterKey.objects.values_list("vkey", flat=True))


def require_key() -> None:
    """Raise ImproperlyConfigured where the register has a key and its file is lost; without a register, do nothing."""
    if RegisterKey.objects.exists():
        current_key()


def key_path(vkey: str) -> Path:
    """Return the file of the private key that belongs to a public one, named as notes name the key."""
    folder: Path = settings.REGISTER_KEYS
    return folder / f"{vkey.split('+')[1]}.key"


@transaction.atomic
def rotate_key() -> RegisterKey:
    """Make a key that signs from now on, the first too; those before stay known, so that old receipts stay valid."""
    origin = settings.PORTAL_URL.split("://")[1] + "/declaration"
    head, _ = Head.objects.select_for_update().get_or_create(id=1, defaults={"origin": origin})
    if head.size == 0 and head.origin != origin:  # frozen at the first entry, not before
        head.origin = origin
        head.save()
    key = keys.make(settings.REGISTER_KEYS, head.origin)
    return RegisterKey.objects.create(vkey=key.vkey)


# Appending ------------------------------------------------------------------------------------------------------------


def lock() -> Head:
    """Return the head, which nobody else can move until this transaction ends."""
    try:
        return Head.objects.select_for_update().get()
    except Head.DoesNotExist as error:
        raise ImproperlyConfigured(NO_KEY) from error


def append(
    *,
    kind: Kind,
    body: SignatoryBody,
    version: DeclarationVersion,
    personal: Mapping[str, str] | None = None,
    stated: Mapping[str, Any] | None = None,
    of: Entry | None = None,
    on_paper: bool = False,
    head: Head | None = None,
) -> Entry:
    """Append an entry and sign the checkpoint over it; must run inside a transaction.

    ``head`` is what `lock` has returned in this transaction, for who need not ask for it twice.
    ``personal`` are values about people: the leaf holds salted commitments to them. ``stated`` is what the leaf says
    besides, in public and for good.
    """
    head, key = head or lock(), current_key()
    witness.require_not_behind(head.size)
    before = [bytes.fromhex(part) for part in head.frontier]
    require_continuation(head.size, before)
    seq, at = head.size + 1, timezone.now().replace(microsecond=0)
    opened = {
        name: {"salt": secrets.token_hex(16), "value": value} for name, value in (personal or {}).items() if value
    }
    leaf = canonical(
        {
            "at": moment(at),
            "body": body.name,
            "body_id": body.pk,
            "commitments": {name: commitment(**part) for name, part in opened.items()},
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
    hashed = merkle.leaf_hash(leaf.encode())
    nodes, frontier = merkle.completed(head.size, hashed, before)
    entry = Entry(
        seq=seq,
        kind=kind,
        body=body,
        version=version,
        of=of,
        on_paper=on_paper,
        recorded_at=at,
        leaf=leaf,
        leaf_hash=hashed.hex(),
        checkpoint=key.checkpoint(seq, merkle.root_of(frontier)),
    )
    entry.save(force_insert=True)
    TreeNode.objects.bulk_create(TreeNode(level=name[0], index=name[1], hash=h.hex()) for name, h in nodes)
    if opened:
        PersonalRecord.objects.create(entry=entry, disclosed=canonical(opened))
    head.size, head.frontier = seq, [part.hex() for part in frontier]
    head.save()
    transaction.on_commit(lambda: witness.keep(seq, entry.checkpoint))
    return entry


def require_continuation(size: int, frontier: list[bytes]) -> None:
    """Raise ImproperlyConfigured where the head is not that of the last checkpoint: the key signs no other history."""
    last = Entry.objects.filter(seq=size).values_list("checkpoint", flat=True).first()
    root = base64.b64encode(merkle.root_of(frontier)).decode()
    if size and (last is None or last.split("\n")[1:3] != [str(size), root]):
        raise ImproperlyConfigured(
            "The register's head is not that of its last entry: somebody has changed it. Nothing more is signed. "
            "manage.py register verify says what is wrong."
        )


def moment(at: datetime) -> str:
    """Return a moment as leaves write it: RFC 3339, in UTC, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def commitment(salt: str, value: str) -> str:
    """Return what a leaf holds of a personal value: SHA-256 over a random salt's bytes and the value's."""
    return hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest()


# Proving --------------------------------------------------------------------------------------------------------------


def checkpoint() -> str:
    """Return the newest signed checkpoint; of a register without entries, one that says so.

    Raises ImproperlyConfigured where there is no register yet.
    """
    newest = Entry.objects.order_by("seq").last()
    return newest.checkpoint if newest else current_key().checkpoint(0, merkle.EMPTY_ROOT)


def inclusion_proof(seq: int, size: int) -> list[str]:
    """Return the audit path of an entry in the register of this size, in Base64, from the leaf upwards."""
    return proven(lambda node: merkle.inclusion_proof(seq - 1, size, node))


def consistency_proof(old: int, new: int) -> list[str]:
    """Return the proof that the register of size ``new`` extends that of size ``old``, in Base64."""
    return proven(lambda node: merkle.consistency_proof(old, new, node))


def proven(prove: Callable[[merkle.Lookup], list[bytes]]) -> list[str]:
    """Return a proof, in Base64, made of the nodes that it asks for: it is asked twice, and the database once."""
    wanted: list[merkle.Node] = []

    def note(name: merkle.Node) -> bytes:
        wanted.append(name)
        return b""

    prove(note)
    named = Q(pk__in=[])
    for level, index in wanted:
        named |= Q(level=level, index=index)
    rows = TreeNode.objects.filter(named).values_list("level", "index", "hash")
    nodes = {(level, index): bytes.fromhex(hashed) for level, index, hashed in rows}
    return [base64.b64encode(part).decode() for part in prove(nodes.__getitem__)]


def proof(entry: Entry) -> dict[str, Any]:
    """Return what proves to anybody, without this portal, that an entry is in the register."""
    return {
        "checkpoint": entry.checkpoint,
        "inclusion_proof": inclusion_proof(entry.seq, entry.seq),
        "leaf": entry.leaf,
    }


def receipt(entry: Entry) -> dict[str, Any]:
    """Return the proof of a signature together with who signed: for the signatory, and for whom they give it to."""
    personal = PersonalRecord.objects.filter(entry=entry).first()
    return proof(entry) | {"disclosed": personal.opened if personal else {}}
