"""What a stranger is given to check is all read, in one way, and tampering is told from damage."""

import base64
import json
import re
import subprocess
import sys
import unicodedata
from contextlib import redirect_stdout
from datetime import timedelta
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin

import pytest
from django.db import transaction
from django.utils import timezone
from pypdf import PdfReader

from events.declarations.documents import pdf
from events.declarations.models import Entry, Invitation, PersonalRecord, RegisterKey
from events.declarations.register import audit, log, verify
from events.declarations.rules import signing
from tests.events.declarations.register.test_verify import changed, leaves_of, made
from tests.support.crawler import Elements
from tests.support.factories import UnitFactory
from tests.support.races.tampering import run, without_any_trigger
from tests.support.signing import invite, invite_and_sign, open_signing, sign

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def portal(client):
    """A register of seven entries whose signatories show their names, and what it publishes."""
    open_signing()
    entries = [
        invite_and_sign(f"Body {n}", f"post@{n}.example", name_is_public=True, role="Vice chair") for n in range(1, 8)
    ]
    return SimpleNamespace(
        key=RegisterKey.objects.get().vkey,
        signer=log.current_key(),
        register=json.loads(client.get("/declaration/register.json").getvalue()),
        receipts=[log.receipt_data(entry) for entry in entries],
        checkpoint=client.get("/declaration/register/checkpoint").text,
        proof=lambda number: json.loads(client.get(f"/declaration/register/{number}.json").content),
    )


@pytest.fixture
def ask(tmp_path, portal):
    """Ask verify.py about files of this content; return the exit code and what it says."""

    def ask(action, *contents):
        files = []
        for number, content in enumerate(contents):
            files.append(tmp_path / f"{number}.txt")
            content = content if isinstance(content, (str, bytes)) else json.dumps(content)
            files[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        said = StringIO()
        with redirect_stdout(said):
            code = verify.main([portal.key, action, *map(str, files)])
        return code, said.getvalue().replace(f"{tmp_path}/", "")

    return ask


def shifted(disclosed, letters="Vice "):
    """Move letters from the beginning of a role into its salt: the bytes that are hashed stay the same."""
    role = disclosed["role"]
    assert role["value"].startswith(letters)
    moved = {"salt": role["salt"] + letters.encode().hex(), "value": role["value"].removeprefix(letters)}
    return disclosed | {"role": moved}


# Files that were given out by earlier versions of the portal ----------------------------------------------------------
def test_registers_and_receipts_of_earlier_versions_stay_valid(capsys):
    """Two keys, a name in several scripts, a withdrawal, a signature on paper without authority, an erasure."""
    given = Path(__file__).parent / "earlier"

    def ask(action, *names):
        code = verify.main([str(given / "key.txt"), action, *(str(given / name) for name in names)])
        return code, capsys.readouterr().out

    kept = ("receipt-3.json", "receipt-5.json", "3.json", "5.json", "early-checkpoint.txt", "checkpoint.txt")
    code, said = ask("register", "register.json", *kept)
    assert (code, said.count("It extends")) == (0, 6), said
    assert "The register is complete: 6 entries, 3 signatures in force." in said
    code, said = ask("receipt", *kept[:4])
    assert (code, said.count('name "Zoë O\u2019Neill-3"')) == (0, 2), said
    assert ask("compare", "receipt-3.json", "checkpoint.txt", "consistency.json")[0] == 0
    assert ask("compare", "receipt-3.json", "checkpoint.txt")[0] == 2


# A hash over two joined values without a boundary ---------------------------------------------------------------------


def test_letters_that_move_between_a_salt_and_its_value_are_found(portal, ask):
    register = json.loads(json.dumps(portal.register))
    register["entries"][2]["disclosed"] = shifted(register["entries"][2]["disclosed"])
    receipt, own = portal.receipts[2], portal.proof(3)
    for action, file in (
        ("register", register),
        ("receipt", receipt | {"disclosed": shifted(receipt["disclosed"])}),
        ("receipt", own | {"disclosed": shifted(own["disclosed"])}),
    ):
        code, said = ask(action, file)
        assert (code, "the salt of the role was changed" in said) == (1, True), said
    role = receipt["disclosed"]["role"]
    back = {"salt": role["salt"][:-2], "value": chr(int(role["salt"][-2:], 16)) + role["value"]}
    for salt in (role["salt"].upper(), f" {role['salt']}", role["salt"][:-1] + "\u0660"):
        assert ask("receipt", receipt | {"disclosed": {"role": role | {"salt": salt}}})[0] == 1
    assert ask("receipt", receipt | {"disclosed": {"role": back}})[0] == 1


def test_the_audit_finds_letters_that_move_between_a_salt_and_its_value():
    open_signing()
    entry = invite_and_sign(role="Vice chair")
    record = PersonalRecord.objects.get()
    moved = json.dumps(shifted(record.salted_values), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    with without_any_trigger(), transaction.atomic():
        run("UPDATE declarations_personalrecord SET disclosed = %s WHERE entry_id = %s", moved, entry.pk)
        assert list(audit.find_faults()) == ["Entry 1: its personal data does not match its commitments."]
        transaction.set_rollback(True)
    assert {len(part["salt"]) for part in record.salted_values.values()} == {32}


# Evidence given and not read ------------------------------------------------------------------------------------------


def test_every_checkpoint_in_every_file_is_used(portal, ask):
    leaves = leaves_of(portal.register)
    rewritten = [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]]
    fork, rolled = made(portal.signer, rewritten), made(portal.signer, leaves[:3])
    early = made(portal.signer, rewritten[:2])["checkpoint"]
    first, now = portal.receipts[0], portal.proof(1)  # its own checkpoint is of before the fork: only `now` shows it
    assert ask("register", fork, first)[0] == 0
    for kept in (now, portal.register, f"{first['checkpoint']}\n{portal.checkpoint}", {**now, "keys": [portal.key]}):
        code, said = ask("register", fork, kept)
        assert (code, "contradict each other" in said) == (1, True), said
    for kept in (now, portal.register, f"In May:\n\n{first['checkpoint']}\nIn June:\n\n{portal.checkpoint}"):
        code, said = ask("register", rolled, kept)
        assert (code, "1.txt covers 7 entries, but this register has 3. Entries" in said) == (1, True), said
    # of a text, each checkpoint; of two files of an entry, the newer ones
    for one, other in (
        (now, fork["checkpoint"]),
        (now, fork),
        (f"{first['checkpoint']}{portal.checkpoint}", fork["checkpoint"]),
        (portal.proof(7), now | {"now": proof_in(rewritten, portal.signer, 0)}),
        (portal.register, early),
    ):
        code, said = ask("compare", one, other)
        assert (code, "contradict each other" in said) == (1, True), said
    # one file may contradict itself, or two receipts each other
    for files in (
        [now | {"now": proof_in([leaves[0], *rewritten[1:]], portal.signer, 0)}, portal.receipts[6]],
        [first | {"now": proof_in([leaves[1], leaves[0]], portal.signer, 1)}],
        [portal.receipts[6], proof_in(rewritten, portal.signer, 6) | {"leaf": rewritten[6]}],
    ):
        assert ask("receipt", *files)[0] == 1


def proof_in(leaves, signer, index):
    """Return what an entry's file says of its place in a register of these leaves."""
    hashes = [verify.leaf_hash(leaf.encode()) for leaf in leaves]

    def path(index, hashes):
        if len(hashes) == 1:
            return []
        split = 1 << (len(hashes) - 1).bit_length() - 1
        left, right = hashes[:split], hashes[split:]
        near, other = (left, right) if index < split else (right, left)
        return [*path(index % split, near), verify.roots_of(other, {len(other)})[len(other)]]

    proof = [base64.b64encode(part).decode() for part in path(index, hashes)]
    return {"checkpoint": made(signer, leaves)["checkpoint"], "inclusion_proof": proof}


def test_files_of_entries_are_compared_without_another_proof(portal, ask):
    code, said = ask("compare", portal.proof(3), portal.proof(6))
    assert (code, said.splitlines()[-1]) == (0, "They belong to the same history: 3, then 6, then 7 entries."), said
    assert ask("compare", portal.receipts[2], portal.register)[0] == 0
    assert ask("compare", portal.receipts[2], portal.proof(6))[0] == 2
    assert ask("compare", portal.receipts[2], portal.proof(3))[0] == 0


# Evidence damaged by its way to the reader ----------------------------------------------------------------------------


def wrapped(text, width):
    return "\n".join(line[n : n + width] for line in text.split("\n") for n in range(0, max(len(line), 1), width))


DAMAGED_NOTES = {
    "wrapped by a mail program": lambda note: wrapped(note, 72),
    "wrapped in a narrow column": lambda note: wrapped(note, 20),
    "without the empty line": lambda note: note.replace("\n\n", "\n"),
    "on one line": lambda note: " ".join(note.split()),
    "no-break spaces": lambda note: note.replace(" ", "\u00a0"),
    "spaces at the ends of lines": lambda note: note.replace("\n", " \u00a0\n"),
    "Windows": lambda note: "\ufeff" + note.replace("\n", "\r\n"),
    "old Macintosh": lambda note: note.replace("\n", "\r"),
    "quoted": lambda note: "".join(f"> {line}\n" for line in note.split("\n")),
    "quoted twice": lambda note: "".join(f">> {line}\n" for line in note.split("\n")),
    "quoted with no-break spaces": lambda note: "".join(f">\u00a0{line}\n" for line in note.split("\n")),
    "indented": lambda note: "".join(f"    {line}\n" for line in note.split("\n")),
    "in a letter": lambda note: f"Dear Sam,\n\nhere it is:\n\n{note}\nKind regards\nKim — of the press\n",
    "zero-width spaces": lambda note: note.replace("/", "/\u200b"),
}
LOST_NOTES = {
    "cut short in the signature": lambda note: note[:-20],
    "cut short in the signature, and a greeting": lambda note: f"{note[:-20]}\n\nKind regards",
    "without its signature": lambda note: note.split("\u2014")[0],
    "cut short in the root": lambda note: note[:40],
    "a dash for the dash": lambda note: note.replace("\u2014", "-"),
    "quoted-printable": lambda note: note.replace("=", "=3D").replace("\u2014", "=E2=80=94"),
    "quoted-printable, with its dash": lambda note: note.replace("=", "=3D"),
    "nothing": lambda note: "",
    "UTF-16 without its mark": lambda note: note.encode("utf-16-le"),
    "Windows-1252": lambda note: note.encode("cp1252"),
    "read as Latin-1": lambda note: note.encode().decode("cp1252", "replace"),
    "the signature of a second": lambda note: note + note.split("\n\n")[1],
    "of a first, only the signature": lambda note: note.split("\n\n")[1] + note,
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_checkpoint_that_was_damaged_on_its_way_is_joined_or_not_judged(portal, ask):
    for name, damage in DAMAGED_NOTES.items():
        code, said = ask("register", portal.register, damage(portal.checkpoint))
        assert (code, "It extends 1.txt (7 entries)." in said) == (0, True), (name, said)
        assert ask("receipt", portal.receipts[6] | {"checkpoint": damage(portal.receipts[6]["checkpoint"])})[0] in (
            0,
            2,
        )
    for name, damage in LOST_NOTES.items():
        code, said = ask("register", portal.register, damage(portal.checkpoint))
        assert code == (0 if name == "the signature of a second" else 2), (name, said)
    edited = portal.checkpoint.replace("\n7\n", "\n8\n")
    for damage in DAMAGED_NOTES.values():  # what was changed is not believed, however it is wrapped
        assert ask("register", portal.register, damage(edited))[0] == 2


def test_a_checkpoint_with_a_letter_that_was_misread_is_not_called_tampering(portal, ask):
    """A misread letter and a forged one look the same, in the number, the root and the signature alike."""
    name, size, root, _, signature = portal.checkpoint.rstrip("\n").split("\n")
    places = [portal.checkpoint.index(f"\n{size}\n") + 1]
    places += [portal.checkpoint.index(root) + n for n in range(0, len(root) - 1, 6)]
    start = portal.checkpoint.index(signature) + len(f"\u2014 {name} ")
    places += range(start, len(portal.checkpoint) - 3, 9)
    for place in places:
        letter = portal.checkpoint[place]
        other = "1" if letter == "7" and place == places[0] else "B" if letter != "B" else "8"
        misread = portal.checkpoint[:place] + other + portal.checkpoint[place + 1 :]
        code, said = ask("register", portal.register, misread)
        assert (code, "NOT GOOD" in said) == (2, False), (place, said)
    # what the key did sign is proof, as before
    leaves = leaves_of(portal.register)
    fork = made(portal.signer, [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]])
    assert ask("register", fork, portal.checkpoint)[0] == 1


def test_a_checkpoint_is_read_from_what_is_copied_out_of_a_receipt_on_paper(portal, ask):
    UnitFactory()
    pages = PdfReader(BytesIO(pdf.render_receipt_pdf(Entry.objects.get(pk=5)))).pages
    copied = "\n".join(page.extract_text() for page in pages)
    code, said = ask("register", portal.register, copied)
    assert (code, said.splitlines()[-1]) == (0, "It extends 1.txt (5 entries)."), said
    leaves = leaves_of(portal.register)
    fork = made(portal.signer, [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]])
    assert ask("register", fork, copied)[0] == 1


def test_json_that_was_damaged_on_its_way_is_joined_or_not_judged(portal, ask):
    receipt = json.dumps(portal.receipts[4], indent=1, ensure_ascii=False)
    for damage, codes in {
        "as it was": (receipt, {0}),
        "Windows": ("\ufeff" + receipt.replace("\n", "\r\n"), {0}),
        "quoted": ("".join(f"> {line}\n" for line in receipt.splitlines()), {0}),
        "wrapped": (wrapped(receipt, 76), {0}),
        "wrapped and quoted": ("".join(f"> {line}\n" for line in wrapped(receipt, 76).splitlines()), {0}),
        "wrapped at spaces, which are gone": (receipt.replace("Body 5", "Body\n5"), {2}),
        "no-break spaces": (receipt.replace(" ", "\u00a0"), {0}),
        "no-break spaces in a name": (receipt.replace("Sam Example", "Sam\u00a0Example"), {0}),
        "narrow no-break spaces": (receipt.replace(" ", "\u202f"), {0}),
        "hints for breaking lines": (receipt.replace("/", "/\u200b").replace(",", ",\u2060"), {0}),
        "soft hyphens": (receipt.replace("Example", "Ex\u00adample"), {0}),
        "soft hyphens, and something was changed": (receipt.replace("Sam Example", "Pam Ex\u00adample"), {2}),
        "quoted-printable": (receipt.replace("=", "=3D"), {2}),
        "with the mark of DOS behind it": (f"{receipt}\x1a", {2}),
        "slashes escaped": (receipt.replace("/", "\\/"), {0}),
        "cut short": (receipt[: len(receipt) // 2], {2}),
        "the last letter lost": (receipt.rstrip()[:-1], {2}),
        "curly quotes": (receipt.replace('"', "\u201d"), {2}),
        "a hash cut short": (receipt.replace(portal.receipts[4]["inclusion_proof"][0], "AAAA"), {2}),
        "no-break spaces, and something was changed": (receipt.replace("Sam ", "Pam\u00a0"), {2}),
    }.items():
        found, wanted = codes
        code, said = ask("receipt", found)
        assert code in wanted, (damage, said)
    # letters that a Mac has taken apart, and put together again
    accented = changed(leaves_of(portal.register)[2], body="Café")
    leaves = [*leaves_of(portal.register)[:2], accented, *leaves_of(portal.register)[3:]]
    own = json.dumps(proof_in(leaves, portal.signer, 2) | {"leaf": accented}, ensure_ascii=False)
    assert ask("receipt", own)[0] == 0
    code, said = ask("receipt", unicodedata.normalize("NFD", own))
    assert (code, "Café" in said) == (0, True), said
    # a register that is known to be forked is called so, whatever the way of another file
    leaves = leaves_of(portal.register)
    fork = made(portal.signer, [leaves[0], changed(leaves[1], body="Another body"), *leaves[2:]])
    assert ask("register", fork, receipt.replace(" ", "\u00a0"))[0] == 1
    assert ask("register", fork, wrapped(receipt, 76))[0] == 1


# JSON read twice differently ------------------------------------------------------------------------------------------


def test_a_repeated_name_is_refused_in_every_file(portal, ask):
    def doubled(document, name, forged):
        text = json.dumps(document)
        assert text.count(f'"{name}": ') >= 1
        return text.replace(f'"{name}": ', f'"{name}": {json.dumps(forged)}, "{name}": ', 1)

    forged = {"name": {"salt": "0" * 32, "value": "Somebody Else"}}
    receipt, proof = portal.receipts[3], portal.proof(4)
    consistency = {"old": 4, "new": 7, "consistency_proof": log.consistency_proof(4, 7)}
    for action, *files in (
        ("receipt", doubled(receipt, "disclosed", forged)),
        ("receipt", doubled(receipt, "value", "Somebody Else")),
        ("receipt", doubled(proof, "now", {})),
        ("receipt", doubled(receipt | {"leaf": doubled(json.loads(receipt["leaf"]), "body", "Another")}, "leaf", "x")),
        ("register", doubled(portal.register, "entries", [])),
        ("register", doubled(portal.register, "leaf", "{}")),
        ("register", portal.register, doubled(receipt, "checkpoint", "x")),
        ("compare", receipt, portal.checkpoint, doubled(consistency, "old", 1)),
    ):
        code, said = ask(action, *files)
        assert (code, "occurs twice" in said) == (2, True), said
    assert ask("compare", receipt, portal.checkpoint, consistency)[0] == 0
    # an entry that its key has signed and that can be read in two ways
    leaf = doubled(json.loads(portal.receipts[0]["leaf"]), "body", "Another")
    assert ask("register", made(portal.signer, [leaf]))[0] == 2
    assert ask("register", made(portal.signer, [json.dumps(json.loads(portal.receipts[0]["leaf"]))]))[0] == 2


def test_it_prints_who_it_verified(portal, ask):
    _, said = ask("receipt", portal.receipts[3])
    entry = Entry.objects.get(pk=4)
    for fact in (
        'signed by "Body 4"',
        f"at {entry.leaf_values['at']}",
        f"SHA-256 {entry.version.sha256}",
        'name "Sam Example"',
        'role "Vice chair"',
        'authority "My post"',
    ):
        assert fact in said
    assert "name" not in ask("receipt", portal.receipts[3] | {"disclosed": {}})[1]


# Time that runs backwards ---------------------------------------------------------------------------------------------


def test_an_entry_is_never_dated_before_the_one_before_it(time_machine):
    time_machine.move_to("2031-05-06T10:00:00Z", tick=False)
    open_signing()
    first = invite_and_sign("First", "post@one.example")
    time_machine.move_to("2031-05-06T07:00:00Z", tick=False)  # the server's clock is set back
    invited = invite("Second", "post@two.example")
    second = sign(invited)
    assert [first.leaf_values["at"], second.leaf_values["at"]] == ["2031-05-06T10:00:00Z"] * 2
    assert second.recorded_at == first.recorded_at
    # who sends the same signature again still gets their receipt
    checked = signing.answers_fingerprint(
        second.personal.values, name_is_public=False, statement=second.leaf_values["statement"]
    )
    assert signing.find_entry_of_repeat(secret=invited.secret, checked=checked) == second
    time_machine.move_to("2031-05-06T12:00:00Z")
    assert invite_and_sign("Third", "post@three.example").leaf_values["at"] == "2031-05-06T12:00:00Z"
    assert list(audit.find_faults()) == []


def test_both_verifiers_find_an_entry_dated_before_the_one_before_it(portal, ask, monkeypatch, time_machine):
    leaves = leaves_of(portal.register)
    early = made(portal.signer, [*leaves[:4], changed(leaves[4], at="2001-01-01T00:00:00Z"), *leaves[5:]])
    code, said = ask("register", early)
    assert (code, "Entry 5 is dated before entry 4" in said) == (1, True), said
    fifth = proof_in(leaves_of(early), portal.signer, 4) | {"leaf": leaves_of(early)[4]}
    fourth = proof_in(leaves_of(early), portal.signer, 3) | {"leaf": leaves_of(early)[3]}
    for action in ("receipt", "compare"):
        assert ask(action, fifth, fourth)[0] == 1
    assert ask("register", made(portal.signer, [changed(leaves[0], at="yesterday")]))[0] == 2
    monkeypatch.setattr(log, "require_continuation", lambda size, frontier: None)
    now = timezone.now()
    time_machine.move_to(now + timedelta(hours=3))
    invite_and_sign("Eighth", "post@8.example")
    time_machine.move_to(now)
    invite_and_sign("Ninth", "post@9.example")
    assert list(audit.find_faults()) == ["Entry 9: it is dated before the entry before it."]


# How to check it, as printed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", [0, 1, 5])
def test_who_has_nothing_but_the_website_can_follow_how_to_check_it(client, tmp_path, entries):
    UnitFactory()
    open_signing()
    if entries > 1:
        log.rotate_key()
    for n in range(1, entries + 1):
        invite_and_sign(f"Body {n}", f"post@{n}.example")
    page = client.get("/declaration/register/").text
    how = page[page.index('<h2 id="how"') :].split("</section>")[0]
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', how))
    for address, name in links.items():
        answer = client.get(urljoin("/declaration/register/", unescape(address)))
        assert answer.status_code == 200, address
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        (tmp_path / name).write_bytes(answer.getvalue())
    commands = re.findall(r"<code>python3 (.+?)</code>", how)
    assert len(commands) == min(entries, 2) + 1
    for command in commands:
        assert {part for part in command.split() if "." in part} <= set(links.values())
        found = subprocess.run(
            [sys.executable, "-I", *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stderr) == (0, ""), found.stdout
    for word in re.findall(r"\S+\.(?:json|txt|py)\b", Elements(how).text):
        assert word in links.values(), word


def test_the_fingerprint_of_a_text_is_that_of_the_file_beside_it(client, tmp_path):
    UnitFactory()
    text = "We **promise**.\r\n\r\nÅ “so”:\n1. one\n\n"
    version = open_signing(text=text)
    for address in ("/declaration/", f"/declaration/versions/{version.number}/"):
        page = client.get(address).text
        (command,) = re.findall(r"<code>(sha256sum .+?)</code>", page)
        (link,) = {a for a, name in re.findall(r'<a href="([^"]+)">([^<]+)</a>', page) if name == command.split()[1]}
        answer = client.get(link)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{command.split()[1]}"'
        (tmp_path / command.split()[1]).write_bytes(answer.content)
        found = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=True)
        assert found.stdout.split()[0] == version.sha256
        assert version.sha256 in page
        for program in ("shasum -a 256", "Get-FileHash"):  # a Mac and Windows have no sha256sum
            assert f"<code>{program} {command.split()[1]}</code>" in page
    entry = invite_and_sign()
    assert entry.leaf_values["text_sha256"] == version.sha256
    draft = type(version)(
        declaration=version.declaration, number=7, text="x", source=version.source, as_at=version.as_at
    )
    type(version).objects.bulk_create([draft])
    assert client.get("/declaration/versions/7.txt").status_code == 404
    assert client.get("/declaration/versions/8.txt").status_code == 404
    assert Invitation.objects.get().version == version
