"""verify.py as a stranger has it: one file in a folder of its own, Python and nothing else, no network."""

import ast
import base64
import copy
import hashlib
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.declarations.models import Entry, Invitation, RegisterKey
from events.declarations.register import keys, log, merkle, verify
from events.declarations.register.canonical import canonical
from events.declarations.rules import corrections, versions
from tests.support.factories import VersionFactory
from tests.support.signing import Invited, invite_and_sign, new_link, open_signing, sign

pytestmark = pytest.mark.once

SOURCE = Path(verify.__file__)
# Python asks this hook before it opens any socket; what a stranger runs is the file after it, unchanged.
OFFLINE = """
import runpy, sys

def forbid(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"the network was asked: {event}")
sys.addaudithook(forbid)
sys.argv = ["verify.py", *sys.argv[1:]]
runpy.run_path("verify.py", run_name="__main__")
"""
OLDEST = shutil.which("python3.9")
ELSEWHERE = keys.SigningKey("elsewhere.example/declaration", Ed25519PrivateKey.from_private_bytes(b"e" * 32))


class Stranger:
    """Somebody with a folder: files, and verify.py among them."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        shutil.copy(SOURCE, folder / "verify.py")

    def write(self, name, content):
        content = content if isinstance(content, (str, bytes)) else json.dumps(content)
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def run(self, *arguments):
        """Return the exit code and the output."""
        command = [sys.executable, "-I", "-c", OFFLINE, *arguments]
        found = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        assert found.stderr == "", found.stderr
        return found.returncode, found.stdout.strip()

    def asks(self, key, action, *files):
        """Write files with this content, and check them."""
        return self.run(key, action, *(self.write(f"{n}.txt", content) for n, content in enumerate(files)))


@pytest.fixture
def stranger(tmp_path):
    return Stranger(tmp_path / "stranger")


@pytest.fixture
def portal(db, client, time_machine):
    """A register of seven entries, all of one second: what it publishes, and what signatories were given on the way."""
    time_machine.move_to("2031-05-06T10:00:00Z", tick=False)
    open_signing()
    entries = [invite_and_sign(f"Body {n}", f"post@{n}.example", name_is_public=n % 2 == 1) for n in range(1, 8)]
    return SimpleNamespace(
        key=RegisterKey.objects.get().vkey,
        signer=log.current_key(),
        register=json.loads(client.get("/declaration/register.json").getvalue()),
        receipts=[log.receipt_data(entry) for entry in entries],
        checkpoint=client.get("/declaration/register/checkpoint").text,
        get=client.get,
    )


def made(signer, leaves):
    """Return a register of these leaves, signed: what somebody who has the key can make of it."""
    frontier: list[bytes] = []
    for size, leaf in enumerate(leaves):
        _, frontier = merkle.append_leaf(size, merkle.leaf_hash(leaf.encode()), frontier)
    return {
        "checkpoint": signer.checkpoint(len(leaves), merkle.root_of(frontier)),
        "entries": [{"leaf": leaf} for leaf in leaves],
    }


def leaves_of(register):
    return [entry["leaf"] for entry in register["entries"]]


def changed(leaf, **values):
    return canonical(json.loads(leaf) | values)


def renumbered(leaves):
    return [changed(leaf, seq=number) for number, leaf in enumerate(leaves, 1)]


# Six registers, and what two receipts tell of each other --------------------------------------------------------------


def test_a_good_register_extends_every_receipt_and_checkpoint_that_was_kept(portal, stranger):
    code, said = stranger.asks(portal.key, "register", portal.register, *portal.receipts, portal.checkpoint)
    assert code == 0, said
    lines = said.splitlines()
    version = Entry.objects.get(pk=3).version
    assert lines[2] == (
        f'Entry 3, signed by "Body 3" at {Entry.objects.get(pk=3).leaf_values["at"]}; text: version 1 of '
        f'"{version.declaration.slug}", SHA-256 {version.sha256}; name "Sam Example"; role "Chair of trustees".'
    )
    assert lines[1].endswith(f"SHA-256 {version.sha256}.")  # who signed is not shown
    assert lines[7] == "The register is complete: 7 entries, 7 signatures in force."
    assert lines[8:] == [f"It extends {n}.txt ({n} entries)." for n in range(1, 8)] + ["It extends 8.txt (7 entries)."]
    code, said = stranger.asks(portal.key, "register", portal.register)
    assert (code, "not compared with copies" in said) == (0, True)
    # the receipt of each, and the file that the portal gives of an entry, which knows the register as it is now
    own = [portal.get(f"/declaration/register/{n}.json").text for n in (1, 4, 7)]
    code, said = stranger.asks(portal.key, "receipt", *portal.receipts, *own)
    assert code == 0, said
    assert '3.txt: Entry 4, signed by "Body 4" at' in said
    assert 'email "post@4.example"' in said.splitlines()[3]
    assert said.splitlines()[7].endswith(
        "It is in the register of 7 entries. Only the register says whether the signature is still in force."
    )


def test_the_register_names_kept_receipts_that_are_no_longer_in_force(portal, stranger):
    corrections.end_signature(entry=Entry.objects.get(pk=3))
    before = Entry.objects.get(pk=1).version
    after = VersionFactory(declaration=before.declaration, number=before.number + 1, text="New words")
    versions.publish_version(by=None, version=after)
    again = Invitation.objects.open().get(body__name="Body 5")
    sign(Invited(again, new_link(again)))
    register = json.loads(portal.get("/declaration/register.json").getvalue())
    own = portal.get("/declaration/register/8.json").text  # of the withdrawal: nothing can end it
    code, said = stranger.asks(portal.key, "register", register, *portal.receipts, own)
    assert code == 0, said
    assert [line for line in said.splitlines() if "no longer" in line] == [
        "3.txt: entry 3 is no longer in force: it was withdrawn by entry 8.",
        "5.txt: entry 5 is no longer in force: it was superseded by entry 10.",
    ]
    code, said = stranger.asks(portal.key, "receipt", portal.receipts[2], own)
    assert (code, said.count("whether the signature is still in force")) == (0, 1), said


def test_a_register_that_was_edited_dropped_reordered_rolled_back_or_forked_is_not_good(portal, stranger):
    key, leaves, first = portal.key, leaves_of(portal.register), portal.receipts[2]

    def ask(register, *kept):
        code, said = stranger.asks(key, "register", register, *kept)
        assert code == 1, said
        assert said.startswith("NOT GOOD: ")
        assert "\n" not in said
        return said

    # by somebody without the key: the register itself shows it
    edited = copy.deepcopy(portal.register)
    edited["entries"][1]["leaf"] = changed(leaves[1], body="Another body")
    assert "do not add up" in ask(edited)
    dropped = copy.deepcopy(portal.register)
    del dropped["entries"][3]
    assert "is over 7 entries; 6 are here" in ask(dropped)
    reordered = copy.deepcopy(portal.register)
    reordered["entries"][1:3] = reversed(reordered["entries"][1:3])
    assert "missing or out of order" in ask(reordered)
    assert "do not add up" in ask(portal.register | {"entries": [{"leaf": leaf} for leaf in renumbered(leaves[::-1])]})
    code, said = stranger.asks(key, "register", made(ELSEWHERE, leaves))
    assert (code, "is signed by this key" in said) == (2, True)  # whose key it is cannot be told
    named = copy.deepcopy(portal.register)
    named["entries"][0]["disclosed"]["name"]["value"] = "Somebody else"
    assert "the name shown is not the one" in ask(named)

    # by whoever has the key, and signs again: alone it looks whole, any receipt that was kept shows it
    signer = portal.signer
    for register in (
        made(signer, [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]]),
        made(signer, renumbered([*leaves[:1], *leaves[2:]])),
        made(signer, renumbered([leaves[1], leaves[0], *leaves[2:]])),
    ):
        assert stranger.asks(key, "register", register)[0] == 0
        assert "contradict each other: one is from a register that was" in ask(register, portal.receipts[0], first)
    rolled = made(signer, leaves[:2])
    assert stranger.asks(key, "register", rolled, portal.receipts[0])[0] == 0
    assert "1.txt covers 3 entries, but this register has 2. Entries were removed" in ask(rolled, first)
    assert "missing or out of order" in ask(made(signer, [*leaves[:2], *leaves[3:]]))
    assert "missing or out of order" in ask(made(signer, [changed(leaf, origin="x") for leaf in leaves]))


def test_any_two_receipts_show_a_fork(portal, stranger):
    key, leaves = portal.key, leaves_of(portal.register)
    fork = made(portal.signer, [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]])
    proof = portal.get("/declaration/register/consistency.json?old=3&new=6").json()
    three, six = portal.receipts[2], portal.receipts[5]
    code, said = stranger.asks(key, "compare", six, three, proof)
    assert (code, said.splitlines()[2]) == (0, "They belong to the same history: 3, then 6 entries.")
    code, said = stranger.asks(key, "compare", three, six)
    assert (code, "consistency.json?old=3&new=6" in said) == (2, True), said
    other = portal.get("/declaration/register/consistency.json?old=2&new=6").json()
    assert stranger.asks(key, "compare", three, six, other)[0] == 2
    code, said = stranger.asks(key, "compare", portal.checkpoint, fork["checkpoint"])
    assert (code, said[:47]) == (1, "NOT GOOD: 0.txt and 1.txt contradict each other"), said
    code, said = stranger.asks(key, "compare", three, fork["checkpoint"], proof | {"new": 7})
    assert (code, said[:34]) == (1, "NOT GOOD: These are two histories,"), said
    for last, code in (("AAAA", 2), (proof["consistency_proof"][0], 1)):
        bad = proof | {"consistency_proof": [*proof["consistency_proof"][:-1], last]}
        assert stranger.asks(key, "compare", three, six, bad)[0] == code
    elsewhere = made(ELSEWHERE, leaves)["checkpoint"]
    code, said = stranger.asks(f"{key},{ELSEWHERE.vkey}", "compare", three, elsewhere)
    assert (code, "two registers" in said) == (2, True)


def test_a_receipt_that_was_changed_is_not_good_and_one_that_was_damaged_is_not_judged(portal, stranger):
    good = portal.receipts[4]
    for damage, said in (
        ({"leaf": changed(good["leaf"], body="Another body")}, "is not in the register"),
        ({"leaf": changed(good["leaf"], seq=0)}, "lies outside"),
        ({"leaf": changed(good["leaf"], seq=9)}, "lies outside"),
        ({"checkpoint": portal.receipts[3]["checkpoint"]}, "lies outside"),
        ({"disclosed": {"name": good["disclosed"]["name"] | {"value": "Somebody else"}}}, "the name shown"),
        ({"disclosed": {"nick": good["disclosed"]["name"]}}, "the nick shown"),
    ):
        code, answer = stranger.asks(portal.key, "receipt", good | damage)
        assert code == 1, (damage, answer)
        assert said in answer, (damage, answer)
    # The key signed none of these: a line or a letter may have been lost on the way, or somebody may have meant it.
    now = {"checkpoint": good["checkpoint"], "inclusion_proof": good["inclusion_proof"]}
    for damage, said in (
        ({"leaf": changed(good["leaf"], seq=4)}, "too short or too long"),
        ({"inclusion_proof": good["inclusion_proof"][:-1]}, "too short"),
        ({"inclusion_proof": good["inclusion_proof"][1:]}, "too short"),
        ({"inclusion_proof": []}, "too short"),
        ({"inclusion_proof": [*good["inclusion_proof"], good["inclusion_proof"][0]]}, "too long"),
        ({"checkpoint": good["checkpoint"].replace("\n5\n", "\n6\n")}, "does not match its signature"),
        ({"checkpoint": portal.checkpoint}, "too short"),
        ({"now": now | {"checkpoint": portal.checkpoint}}, "too short"),
        ({"now": now | {"inclusion_proof": now["inclusion_proof"][1:]}}, "too short"),
        ({"inclusion_proof": ["!" + good["inclusion_proof"][0]]}, "incomplete"),
        ({"now": good}, "unexpected"),
        ({"nick": "Sam"}, "unexpected"),
    ):
        code, answer = stranger.asks(portal.key, "receipt", good | damage)
        assert (code, said in answer) == (2, True), (damage, answer)
    code, answer = stranger.asks(ELSEWHERE.vkey, "receipt", good)
    assert (code, "is signed by this key" in answer) == (2, True)


def test_old_receipts_stay_good_after_the_key_was_rotated(portal, stranger):
    old = RegisterKey.objects.get().vkey
    log.rotate_key()
    receipt = log.receipt_data(invite_and_sign("Body 8", "post@8.example"))
    register = json.loads(portal.get("/declaration/register.json").getvalue())
    assert len(register["keys"]) == 2
    both = ",".join(register["keys"])
    code, said = stranger.asks(both, "register", register, portal.receipts[0], receipt)
    assert (code, said.count("It extends")) == (0, 2), said
    assert stranger.asks(old, "receipt", portal.receipts[0])[0] == 0
    code, said = stranger.asks(old, "register", register)  # who knows only the old key is not told of a forgery
    assert (code, "key" in said) == (2, True)
    newer = receipt | {"keys": register["keys"]}
    code, said = stranger.asks(register["keys"][1], "receipt", newer)
    assert (code, "names a key that you did not give" in said) == (2, True)
    no_list: Any
    for no_list in ("", {}, 0, None):  # which name no key, but are no list of keys either
        assert stranger.asks(both, "receipt", receipt | {"keys": no_list})[0] == 2, no_list
    stranger.write("key.txt", "\r\n".join(register["keys"]))
    assert stranger.asks("key.txt", "receipt", newer)[0] == 0


@pytest.mark.django_db
def test_a_register_without_an_entry_is_whole(client, stranger):
    key = log.rotate_key().vkey
    empty = client.get("/declaration/register.json").getvalue()
    note = client.get("/declaration/register/checkpoint").text
    code, said = stranger.asks(key, "register", empty, note)
    assert (code, said.splitlines()[0]) == (0, "The register is complete: 0 entries, 0 signatures in force.")
    later = made(log.current_key(), ["{}"])["checkpoint"]
    assert stranger.asks(key, "compare", note, later) == (0, "They belong to the same history: 0, then 1 entries.")


# Files as they come, and files that are meant to mislead --------------------------------------------------------------


def test_files_are_read_as_windows_editors_leave_them(portal, stranger):
    note, receipt = portal.checkpoint.replace("\n", "\r\n"), json.dumps(portal.receipts[1], indent=2)
    windows = "\ufeff" + receipt.replace("\n", "\r\n")
    code, said = stranger.asks(portal.key, "register", portal.register, f"\ufeff{note}\r\n\r\n", windows)
    assert code == 0, said
    for encoding in ("utf-16", "utf-16-be"):  # of PowerShell, from which a file comes out as it went in
        marked = "\ufeff" if encoding == "utf-16-be" else ""
        written = (marked + receipt.replace("\n", "\r\n")).encode(encoding)
        code, said = stranger.asks(portal.key, "register", portal.register, written)
        assert code == 0, said
    code, said = stranger.asks(portal.key, "register", portal.register, portal.checkpoint.encode("utf-16-le"))
    assert (code, said[:18]) == (2, "Cannot be checked:")


def test_no_file_stops_it_hides_what_it_says_or_takes_long(portal, stranger):
    key, good = portal.key, portal.receipts[2]
    line = good["checkpoint"].splitlines()[-1]
    bad = line[:-4] + "AAA="
    for content in (
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"a":' * 100_000,
        "[" * 100_000,
        b"\xff\xfe\x00",
        '{"checkpoint": ' + "9" * 100_000 + "}",
        good | {"leaf": "9" * 5000},
        good | {"leaf": '{"seq": 1e999}'},
        good | {"leaf": '{"seq": "3"}'},
        good | {"leaf": "\ud800"},
        good | {"checkpoint": good["checkpoint"].replace("\n3\n", f"\n{'9' * 100_000}\n")},
        good | {"checkpoint": good["checkpoint"].replace(line, "\n".join([bad] * 20_000))},
        good | {"inclusion_proof": 3},
        good | {"inclusion_proof": [{}]},
        good | {"disclosed": [1]},
        good | {"now": 1},
    ):
        for action, files in (("receipt", [content]), ("register", [content]), ("compare", [content, content])):
            code, said = stranger.asks(key, action, *files)
            assert code in (1, 2), (action, str(content)[:80], said)
            assert len(said.splitlines()) == 1
    # an entry cannot write over what is said of it, and its letters cannot stop a console that lacks them
    shown = made(portal.signer, [changed(good["leaf"], seq=1, body="A\x1b[2J\rAll good\n\u202e\u009b\u0416")])
    entry = {"leaf": shown["entries"][0]["leaf"], "checkpoint": shown["checkpoint"], "inclusion_proof": []}
    code, said = stranger.asks(key, "receipt", entry)
    assert (code, said.count(r'"A\u001b[2J\rAll good\n??\u0416"'.replace(r"\u0416", "\u0416"))) == (0, 1), said
    stranger.write("1.json", entry)
    narrow = subprocess.run(
        [sys.executable, "verify.py", key, "receipt", "1.json"],
        cwd=stranger.folder,
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (narrow.returncode, narrow.stderr) == (0, b"")


def test_every_value_of_another_type_is_answered(portal, tmp_path):
    """Put each of these in each place: never a traceback, and good only where the value says nothing."""

    def places(found, path=()):
        for name, value in found.items() if isinstance(found, dict) else enumerate(found):
            yield (*path, name)
            if isinstance(value, (dict, list)):
                yield from places(value, (*path, name))

    def put(found, path, value):
        copied = json.loads(json.dumps(found))
        inside = copied
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = value
        return copied

    receipt, register = portal.receipts[2], portal.register
    values: list[Any] = [None, True, 0, -1, 10**30, float("inf"), "x", "", [], {}, [[]], {"a": {}}]
    tried = 0
    for action, document in (("receipt", receipt), ("register", register)):
        leaf_places = [("leaf", *path) for path in places(json.loads(receipt["leaf"]))] if action == "receipt" else []
        for path in [*places(document), *leaf_places]:
            for value in values:
                if path[0] == "leaf" and len(path) > 1:
                    leaf = put(json.loads(receipt["leaf"]), path[1:], value)
                    made_wrong = receipt | {"leaf": json.dumps(leaf)}
                else:
                    made_wrong = put(document, path, value)
                (tmp_path / "file").write_text(json.dumps(made_wrong))
                with redirect_stdout(StringIO()):
                    code = verify.main([portal.key, action, str(tmp_path / "file")])
                silent = path[0] == "keys" or (path[-1] == "disclosed" and value in ({}, []))
                assert code in ((0, 2) if silent else (1, 2)), (action, path, value)
                tried += 1
    assert tried > 500


def test_it_says_how_it_is_used_and_what_is_wrong_with_a_key(portal, stranger):
    for arguments in (
        (),
        ("key",),
        (portal.key, "receipt"),
        (portal.key, "compare", "one"),
        (portal.key, "guess", "x"),
    ):
        code, said = stranger.run(*arguments)
        assert (code, said[:41]) == (2, "Check the register of a declaration, offl")
    weak = b"\x01" + (1).to_bytes(32, "little")
    name = base64.b64encode(weak).decode()
    short = hashlib.sha256(b"x\n" + weak).digest()[:4].hex()
    for key in (
        "+",
        "x+",
        "a+b+c",
        portal.key[:-4],
        portal.key.replace("+", "-", 1),
        f"x+{short}+{name}",
        f"{portal.key},x",
    ):
        code, said = stranger.asks(key, "receipt", portal.receipts[0])
        assert (code, said[:18]) == (2, "Cannot be checked:"), said
    assert stranger.run(portal.key, "receipt", "no-such-file")[0] == 2
    assert stranger.run("no-such-key.txt", "receipt", "0.txt")[0] == 2


@pytest.mark.once
def test_it_is_one_file_of_the_standard_library_that_python_3_9_reads(stranger):
    source = SOURCE.read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported == {"__future__", "base64", "hashlib", "json", "re", "sys", "typing", "unicodedata"}
    assert len(source.splitlines()) < 500  # as docs/declaration.md promises
    if OLDEST and subprocess.run([OLDEST, "--version"], capture_output=True, check=False).returncode == 0:
        found = subprocess.run([OLDEST, "-I", "verify.py"], cwd=stranger.folder, capture_output=True, check=False)
        assert (found.returncode, found.stderr) == (2, b"")
