"""Signatures on paper: a real scan, two people for every route, and an entry that says so."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.declarations.choices import EntryKind
from events.declarations.documents import receipts
from events.declarations.models import Entry, LiveSignature, PaperSignature, SignatoryBody
from events.declarations.register import audit, log
from events.declarations.rules import corrections, erasure, paper_signatures
from partners.models import LegalNotice
from tests.support import signing
from tests.support.crawler import text_of
from tests.support.factories import UnitFactory, UserFactory, VersionFactory
from vru_portal.text.dates import format_date

pytestmark = pytest.mark.django_db
LIST = "/admin/declarations/papersignature/"
PDF = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9"


@pytest.fixture
def version():
    return signing.open_signing()


@pytest.fixture
def clerk():
    return UserFactory(is_superuser=True, username="clerk")


@pytest.fixture
def colleague():
    return UserFactory(is_superuser=True, username="colleague")


def answers(chosen, name="scan of Sam Example.pdf", content=PDF, **other):
    """Return what a clerk fills in."""
    body, _ = SignatoryBody.objects.get_or_create(name="Moor Trust")
    return {
        "body": body.pk,
        "version": chosen.pk,
        "signatory_name": "Sam Example",
        "signatory_role": "Chair",
        "authority": "not_stated",
        "signed_on": timezone.localdate().isoformat(),
        "scan": SimpleUploadedFile(name, content),
    } | other


def entered(client, clerk, version, **other):
    """Enter a signature as a clerk does, and return it."""
    client.force_login(clerk)
    response = client.post(f"{LIST}add/", answers(version, **other))
    assert response.status_code == 302, text_of(response)
    return PaperSignature.objects.get()


def confirm(client, who, paper):
    client.force_login(who)
    return client.post(f"{LIST}{paper.pk}/confirm/", {"confirmed": "on"})


def test_a_signature_counts_once_a_colleague_has_confirmed_it(client, clerk, colleague, version, settings):
    invitation = signing.invite("Moor Trust").invitation
    paper = entered(client, clerk, version)
    assert (paper.recorded_by, paper.confirmed_by, paper.scan_sha256) == (clerk, None, hashlib.sha256(PDF).hexdigest())
    stored = settings.SCANS / paper.scan.name
    assert stored.read_bytes() == PDF
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert "Sam" not in paper.scan.name
    assert not Entry.objects.exists()
    client.force_login(colleague)
    page = text_of(client.get(f"{LIST}{paper.pk}/confirm/"))
    for fact in (
        "Moor Trust",
        "Sam Example, Chair",
        "clerk",
        "Entry 1 or later: “Signed”",
        "every entry permanently",
    ):
        assert fact in page
    assert client.post(f"{LIST}{paper.pk}/confirm/", {}).status_code == 200  # not compared
    assert not Entry.objects.exists()
    assert confirm(client, colleague, paper).status_code == 302
    entry = Entry.objects.get()
    assert (entry.kind, entry.on_paper, entry.body.name) == (EntryKind.SIGNED, True, "Moor Trust")
    paper.refresh_from_db()
    assert (paper.entry, paper.confirmed_by) == (entry, colleague)
    assert LiveSignature.objects.get().entry == entry
    invitation.refresh_from_db()
    assert (invitation.state, invitation.entry) == ("signed", entry)
    assert "already confirmed" in text_of(confirm(client, colleague, paper))  # a second click
    assert Entry.objects.count() == 1


def test_the_entry_commits_to_the_scan_and_to_who_signed_without_naming_them(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    confirm(client, colleague, paper)
    entry = Entry.objects.get()
    opened = entry.personal.salted_values
    assert opened["scan_sha256"]["value"] == hashlib.sha256(PDF).hexdigest()
    assert log.commitment(**opened["scan_sha256"]) == entry.leaf_values["commitments"]["scan_sha256"]
    assert entry.leaf_values["signed_on"] == timezone.localdate().isoformat()
    assert "statement" not in entry.leaf_values  # nobody ticked it: what was stated, the scan shows
    for hidden in ("Sam Example", hashlib.sha256(PDF).hexdigest(), "clerk", "colleague"):
        assert hidden not in entry.leaf


def test_the_register_commits_to_no_authority_that_the_paper_does_not_state(client, clerk, colleague, version):
    UnitFactory()
    client.force_login(clerk)
    form = client.get(f"{LIST}add/")
    for words in ("Authority to sign", "Their post, as stated on the paper", "Not stated"):
        assert words in text_of(form)
    day = timezone.localdate() - timedelta(days=9)
    decision = {"authority": "delegated", "authority_reference": "Minute 14 of the board"}
    cases = [
        ({}, "Not stated"),
        ({"authority": "post"}, "My post"),
        (decision, "Delegated decision: Minute 14 of the board"),
        (decision | {"authority_date": day.isoformat()}, f"Minute 14 of the board, {format_date(day)}"),
    ]
    for number, (stated, words) in enumerate(cases):
        body = SignatoryBody.objects.create(name=f"Body {number}")
        client.force_login(clerk)
        filled = answers(version, body=body.pk, content=PDF + bytes([65 + number]) + b"%%EOF", **stated)
        assert client.post(f"{LIST}add/", filled).status_code == 302
        paper = PaperSignature.objects.get(body=body)
        client.force_login(colleague)
        assert words in text_of(client.get(f"{LIST}{paper.pk}/confirm/"))  # compared with the scan like all else
        confirm(client, colleague, paper)
        entry = Entry.objects.get(body=body)
        assert words in entry.personal.values["authority"]
        facts = {fact.term: fact.value for fact in receipts.build_receipt(entry).lines}
        assert words in facts["Authority"]
        erasure.erase_personal_data(entry=entry)
        paper.refresh_from_db()
        assert (paper.authority, paper.authority_reference, paper.authority_date) == ("not_stated", "", None)
    assert list(audit.find_faults()) == []


def test_a_decision_is_stated_with_its_reference_and_made_by_the_day_of_the_signature(client, clerk, version):
    client.force_login(clerk)
    tomorrow = timezone.localdate() + timedelta(days=1)
    reference = {"authority": "delegated", "authority_reference": "Minute 14"}
    for stated, words in (
        ({"authority": ""}, "This field is required."),
        ({"authority": "delegated"}, "Enter the reference of a decision if one delegates authority"),
        ({"authority": "post", "authority_reference": "Minute 14"}, "and only then"),
        (reference | {"authority_date": tomorrow.isoformat()}, "The decision must be made by the day of the signature"),
    ):
        assert words in text_of(client.post(f"{LIST}add/", answers(version, **stated))), stated
    assert not PaperSignature.objects.exists()
    paper = entered(client, clerk, version)
    for values in ({"authority": "bishop"}, {"authority": "delegated"}, {"authority_reference": "Minute 14"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PaperSignature.objects.filter(pk=paper.pk).update(**values)


def test_the_person_who_entered_it_cannot_confirm_it_in_any_way(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    for response in (client.get(f"{LIST}{paper.pk}/confirm/"), confirm(client, clerk, paper)):
        assert "You entered this signature, so a colleague must confirm it." in text_of(response)
    with pytest.raises(ValidationError, match="Ask a colleague"):
        paper_signatures.confirm_paper_signature(by=clerk, paper=paper)
    assert not Entry.objects.exists()
    body, entry = paper.body, signing.invite_and_sign("Another body")
    table = PaperSignature._meta.db_table
    for values in (
        {"confirmed_by_id": clerk.pk, "entry_id": entry.pk},  # one pair of eyes
        {"confirmed_by_id": colleague.pk},  # confirmed, and no entry
        {"entry_id": entry.pk},  # an entry that nobody confirmed
    ):
        setting = ", ".join(f"{name} = %s" for name in values)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {setting} WHERE id = %s", [*values.values(), paper.pk])  # noqa: S608
    corrections.end_signature(entry=entry)  # nobody has signed with it: only the trigger is in the way
    live = LiveSignature._meta.db_table
    with pytest.raises(IntegrityError, match="A signature needs an entry"), transaction.atomic():  # noqa: SIM117
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {live} (body_id, version_id, entry_id) VALUES (%s, %s, %s)",  # noqa: S608
                [body.pk, version.pk, entry.pk],
            )
    paper.refresh_from_db()
    assert (paper.confirmed_by, paper.entry) == (None, None)


def test_only_a_scan_is_taken_whatever_its_name_says(client, clerk, version, settings):
    client.force_login(clerk)
    cases = [
        ("scan.pdf", b"<html><script>alert(1)</script>", "The file must be a PDF, JPEG or PNG."),
        ("scan.pdf", b"%PDF-1.7 and no end", "The file must be a PDF"),
        ("scan.png", PDF, "The content of this file is PDF, but its name says otherwise."),
        ("scan.svg", b"<svg/>", "The file must be a PDF"),
        ("scan.html", PDF, "but its name says otherwise"),
        ("scan.jpg", JPEG[:-2], "The file must be a PDF"),
        ("scan.pdf", b"", "empty"),
        ("scan.pdf", PDF + b"\0" * 10_000_000, "The file is 10.0 MB. A scan must be 10 MB or smaller."),
    ]
    for name, content, words in cases:
        said = text_of(client.post(f"{LIST}add/", answers(version, name, content)))
        assert words in said, (name, words)
    assert "This field is required." in text_of(client.post(f"{LIST}add/", answers(version) | {"scan": ""}))
    assert not PaperSignature.objects.exists()
    assert not settings.SCANS.exists() or not [path for path in settings.SCANS.rglob("*") if path.is_file()]
    for name, content in (("a.PDF", PDF), ("b.jpeg", JPEG), ("c.png", PNG)):
        body = SignatoryBody.objects.create(name=name)
        assert client.post(f"{LIST}add/", answers(version, name, content, body=body.pk)).status_code == 302, name


def test_what_cannot_be_is_refused_before_anything_is_kept(client, clerk, version):
    client.force_login(clerk)
    draft = VersionFactory(declaration=version.declaration)
    tomorrow = timezone.localdate() + timedelta(days=1)
    for change, words in (
        ({"version": draft.pk}, "Select a valid choice"),
        ({"signed_on": tomorrow.isoformat()}, "The date must be today or in the past"),
        ({"signatory_name": ""}, "This field is required."),
    ):
        assert words in text_of(client.post(f"{LIST}add/", answers(version, **change))), change
    with pytest.raises(ValidationError, match="never been in force"):
        paper_signatures.record_paper_signature(
            by=clerk, paper=PaperSignature(version=draft, signed_on=timezone.localdate())
        )
    LegalNotice.objects.update(lawful_basis="")
    assert "Complete the legal notice first" in text_of(client.post(f"{LIST}add/", answers(version)))
    assert not PaperSignature.objects.exists()


def test_the_same_scan_is_not_entered_twice_nor_one_of_a_body_that_has_signed(client, clerk, version):
    entered(client, clerk, version)
    assert "This scan has already been entered." in text_of(client.post(f"{LIST}add/", answers(version)))
    signed = signing.invite_and_sign("Lake Council").body
    said = text_of(client.post(f"{LIST}add/", answers(version, body=signed.pk)))
    assert "This organisation has already signed this version." in said
    assert PaperSignature.objects.count() == 1


def test_a_scan_is_handed_to_staff_as_a_file_and_to_nobody_else(client, clerk, version):
    UnitFactory()
    paper = entered(client, clerk, version)
    response = client.get(f"{LIST}{paper.pk}/scan/")
    assert b"".join(response.streaming_content) == PDF
    headers = response.headers
    assert headers["Content-Disposition"] == f'attachment; filename="scan-{paper.pk}.pdf"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "application/octet-stream"
    assert "no-store" in headers["Cache-Control"]
    assert client.get(f"{LIST}999/scan/").status_code == 404
    client.force_login(UserFactory())  # staff without the right
    assert client.get(f"{LIST}{paper.pk}/scan/").status_code == 403
    client.logout()
    assert client.get(f"{LIST}{paper.pk}/scan/").status_code == 302
    for address in (f"/scans/{paper.scan.name}", f"/static/{paper.scan.name}", f"/media/{paper.scan.name}"):
        assert client.get(address).status_code == 404


def test_confirming_has_a_permission_of_its_own(client, clerk, version):
    paper = entered(client, clerk, version)
    user = UserFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["add_papersignature", "change_papersignature"]))
    assert confirm(client, user, paper).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="confirm_papersignature"))
    assert confirm(client, UserFactory._meta.model.objects.get(pk=user.pk), paper).status_code == 302


def test_what_was_entered_by_mistake_is_discarded_with_its_scan_until_it_is_confirmed(
    client, clerk, colleague, version, settings, django_capture_on_commit_callbacks
):
    paper = entered(client, clerk, version)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"{LIST}{paper.pk}/discard/")
    assert response.headers["Location"] == LIST
    assert not PaperSignature.objects.exists()
    assert not [path for path in settings.SCANS.rglob("*") if path.is_file()]
    second = entered(client, clerk, version)
    confirm(client, colleague, second)
    assert "Withdraw it on the page of its entry" in text_of(client.post(f"{LIST}{second.pk}/discard/"))
    assert PaperSignature.objects.exists()


def test_a_signature_on_paper_is_withdrawn_by_staff_and_no_other_is(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    confirm(client, colleague, paper)
    entry, other = Entry.objects.get(), signing.invite_and_sign("Lake Council")
    register = "/admin/declarations/entry/"
    said = text_of(client.post(f"{register}{other.pk}/withdraw/", {"confirmed": "on"}))
    assert "Only the person at the email address that signed can withdraw it" in said
    assert f"Entry {other.pk + 1} or later: “Withdrawn”, for Moor Trust, which follows entry {entry.pk}." in text_of(
        client.get(f"{register}{entry.pk}/withdraw/")
    )
    assert client.post(f"{register}{entry.pk}/withdraw/", {}).status_code == 200  # no letter
    assert client.post(f"{register}{entry.pk}/withdraw/", {"confirmed": "on"}).status_code == 302
    assert Entry.objects.latest("seq").kind == EntryKind.WITHDRAWN
    assert list(LiveSignature.objects.values_list("entry", flat=True)) == [other.pk]
    assert "no longer in force" in text_of(client.post(f"{register}{entry.pk}/withdraw/", {"confirmed": "on"}))


def test_on_every_page_and_in_every_file_the_day_on_paper_is_beside_the_day_of_the_entry(
    client, clerk, colleague, version
):
    UnitFactory()
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        signed_on = timezone.localdate() - timedelta(days=2)
        paper = entered(client, clerk, version, signed_on=signed_on.isoformat())
        confirm(client, colleague, paper)
        signing.invite_and_sign("Lake Council")
        days = f"Signed on paper on {format_date(signed_on)}, recorded on {format_date(timezone.localdate())}"
        for address in ("/declaration/register/1/", "/declaration/register/", "/declaration/"):
            said = text_of(client.get(address)).replace("\u00a0", " ")
            assert said.count(days) == 1, address
        assert "Statement" not in text_of(client.get("/declaration/register/1/"))
        assert "Statement" in text_of(client.get("/declaration/register/2/"))
        table = client.get("/declaration/register.csv").getvalue().decode()
        assert table.count(signed_on.isoformat()) == 1
        facts = {fact.term: fact.value for fact in receipts.build_receipt(Entry.objects.get(pk=1)).lines}
        assert facts["How"].startswith(f"On paper on {format_date(signed_on)}.")
        assert "Stated" not in facts
