"""What mails say, in text and HTML, whatever the names in them are made of."""

import json
import re
import subprocess
import sys
from email import message_from_bytes, policy
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from pypdf import PdfReader

from events.declarations import mails, tokens
from events.declarations.choices import FINAL_NOTICES, MailKind, SigningLinkPurpose
from events.declarations.models import (
    Invitation,
    Mail,
    Preparation,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
)
from events.declarations.register import verify
from events.declarations.rules import (
    availability,
    corrections,
    erasure,
    invitations,
    mail_queue,
    requests,
)
from events.declarations.rules import signing as signing_rules
from partners.choices import ContactKind
from tests.support import signing
from tests.support.factories import (
    ContactPointFactory,
    SigningRequestFactory,
    UnitFactory,
)
from vru_portal.links.models import Delivery
from vru_portal.text.cleaning import one_line, truncate

# What a name can be made of: line breaks, markup of every kind, other scripts, marks that turn the text around.
HOSTILE = (
    "Bo\nBcc: all@evil.example\r\n<b>{{ unit }}</b> & “O'Neill” \u202eevil\u202c مح 漢 😀 #eval(1) %s " + "long" * 5
)


@pytest.fixture
def unit(db):
    signing.open_signing(text="We **keep** the paths.")
    unit = UnitFactory()
    ContactPointFactory(unit=unit, kind=ContactKind.EMAIL, value="ask@unit.example", note="ask for the team")
    ContactPointFactory(unit=unit, kind=ContactKind.POST, value="1 Street")
    return unit


LINKED_KINDS = [kind for kind in MailKind if kind not in FINAL_NOTICES]


def sign_for_assistant(body):
    """An assistant passes the form on, and the chair signs, twice by mistake."""
    chair = signing.signatory(email="chair@body.example", prepared_by="Ash Helper")
    preparation = signing_rules.pass_on_to_signatory(secret=body.secret, signatory=chair)
    version = availability.version_in_force()
    assert version
    sent = {
        "secret": signing.new_link(body.invitation, SigningLinkPurpose.CONFIRM),
        "checked": signing_rules.Signatory.from_preparation(preparation).fingerprint,
        "text_sha256": version.sha256,
    }
    entry = signing_rules.sign(**sent)
    assert signing_rules.sign(**sent) == entry
    return entry


def a_mail(kind, **names):
    """Return a mail of a kind as it would leave, and the invitation that it is about."""
    body = signing.invite("A body", contact_name="Robin Vale")
    if kind == MailKind.CONFIRM:
        signing_rules.pass_on_to_signatory(
            secret=body.secret, signatory=signing.signatory(email="chair@body.example", prepared_by="Ash Helper")
        )
    if kind in (MailKind.RECEIPT, MailKind.WITHDRAW, MailKind.WITHDRAWN):
        entry = signing.sign(body)
    if kind == MailKind.WITHDRAWN:
        corrections.end_signature(entry=entry)
    if kind == MailKind.SIGNED:
        sign_for_assistant(body)
    if kind == MailKind.ENDED:
        Mail.objects.filter(kind=MailKind.INVITATION).update(delivery=Delivery.SENT)
        invitations.revoke_invitation(by=None, invitation=body.invitation)
    if kind == MailKind.TURNED_DOWN:
        request = SigningRequestFactory(name="A body", contact_name="Robin Vale")
        requests.turn_down_request(by=None, request=request)
    invitation = Invitation.objects.select_related("body", "version__declaration", "entry").get()
    for name, value in names.items():
        if name == "body":
            SignatoryBody.objects.update(name=value)
            SigningRequest.objects.update(name=value)
        elif name == "contact":
            Invitation.objects.update(contact_name=value)
            SigningRequest.objects.update(contact_name=value)
        else:
            Preparation.objects.update(**{name: value})
    made = Mail.objects.filter(kind=kind).first() or mail_queue.queue_mail(kind, invitation, to="post@body.example")
    message = mails.build_message(Mail.objects.select_related("invitation__body", "invitation__entry").get(pk=made.pk))
    assert isinstance(message, EmailMultiAlternatives)
    return message


def read(message):
    """Return a mail as its reader's program sees it: the headers, the text, the HTML."""
    found = message_from_bytes(message.message().as_bytes(), policy=policy.default)
    plain, html = found.get_body(("plain",)), found.get_body(("html",))
    assert plain
    assert html
    return found, plain.get_content(), html.get_content()


class Page(HTMLParser):
    """What an HTML mail consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


TEMPLATES = sorted(Path(settings.BASE_DIR, "templates/mail").glob("[!_]*.html"))


@pytest.mark.parametrize("html", TEMPLATES, ids=lambda path: path.stem)
def test_the_text_and_the_html_of_an_email_state_the_same_numbers(html):
    tags = re.compile(r"\{[{%].*?[%}]\}|<[^>]*>")
    numbers = [
        set(re.findall(r"\d+", tags.sub("", path.read_text(encoding="utf-8"))))
        for path in (html, html.with_suffix(".txt"))
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("kind", LINKED_KINDS)
def test_each_kind_says_who_is_asking_for_what_until_when_and_who_to_contact(unit, kind):
    message = a_mail(kind)
    found, text, html = read(message)
    page = Page(html)
    link = re.search(rf"^{settings.PORTAL_URL}/declaration/sign/[\w-]{{43}}/$", text, re.MULTILINE)
    assert link, text
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links.count(link[0]) == 2  # the button, and the address printed in full
    assert link[0] in page.words
    until = {MailKind.RECEIPT: 2190, MailKind.WITHDRAW: 7}.get(kind, 90)
    day = f"{signing.days_from_today(until):%-d %B %Y}"
    privacy = f"{settings.PORTAL_URL}/privacy/"
    for said in ("Moor Partnership", "A body", day, "ask@unit.example", "ask for the team", "The Office of Examples"):
        assert said in text.replace("\xa0", " "), said
        assert said in page.words.replace("\xa0", " "), said
    assert privacy in text
    assert privacy in links
    assert "1 Street" not in text
    assert (found["Reply-To"], found["Auto-Submitted"]) == ("ask@unit.example", "auto-generated")
    assert found["Message-ID"] == Mail.objects.get(kind=kind).message_id
    assert "{{" not in html + text
    assert "{%" not in html + text


@pytest.mark.parametrize(
    ("kind", "to", "said"),
    [
        (MailKind.SIGNED, "post@body.example", "A body has signed Moor Partnership\u2019s declaration"),
        (MailKind.WITHDRAWN, "post@body.example", "has been withdrawn"),
        (MailKind.TURNED_DOWN, "ask@body.example", "are not inviting A body to sign"),
        (MailKind.ENDED, "post@body.example", "has withdrawn its invitation to A body"),
    ],
)
def test_a_final_mail_says_what_happened_and_has_no_secret(unit, kind, to, said):
    message = a_mail(kind)
    _, text, html = read(message)
    page = Page(html)
    assert [re.sub(r"\d", "", address) for address in message.to] == [to]
    for words in (text, page.words):
        assert said in words
        assert "ask@unit.example" in words
        assert "/declaration/sign/" not in words
    assert "/declaration/sign/" not in html
    if kind == MailKind.TURNED_DOWN:
        assert "/declaration/" in text
    if kind in (MailKind.SIGNED, MailKind.WITHDRAWN):
        assert f"{settings.PORTAL_URL}/declaration/register/1/" in text
    assert "{%" not in html + text


def test_a_matter_is_closed_by_one_mail_however_often_it_is_closed(unit):
    entry = sign_for_assistant(signing.invite("A body"))
    withdrawal = signing.new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)
    for _ in range(2):
        corrections.withdraw_signature(secret=withdrawal)
    asked = SigningRequestFactory()
    requests.turn_down_request(by=None, request=asked)
    with pytest.raises(ValidationError, match="already been answered"):
        requests.turn_down_request(by=None, request=asked)
    found = Mail.objects.filter(kind__in=FINAL_NOTICES).order_by("pk").values_list("kind", "to")
    assert list(found) == [
        (MailKind.SIGNED, "post@body.example"),
        (MailKind.WITHDRAWN, "chair@body.example"),
        (MailKind.TURNED_DOWN, asked.email),
    ]
    for mail in Mail.objects.filter(kind__in=FINAL_NOTICES):
        mail.pk, mail.message_id = None, "another"
        with pytest.raises(IntegrityError), transaction.atomic():
            mail.save(force_insert=True)


def test_somebody_who_signs_alone_gets_only_the_receipt(unit):
    signing.sign(signing.invite("A body"))
    assert not Mail.objects.filter(kind__in=FINAL_NOTICES).exists()


def test_nobody_is_emailed_about_a_withdrawal_once_their_data_is_erased(unit):
    entry = signing.sign(signing.invite("A body"))
    erasure.erase_personal_data(entry=entry)
    corrections.end_signature(entry=entry)
    assert not Mail.objects.filter(kind=MailKind.WITHDRAWN).exists()


def test_the_invitation_of_an_organisation_that_asked_says_that_its_request_is_accepted(unit):
    asked = SigningRequestFactory(name="A body", email="ask@body.example")
    invitation = requests.approve_request(by=None, request=asked)
    message = mails.build_message(Mail.objects.get(invitation=invitation))
    assert isinstance(message, EmailMultiAlternatives)
    assert message.to == ["ask@body.example"]
    assert message.subject == "Your request is accepted: A body can sign"
    _, text, html = read(message)
    for words in (text, Page(html).words):
        assert "We have accepted your request" in words
        assert "we were given this address" not in words
    assert "we were given this address" in a_mail_to_another().body


def a_mail_to_another():
    invited = signing.invite("Another body")
    message = mails.build_message(Mail.objects.get(invitation=invited.invitation))
    assert message
    return message


def test_who_prepared_it_is_named_to_who_confirms_and_forwarding_is_spoken_of(unit):
    _, text, html = read(a_mail(MailKind.CONFIRM))
    for said in (text, Page(html).words):
        assert "Dear Sam Example" in said
        assert "Ash Helper has filled in" in said
        assert "Only you can sign" in said
        assert "Do not forward" in said


@pytest.mark.parametrize("kind", [MailKind.INVITATION, MailKind.REMINDER])
def test_an_invitation_tells_how_somebody_else_signs_and_gives_a_committee_a_paper_without_a_link(unit, kind):
    _, text, html = read(a_mail(kind))
    for said in (text, Page(html).words):
        assert "Does somebody else need to sign?" in said
        assert "forward" in said
        assert "Opening it does not sign anything" in said
    assert f"{settings.PORTAL_URL}/declaration/versions/1.pdf" in text
    assert f"{settings.PORTAL_URL}/declaration/versions/1.pdf" in html


@pytest.mark.parametrize("kind", MailKind)
def test_html_asks_nobody_for_anything_and_works_with_a_screen_reader_and_in_the_dark(unit, kind):
    _, _, html = read(a_mail(kind))
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"img", "script", "link", "iframe", "form", "input", "svg"}
    for _, attrs in page.tags:
        assert not {"src", "srcset", "background", "onclick", "style"} & set(attrs)
        assert (attrs.get("href") or "mailto:").startswith((settings.PORTAL_URL, "mailto:", "tel:"))
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html
    assert ("html", {"lang": "en-GB"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert all(attrs == {"class": "sheet", "role": "presentation"} for tag, attrs in page.tags if tag == "table")
    assert len(html) < 100_000  # above that some programs cut a mail off


@pytest.mark.parametrize("kind", MailKind)
def test_hostile_names_break_neither_subject_nor_markup(unit, kind):
    names = {"body": HOSTILE, "contact": HOSTILE}
    if kind == MailKind.CONFIRM:
        names |= {"name": HOSTILE, "prepared_by": HOSTILE}
    message = a_mail(kind, **names)
    found, text, html = read(message)
    assert found["Bcc"] is None
    assert found.get_all("To") == message.to
    assert len(message.subject) < 200
    assert "\u202e" not in str(found["Subject"]) + text + html
    page = Page(html)
    line = one_line(HOSTILE)
    assert line in text  # as it was typed: nothing is escaped in text
    assert line in page.words
    assert len(found.get_all("Subject")) == 1


def test_a_subject_survives_line_breaks_and_length(unit):
    subject = a_mail(MailKind.INVITATION, body="A\nBcc: x@evil.example " + "ü" * 170).subject
    assert subject.startswith("Moor Partnership asks A Bcc: x@evil.example üüü")
    assert "…" in subject
    assert len(subject) < 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nb\tc  d\u2028e", "a b c d e"),
        ("\u202eabc\u202c\u2066x", "abcx"),
        ("a\x00\x07b", "ab"),
        ("נָעַם 👩\u200d🚒", "נָעַם 👩\u200d🚒"),
        ("", ""),
    ],
)
def test_one_line_keeps_words_and_drops_what_is_not_seen(text, line):
    assert one_line(text) == line


def test_truncated_text_says_that_something_is_missing():
    assert truncate("abc", 3) == "abc"
    assert truncate("ab cd", 4) == "ab…"


def test_a_receipt_brings_a_paper_and_a_file_that_the_verifier_takes(unit, tmp_path):
    message = a_mail(MailKind.RECEIPT)
    found, _, _ = read(message)
    paper, file = found.iter_attachments()
    assert (paper.get_filename(), paper.get_content_type()) == ("receipt-1.pdf", "application/pdf")
    assert "A body" in PdfReader(BytesIO(paper.get_content())).pages[0].extract_text()
    assert (file.get_filename(), file.get_content_type()) == ("receipt-1.json", "application/json")
    content = file.get_content()
    kept = tmp_path / "receipt.json"
    kept.write_bytes(content if isinstance(content, bytes) else content.encode())
    vkey = RegisterKey.objects.get().vkey
    said = json.loads(kept.read_text())
    assert said["keys"] == [vkey]
    assert said["disclosed"]["name"]["value"] == "Sam Example"
    command = [sys.executable, "-I", verify.__file__, vkey, "receipt", str(kept)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, 'Entry 1, signed by "A body"' in answer.stdout) == (0, True), answer.stderr


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        (MailKind.INVITATION, SigningLinkPurpose.SIGN),
        (MailKind.REMINDER, SigningLinkPurpose.SIGN),
        (MailKind.CONFIRM, SigningLinkPurpose.CONFIRM),
        (MailKind.WITHDRAW, SigningLinkPurpose.WITHDRAW),
    ],
)
def test_other_mails_bring_a_link_that_opens_what_it_says_and_no_file(unit, kind, purpose):
    found, text, _ = read(a_mail(kind))
    assert not list(found.iter_attachments())
    secret = re.search(r"/declaration/sign/([\w-]{43})/", text)
    assert secret
    assert [one for one in SigningLinkPurpose if tokens.find_usable_token(secret[1], one)] == [purpose]


def test_a_demonstration_says_in_each_mail_that_it_is_one(unit):
    type(unit).objects.update(is_example=True)
    _, text, html = read(a_mail(MailKind.INVITATION))
    assert "This is a demonstration" in text
    assert "This is a demonstration" in html


def test_without_contact_points_a_mail_leads_to_the_contact_page(unit):
    unit.contact_points.all().delete()
    message = a_mail(MailKind.INVITATION)
    _, text, html = read(message)
    assert f"{settings.PORTAL_URL}/contact/" in text
    assert f"{settings.PORTAL_URL}/contact/" in html
    assert message.reply_to == []
