"""Signatures on paper: a scan that is one, four eyes at every door, an entry that says so."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.declarations import receipts, rules
from events.declarations.choices import Kind
from events.declarations.models import Entry, LiveSignature, PaperSignature, SignatoryBody
from events.declarations.receipts import day
from events.declarations.register import log
from partners.models import LegalNotice
from tests import signing
from tests.factories import UnitFactory, UserFactory, VersionFactory
from tests.walk import text_of

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


def answers(wording, name="scan of Sam Example.pdf", content=PDF, **other):
    """Return what a clerk fills in."""
    body, _ = SignatoryBody.objects.get_or_create(name="Moor Trust")
    return {
        "body": body.pk,
        "version": wording.pk,
        "signatory_name": "Sam Example",
        "signatory_role": "Chair",
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
    return client.post(f"{LIST}{paper.pk}/confirm/", {"compared": "on"})


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
        "every entry for good",
    ):
        assert fact in page
    assert client.post(f"{LIST}{paper.pk}/confirm/", {}).status_code == 200  # not compared
    assert not Entry.objects.exists()
    assert confirm(client, colleague, paper).status_code == 302
    entry = Entry.objects.get()
    assert (entry.kind, entry.on_paper, entry.body.name) == (Kind.SIGNED, True, "Moor Trust")
    paper.refresh_from_db()
    assert (paper.entry, paper.confirmed_by) == (entry, colleague)
    assert LiveSignature.objects.get().entry == entry
    invitation.refresh_from_db()
    assert (invitation.state, invitation.entry) == ("signed", entry)
    assert "confirmed already" in text_of(confirm(client, colleague, paper))  # a second click
    assert Entry.objects.count() == 1


def test_the_entry_commits_to_the_scan_and_to_who_signed_without_naming_them(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    confirm(client, colleague, paper)
    entry = Entry.objects.get()
    opened = entry.personal.opened
    assert opened["scan_sha256"]["value"] == hashlib.sha256(PDF).hexdigest()
    assert log.commitment(**opened["scan_sha256"]) == entry.said["commitments"]["scan_sha256"]
    assert entry.said["signed_on"] == timezone.localdate().isoformat()
    assert "statement" not in entry.said  # nobody ticked it: what was stated, the scan shows
    for hidden in ("Sam Example", hashlib.sha256(PDF).hexdigest(), "clerk", "colleague"):
        assert hidden not in entry.leaf


def test_whoever_entered_it_cannot_confirm_it_at_any_door(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    for response in (client.get(f"{LIST}{paper.pk}/confirm/"), confirm(client, clerk, paper)):
        assert "You entered this signature, so a colleague confirms it." in text_of(response)
    with pytest.raises(ValidationError, match="ask a colleague"):
        rules.confirm_paper(by=clerk, paper=paper)
    assert not Entry.objects.exists()
    body, entry = paper.body, signing.signed("Another body")
    table = PaperSignature._meta.db_table
    for values in (
        {"confirmed_by_id": clerk.pk, "entry_id": entry.pk},  # one pair of eyes
        {"confirmed_by_id": colleague.pk},  # confirmed, and no entry
        {"entry_id": entry.pk},  # an entry that nobody confirmed
    ):
        setting = ", ".join(f"{name} = %s" for name in values)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {setting} WHERE id = %s", [*values.values(), paper.pk])  # noqa: S608
    rules.end_signature(entry=entry)  # it stands for nobody: only the guard is in the way
    live = LiveSignature._meta.db_table
    with pytest.raises(IntegrityError, match="Only an entry makes a signature"), transaction.atomic():  # noqa: SIM117
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
        ("scan.pdf", b"<html><script>alert(1)</script>", "This is no PDF, JPEG or PNG, whatever its name says."),
        ("scan.pdf", b"%PDF-1.7 and no end", "This is no PDF"),
        ("scan.png", PDF, "The content of this file is PDF, its name says otherwise."),
        ("scan.svg", b"<svg/>", "This is no PDF"),
        ("scan.html", PDF, "its name says otherwise"),
        ("scan.jpg", JPEG[:-2], "This is no PDF"),
        ("scan.pdf", b"", "empty"),
        ("scan.pdf", PDF + b"\0" * 10_000_000, "This file has 10.0 MB; a scan has at most 10 MB."),
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
        ({"signed_on": tomorrow.isoformat()}, "This day is still to come"),
        ({"signatory_name": ""}, "This field is required."),
    ):
        assert words in text_of(client.post(f"{LIST}add/", answers(version, **change))), change
    with pytest.raises(ValidationError, match="never in force"):
        rules.record_paper(by=clerk, paper=PaperSignature(version=draft, signed_on=timezone.localdate()))
    LegalNotice.objects.update(lawful_basis="")
    assert "The legal notice is not complete" in text_of(client.post(f"{LIST}add/", answers(version)))
    assert not PaperSignature.objects.exists()


def test_the_same_scan_is_not_entered_twice_nor_one_of_a_body_that_has_signed(client, clerk, version):
    entered(client, clerk, version)
    assert "This scan is entered already." in text_of(client.post(f"{LIST}add/", answers(version)))
    signed = signing.signed("Lake Council").body
    said = text_of(client.post(f"{LIST}add/", answers(version, body=signed.pk)))
    assert "This body has signed this wording already." in said
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
    assert "it is withdrawn on the page of its entry" in text_of(client.post(f"{LIST}{second.pk}/discard/"))
    assert PaperSignature.objects.exists()


def test_a_signature_on_paper_is_withdrawn_by_staff_and_no_other_is(client, clerk, colleague, version):
    paper = entered(client, clerk, version)
    confirm(client, colleague, paper)
    entry, other = Entry.objects.get(), signing.signed("Lake Council")
    register = "/admin/declarations/entry/"
    said = text_of(client.post(f"{register}{other.pk}/withdraw/", {"asked": "on"}))
    assert "withdrawn only from the mailbox that gave it" in said
    assert f"Entry {other.pk + 1} or later: “Withdrawn”, for Moor Trust, which follows entry {entry.pk}." in text_of(
        client.get(f"{register}{entry.pk}/withdraw/")
    )
    assert client.post(f"{register}{entry.pk}/withdraw/", {}).status_code == 200  # no letter
    assert client.post(f"{register}{entry.pk}/withdraw/", {"asked": "on"}).status_code == 302
    assert Entry.objects.latest("seq").kind == Kind.WITHDRAWN
    assert list(LiveSignature.objects.values_list("entry", flat=True)) == [other.pk]
    assert "does not stand any more" in text_of(client.post(f"{register}{entry.pk}/withdraw/", {"asked": "on"}))


def test_on_every_page_and_in_every_file_the_day_on_paper_is_beside_the_day_of_the_entry(
    client, clerk, colleague, version
):
    UnitFactory()
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        signed_on = timezone.localdate() - timedelta(days=2)
        paper = entered(client, clerk, version, signed_on=signed_on.isoformat())
        confirm(client, colleague, paper)
        signing.signed("Lake Council")
        days = f"Signed on paper on {day(signed_on)}, recorded on {day(timezone.localdate())}"
        for address in ("/declaration/register/1/", "/declaration/register/", "/declaration/"):
            said = text_of(client.get(address)).replace("\u00a0", " ")
            assert said.count(days) == 1, address
        assert "Statement" not in text_of(client.get("/declaration/register/1/"))
        assert "Statement" in text_of(client.get("/declaration/register/2/"))
        table = client.get("/declaration/register.csv").getvalue().decode()
        assert table.count(signed_on.isoformat()) == 1
        facts = {fact.term: fact.value for fact in receipts.of(Entry.objects.get(pk=1)).facts}
        assert facts["How"].startswith(f"On paper on {day(signed_on)}.")
        assert "Stated" not in facts
