"""Receipts and texts on paper and as files, and the seal on them."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import segno
import typst
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader

from events.declarations import pdf, receipts, rules, seal
from events.declarations.choices import Authority, Purpose
from events.declarations.models import Entry, RegisterKey
from events.declarations.register import log, verify
from tests import signing
from tests.factories import UnitFactory
from vru_portal.environment import parse_seal

pytestmark = pytest.mark.once

HOSTILE = '#eval("1+1") *b* _i_ "q" \'x\' \\ $x^2$ @ref <l> // /* `raw` = 漢 😀 محمد נעם [a](b) {{ unit }} '
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
        signing.signed(f"Body {number}", f"post{number}@body.example")
    entry = signing.signed("Example Trust", role="Chair", name_is_public=True)
    paper = pdf.receipt(entry)
    assert len(pages(paper)) == 1
    width, height = pages(paper)[0].mediabox[2:]
    assert (round(width), round(height)) == (595, 842)  # A4
    said = words(paper)
    [vkey] = RegisterKey.objects.values_list("vkey", flat=True)
    proof = log.proof(entry)
    for part in (
        "Receipt for entry 6",
        "Example Trust",
        "Sam Example Chair (shown in public)",
        "“I am authorised to sign for Example Trust.”",
        receipts.moment(entry.recorded_at),
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
    root: Any = PdfReader(BytesIO(pdf.receipt(signing.signed("Example Trust")))).trailer["/Root"]
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
    entry = signing.signed()
    pdf.receipt(entry)
    assert made == [f"https://vru.example.org{reverse('declarations:entry', args=[entry.seq])}"]


def test_the_same_receipt_is_the_same_bytes(open_register):
    entry = signing.signed()
    assert pdf.receipt(entry) == pdf.receipt(Entry.objects.get())


def test_hostile_and_endless_names_are_printed_as_text_on_one_sheet(open_register, client):
    widest = "M" * 100
    long = {"name": (HOSTILE + widest)[:120], "role": ("M" * 60 + HOSTILE)[:120], "prepared_by": (HOSTILE * 2)[:120]}
    for number in range(70):
        signing.signed(f"Body {number}", f"post{number}@body.example")
    body = signing.invite((widest + HOSTILE + widest)[:200])
    rules.pass_on(
        secret=body.secret,
        signatory=signing.signatory(
            **long, email="chair@body.example", authority=Authority.DELEGATED, authority_reference="M" * 160,
            authority_date=signing.days(0),
        ),
    )  # fmt: skip
    confirmed = signing.Invited(body.invitation, signing.link(body.invitation, Purpose.CONFIRM))
    entry = signing.sign(confirmed, **{name: long[name] for name in ("name", "role")})
    paper = pdf.receipt(entry)
    assert len(pages(paper)) == 1
    said = bare(words(paper))
    assert said.count(bare('#eval("1+1") *b* _i_ "q" \'x\' \\ $x^2$ @ref <l> // /* `raw` =')) >= 4
    assert "[U+6F22][U+1F600]" in said  # no font that is at hand has them
    for line in pages(paper)[0].extract_text().splitlines():
        assert line.count("M") < 100
    right = []
    pages(paper)[0].extract_text(visitor_text=lambda text, _, at, *__: right.append(at[4]))
    assert max(right) < 595 - 45


def test_every_character_of_a_hostile_name_can_be_set(open_register):
    for text in ("\u0000\u0007", "\ufffe", "🏳️\u200d🌈", "\u202ex\u2066", "ẞǅﬁ", "ਪੰਜਾਬੀ", "\U0010ffff"):
        data = {"title": text, "unit": text, "is_example": False, "number": 1, "in_force_from": "", "sha256": "",
                "address": "http://localhost/", "blocks": [{"kind": "text", "text": text}]}  # fmt: skip
        assert len(pages(pdf.compiled("version", json.dumps(data), 0))) == 1


def test_a_template_that_is_wrong_says_so(open_register):
    with pytest.raises(typst.TypstError):
        pdf.compiled("version", "{}", 0)


def test_what_was_erased_is_on_no_paper_and_what_ended_says_so(open_register):
    entry = signing.signed("Example Trust")
    rules.withdraw(secret=signing.link(entry.invitation, Purpose.WITHDRAW))
    rules.erase(entry=entry)
    said = words(pdf.receipt(entry))
    assert "Sam Example" not in said
    assert "Erased. The proof holds without it." in said
    assert "Withdrawn" in said


# The text of a version ------------------------------------------------------------------------------------------------


def test_a_wording_is_a_paper_with_its_headings_lists_and_emphasis_and_no_link_to_sign(open_register, client):
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


def test_a_receipt_is_for_whoever_holds_its_link_and_stored_by_nobody(open_register, client):
    entry = signing.signed("Example Trust")
    opened(client, signing.link(entry.invitation, Purpose.RECEIPT))
    for ending, kind in (("pdf", "application/pdf"), ("json", "application/json")):
        answer = client.get(f"/declaration/sign/receipt.{ending}")
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert answer["Content-Disposition"] == f'attachment; filename="receipt-1.{ending}"'
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Robots-Tag"] == "noindex"
    said = answer.json()
    [vkey] = said.pop("keys")
    assert said == log.receipt(entry)
    assert verify.check_receipt(said, [verify.read_key(vkey)]).startswith("Entry 1, signed by Example Trust")
    assert "Sam Example" in words(client.get("/declaration/sign/receipt.pdf").content)


@pytest.mark.parametrize("ending", ["pdf", "json"])
def test_no_other_link_opens_it(open_register, client, ending):
    address = f"/declaration/sign/receipt.{ending}"
    entry = signing.signed("Example Trust")
    other = signing.invite("Another body", "other@body.example")
    receipt = signing.link(entry.invitation, Purpose.RECEIPT)
    assert client.get(address).status_code == 404
    opened(client, DEAD)
    assert client.get(address).status_code == 404
    for secret in (other.secret, signing.link(entry.invitation, Purpose.WITHDRAW)):
        opened(client, secret)
        assert client.get(address).status_code == 303  # to where that link belongs
    opened(client, receipt)
    client.cookies["signing"] = str(client.cookies["signing"].value) + "x"
    assert client.get(address).status_code == 404
    client.cookies.clear()
    rules.erase(entry=entry)
    opened(client, receipt)
    assert client.get(address).status_code == 404


# The seal -------------------------------------------------------------------------------------------------------------


def certificate(key, *, days=30, name="The unit's seal"):
    """Return a certificate that nobody but a test has given out."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(today - timedelta(days=60))
    made = made.not_valid_after(today + timedelta(days=days))
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    usages = x509.KeyUsage(digital_signature=True, content_commitment=True, **usage)
    return made.add_extension(usages, critical=True).sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def files(tmp_path, key):
    """A certificate and its key as files, and another key."""
    secret = BestAvailableEncryption(b"word")
    written = {
        "seal.pem": certificate(key).public_bytes(Encoding.PEM),
        "over.pem": certificate(key, days=-1).public_bytes(Encoding.PEM),
        "seal.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "locked.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret),
        "other.key": ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        "seal.p12": pkcs12.serialize_key_and_certificates(b"seal", key, certificate(key), None, secret),
        "nothing.pem": b"nothing",
    }
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in written}


def checked(paper):
    """Return what pyHanko says of the one seal on a paper."""
    reader = PdfFileReader(BytesIO(paper))
    [signature] = reader.embedded_signatures
    trusts = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    needed = KeyUsageConstraints(key_usage={"digital_signature"})
    return validate_pdf_signature(signature, trusts, key_usage_settings=needed), signature


@pytest.mark.parametrize(
    "given", [("seal.pem", "seal.key", ""), ("seal.pem", "locked.key", "word"), ("seal.p12", "", "word")]
)
def test_a_seal_makes_every_byte_s_integrity_verifiable(open_register, files, settings, given):
    first, second, password = given
    settings.SEAL = parse_seal(files[first], files.get(second, ""), password)
    paper = pdf.receipt(signing.signed("Example Trust"))
    sealed = seal.sealed(paper)
    assert sealed.startswith(paper)  # what was set stays as it is: the seal is written after it
    status, signature = checked(sealed)
    assert (status.intact, status.valid, status.bottom_line) == (True, True, True)
    assert str(status.coverage).endswith("ENTIRE_FILE")
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "Seal" in signature.sig_field["/TU"]
    assert words(sealed) == words(paper)
    root: Any = PdfReader(BytesIO(sealed)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    at = sealed.index(b"/Title")
    broken = sealed[:at] + b"/Tuble" + sealed[at + 6 :]
    assert not checked(broken)[0].intact


def test_the_mail_and_the_page_give_the_sealed_paper(open_register, files, settings, client, mailoutbox):
    settings.SEAL = parse_seal(files["seal.pem"], files["seal.key"], "")
    entry = signing.signed()
    opened(client, signing.link(entry.invitation, Purpose.RECEIPT))
    assert checked(client.get("/declaration/sign/receipt.pdf").content)[0].intact


def test_without_a_certificate_or_after_its_last_day_papers_leave_unsealed_and_the_log_says_so(files, settings, caplog):
    settings.SEAL = None
    assert seal.sealed(b"paper") == b"paper"
    assert not caplog.records
    settings.SEAL = parse_seal(files["over.pem"], files["seal.key"], "")
    assert seal.sealed(b"paper") == b"paper"
    assert "not valid today" in caplog.text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("", "seal.key", ""), "SEAL_KEY is set and SEAL_CERTIFICATE is not"),
        (("missing", "seal.key", ""), r"\(SEAL_CERTIFICATE\) cannot be read: No such file"),
        (("seal.pem", "missing", ""), r"\(SEAL_KEY\) cannot be read: No such file"),
        (("nothing.pem", "seal.key", ""), r"\(SEAL_CERTIFICATE\) must be certificates in PEM"),
        (("seal.pem", "nothing.pem", ""), r"\(SEAL_KEY\) must be a private key in PEM"),
        (("seal.pem", "locked.key", ""), r"\(SEAL_KEY\) must be .* whose password is SEAL_PASSWORD"),
        (("seal.pem", "locked.key", "wrong"), r"\(SEAL_KEY\) must be .* whose password is SEAL_PASSWORD"),
        (("seal.pem", "seal.key", "word"), r"\(SEAL_KEY\) must be .* whose password is SEAL_PASSWORD"),
        (("seal.pem", "other.key", ""), r"\(SEAL_KEY\) is not the key of the first certificate"),
        (("seal.p12", "", "wrong"), r"\(SEAL_CERTIFICATE\) must be a PKCS#12 file whose password is SEAL_PASSWORD"),
        (("seal.pem", "", ""), r"\(SEAL_CERTIFICATE\) must be a PKCS#12 file .* or set SEAL_KEY"),
    ],
)
def test_a_wrong_setting_of_the_seal_is_one_sentence(files, tmp_path, given, sentence):
    first, second, password = given
    certificate, key = (files.get(name, str(tmp_path / name) if name else "") for name in (first, second))
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        parse_seal(certificate, key, password)
    assert len(str(caught.value).splitlines()) == 1


def test_a_seal_without_pyhanko_is_one_sentence(files, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install '\.\[seal\]'"):
        parse_seal(files["seal.pem"], files["seal.key"], "")


def test_who_has_no_certificate_never_imports_pyhanko(tmp_path):
    program = "import sys, django; django.setup(); import vru_portal.urls; print('pyhanko' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                           env={"DJANGO_SETTINGS_MODULE": "vru_portal.settings", "VAR_DIR": str(tmp_path)})  # fmt: skip
    assert found.stdout.strip() == "False"
