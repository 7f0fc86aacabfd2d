"""The unit's electronic seal on receipts."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
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

from events.declarations.choices import SigningLinkPurpose
from events.declarations.documents import pdf, seal
from tests.support import signing
from tests.support.factories import UnitFactory
from vru_portal.environment import parse_seal

pytestmark = pytest.mark.once


@pytest.fixture
def open_register(db):
    UnitFactory()
    return signing.open_signing(text="# One\n\nWe **keep** the paths.\n\n1. Walk\n2. Talk\n\n- #eval(1)\n")


def words(paper):
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)
    return " ".join(text.replace("\u200b", "").split())


def opened(client, secret):
    """Open a link as a browser does."""
    assert client.get(reverse("declarations:open", args=[secret])).status_code == 303


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
    """Return what pyHanko says about the one seal on a document."""
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
    paper = pdf.render_receipt_pdf(signing.invite_and_sign("Example Trust"))
    sealed = seal.seal_if_configured(paper)
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
    entry = signing.invite_and_sign()
    opened(client, signing.new_link(entry.invitation, SigningLinkPurpose.RECEIPT))
    assert checked(client.get("/declaration/sign/receipt.pdf").content)[0].intact


def test_without_a_certificate_or_after_its_last_day_papers_leave_unsealed_and_the_log_says_so(files, settings, caplog):
    settings.SEAL = None
    assert seal.seal_if_configured(b"paper") == b"paper"
    assert not caplog.records
    settings.SEAL = parse_seal(files["over.pem"], files["seal.key"], "")
    assert seal.seal_if_configured(b"paper") == b"paper"
    assert "not valid today" in caplog.text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("", "seal.key", ""), "SEAL_KEY is set but SEAL_CERTIFICATE is not"),
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
