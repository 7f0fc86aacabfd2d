"""Receipts and texts on paper and as files, and the seal on them."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
import segno
import typst
from django.core.exceptions import ValidationError
from django.urls import reverse
from pypdf import PdfReader

from events.declarations.choices import Authority, SigningLinkPurpose
from events.declarations.documents import pdf, receipts
from events.declarations.models import DeclarationVersion, Entry, RegisterKey
from events.declarations.register import log, verify
from events.declarations.rules import corrections, erasure, versions
from events.declarations.rules import signing as signing_rules
from tests.support import signing
from tests.support.factories import UnitFactory, VersionFactory
from vru_portal.text import typesetting
from vru_portal.text.markdown import parse

pytestmark = pytest.mark.once

HOSTILE = '#eval("1+1") *b* _i_ "q" \'x\' \\ $x^2$ @ref <l> // /* `raw` = محمد נעם [a](b) {{ unit }} '
DEAD = "0" * 43


@pytest.fixture
def open_register(db):
    UnitFactory()
    return signing.open_signing(text="# One\n\nWe **keep** the paths.\n\n1. Walk\n2. Talk\n\n- #eval(1)\n")


def pages(paper):
    return PdfReader(BytesIO(paper)).pages


def words(paper):
    text = " ".join(page.extract_text() for page in pages(paper))
    return " ".join(text.replace("\u200b", "").split())


def bare(text):
    """Return text without blanks and line breaks, which a paper sets as it must."""
    return re.sub(r"[\s\u200b]", "", text)


# The receipt ----------------------------------------------------------------------------------------------------------


def test_a_receipt_says_who_signed_what_when_and_how_to_prove_it(open_register):
    for number in range(1, 6):
        signing.invite_and_sign(f"Body {number}", f"post{number}@body.example")
    entry = signing.invite_and_sign("Example Trust", role="Chair", name_is_public=True)
    paper = pdf.render_receipt_pdf(entry)
    assert len(pages(paper)) == 1
    width, height = pages(paper)[0].mediabox[2:]
    assert (round(width), round(height)) == (595, 842)  # A4
    said = words(paper)
    [vkey] = RegisterKey.objects.values_list("vkey", flat=True)
    proof = log.entry_proof(entry)
    for part in (
        "Receipt for entry 6",
        "Example Trust",
        "Sam Example Chair (shown in public)",
        "“I am authorised to sign for Example Trust.”",
        receipts.format_recorded_at(entry.recorded_at),
        "version 1",
        open_register.sha256,
        entry.leaf_hash,
        *proof["inclusion_proof"],
        *proof["checkpoint"].split("\n")[:3],
        vkey,
    ):
        assert bare(part) in bare(said), part
    assert bare(proof["checkpoint"]) in bare(said)
    assert len(proof["inclusion_proof"]) == 2
    assert "localhost:8000/declaration/register/6/" in bare(said)


def test_it_is_tagged_titled_and_the_code_has_words(open_register):
    root: Any = PdfReader(BytesIO(pdf.render_receipt_pdf(signing.invite_and_sign("Example Trust")))).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    kinds, alternatives = [], []

    def walk(node):
        node = getattr(node, "get_object", lambda: node)()
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            kinds.append(node.get("/S"))
            alternatives.append(node.get("/Alt"))
            walk(node.get("/K", []))

    walk(root["/StructTreeRoot"]["/K"])
    assert {"/H1", "/H2", "/H3", "/Table", "/TR", "/Figure", "/Link"} <= set(kinds)
    assert "QR code: the public entry, http://localhost:8000/declaration/register/1/" in alternatives


def test_the_code_holds_the_public_entry_s_whole_address(open_register, monkeypatch, settings):
    settings.PORTAL_URL = "https://vru.example.org"
    made, make = [], segno.make

    def note(text, **how):
        made.append(text)
        return make(text, **how)

    monkeypatch.setattr(segno, "make", note)
    entry = signing.invite_and_sign()
    pdf.render_receipt_pdf(entry)
    assert made == [f"https://vru.example.org{reverse('declarations:entry', args=[entry.seq])}"]


def test_the_same_receipt_is_the_same_bytes(open_register):
    entry = signing.invite_and_sign()
    assert pdf.render_receipt_pdf(entry) == pdf.render_receipt_pdf(Entry.objects.get())


def test_hostile_and_endless_names_are_printed_as_text_on_one_sheet(open_register, client):
    widest = "M" * 100
    long = {"name": (HOSTILE + widest)[:120], "role": ("M" * 60 + HOSTILE)[:120], "prepared_by": (HOSTILE * 2)[:120]}
    for number in range(70):
        signing.invite_and_sign(f"Body {number}", f"post{number}@body.example")
    body = signing.invite((widest + HOSTILE + widest)[:200])
    signing_rules.pass_on_to_signatory(
        secret=body.secret,
        signatory=signing.signatory(
            **long, email="chair@body.example", authority=Authority.DELEGATED, authority_reference="M" * 160,
            authority_date=signing.days_from_today(0),
        ),
    )  # fmt: skip
    confirmed = signing.Invited(body.invitation, signing.new_link(body.invitation, SigningLinkPurpose.CONFIRM))
    entry = signing.sign(confirmed, **{name: long[name] for name in ("name", "role")})
    paper = pdf.render_receipt_pdf(entry)
    assert len(pages(paper)) == 1
    said = bare(words(paper))
    assert said.count(bare('#eval("1+1") *b* _i_ "q" \'x\' \\ $x^2$ @ref <l> // /* `raw` =')) >= 4
    for line in pages(paper)[0].extract_text().splitlines():
        assert line.count("M") < 100
    right = []
    pages(paper)[0].extract_text(visitor_text=lambda text, _, at, *__: right.append(at[4]))
    assert max(right) < 595 - 45


def test_every_character_of_a_hostile_name_can_be_set(open_register):
    for text in ("\u0000\u0007", "\ufffe", "🏳️\u200d🌈", "\u202ex\u2066", "ẞǅﬁ", "ਪੰਜਾਬੀ", "\U0010ffff"):
        data = {"title": text, "unit": text, "is_example": False, "number": 1, "in_force_from": "", "sha256": "",
                "address": "http://localhost/", "blocks": [{"kind": "text", "text": text}]}  # fmt: skip
        assert len(pages(typesetting.compile_pdf("version", json.dumps(data), 0))) == 1


def test_what_no_font_can_draw_is_refused_before_it_is_signed_or_in_force(open_register):
    version = DeclarationVersion.objects.get()
    body = signing.invite("Example Trust")
    for name in ("ਪੰਜਾਬੀ", "Sam 😀"):
        with pytest.raises(ValidationError, match="Our PDFs cannot show"):
            signing.sign(body, name=name)
    with pytest.raises(ValidationError, match="cannot show ਪ ੰ"):
        versions.publish_version(by=None, version=VersionFactory(declaration=version.declaration, number=2, text="ਪੰ"))


def test_names_in_many_scripts_are_drawn(open_register):
    asian = "王小明", "山田太郎", "김철수", "বাংলা", "தமிழ்", "हिन्दी", "తెలుగు", "\uff33\uff41\uff4d"
    names = [*asian, "Łukasz", "Αλέξης", "Олександр", "محمد", "Nguyễn"]
    for number in range(0, len(names), 3):
        name = " ".join(names[number : number + 3])
        entry = signing.sign(signing.invite(f"Body {number}"), name=name)
        assert "[U+" not in words(pdf.render_receipt_pdf(entry))


def test_a_template_that_is_wrong_says_so(open_register):
    with pytest.raises(typst.TypstError):
        typesetting.compile_pdf("version", "{}", 0)


def test_headings_and_tables_of_a_text_are_drawn():
    text = "#### First\n\n- one\n\n| Year | Count |\n| --- | --- |\n| 2031 | 4 |\n| 2032 | 5 |"
    nodes = typesetting.markdown_nodes(parse(text, heading_above=1))
    assert [(node["kind"], node.get("level")) for node in nodes] == [
        ("heading", 2),
        ("bullet_list", None),
        ("table", None),
    ]
    data = {"title": "Text", "unit": "Unit", "is_example": False, "number": 1, "in_force_from": "", "sha256": "",
            "address": "http://localhost/", "blocks": nodes}  # fmt: skip
    said = words(typesetting.compile_pdf("version", json.dumps(data), 0))
    assert "Year Count 2031 4 2032 5" in said


def test_what_was_erased_is_on_no_paper_and_what_ended_says_so(open_register):
    entry = signing.invite_and_sign("Example Trust")
    corrections.withdraw_signature(secret=signing.new_link(entry.invitation, SigningLinkPurpose.WITHDRAW))
    erasure.erase_personal_data(entry=entry)
    said = words(pdf.render_receipt_pdf(entry))
    assert "Sam Example" not in said
    assert "Erased. The proof still works without it." in said
    assert "Withdrawn" in said


# The text of a version ------------------------------------------------------------------------------------------------


def test_a_version_is_a_paper_with_its_headings_lists_and_emphasis_and_no_link_to_sign(open_register, client):
    answer = client.get("/declaration/versions/1.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    said = words(answer.content)
    for part in ("One", "We keep the paths.", "1. Walk", "2. Talk", "#eval(1)", open_register.sha256, "version 1"):
        assert part in said, part
    assert "/sign/" not in said
    kinds = re.findall(rb"/S\s*/(\w+)", b"".join(str(o).encode() for o in objects(answer.content)))
    assert {b"H1", b"H2", b"L", b"LI", b"Strong"} <= set(kinds)
    signing.invite()
    assert client.get("/declaration/versions/1.pdf").content == answer.content


def objects(paper):
    """Yield every object of a PDF as pypdf prints it, with names and values joined as in the file."""
    reader: Any = PdfReader(BytesIO(paper))
    for number in range(1, reader.trailer["/Size"]):
        try:
            found = reader.get_object(number)
        except Exception:  # noqa: S112 - a number that is free
            continue
        yield str(found).replace("'", "").replace(": ", " ")


def test_it_is_kept_by_browsers_and_asked_for_by_its_mark(open_register, client):
    answer = client.get("/declaration/versions/1.pdf")
    assert "public" in answer["Cache-Control"]
    again = client.get("/declaration/versions/1.pdf", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert client.head("/declaration/versions/1.pdf").status_code == 200
    assert client.post("/declaration/versions/1.pdf").status_code == 405


def test_a_draft_and_what_does_not_exist_have_no_paper(open_register, client):
    open_register.pk, open_register.number = None, 2
    type(open_register).objects.bulk_create(
        [type(open_register)(declaration=open_register.declaration, number=2, text="Later.",
                             source=open_register.source, as_at=open_register.as_at)]
    )  # fmt: skip
    for number in (2, 3, 99999999999):
        assert client.get(f"/declaration/versions/{number}.pdf").status_code == 404


# Whose receipt it is --------------------------------------------------------------------------------------------------


def opened(client, secret):
    """Open a link as a browser does."""
    assert client.get(reverse("declarations:open", args=[secret])).status_code == 303


def test_a_receipt_opens_with_its_link_and_no_cache_stores_it(open_register, client):
    entry = signing.invite_and_sign("Example Trust")
    opened(client, signing.new_link(entry.invitation, SigningLinkPurpose.RECEIPT))
    for ending, kind in (("pdf", "application/pdf"), ("json", "application/json")):
        answer = client.get(f"/declaration/sign/receipt.{ending}")
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert answer["Content-Disposition"] == f'attachment; filename="receipt-1.{ending}"'
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Robots-Tag"] == "noindex"
    said = answer.json()
    [vkey] = said.pop("keys")
    assert said == log.receipt_data(entry)
    (found,) = verify.answer([verify.read_key(vkey)], "receipt", [("receipt-1.json", said)])
    assert found.startswith('receipt-1.json: Entry 1, signed by "Example Trust"')
    assert "Sam Example" in words(client.get("/declaration/sign/receipt.pdf").content)


@pytest.mark.parametrize("ending", ["pdf", "json"])
def test_no_other_link_opens_it(open_register, client, ending):
    address = f"/declaration/sign/receipt.{ending}"
    entry = signing.invite_and_sign("Example Trust")
    other = signing.invite("Another body", "other@body.example")
    receipt = signing.new_link(entry.invitation, SigningLinkPurpose.RECEIPT)
    assert client.get(address).status_code == 404
    opened(client, DEAD)
    assert client.get(address).status_code == 404
    for secret in (other.secret, signing.new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)):
        opened(client, secret)
        assert client.get(address).status_code == 303  # to where that link belongs
    opened(client, receipt)
    client.cookies["signing"] = str(client.cookies["signing"].value) + "x"
    assert client.get(address).status_code == 404
    client.cookies.clear()
    erasure.erase_personal_data(entry=entry)
    opened(client, receipt)
    assert client.get(address).status_code == 404
