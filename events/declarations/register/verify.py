#!/usr/bin/env python3
"""Check the register of a declaration, offline, with Python 3.9 or later and nothing else.

    verify.py KEY receipt RECEIPT…            Is each receipt genuine, its entry in the register that it names?
    verify.py KEY register REGISTER [KEPT…]   Is the register whole? Does it extend each receipt or checkpoint kept,
                                              and does the signature of each receipt still stand?
    verify.py KEY compare KEPT KEPT [PROOF]   Are two receipts or checkpoints of one history?

KEY is the register's public key, as its page shows it: name+hash+key. Where the key was changed, give all, with
commas between them. RECEIPT is the file that a signatory got, or an entry's own, such as 7.json. REGISTER is
register.json. PROOF is what consistency.json answers for the sizes of the two. KEPT is a receipt, or a checkpoint that
somebody wrote down.

Whoever runs the register could rewrite it and sign it again. They cannot change the receipts that others keep: put two
of them (yours and a neighbour's) beside the register, and a history that was rewritten cannot agree with both.

What is checked: Ed25519 signatures (RFC 8032) on checkpoints (c2sp.org/tlog-checkpoint); the Merkle tree of RFC 6962
over the entries; and that names which are shown are those that the entries commit to. What the entries say, whether a
body could sign for instance, is for you to judge. It ends with 0 when all holds, 1 when something does not, 2 when that
cannot be told: a file is missing, or is not what it should be.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any


class Fault(Exception):  # noqa: N818 - a word that a reader knows
    """What does not hold, in words."""


class Unclear(Exception):  # noqa: N818
    """Why it cannot be told whether all holds."""


# Merkle tree (RFC 6962, section 2.1) ----------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry's leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """The root over all these leaf hashes: join what is complete and of one size, as it comes; then the rest."""
    stack: list[tuple[int, bytes]] = []
    for leaf in hashes:
        size = 1
        while stack and stack[-1][0] == size:
            leaf = node_hash(stack.pop()[1], leaf)
            size *= 2
        stack.append((size, leaf))
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that follows from a leaf, its place (from nought) and its audit path (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Fault("The entry's number lies outside the register that its proof is for.")
    path, last = list(proof), size - 1
    while last:
        if index % 2 or index < last:  # it has a neighbour; without one it rises as it is
            if not path:
                raise Fault("The inclusion proof is too short.")
            leaf = node_hash(path.pop(0), leaf) if index % 2 else node_hash(leaf, path.pop(0))
        index, last = index // 2, last // 2
    if path:
        raise Fault("The inclusion proof is too long.")
    return leaf


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]) -> None:
    """Check that a tree extends a smaller one (RFC 9162, section 2.1.4.2)."""
    path = list(proof)
    if old == 0 or old == new:
        if path or (old == new and old_root != new_root):
            raise Fault("These are two histories: one of them was rewritten.")
        return
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    index, last = old - 1, new - 1
    while index % 2:
        index, last = index // 2, last // 2
    if not path:
        raise Fault("The consistency proof is too short.")
    first = second = path.pop(0)
    for part in path:
        if not last:
            raise Fault("The consistency proof is too long.")
        if index % 2 or index == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            second = node_hash(second, part)
        index, last = index // 2, last // 2
    if last or first != old_root or second != new_root:
        raise Fault("These are two histories, or the proof is damaged: the later one does not extend the earlier one.")


# Ed25519 verification (RFC 8032, section 5.1) -------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Point = Any  # (x, y, z, t): extended coordinates
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """The sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    return ((f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P)


def times(scalar: int, point: Point) -> Point:
    """A point added to itself so many times."""
    total = NEUTRAL
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def same(a: Point, b: Point) -> bool:
    """Whether two points are one."""
    return bool((a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0)


def point_of(data: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of(bytes.fromhex("58" + "66" * 31))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(times(s, BASE), add(r, times(k, a)))


# Checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) ---------------------------------------------------------

MOST_SIGNATURES = 16  # of one checkpoint: each costs time
Key = Any  # name, the four bytes by which signatures name the key, the key


def read_key(vkey: str) -> Key:
    """What ``name+hash+key`` says."""
    try:
        name, short, key = vkey.strip().split("+", 2)
        data = base64.b64decode(key, validate=True)
    except ValueError:
        raise Unclear("The key must look like name+hash+key, as the register's page shows it.") from None
    named = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if data[:1] != b"\x01" or len(data) != 33 or named.hex() != short:
        raise Unclear("The key is damaged: its hash does not fit.")
    point = point_of(data[1:])
    if point is None or same(times(8, point), NEUTRAL):
        raise Unclear("The key is none: anybody could sign in its name.")
    return name, named, data[1:]


def read_checkpoint(note: str, keys: list[Key]) -> tuple[str, int, bytes]:
    """The name, size and root of a checkpoint that one of the keys has signed."""
    text, separator, signatures = note.strip().rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not separator or len(lines) < 4 or not (lines[1].isascii() and lines[1].isdigit() and len(lines[1]) < 16):
        raise Unclear("This is no checkpoint.")
    for line in signatures.split("\n")[:MOST_SIGNATURES]:
        dash, _, rest = line.partition(" ")
        name, _, data = rest.partition(" ")
        for known, named, public in keys:
            if dash == "\u2014" and name == known == lines[0]:
                raw = decoded(data)
                if raw[:4] == named and is_signed(public, text.encode(), raw[4:]):
                    return name, int(lines[1]), decoded(lines[2])
    raise Fault("The checkpoint is not signed by this key: it was changed, or it is another register's.")


def decoded(text: str) -> bytes:
    """What Base64 stands for; nothing but Base64 is taken."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault("A hash or a signature is damaged: it is no Base64.") from None


# Entries --------------------------------------------------------------------------------------------------------------


def check_disclosed(said: dict[str, Any], disclosed: dict[str, Any]) -> None:
    """Check that the names shown with an entry are those that it commits to."""
    for name, part in disclosed.items():
        digest = hashlib.sha256(bytes.fromhex(part["salt"]) + part["value"].encode()).hexdigest()
        if said["commitments"].get(name) != digest:
            raise Fault(f"Entry {said['seq']}: the {name} shown is not the one that it commits to.")


def check_receipt(receipt: dict[str, Any], keys: list[Key]) -> str:
    """A sentence about a receipt whose entry is in the register that it was given for, and in a later one if it is."""
    said = json.loads(receipt["leaf"])
    size = 0
    for place in (receipt, receipt.get("now", receipt)):
        origin, size, root = read_checkpoint(place["checkpoint"], keys)
        proof = [decoded(part) for part in place["inclusion_proof"]]
        if root_from_inclusion(leaf_hash(receipt["leaf"].encode()), said["seq"] - 1, size, proof) != root:
            raise Fault("The entry is not in the register of its checkpoint: the receipt was changed.")
        if said["origin"] != origin:
            raise Fault("The entry is another register's.")
    check_disclosed(said, receipt.get("disclosed", {}))
    stands = " Whether it still stands is said only by the register." if said["kind"] == "signed" else ""
    return (
        f"Entry {said['seq']}, {said['kind']} by {said['body']} at {said['at']}, is in the register of {size} entries."
        + stands
    )


def check_register(register: dict[str, Any], kept: list[Kept], keys: list[Key]) -> list[str]:
    """Sentences about a register that is whole and extends every checkpoint that was kept."""
    origin, size, root = read_checkpoint(register["checkpoint"], keys)
    entries = register["entries"]
    if len(entries) != size:
        raise Fault(f"The checkpoint is over {size} entries; {len(entries)} are here.")
    hashes = [leaf_hash(entry["leaf"].encode()) for entry in entries]
    standing, ended = set(), {}
    for number, entry in enumerate(entries, 1):
        said = json.loads(entry["leaf"])
        if said["seq"] != number or said["origin"] != origin:
            raise Fault(f"Entry {number} is missing or out of order.")
        check_disclosed(said, entry.get("disclosed", {}))
        place = (said["declaration"], said["version"], said["body_id"])
        if said["kind"] == "signed":
            standing.add(place)
        elif said["kind"] in ("withdrawn", "superseded"):
            standing.discard(place)
            ended[said["of"]] = f"{said['kind']} by entry {number}"
    if root_of(hashes) != root:
        raise Fault("The entries do not add up to the signed checkpoint: one was changed.")
    found = [f"The register is whole: {size} entries, {len(standing)} signatures that stand."]
    if not kept:
        found.append("It was compared with nothing that others keep: add receipts or checkpoints.")
    for path, note, receipt in kept:
        _, old, old_root = read_checkpoint(note, keys)
        if old > size:
            raise Fault(f"{path} knows {old} entries, the register has {size}: it was rolled back.")
        if root_of(hashes[:old]) != old_root:
            raise Fault(f"{path} was signed over another history: this register is a fork.")
        if receipt is not None:
            check_receipt(receipt, keys)
            signed = json.loads(receipt["leaf"])["seq"]
            if signed in ended:
                found.append(f"{path}: entry {signed} no longer stands, its signature was {ended[signed]}.")
        found.append(f"It extends {path} ({old} entries).")
    return found


def compare(kept: list[Kept], proof: dict[str, Any] | None, keys: list[Key]) -> str:
    """A sentence about two checkpoints of one history."""
    for _, _, receipt in kept:
        if receipt is not None:
            check_receipt(receipt, keys)
    sizes = sorted((read_checkpoint(note, keys) for _, note, _ in kept), key=lambda found: found[1])
    (name, old, old_root), (other, new, new_root) = sizes
    if name != other:
        raise Fault("These are of two registers: each has another name.")
    path: list[bytes] = []
    if 0 < old < new:
        if proof is None or (proof["old"], proof["new"]) != (old, new):
            raise Unclear(
                f"To compare them, add what the register answers to consistency.json?old={old}&new={new}; where it "
                "answers nothing, put both beside register.json."
            )
        path = [decoded(part) for part in proof["consistency_proof"]]
    check_consistency(old, old_root, new, new_root, path)
    return f"They are of one history: {old} entries, then {new}."


# What a person asks ---------------------------------------------------------------------------------------------------

Kept = Any  # where it was read, the checkpoint, and the receipt if it is one


def read(path: str) -> str:
    """The text in a file, with or without the mark that some editors put at its beginning."""
    with open(path, encoding="utf-8-sig") as file:
        return file.read()


def read_json(path: str) -> dict[str, Any]:
    """What is in a file of JSON."""
    found = json.loads(read(path))
    if not isinstance(found, dict):
        raise Unclear(f"{path} holds something else than was asked for.")
    return found


def read_kept(path: str) -> Kept:
    """What is in a file that somebody kept."""
    if read(path).lstrip().startswith("{"):
        receipt = read_json(path)
        return path, receipt["checkpoint"], receipt
    return path, read(path), None


def answer(vkeys: str, action: str, files: list[str]) -> list[str]:
    """Sentences that answer what was asked; raises Fault."""
    keys = [read_key(vkey) for vkey in vkeys.split(",")]
    if action == "receipt":
        return [f"{path}: {check_receipt(read_json(path), keys)}" for path in files]
    if action == "register":
        return check_register(read_json(files[0]), [read_kept(path) for path in files[1:]], keys)
    return [compare([read_kept(path) for path in files[:2]], read_json(files[2]) if files[2:] else None, keys)]


def say(line: str) -> None:
    """Print a line as it is: whatever a file holds, it cannot move the cursor, hide a line or fail to print."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    encoding = sys.stdout.encoding or "utf-8"
    print(shown.encode(encoding, "replace").decode(encoding))


def main(arguments: list[str]) -> int:
    """Answer, and say by the exit code whether all holds."""
    files = {"receipt": (1, 10**6), "register": (1, 10**6), "compare": (2, 3)}
    least, most = files.get(arguments[1], (1, 0)) if len(arguments) > 1 else (1, 0)
    if not least <= len(arguments) - 2 <= most:
        for line in (__doc__ or "").strip().split("\n"):
            say(line)
        return 2
    try:
        for line in answer(arguments[0], arguments[1], arguments[2:]):
            say(line)
    except Fault as fault:
        say(f"NOT GOOD: {fault}")
        return 1
    except Unclear as why:
        say(f"It cannot be told: {why}")
        return 2
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        say(f"It cannot be told: a file is missing or is not what it should be ({type(error).__name__}: {error}).")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
