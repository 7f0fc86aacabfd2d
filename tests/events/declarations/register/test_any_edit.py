"""Whatever is done to the files of a register, verify.py never ends with 0 having been told something else.

Edits are drawn at random. The controls take verify.py's checks out, one by one, to see that the edits need each.
"""

import json
import random
import re
import types
import unicodedata
from contextlib import redirect_stdout
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.declarations.models import Entry, RegisterKey
from events.declarations.register import log, verify
from events.declarations.rules import corrections
from tests.events.declarations.register.test_verify import changed, leaves_of, made
from tests.support.signing import invite_and_sign, open_signing

pytestmark = [pytest.mark.django_db, pytest.mark.once]
GAPS = re.compile(verify.GAP)


class Files:
    """What a register publishes and hands out at two sizes, and what may be concluded from it."""

    def __init__(self, client, folder):
        self.folder = folder
        self.codes = {0: 0, 1: 0, 2: 0}
        open_signing()
        self.receipts: dict[int, str] = {}  # by entry
        self.proofs: dict[tuple[int, int], str] = {}  # by the register's size, and entry
        self.notes: dict[int, str] = {}  # by size
        self.registers: dict[int, str] = {}
        for number in range(1, 8):
            entry = invite_and_sign(f"Body {number}", f"post@{number}.example", name_is_public=True, role="Vice chair")
            self.receipts[number] = json.dumps(log.receipt_data(entry) | {"keys": log.public_keys()}, indent=1)
            if number in (4, 7):
                if number == 7:
                    corrections.end_signature(entry=Entry.objects.get(pk=2))
                size = Entry.objects.count()
                self.registers[size] = client.get("/declaration/register.json").getvalue().decode()
                self.notes[size] = client.get("/declaration/register/checkpoint").text
                self.proofs |= {
                    (size, n): client.get(f"/declaration/register/{n}.json").text for n in range(1, number + 1)
                }
        self.consistency = client.get("/declaration/register/consistency.json?old=4&new=8").text
        self.key, self.signer = RegisterKey.objects.get().vkey, log.current_key()
        self.leaves = leaves_of(json.loads(self.registers[8]))
        self.genuine = [*self.receipts.values(), *self.proofs.values(), *self.registers.values(), self.consistency]
        self.claims: set[Any] = set().union(*(claims_of(text) for text in [*self.genuine, *self.notes.values()]))
        self.told: set[str] = set()
        for action, texts in self.asked():
            code, said = self.run(verify.main, action, texts)
            assert code == 0, said
            self.told |= facts_of(said)

    def asked(self):
        """Every question that may be asked about unchanged files."""
        everything = [*self.receipts.values(), *self.proofs.values(), *self.notes.values(), *self.registers.values()]
        yield "register", [self.registers[8], *everything]
        yield "register", [self.registers[8]]
        yield "register", [self.registers[4], self.receipts[1], self.proofs[4, 2], self.notes[4]]
        yield "register", [self.registers[4]]
        yield "receipt", [*self.receipts.values(), *self.proofs.values()]
        yield "compare", [self.receipts[4], self.notes[8], self.consistency]

    def run(self, main, action, texts):
        """Return the exit code and the output."""
        paths = []
        for number, text in enumerate(texts):
            paths.append(self.folder / f"{number}.txt")
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        said = StringIO()
        with redirect_stdout(said):
            code = main([self.key, action, *map(str, paths)])
        return code, said.getvalue().replace(f"{self.folder}/", "")

    def deceived(self, main, action, texts):
        """Return what was believed that is not so; nothing where it was refused, or nothing else was told."""
        code, said = self.run(main, action, texts)
        self.codes[code] += 1
        if code:
            return set()
        read = set().union(*(claims_of(text) for text in texts if isinstance(text, str)))
        return (read - self.claims) | (facts_of(said) - self.told)


def claims_of(text):
    """What a file tells whoever reads it, whichever of two values of a name they take."""
    claims: set[Any] = set()
    for take in (dict, lambda pairs: dict(reversed(pairs))):
        try:
            found = json.loads(text, object_pairs_hook=take)
        except ValueError:
            break
        if isinstance(found, dict):
            claims |= set(told_by(found))
    return claims


def told_by(found, leaf=None):
    """Yield what an object tells: each entry, who signed it, each checkpoint, each key and any other name."""
    leaf = found.get("leaf", leaf)
    for name, value in found.items():
        if name == "entries":
            for entry in value if isinstance(value, list) else []:
                yield from told_by(entry if isinstance(entry, dict) else {"not an entry": entry})
        elif name == "now":
            yield from told_by(value, leaf) if isinstance(value, dict) and value else [(name, repr(value))]
        elif name == "disclosed" and isinstance(value, dict):
            yield from ((plain(leaf), shown, plain(part)) for shown, part in value.items())
        elif name == "keys" and isinstance(value, list):
            yield from ((name, plain(key)) for key in value)
        elif name not in ("inclusion_proof", "consistency_proof", "old", "new"):
            yield name, GAPS.sub("", str(value)) if name == "checkpoint" else plain(value)
        else:
            yield (name,)


def plain(value):
    """Write a value so that other spaces, which damage a copy, are no other value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).replace("\u00a0", " ")


def facts_of(said):
    """Return the facts that are printed, each with the entry that it is about."""
    facts = set()
    for line in said.splitlines():
        words = re.sub(r"^\d+\.txt: ", "", line)
        entry = re.match(r"Entry \d+", words)
        sizes = re.match(r"(?:They belong to the same history: |It extends \d+\.txt \()(.*) entries\)?\.", words)
        if sizes:
            facts |= {f"size {size}" for size in sizes[1].split(", then ")}
        elif entry:
            facts |= {f"{entry[0]}: {fact}" for fact in re.split(r"; |\. ", words.rstrip("."))}
        else:
            facts.add(words)
    return facts | {"size 0"}


# Edits ----------------------------------------------------------------------------------------------------------------


class Edits:
    """Draws a question about some files, and a change to one of them."""

    def __init__(self, files, draw):
        self.files, self.draw = files, draw

    def question(self):
        """Return an action and genuine files."""
        files, draw = self.files, self.draw
        receipt = files.receipts[draw.randint(1, 7)]
        proof = draw.choice(list(files.proofs.values()))
        kept = [receipt, proof, files.notes[8], f"Dear Sam,\n\n{files.notes[4]}\n{files.notes[8]}", files.registers[4]]
        return draw.choice(
            [
                ("register", [files.registers[8], *draw.sample(kept, draw.randint(0, 2))]),
                ("register", [files.registers[4]]),
                ("receipt", [receipt]),
                ("receipt", [proof, receipt]),
                ("compare", [files.receipts[4], files.notes[8], files.consistency]),
                ("compare", [draw.choice(kept), draw.choice(kept), files.registers[8]]),
            ]
        )

    def edited(self, way=None):
        """Return an action and files, one of which was edited, and how."""
        action, texts = self.question()
        way = way or self.draw.choice(WAYS)
        if way.startswith("signed"):
            return getattr(self, way)(), way
        place = self.draw.randrange(len(texts))
        for _ in range(self.draw.choice([1, 1, 1, 2])):
            if isinstance(texts[place], str):
                texts[place] = getattr(self, way)(texts[place])
        return (action, texts), way

    # by whoever has a file

    def letters(self, text):
        """Change, add, remove or repeat a letter, or swap two."""
        place = self.draw.randrange(max(len(text), 1))
        letter = text[place : place + 1] or "x"
        other = self.draw.choice(
            ["", letter * 2, letter.swapcase(), chr(ord(letter) ^ 1), "0", " ", "\u00a0", "\n", '"']
        )
        return text[:place] + other + text[place + 1 :]

    def lines(self, text):
        """Take out, double or swap lines."""
        lines = text.split("\n")
        one, other = self.draw.randrange(len(lines)), self.draw.randrange(len(lines))
        how = self.draw.randrange(3)
        if how == 0:
            del lines[one]
        elif how == 1:
            lines.insert(other, lines[one])
        else:
            lines[one], lines[other] = lines[other], lines[one]
        return "\n".join(lines)

    def cut(self, text):
        """Take a part out, or move it."""
        start = self.draw.randrange(max(len(text), 1))
        end = start + self.draw.choice([1, 2, 5, 40, 1000, len(text)])
        part, rest = text[start:end], text[:start] + text[end:]
        place = self.draw.randrange(len(rest) + 1)
        return self.draw.choice([rest, rest[:place] + part + rest[place:], text[:start], text[:end] + text[start:]])

    def written(self, text):
        """Write the same in another way: another encoding, other spaces, other escapes."""
        return self.draw.choice(
            [
                lambda: text.encode("utf-16"),
                lambda: text.encode("cp1252", "replace"),
                lambda: "\ufeff" + text.replace("\n", "\r\n"),
                lambda: text.replace(" ", "\u00a0"),
                lambda: unicodedata.normalize("NFD", text),
                lambda: json.dumps(loaded(text)),
                lambda: json.dumps(loaded(text), ensure_ascii=False, sort_keys=True, indent=4),
                lambda: "\n".join(f"> {line}" for line in text.split("\n")),
                lambda: re.sub("(.{60})", r"\1\n", text),
                lambda: text.replace("B", "\\u0042"),
                lambda: text.replace("=", ""),
                lambda: text.replace("+", "-").replace("/", "_"),
            ]
        )()

    def values(self, text):
        """Change what is in a file of JSON: a value, a name, the order, the number of things."""
        document = loaded(text)
        if not document:
            return self.letters(text)
        inside, name = self.draw.choice(list(places(document)))
        value = inside[name]
        others = list(places(document))
        how = self.draw.randrange(9)
        if how == 0:
            inside[name] = self.draw.choice([None, True, 0, -1, 1e9, "", [], {}, [value], {"a": value}])
        elif how == 1 and isinstance(value, str):
            inside[name] = self.letters(value)
        elif how == 2 and isinstance(value, (int, list)) and value:
            inside[name] = value + self.draw.choice([-1, 1]) if isinstance(value, int) else value[::-1]
        elif how == 3:
            del inside[name]
        elif how == 4:
            other, its = self.draw.choice(others)
            inside[name], other[its] = other[its], inside[name]
        elif how == 5:
            other, its = self.draw.choice(others)
            inside[name] = json.loads(json.dumps(other[its]))
        elif how == 6 and isinstance(inside, list):
            inside.insert(self.draw.randrange(len(inside) + 1), value)
        elif isinstance(inside, dict):
            inside[self.draw.choice(["x", "now", "disclosed", "keys", "body", "name", "role", "leaf"])] = value
        return json.dumps(document, ensure_ascii=False)

    def files_of_others(self, text):
        """Put a part of another genuine file in the place of this one's."""
        document, other = loaded(text), json.loads(self.draw.choice(self.files.genuine))
        if not document:
            return self.draw.choice(list(self.files.notes.values()))
        here = list(places(document))
        inside, name = self.draw.choice(here)
        alike = [(its, what) for its, what in places(other) if what == name or isinstance(name, int)]
        if alike:
            its, what = self.draw.choice(alike)
            inside[name] = its[what]
        return json.dumps(document, ensure_ascii=False)

    def twice(self, text):
        """Repeat a name, with another value."""
        names = re.findall(r'"(?:disclosed|value|salt|leaf|checkpoint|now|name|role|entries|keys)": ', text)
        if not names:
            return self.lines(text)
        name = self.draw.choice(names)
        forged = self.draw.choice(['"x"', "{}", "[]", '{"name": {"salt": "00", "value": "Somebody"}}'])
        place = text.index(name)
        return f"{text[:place]}{name}{forged}, {text[place:]}"

    def shifted(self, text):
        """Move letters from a value into its salt, or back, so that the bytes that are hashed stay the same."""
        document = loaded(text)
        parts = [inside for inside, name in places(document) if name == "salt" and isinstance(inside.get("value"), str)]
        if not parts:
            return self.letters(text)
        part = self.draw.choice(parts)
        count = self.draw.randint(1, 5)
        if self.draw.random() < 0.7:
            part["salt"] += part["value"][:count].encode().hex()
            part["value"] = part["value"][count:]
        else:
            part["value"] = bytes.fromhex(part["salt"][-2 * count :]).decode("latin-1") + part["value"]
            part["salt"] = part["salt"][: -2 * count]
        return json.dumps(document, ensure_ascii=False)

    def leaves(self, text):
        """Change what an entry says."""
        document = loaded(text)
        holders = [inside for inside, name in places(document) if name == "leaf" and isinstance(inside[name], str)]
        if not holders:
            return self.letters(text)
        holder = self.draw.choice(holders)
        try:
            said = json.loads(holder["leaf"])
        except ValueError:  # it was edited before
            return self.letters(text)
        name = self.draw.choice(list(said))
        said[name] = self.draw.choice(
            [self.draw.choice(list(said.values())), "Somebody else", "2001-01-01T00:00:00Z", 3, None, True]
        )
        holder["leaf"] = self.draw.choice([json.dumps(said), changed(holder["leaf"], **{name: said[name]})])
        return json.dumps(document, ensure_ascii=False)

    def keys_named(self, text):
        """Name another key in a file."""
        document = loaded(text)
        if "keys" not in document:
            return self.letters(text)
        document["keys"].append(self.files.key.replace("+", "x+", 1) if self.draw.random() < 0.2 else OTHER_KEY)
        return json.dumps(document)

    # by whoever has the key, too

    def other_leaves(self):
        """Return the register's leaves, rewritten."""
        leaves, place = [*self.files.leaves], self.draw.randrange(7)
        how = self.draw.randrange(4)
        if how == 0:
            leaves[place] = changed(leaves[place], body="Somebody else")
        elif how == 1:
            leaves[place : place + 2] = [
                changed(leaves[place + 1], seq=place + 1),
                changed(leaves[place], seq=place + 2),
            ]
        elif how == 2:
            del leaves[place]
            leaves = [changed(leaf, seq=number) for number, leaf in enumerate(leaves, 1)]
        else:
            leaves[place] = changed(leaves[place], at="2001-01-01T00:00:00Z")
        return leaves

    def signed_fork(self):
        """A register that was rewritten and signed again, beside something that was kept of all of it."""
        files, fork = self.files, made(self.files.signer, self.other_leaves())
        kept = self.draw.choice(
            [
                *(files.proofs[8, 7], files.proofs[8, 1], files.receipts[7], files.notes[8], files.registers[8]),
                files.notes[4] + files.notes[8],
            ]
        )
        return self.draw.choice(
            [
                ("register", [json.dumps(fork), kept]),
                ("register", [json.dumps(fork), files.receipts[7]]),  # only their entries show that they differ
                ("compare", [fork["checkpoint"], kept]),
                ("compare", [kept, json.dumps(fork)]),
            ]
        )

    def signed_proof(self):
        """A proof of a register that was rewritten, in the file of an entry that was not, or beside another."""
        from tests.events.declarations.register.test_evidence import proof_in

        files, number = self.files, self.draw.randint(2, 7)
        leaves = [changed(files.leaves[0], body="Somebody else"), *files.leaves[1:]]
        place = proof_in(leaves, files.signer, number - 1)
        own = json.loads(files.proofs[8, number])
        return self.draw.choice(
            [
                ("receipt", [json.dumps(own | {"now": place})]),
                ("receipt", [json.dumps({"leaf": own["leaf"], **place}), files.proofs[8, 7]]),
                ("compare", [json.dumps({"leaf": own["leaf"], **place}), files.notes[4], files.consistency]),
            ]
        )

    def signed_rollback(self):
        """A register that lacks its newest entries, beside what was kept of them."""
        files = self.files
        kept = self.draw.choice([files.receipts[7], files.proofs[8, 1], files.notes[4] + files.notes[8]])
        return "register", [json.dumps(made(files.signer, files.leaves[: self.draw.randint(1, 6)])), kept]

    def signed_ambiguity(self):
        """A register whose entries are out of order or dated backwards, or can be read in two ways."""
        leaves = [*self.files.leaves]
        place = self.draw.randrange(1, 7)
        how = self.draw.randrange(4)
        if how == 0:
            leaves[place] = leaves[place].replace('"body":', '"body":"Somebody else","body":')
        elif how == 1:
            del leaves[place]
        elif how == 2:
            leaves[place] = changed(leaves[place], at="2001-01-01T00:00:00Z")
        else:
            leaves[place] = leaves[place].replace(":", ": ", 1)
        return "register", [json.dumps(made(self.files.signer, leaves))]

    def signed_gap(self):
        """Two checkpoints of two histories, with a proof of another pair, or none."""
        files = self.files
        fork = made(files.signer, [changed(files.leaves[0], body="Somebody else"), *files.leaves[1:5]])["checkpoint"]
        proofs = [[], [files.consistency], [files.consistency.replace('"old": 4', '"old": 5')]]
        return "compare", [fork, files.notes[8], *self.draw.choice(proofs)]


def loaded(text):
    """Return what is in a file of JSON; nothing if it is none, or no more."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def places(found):
    """Yield each place of a document, inside what and by which name."""
    for name, value in list(found.items() if isinstance(found, dict) else enumerate(found)):
        yield found, name
        if isinstance(value, (dict, list)):
            yield from places(value)


OTHER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
WAYS = [name for name in vars(Edits) if name not in ("question", "edited", "other_leaves") and name[0] != "_"]


MADE: list[Files] = []  # once for all tests here: they are files, and ask no database


@pytest.fixture
def files(client, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(verify, "is_signed", lru_cache(maxsize=None)(verify.is_signed))  # each takes milliseconds
    monkeypatch.setattr(verify, "read_key", lru_cache(maxsize=None)(verify.read_key))
    if not MADE:
        MADE.append(Files(client, tmp_path_factory.mktemp("files")))
    return MADE[0]


def test_no_edit_of_any_file_is_believed(files, record_property):
    files.codes = dict.fromkeys(files.codes, 0)

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def check(draw):
        (action, texts), way = Edits(files, draw).edited()
        assert files.deceived(verify.main, action, texts) == set(), way

    check()
    assert all(files.codes.values()), files.codes
    record_property("measured", f"edits of a register's files, by what verify.py ended with: {files.codes}")


# Controls: verify.py without one of its checks -----------------------------------------------------------------------

# Each as what to put in the place of what. Two that would find the same are taken out together.
WEAKENED = {
    "salts of any length": {'if not re.fullmatch("[0-9a-f]{32}", salt):': "if False:"},
    "names that are not committed to": {'if said["commitments"].get(name) !=': "if False and"},
    "names that stand twice": {"if len(dict(pairs)) < len(pairs):": "if False:"},
    "other names": {"if wrong:": "if False:"},
    "other keys": {
        "if not isinstance(named, list) or not {read_key(vkey) for vkey in named} <= {*self.keys}:": "if False:"
    },
    "an entry written otherwise": {"if canonical(said) != leaf or": "if"},
    "signatures": {"return (a[0] * b[2]": "return True or (a[0] * b[2]"},
    "inclusion": {"if second != root or": "if", "self.note(path, (origin, seq, first))": "pass"},
    "the entries' root": {
        "if roots_of(hashes, {size})[size] != root:": "if False:",
        "for path, hashes in self.registers:": "for path, hashes in []:",
    },
    "the entries' order": {'if said["seq"] != number or': "if"},
    "contradictions": {"if known != root:": "if False:"},
    "the register of today": {'if "now" in receipt else []': "if False else []"},
    "checkpoints after the first": {
        "in read_checkpoints(found, self.keys):": "in read_checkpoints(found, self.keys)[:1]:"
    },
    "what a register proves": {"for path, hashes in self.registers:": "for path, hashes in []:"},
    "rollbacks": {"if newest > size:": "if False:"},
    "consistency": {"root=roots[0]) != roots:": "root=roots[0]) is None:"},
    "what nothing connects": {"if apart:": "if False:"},
    "dates": {"if at < earlier:": "if False:"},
}


@pytest.mark.parametrize("weakness", WEAKENED)
def test_the_edits_need_each_check(files, weakness):
    source = Path(verify.__file__).read_text()
    for before, after in WEAKENED[weakness].items():
        assert source.count(before) == 1, f"{before} is not in verify.py once"
        source = source.replace(before, after)
    weak = types.ModuleType("weakened")
    exec(compile(source, "weakened", "exec"), vars(weak))  # noqa: S102 - our own source
    if weakness != "signatures":
        vars(weak)["is_signed"] = verify.is_signed
    vars(weak)["read_key"] = verify.read_key
    for seed in range(1500):
        (action, texts), _ = Edits(files, random.Random(seed)).edited(WAYS[seed % len(WAYS)])  # noqa: S311
        try:
            if files.deceived(weak.main, action, texts):
                return
        except (verify.Fault, verify.Unclear):  # from what it shares with the whole program
            continue
    pytest.fail(f"without its check of {weakness}, nothing else was believed")
