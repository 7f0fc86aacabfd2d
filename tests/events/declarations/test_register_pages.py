"""What everybody sees of the register: pages, files and their proofs; and what nobody sees."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction

from events.declarations.choices import CorrectionReason, SigningLinkPurpose
from events.declarations.models import Entry, LiveSignature, PersonalRecord, SignatoryBody
from events.declarations.querysets import add_progress
from events.declarations.register import log, merkle, verify
from events.declarations.rules import corrections, erasure, invitations, signing, versions
from tests.support.crawler import Elements, sitemap
from tests.support.factories import SectorFactory, UnitFactory, VersionFactory
from tests.support.signing import Invited, invite, invite_and_sign, new_link, open_signing, sign

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGES = ("/declaration/", "/declaration/versions/1/", "/declaration/register/", "/declaration/register/1/")
FILES = (
    "/declaration/register.json",
    "/declaration/register.csv",
    "/declaration/register/1.json",
    "/declaration/register/checkpoint",
    "/declaration/register/consistency.json?old=1&new=2",
    "/declaration/register/verify.py",
)


def whole(response):
    return (response.getvalue() if response.streaming else response.content).decode()


def text_of(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return Elements(response.text).text


def withdraw(entry):
    with transaction.atomic():
        log.lock_head()
        return corrections.end_signature(entry=entry)


@pytest.fixture(autouse=True)
def unit(db):
    UnitFactory()


@pytest.fixture
def queries():
    """Count the queries of a page."""

    class Counted(list[str]):
        def of(self, client, address):
            self.clear()
            with connection.execute_wrapper(self.noted):
                response = client.get(address)
                whole(response)
            assert response.status_code == 200, address
            return len(self)

        def noted(self, execute, sql, *rest):
            self.append(sql)
            return execute(sql, *rest)

    return Counted()


def test_an_empty_register_says_so_on_every_page(client):
    for address in ("/declaration/register.json", "/declaration/register/checkpoint"):
        assert client.get(address).status_code == 404
    VersionFactory(text="We **promise**.")
    assert "no key yet" in text_of(client, "/declaration/register/")
    open_signing(declaration__slug="another", number=3)
    text = text_of(client, "/declaration/register/")
    assert "0 entries" in text
    assert "The register is empty" in text
    assert "Version 3 has no signatures in force" in text_of(client, "/declaration/")
    assert "Nobody yet" in text_of(client, "/")
    assert json.loads(whole(client.get("/declaration/register.json")))["entries"] == []
    assert client.get("/declaration/register/checkpoint").text.split("\n")[1] == "0"
    assert client.get("/declaration/register/1/").status_code == 404
    assert client.get("/declaration/register/1.json").status_code == 404


def test_the_declaration_shows_its_text_its_progress_and_how_to_sign(client):
    version = open_signing(text="We **promise**.")
    invite_and_sign("First", "post@one.example")
    withdraw(invite_and_sign("Second", "post@two.example"))
    signing.decline_invitation(secret=invite("Third", "post@three.example").secret, reason="A SECRET reason")
    invite("Fourth", "post@four.example")
    text = text_of(client, "/declaration/")
    assert "We promise." in text
    assert version.sha256 in text
    assert "1 of 4 have signed" in text
    assert (
        "4 organisations were asked to sign version 1. 1 has signed, 1 has not answered yet, 1 has declined, 1 did not "
        "answer in time or withdrew." in text
    )
    assert "Ask to sign" in text
    assert "SECRET" not in text
    assert "1 of 4 that were asked" in text_of(client, "/")
    version.declaration.paused_because = "The text is being corrected."
    version.declaration.save()
    text = text_of(client, "/declaration/")
    assert "Signing is paused. The text is being corrected." in text
    assert "Ask to sign" not in text
    log.key_path(log.current_key().vkey).unlink()
    version.declaration.paused_because = ""
    version.declaration.save()
    text = text_of(client, "/declaration/")
    assert "Signing is not open at the moment" in text
    assert str(settings.REGISTER_KEYS) not in text
    for address in (*PAGES, *FILES):
        assert client.get(address).status_code == 200


def test_each_body_counts_once_by_what_it_did_last(client):
    version = open_signing()
    signing.decline_invitation(secret=invite("Again", "post@one.example").secret, reason="Not yet.")
    invitations.invite(by=None, organisation="Again", email="post@one.example", again=True)
    withdraw(invite_and_sign("Back", "post@two.example"))
    again = invitations.invite(by=None, organisation="Back", email="post@two.example", again=True)
    add_progress([version])
    counts = (
        version.asked_count,
        version.signed_count,
        version.waiting_count,
        version.declined_count,
        version.lapsed_count,
    )
    assert counts == (2, 0, 2, 0, 0)
    assert again is not None
    assert again.state == "queued"


def test_the_register_is_filtered_by_version_status_sector_and_words(client):
    sector = SectorFactory(name="Housing", slug="housing")
    version = open_signing()
    for number, name in enumerate(("Alder Trust", "Birch Trust", "Cedar Homes"), 1):
        signed_by = invite(name, f"post@{number}.example", sector=sector if number == 3 else None)
        sign(signed_by)
    withdraw(Entry.objects.get(seq=2))
    versions.publish_version(
        by=None, version=VersionFactory(declaration=version.declaration, number=2, text="Other words.")
    )
    invitation = SignatoryBody.objects.get(name="Alder Trust").invitations.get(version__number=2)
    sign(Invited(invitation, new_link(invitation)))
    expected = {
        "": [6, 5, 4, 3, 2, 1],
        "?version=2": [5],
        "?status=signed": [5, 3],
        "?status=withdrawn": [2],
        "?status=replaced": [1],
        "?status=changes": [6, 4],
        "?sector=housing": [3],
        "?q=trust+BIRCH": [4, 2],
        "?version=1&status=signed&q=cedar": [3],
        "?version=9": [],
        "?status=nonsense": [],
        "?sector=none": [],
        "?q=%25": [],
        f"?q={'x' * 300}": [],
    }
    for asked, entries in expected.items():
        html = client.get(f"/declaration/register/{asked}").text
        shown = [int(n) for n in re.findall(r'<h3><a href="/declaration/register/(\d+)/">', html)]
        assert shown == entries, asked
        listed = client.get(f"/declaration/register.csv{asked}")
        if listed.status_code == 200:
            rows = list(csv.DictReader(io.StringIO(whole(listed).removeprefix("\ufeff"))))
            assert [int(row["entry"]) for row in rows] == entries
        else:
            assert (listed.status_code, entries) == (400, [])
            assert asked.split("=")[0] in ("?version", "?status", "?sector", "?q")
    html = client.get("/declaration/register/?status=signed&q=alder").text
    assert 'href="?q=alder"' in html
    assert 'href="?status=signed"' in html
    assert "/declaration/register.csv?q=alder&amp;status=signed" in html


def test_an_entry_says_what_it_did_and_what_followed(client):
    open_signing()
    entry = invite_and_sign("First Name", "post@one.example", name_is_public=True)
    corrections.correct_entry(by=None, entry=entry, name="Second Name", sector=None, reason=CorrectionReason.MISSPELT)
    text = text_of(client, "/declaration/register/1/")
    assert "First Name, now shown as Second Name" in text
    assert "Signed by Sam Example, Chair of trustees" in text
    assert "corrected" in text.split("What happened later")[1]
    assert "The name was misspelt" in text_of(client, "/declaration/register/2/")
    withdraw(entry)
    text = text_of(client, "/declaration/register/1/")
    assert "Second Name: withdrawn." in text
    assert "Sam Example" not in text
    for address in ("/declaration/register/4/", "/declaration/register/0/", f"/declaration/register/{'9' * 40}/"):
        assert client.get(address).status_code == 404


def test_names_are_shown_by_consent_and_nothing_else_of_anybody_in_any_format(client):
    version = open_signing()
    shown = sign(invite("Shown", "post@one.example"), name="Ann Public", role="Chair", name_is_public=True)
    sign(invite("Hidden", "secret-mailbox@two.example", contact_name="Secret Contact"), name="Bob Secret")
    gone = sign(invite("Gone", "post@three.example"), name="Cid Secret", name_is_public=True)
    erased = sign(invite("Erased", "post@four.example"), name="Dot Secret", name_is_public=True)
    withdraw(gone)
    erasure.erase_personal_data(entry=erased)
    salts = [part["salt"] for record in PersonalRecord.objects.all() for part in record.salted_values.values()]
    addresses = [*PAGES, *FILES, "/", f"/declaration/versions/{version.number}/"]
    addresses += [f"/declaration/register/{n}{end}" for n in range(1, 7) for end in ("/", ".json")]
    named = set()
    for address in addresses:
        found = whole(client.get(address))
        for private in ("Secret", "secret-mailbox", "post@", '.example"'):
            assert private not in found, (address, private)
        if "Ann Public" in found:
            named.add(address)
        disclosed = {found.count(salt) > 0 for salt in salts[2:]}
        assert address.startswith("/declaration/register") or disclosed == {False}
    assert {"/declaration/", "/declaration/register.json", "/declaration/register.csv"} < named
    register = json.loads(whole(client.get("/declaration/register.json")))
    assert [sorted(entry.get("disclosed", {})) for entry in register["entries"]] == [["name", "role"], *[[]] * 5]
    # consent that is taken back hides the name again
    corrections.hide_signatory_name(secret=new_link(shown.invitation, SigningLinkPurpose.RECEIPT))
    assert "Ann Public" not in "".join(whole(client.get(address)) for address in addresses)


def test_the_files_are_those_that_verify_py_reads(client, tmp_path):
    open_signing()
    for number in range(1, 6):
        invite_and_sign(f"Body {number}", f"post@{number}.example", name_is_public=True)
    log.rotate_key()
    invite_and_sign("Body 6", "post@6.example")
    register = json.loads(whole(client.get("/declaration/register.json")))
    keys = [verify.read_key(vkey) for vkey in register["keys"]]
    note = client.get("/declaration/register/checkpoint")
    assert note.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert register["checkpoint"] == note.text
    said = verify.answer(keys, "register", [("register.json", register), ("note", note.text)])
    assert said[6:] == ["The register is complete: 6 entries, 6 signatures in force.", "It extends note (6 entries)."]
    for number in range(1, 7):
        proof = client.get(f"/declaration/register/{number}.json").json()
        assert verify.read_checkpoints(proof["checkpoint"], keys)[0][1] == number
        assert "in the register of 6 entries" in verify.answer(keys, "receipt", [("proof", proof)])[0]
    source = client.get("/declaration/register/verify.py")
    assert source.headers["Content-Disposition"] == 'attachment; filename="verify.py"'
    assert source.content == Path(verify.__file__).read_bytes()
    page = client.get("/declaration/register/").text
    for vkey in register["keys"]:
        assert vkey in Elements(page).text
    described = map(json.loads, re.findall(r'<script type="application/ld\+json">(.*?)</script>', page))
    (data,) = [one for one in described if one["@type"] == "Dataset"]
    assert [one["contentUrl"].rpartition("/")[2] for one in data["distribution"]] == ["register.json", "register.csv"]


def test_consistency_is_proven_or_refused_with_a_sentence(client):
    open_signing()
    for number in range(1, 6):
        invite_and_sign(f"Body {number}", f"post@{number}.example")
    roots = [merkle.EMPTY_ROOT]
    keys = [verify.read_key(log.current_key().vkey)]
    for entry in Entry.objects.all():
        roots.append(verify.read_checkpoints(entry.checkpoint, keys)[0][2])
    for new in range(1, 6):
        for old in range(1, new + 1):
            answer = client.get(f"/declaration/register/consistency.json?old={old}&new={new}").json()
            proof = [verify.decoded(part) for part in answer["consistency_proof"]]
            assert verify.proven_roots(old, new, proof, root=roots[old]) == (roots[old], roots[new])
    for asked, why in {
        "": "Enter “old”",
        "old=1": "Enter “new”",
        "old=&new=3": "Enter “old”",
        "old=-1&new=3": "Enter “old”",
        "old=1.5&new=3": "Enter “old”",
        "old=٣&new=3": "Enter “old”",
        "old=²&new=3": "Enter “old”",
        f"old=1&new={'9' * 5000}": "Enter “new”",
        "old=1&new=6": "the register has 5 entries",
        "old=4&new=2": "must not be more than",
    }.items():
        answer = client.get(f"/declaration/register/consistency.json?{asked}")
        assert answer.status_code == 400, asked
        assert why in answer.json()["error"], asked


def test_nothing_is_sent_twice_to_who_has_it_until_something_changes(client):
    open_signing()
    entry = invite_and_sign("First", "post@one.example", name_is_public=True)
    invite_and_sign("Second", "post@two.example")
    tags = {}
    for address in (*PAGES, *FILES):
        tags[address] = client.get(address).headers["ETag"]
        again = client.get(address, headers={"if-none-match": tags[address]})
        assert (again.status_code, again.content) == (304, b""), address
        assert client.head(address).getvalue() == b""
        assert client.post(address).status_code == 405, address
    corrections.hide_signatory_name(secret=new_link(entry.invitation, SigningLinkPurpose.RECEIPT))
    for address in FILES[:4]:
        response = client.get(address, headers={"if-none-match": tags[address]})
        assert response.status_code == 200, address
    tag = client.get(FILES[0]).headers["ETag"]
    log.rotate_key()
    assert client.get(FILES[0], headers={"if-none-match": tag}).status_code == 200


def test_a_spreadsheet_takes_nothing_of_the_list_for_a_formula(client):
    open_signing()
    body = invite('=HYPERLINK("http://x")', "post@one.example", sector=SectorFactory(name="+1", slug="plus"))
    sign(body, name="@SUM(A1)", role="-2+3", name_is_public=True)
    row = next(csv.DictReader(io.StringIO(whole(client.get("/declaration/register.csv")).removeprefix("\ufeff"))))
    assert row["organisation"] == '\'=HYPERLINK("http://x")'
    assert (row["sector"], row["name"], row["role"]) == ("'+1", "'@SUM(A1)", "'-2+3")
    assert list(row) == [
        "entry",
        "organisation",
        "sector",
        "date",
        "signed_on",
        "version",
        "status",
        "follows",
        "name",
        "role",
        "url",
    ]


def test_days_are_those_of_the_place(client):
    open_signing()
    with time_machine.travel(datetime(2031, 7, 1, 23, 30, tzinfo=UTC), tick=False):
        sign(invite("Late", "post@late.example"))
    assert "2 July 2031" in text_of(client, "/declaration/register/1/")
    row = next(csv.DictReader(io.StringIO(whole(client.get("/declaration/register.csv")).removeprefix("\ufeff"))))
    assert (row["date"], row["version"]) == ("2031-07-02", "1")


def test_pages_ask_no_more_of_the_database_when_the_register_is_long(client, queries):
    version = open_signing()
    many = [*PAGES, "/", "/declaration/register/?status=withdrawn&version=1&q=a", *FILES]
    sign(invite("First", "post@one.example", sector=SectorFactory()))
    invite_and_sign("Second", "post@two.example")
    counts = {address: queries.of(client, address) for address in many}
    for number in range(60):
        sign(invite(f"Body {number}", f"post@{number}.example", sector=SectorFactory()), name_is_public=True)
    withdraw(Entry.objects.get(seq=5))
    assert {address: queries.of(client, address) for address in many} == counts
    assert LiveSignature.objects.filter(version=version).count() == 61
    html = client.get("/declaration/register/").text
    assert html.count('<p class="rows__sum">') == 50
    assert "Page 1 of 2" in Elements(html).text
    assert client.get("/declaration/register/?page=2").status_code == 200
    assert client.get("/declaration/register/?page=3").headers["Location"] == "/declaration/register/?page=2"


def test_the_register_and_every_published_text_are_in_the_site_map(client):
    version = open_signing()
    VersionFactory(declaration=version.declaration, number=2)
    found = sitemap(client)
    assert {"/declaration/register/", "/declaration/versions/1/"} <= set(found)
    assert "/declaration/versions/2/" not in found
