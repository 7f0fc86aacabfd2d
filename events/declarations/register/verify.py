#!/usr/bin/env python3
"""Check the register of a declaration, offline, with Python 3.9 or later and nothing else.

    verify.py KEY register REGISTER [KEPT…]     Is the register complete, and does it extend everything kept?
    verify.py KEY receipt RECEIPT…              Is each receipt genuine, and its entry in the register that it names?
    verify.py KEY compare KEPT KEPT… [PROOF…]   Do all of these belong to the same history?

KEY is the register's public key as its page shows it, name+hash+key, or a file with it, such as key.txt; where the key
was changed, all keys, with commas between them. REGISTER is register.json. RECEIPT is the file that a signatory got, or
an entry's own, such as 7.json. KEPT is any of these, or a text with checkpoints. PROOF is consistency.json.

Whoever runs the register could rewrite it and sign it again. They cannot change what others keep: put two receipts
(yours and a neighbour's) beside the register, and a history that was rewritten cannot agree with both.

What is checked: Ed25519 signatures (RFC 8032) on each checkpoint (c2sp.org/tlog-checkpoint) in each file; the Merkle
tree of RFC 6962 over the entries; that names which are shown are those that the entries commit to; and that no entry is
dated before an earlier one. What was checked is printed. What the entries say, whether a body could sign for instance,
is for you to judge. It ends with 0 when all holds, 1 when something was changed, 2 when that cannot be checked: a file
is missing, or a damaged copy, or not what it should be. A copy with 2 is no evidence: get it again, from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import unicodedata
from typing import Any


class Fault(Exception):  # noqa: N818 - a word that a reader knows
    """What does not hold, in words."""


class Mismatch(Fault):
    """A fault that is also found where a copy's lines were wrapped, or its spaces changed."""


class Unclear(Exception):  # noqa: N818
    """Why something cannot be checked."""


# Merkle tree (RFC 6962, section 2.1) ----------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry's leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots_of(hashes: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The roots over the first so many leaf hashes: what is complete and of one size is joined as it comes."""
    stack: list[tuple[int, bytes]] = []
    roots = {0: hashlib.sha256(b"").digest()}
    for number, leaf in enumerate(hashes, 1):
        size = 1
        while stack and stack[-1][0] == size:
            leaf = node_hash(stack.pop()[1], leaf)
            size *= 2
        stack.append((size, leaf))
        if number in sizes:
            for _, left in stack[-2::-1]:
                leaf = node_hash(left, leaf)
            roots[number] = leaf
    return roots


def proven_roots(old: int, new: int, path: list[bytes], leaf: bytes = b"", root: bytes = b"") -> tuple[bytes, bytes]:
    """The roots of a register and of a later one that follow from a proof (RFC 6962, sections 2.1.1 and 2.1.2).

    Of inclusion: from the leaf of the last entry of the earlier one. Of consistency: from the earlier one's root.
    """
    is_part = new == 1 if leaf else old == new
    part = leaf or root
    if bool(path) != (not (is_part and part)):
        raise Unclear("The proof is too short or too long: the copy has lost a line of it, or has one too many.")
    if is_part:
        return (part or path[0],) * 2
    split = 1 << (new - 1).bit_length() - 1
    if old <= split:
        first, second = proven_roots(old, split, path[:-1], leaf, root)
        return first, node_hash(second, path[-1])
    first, second = proven_roots(old - split, new - split, path[:-1], leaf)
    return node_hash(path[-1], first), node_hash(path[-1], second)


# Ed25519 verification (RFC 8032, section 5.1) -------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Point = Any  # (x, y, z, t): extended coordinates


def add(a: Point, b: Point) -> Point:
    """The sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    return ((f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P)


def times(scalar: int, point: Point) -> Point:
    """A point added to itself so many times."""
    if scalar == 0:
        return (0, 1, 1, 0)
    twice = times(scalar // 2, add(point, point))
    return add(twice, point) if scalar % 2 else twice


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
    x = x if x & 1 == sign else P - x
    return (x, y, 1, x * y % P)


BASE = point_of(bytes.fromhex("58" + "66" * 31))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    a, b = times(s, BASE), add(r, times(k, key))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


# Checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) ---------------------------------------------------------

MAX_SIGNATURES, MAX_CHECKPOINTS = 16, 200  # of one checkpoint, in one file: each costs time
GAP = r"[\s\u00ad\u200b-\u200f\u2060\ufeff]*"  # what mail programs and PDF readers put between letters
LETTER = rf"(?:[A-Za-z0-9+/]{GAP})"  # of Base64
Key = Any  # name, the four bytes by which signatures name the key, the key
Checkpoint = Any  # name, size, root


def read_key(vkey: str) -> Key:
    """What ``name+hash+key`` says; its hash tells whether it is complete."""
    form = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", vkey)
    if not form:
        raise Unclear("The key must look like name+hash+key, as the register's page shows it.")
    name, data = form[1], base64.b64decode(form[3])
    named = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if data[:1] != b"\x01" or named.hex() != form[2]:
        raise Unclear("The key is damaged: its hash does not match.")
    point = point_of(data[1:])
    if point is None or times(8, point)[0] == 0:
        raise Unclear("This key is not safe: anyone could forge its signatures.")
    return name, named, data[1:]


def read_checkpoints(text: str, keys: list[Key]) -> list[Checkpoint]:
    """Each checkpoint in a text, as it was signed: in a copy, lines may be wrapped and spaces be others."""
    note, _, signatures = text.strip().rpartition("\n\n")
    readings = {note + "\n": signatures}
    for name in {known for known, _, _ in keys}:
        spelt = GAP.join(map(re.escape, name)) + GAP
        form = rf"(?<!\S){spelt}((?:[0-9]{GAP}){{1,15}})({LETTER}{{43}}=){GAP}(?=\u2014)"
        found = list(re.finditer(form, text))
        if found:
            readings.pop(note + "\n", None)
            if re.search(rf"\u2014{GAP}{spelt}", text[: found[0].start()]):
                raise Unclear("A checkpoint is damaged: its signature is here, but the text above it is incomplete.")
        for number, one in enumerate(found, 1):
            size, root = (re.sub(GAP, "", part) for part in one.groups())
            below = text[one.end() : found[number].start() if number < len(found) else len(text)]
            readings[f"{name}\n{size}\n{root}\n"] = below
    if len(readings) > MAX_CHECKPOINTS:
        raise Unclear(f"There are more than {MAX_CHECKPOINTS} checkpoints in one file.")
    return [check_signatures(body, below, keys) for body, below in readings.items()]


def check_signatures(body: str, signatures: str, keys: list[Key]) -> Checkpoint:
    """What a checkpoint says, if its signatures by these keys are of it, and there is one."""
    name, size, root, *_ = [*body.split("\n"), "", ""]
    form = rf"\u2014{GAP}{GAP.join(map(re.escape, name))}{GAP}({LETTER}{{91}}=)(?![A-Za-z0-9+/=])"
    raws = [decoded(data, 68) for data in re.findall(form, signatures)[:MAX_SIGNATURES]]
    fits = {is_signed(key[2], body.encode(), raw[4:]) for raw in raws for key in keys if key[:2] == (name, raw[:4])}
    if not re.fullmatch("[0-9]{1,15}", size) or fits not in ({True}, {False}):
        raise Unclear(
            "No checkpoint here is signed by this key: this is a damaged copy, or is from another register. "
            "If the register has had several keys, give all of them."
        )
    found = name, int(size), decoded(root)  # first: a root that is not a hash was damaged in transit
    if fits == {False}:
        # Nobody's tampering is proven by this: anyone can write such a checkpoint, and a letter that was misread on a
        # printed receipt looks the same. What proves it is what the key did sign: two checkpoints that contradict each
        # other, or entries beside a checkpoint that they do not add up to.
        raise Unclear(
            "The checkpoint does not match its signature: a letter was misread, or it was changed. Get it again."
        )
    return found


def decoded(text: str, length: int = 32) -> bytes:
    """What Base64 stands for, of this length."""
    joined = re.sub(GAP, "", text)
    if not re.fullmatch("[A-Za-z0-9+/]*=?", joined) or len(joined) != (length + 2) // 3 * 4:
        raise Unclear("A hash or signature is incomplete: this copy is damaged.")
    return base64.b64decode(joined)


# Entries --------------------------------------------------------------------------------------------------------------


def parse(text: str) -> Any:
    """What is in a text of JSON that can be read in one way only; another text as it is."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Unclear("A field occurs twice in one object, so it could be read in two ways.")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once) if text.lstrip().startswith("{") else text


def canonical(value: Any) -> str:
    """The one way to write a value (RFC 8785); words stand in quotation marks that they cannot end."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def require(found: dict[str, Any], needed: str, optional: str = "") -> dict[str, Any]:
    """Return an object that has these names and no other, since nothing vouches for any other."""
    wrong = (found.keys() ^ {*needed.split()}) - {*optional.split()}
    if wrong:
        raise Unclear(f"Fields are missing or unexpected: {', '.join(sorted(wrong))}.")
    return found


def read_leaf(leaf: str) -> dict[str, Any]:
    """What an entry says."""
    said: dict[str, Any] = parse(leaf)
    if canonical(said) != leaf or not re.fullmatch("[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}Z", said["at"]):
        raise Unclear("An entry is not in the register's format.")
    return said


def describe(said: dict[str, Any], disclosed: dict[str, Any]) -> str:
    """What an entry says, with the names shown beside it, which must be those that it commits to."""
    did = f"{said['kind']} {'by' if said['kind'] in ('signed', 'withdrawn') else 'for'} {canonical(said['body'])}"
    words = f"Entry {said['seq']}, {did} at {said['at']}"
    words += f", on paper dated {canonical(said.get('signed_on'))}" if said["on_paper"] else ""
    words += f", which follows entry {said['of']}" if said["of"] else ""
    words += f"; text: version {said['version']} of {canonical(said['declaration'])}, SHA-256 {said['text_sha256']}"
    for name, part in disclosed.items():
        salt, value = require(part, "salt value")["salt"], part["value"]
        if not re.fullmatch("[0-9a-f]{32}", salt):
            raise Fault(f"Entry {said['seq']}: the salt of the {name} was changed: it is not 32 hexadecimal digits.")
        if said["commitments"].get(name) != hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest():
            raise Mismatch(f"Entry {said['seq']}: the {name} shown is not the one that it commits to.")
        words += f"; {name} {canonical(value)}"
    return words


# What files tell ------------------------------------------------------------------------------------------------------


class History:
    """What files tell of one register: no two may differ."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys
        self.names: set[str] = set()
        self.roots: dict[int, tuple[bytes, str]] = {}  # by size: the root, and the first file that says so
        self.newest: dict[str, int] = {}  # by file: the greatest size that it tells of
        self.extends: set[tuple[int, int]] = set()  # sizes: the second is proven to extend the first
        self.dates: dict[int, str] = {}  # by entry
        self.registers: list[tuple[str, list[bytes]]] = []  # the file, the hashes of its leaves
        self.ended: dict[int, str] = {}  # by entry: what ended it

    def note(self, path: str, checkpoint: Checkpoint) -> None:
        """Take in a checkpoint that was signed, or what follows from one."""
        name, size, root = checkpoint
        self.names.add(name)
        if len(self.names) > 1:
            raise Unclear(f"These files are from two registers: {path} names a different one.")
        self.newest[path] = max(size, self.newest.get(path, 0))
        known, where = self.roots.setdefault(size, (root, path))
        if known != root:
            raise Fault(
                f"{where} and {path} contradict each other: one is from a register that was rewritten and signed again."
            )

    def read(self, path: str, found: Any) -> list[str]:
        """Take in a file; return sentences about it."""
        if isinstance(found, str):
            for checkpoint in read_checkpoints(found, self.keys):
                self.note(path, checkpoint)
            return []
        named = found.get("keys", [])
        if not isinstance(named, list) or not {read_key(vkey) for vkey in named} <= {*self.keys}:
            raise Unclear(
                f"{path} names a key that you did not give. Get the key from somewhere else, such as a printed receipt "
                "or somebody else's copy."
            )
        return self.read_register(path, found) if "entries" in found else [self.read_receipt(path, found)]

    def read_receipt(self, path: str, receipt: dict[str, Any]) -> str:
        """A sentence about a receipt whose entry is in the register that it was given for, and in a later one."""
        said = read_leaf(require(receipt, "checkpoint inclusion_proof leaf", "disclosed keys now")["leaf"])
        seq, size, leaf = said["seq"], 0, leaf_hash(receipt["leaf"].encode())
        for place in [receipt, *([require(receipt["now"], "checkpoint inclusion_proof")] if "now" in receipt else [])]:
            ((origin, size, root),) = read_checkpoints(place["checkpoint"], self.keys)
            if not 0 < seq <= size:
                raise Fault("The entry's number lies outside the register that its proof is for.")
            first, second = proven_roots(seq, size, [decoded(part) for part in place["inclusion_proof"]], leaf)
            if second != root or said["origin"] != origin:
                raise Mismatch("The entry is not in the register of its checkpoint: it was changed.")
            self.note(path, (origin, size, root))
            self.note(path, (origin, seq, first))
            self.extends.add((seq, size))
        self.dates[seq] = said["at"]
        force = " Only the register says whether the signature is still in force." if said["kind"] == "signed" else ""
        words = describe(said, receipt.get("disclosed", {}))
        return f"{path}: {words}. It is in the register of {size} entries.{force}"

    def read_register(self, path: str, register: dict[str, Any]) -> list[str]:
        """Sentences about a register that is complete."""
        entries = require(register, "checkpoint entries", "keys")["entries"]
        ((origin, size, root),) = read_checkpoints(register["checkpoint"], self.keys)
        if len(entries) != size:
            raise Fault(f"The checkpoint is over {size} entries; {len(entries)} are here.")
        hashes, lines, in_force = [], [], set()
        for number, entry in enumerate(entries, 1):
            said = read_leaf(require(entry, "leaf", "disclosed")["leaf"])
            if said["seq"] != number or said["origin"] != origin:
                raise Fault(f"Entry {number} is missing or out of order.")
            hashes.append(leaf_hash(entry["leaf"].encode()))
            lines.append(describe(said, entry.get("disclosed", {})) + ".")
            self.dates[number] = said["at"]
            place = (said["declaration"], said["version"], said["body_id"])
            if said["kind"] == "signed":
                in_force.add(place)
            elif said["kind"] in ("withdrawn", "superseded"):
                in_force.discard(place)
                self.ended[said["of"]] = f"{said['kind']} by entry {number}"
        if roots_of(hashes, {size})[size] != root:
            raise Mismatch("The entries do not add up to the signed checkpoint: one was changed.")
        self.note(path, (origin, size, root))
        self.registers.append((path, hashes))
        return [*lines, f"The register is complete: {size} entries, {len(in_force)} signatures in force."]

    def compare(self, proofs: list[dict[str, Any]]) -> set[int]:
        """Check what all files tell together; return the sizes that nothing shows to belong to the same history."""
        for path, hashes in self.registers:
            for size, root in roots_of(hashes, {*self.roots}).items():
                if size in self.roots:
                    self.note(path, (*self.names, size, root))
                    self.extends.add((size, len(hashes)))
        for proof in proofs:
            old, new = require(proof, "old new consistency_proof")["old"], proof["new"]
            if not 0 < old < new or not {old, new} <= {*self.roots}:
                raise Unclear(f"A proof connects {old} entries with {new}, but the other files do not have both sizes.")
            roots = self.roots[old][0], self.roots[new][0]
            if proven_roots(old, new, [decoded(part) for part in proof["consistency_proof"]], root=roots[0]) != roots:
                raise Fault("These are two histories, or the proof was changed: the later does not extend the earlier.")
            self.extends.add((old, new))
        dates = sorted(self.dates.items())
        for (before, earlier), (seq, at) in zip(dates, dates[1:]):  # noqa: B905, RUF007 - Python 3.9 has neither
            if at < earlier:
                raise Fault(f"Entry {seq} is dated before entry {before}: time ran backwards.")
        joined = {0, max(self.roots)}
        while more := {old for old, new in self.extends if new in joined} - joined:
            joined |= more
        return {*self.roots} - joined


# What a person asks ---------------------------------------------------------------------------------------------------


def answer(keys: list[Key], action: str, files: list[tuple[str, Any]]) -> list[str]:
    """Sentences that answer what was asked; raises Fault or Unclear."""
    history, proofs, lines = History(keys), [], []
    for number, (path, found) in enumerate(files):
        is_register = "entries" in found and isinstance(found, dict)
        if action == "register" and number == 0 and not is_register:
            raise Unclear(f"{path} is not a register.")
        if action == "receipt" and (is_register or isinstance(found, str)):
            raise Unclear(f"{path} is not a receipt.")
        if action == "compare" and "consistency_proof" in found:
            proofs.append(found)
        elif said := history.read(path, found):
            lines += said if number == 0 or action != "register" else []
    apart, newest = history.compare(proofs), max(history.roots)
    if action == "compare":
        if apart:
            proof = f"consistency.json?old={max(apart)}&new={newest}"
            raise Unclear(f"To compare them, download {proof} from the register and add it, or add register.json.")
        return [*lines, f"They belong to the same history: {', then '.join(map(str, sorted(history.roots)))} entries."]
    if action == "register":
        size = len(history.registers[0][1])
        if newest > size:
            raise Fault(
                f"{history.roots[newest][1]} covers {newest} entries, but this register has {size}. Entries were "
                "removed, or your copy is older: download the register again."
            )
        for path, found in files[1:]:
            seq = parse(found["leaf"])["seq"] if "leaf" in found and isinstance(found, dict) else None
            if seq in history.ended:
                lines.append(f"{path}: entry {seq} is no longer in force: it was {history.ended[seq]}.")
            lines.append(f"It extends {path} ({history.newest[path]} entries).")
        if not files[1:]:
            lines.append("It was not compared with copies kept by others. Add receipts or checkpoints.")
    return lines


def read(path: str) -> str:
    """The text in a file, without the marks that editors and mail programs put at its or its lines' beginnings."""
    with open(path, "rb") as file:
        content = file.read()
    # PowerShell writes what a command prints as UTF-16.
    text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    return re.sub(r"(?m)^[ \t]*(?:>[ \t\u00a0]?)+", "", text.replace("\r\n", "\n").replace("\r", "\n"))


def mend(text: str) -> str:
    """Undo what transport does to JSON: wrapped lines, no-break spaces, soft hyphens, decomposed letters."""
    return unicodedata.normalize("NFC", re.sub("[\n\u00ad\u200b\u2060\ufeff]", "", re.sub("[\u00a0\u202f]", " ", text)))


def answer_files(key: str, action: str, paths: list[str]) -> list[str]:
    """Sentences that answer what was asked of files, or of copies in which lines were wrapped and spaces changed."""
    vkeys = re.sub(f"{GAP},?", "", key if "+" in key else read(key))
    keys = [read_key(vkey) for vkey in re.findall(r".+?\+.{8}\+.{44}|.+", vkeys) or [""]]
    texts = [read(path) for path in paths]
    copies = [mend(text) if text.lstrip().startswith("{") else text for text in texts]
    try:
        return answer(keys, action, [*zip(paths, map(parse, texts))])  # noqa: B905
    except (Mismatch, ValueError) as error:
        if isinstance(error, Mismatch) and "".join(copies).replace("\n", "") == "".join(texts).replace("\n", ""):
            raise
    try:
        return answer(keys, action, [*zip(paths, map(parse, copies))])  # noqa: B905
    except (Mismatch, ValueError) as error:
        raise Unclear(f"A file is incomplete or damaged: get it again. ({error})") from None


def say(line: str) -> None:
    """Print a line as it is: whatever a file holds, it cannot move the cursor, hide a line or fail to print."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    encoding = sys.stdout.encoding or "utf-8"
    print(shown.encode(encoding, "replace").decode(encoding))


def main(arguments: list[str]) -> int:
    """Answer, and say by the exit code whether all holds."""
    least = {"receipt": 3, "register": 3, "compare": 4}
    if len(arguments) < 2 or len(arguments) < least.get(arguments[1], len(arguments) + 1):
        for line in (__doc__ or "").strip().split("\n"):
            say(line)
        return 2
    try:
        for line in answer_files(arguments[0], arguments[1], arguments[2:]):
            say(line)
    except Fault as fault:
        say(f"NOT GOOD: {fault}")
        return 1
    except Unclear as why:
        say(f"Cannot be checked: {why}")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        say(f"Cannot be checked: a file is missing or is not what it should be ({type(error).__name__}: {error}).")
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
