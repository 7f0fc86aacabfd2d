"""Inviting in bulk: by the command, by a file, by a pasted list, with the same rule and the same words."""

import csv
import io
from datetime import date

import openpyxl
import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from events.declarations.choices import InvitationState
from events.declarations.models import Declaration, Invitation, Mail, SignatoryBody, SigningRequest
from events.declarations.resources import InvitationResource, PastedList
from events.declarations.rules import invitations, requests, versions
from events.declarations.rules import signing as signing_rules
from partners.models import LegalNotice
from tests.support import signing
from tests.support.crawler import text_of
from tests.support.factories import OrganisationFactory, SectorFactory, UserFactory, VersionFactory
from vru_portal.links.models import Delivery
from vru_portal.tabular.readers import CSV

pytestmark = pytest.mark.django_db
LIST = "/admin/declarations/invitation/"


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def officer(client):
    user = UserFactory(is_superuser=True, username="officer")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    return signing.open_signing()


def as_csv(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["organisation", "email", "contact_name", "sector"], *rows])
    return text.getvalue()


# Four doors: each takes the same table and says what became of it -----------------------------------------------------


def by_command(content, client, tmp_path):
    path = tmp_path / "bodies.csv"
    path.write_text(content)
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("invite", str(path), stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue() + err.getvalue()


def confirmed(tried, client):
    said = text_of(tried)
    form = tried.context.get("confirm_form")
    if form is None:
        return said
    assert "Nothing is sent yet." in said
    if not tried.context["result"].new:
        return said
    return said + text_of(client.post(f"{LIST}process_import/", form.initial, follow=True))


def by_csv(content, client, tmp_path):
    sent = {"import_file": SimpleUploadedFile("bodies.csv", content.encode()), "format": 0}
    return confirmed(client.post(f"{LIST}import/", sent), client)


def by_xlsx(content, client, tmp_path):
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(content)):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    sent = {"import_file": SimpleUploadedFile("bodies.xlsx", stream.getvalue()), "format": 1}
    return confirmed(client.post(f"{LIST}import/", sent), client)


def by_paste(content, client, tmp_path):
    return confirmed(client.post(f"{LIST}paste/", {"bodies": content}), client)


DOORS = {"command": by_command, "csv": by_csv, "xlsx": by_xlsx, "paste": by_paste}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_each_door_invites_once_and_a_second_time_mails_nobody(door, client, officer, version, tmp_path):
    sector = SectorFactory(name="Health", slug="nhs")
    content = as_csv(
        [
            ["Moor Trust", "post@moor.example", "Ann Lee", "Health"],
            ["Lake\u00a0 Council", " clerk@lake.example ", "", "NHS"],
            ["", "", "", ""],
            ["moor trust", "POST@moor.example", "", ""],
        ]
    )
    said = door(content, client, tmp_path)
    assert "2 invitations" in said
    assert "Row 5: moor trust: Same as row 2, so skipped." in said
    rows = Invitation.objects.order_by("pk")
    assert [(row.body.name, row.email, row.contact_name, row.state) for row in rows] == [
        ("Moor Trust", "post@moor.example", "Ann Lee", "queued"),
        ("Lake Council", "clerk@lake.example", "", "queued"),
    ]
    assert {row.body.sector for row in rows} == {sector}
    assert {row.invited_by for row in rows} == ({None} if door is by_command else {officer})
    assert {row.version for row in rows} == {version}
    assert [(mail.to, mail.delivery) for mail in Mail.objects.order_by("pk")] == [
        ("post@moor.example", Delivery.WAITING),
        ("clerk@lake.example", Delivery.WAITING),
    ]
    said = door(content, client, tmp_path)
    assert "Row 2: Moor Trust: Already invited (waiting to be sent)." in said
    assert (Invitation.objects.count(), Mail.objects.count(), SignatoryBody.objects.count()) == (2, 2, 2)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_each_door_names_every_row_that_is_wrong_and_then_invites_nobody(door, client, officer, version, tmp_path):
    SectorFactory(name="Health", slug="nhs")
    wrong = [
        (["Bad mail", "nobody", "", ""], "Row 3, email: Enter a valid email address."),
        (["No mail", "", "", ""], "Row 4, email: Enter the email address that the invitation goes to."),
        (["", "a@b.example", "", ""], "Row 5, organisation: This cell is empty. Fill it in."),
        (["x" * 201, "a@b.example", "", ""], "Row 6, organisation: Shorten this to 200 characters"),
        (["Odd sector", "a@b.example", "", "Fish"], "Row 7, sector: There is no sector “Fish”. The sectors are"),
        (["Long contact", "a@b.example", "y" * 121, ""], "Row 8, contact_name: Shorten this to 120"),
        (["Fine Trust", "other@fine.example", "", ""], "Row 9, organisation: This organisation is also in row 2, with"),
        (
            ["Fine\u202e Trust\u200b", "other@fine.example", "", ""],
            "Row 10, organisation: This organisation is also in row",
        ),
        (["!!!", "a@b.example", "", ""], "Row 11, organisation: Enter at least one letter or number."),
        (["!!!", "nobody", "", "Fish"], "Row 12, organisation: Enter at least one letter or number."),
        (["???", "nobody", "", "Fish"], "Row 13, email: Enter a valid email address."),
        (["???", "nobody", "", "Fish"], "Row 14, sector: There is no sector “Fish”."),
    ]
    content = as_csv([["Fine Trust", "post@fine.example", "", ""], *(row for row, _ in wrong)])
    said = door(content, client, tmp_path)
    for _, sentence in wrong:
        assert sentence in said, (sentence, said)
    assert "Row 2," not in said
    assert (Invitation.objects.count(), Mail.objects.count(), SignatoryBody.objects.count()) == (0, 0, 0)


def test_control_characters_are_refused_by_each_door_that_can_carry_them(client, officer, version, tmp_path):
    content = as_csv([["Bell\x07 Trust", "a@b.example", "", ""]])
    for door in (by_command, by_csv, by_paste):
        said = door(content, client, tmp_path)
        assert "Row 2, organisation: Delete the control character U+0007, which is not visible." in said, door
    form = {"organisation": "Bell\x07 Trust", "email": "a@b.example"}
    assert "Delete the control character U+0007" in text_of(client.post(f"{LIST}add/", form))
    assert not Invitation.objects.exists()


def test_every_door_refuses_with_every_reason_while_signing_is_closed(client, officer, version, tmp_path):
    Declaration.objects.update(paused_because="The wording is being checked.")
    LegalNotice.objects.update(lawful_basis="", complaints="")
    reasons = ("Signing is paused: The wording is being checked.", "does not say: lawful basis, complaints.")
    content = as_csv([["Moor Trust", "post@moor.example", "", ""]])
    said = {name: door(content, client, tmp_path) for name, door in DOORS.items()}
    sent = {"organisation": "Moor Trust", "email": "post@moor.example"}
    said["form"] = text_of(client.post(f"{LIST}add/", sent))
    said["list"] = text_of(client.get(LIST))
    said["empty form"] = text_of(client.get(f"{LIST}add/"))
    for name, words in said.items():
        for reason in reasons:
            assert reason in words, (name, words)
    assert not Invitation.objects.exists()


def test_the_form_invites_one_and_names_what_prevents_a_second(client, officer, version):
    sector = SectorFactory()
    sent = {"organisation": "Moor Trust", "email": "post@moor.example", "contact_name": "Ann", "sector": sector.pk}
    assert client.post(f"{LIST}add/", sent).status_code == 302
    row = Invitation.objects.get()
    assert (row.state, row.body.sector, row.invited_by) == (InvitationState.QUEUED, sector, officer)
    assert LogEntry.objects.get().object_id == str(row.pk)
    again = text_of(client.post(f"{LIST}add/", sent | {"organisation": " MOOR  trust"}))
    assert "Already invited (waiting to be sent)." in again
    assert "Enter a valid email address." in text_of(client.post(f"{LIST}add/", sent | {"email": "post"}))
    assert Mail.objects.count() == 1


def test_a_dry_run_of_the_command_says_the_same_and_sends_nothing(version, tmp_path):
    path = tmp_path / "bodies.csv"
    path.write_text(as_csv([["Moor Trust", "post@moor.example", "", ""]]))
    said = io.StringIO()
    call_command("invite", str(path), dry_run=True, stdout=said)
    assert "This file would send: 1 invitation. Skipped: 0 rows." in said.getvalue()
    assert not SignatoryBody.objects.exists()
    assert not Mail.objects.exists()
    UserFactory(username="visitor")
    with pytest.raises(CommandError, match="visitor does not have permission to record invitations"):
        call_command("invite", str(path), by="visitor")


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("Moor Trust, post@moor.example", [(1, "Moor Trust", "post@moor.example", "")]),
        ("Moor Trust\tpost@moor.example\tAnn Lee", [(1, "Moor Trust", "post@moor.example", "Ann Lee")]),
        (
            "\ufeffOrganisation; Email\r\nMoor; m@a.example\r\n\r\nLake; l@a.example\r\n",
            [(2, "Moor", "m@a.example", ""), (4, "Lake", "l@a.example", "")],
        ),
        ('"Moor, Lake and Co", m@a.example', [(1, "Moor, Lake and Co", "m@a.example", "")]),
        ("Organisation,Email,Contact name\nMoor,m@a.example,Ann", [(2, "Moor", "m@a.example", "Ann")]),
    ],
)  # fmt: skip
def test_a_pasted_list_is_read_however_its_cells_are_parted(version, pasted, found):
    result = InvitationResource().run(PastedList().create_dataset(pasted.encode()), dry_run=False)
    assert result.problems == []
    rows = [(row.number, row.instance) for row in result.new]
    assert [(number, one.body.name, one.email, one.contact_name) for number, one in rows] == found


def test_a_pasted_list_that_is_none_says_which_line_is_at_fault(client, officer, version, tmp_path):
    for pasted, words in (
        (
            "Moor, m@a.example, a, b, c",
            "Row 1 has more cells than there are columns. Put double quotes around",
        ),
        ('Moor, "m@a.example', "This line cannot be read"),
        ("Moor Trust", "Row 1, email: Enter the email address"),
        ("Organisation, Telephone\nMoor, 1", "Unknown columns: Telephone."),
    ):
        assert words in by_paste(pasted, client, tmp_path), pasted
    assert not Invitation.objects.exists()


def test_who_has_signed_declined_or_was_revoked_is_not_mailed_by_a_file(version):
    signed = signing.invite_and_sign("Signed Trust").body
    for name, change in (("Revoked Trust", invitations.revoke_invitation), ("Open Trust", None)):
        invitation = signing.invite(name).invitation
        if change:
            change(by=None, invitation=invitation)
    on_paper = SignatoryBody.objects.create(name="Paper Trust")
    signing_rules.append_signature(
        body=on_paper, version=version, signatory=signing.signatory(), stated={}, on_paper=True
    )
    before = Mail.objects.count()
    content = as_csv(
        [[name, "new@a.example", "", ""] for name in (signed.name, "Revoked Trust", "Open Trust", "PAPER trust")]
    )
    result = InvitationResource().run(CSV().create_dataset(content), dry_run=False)
    assert result.notes == [
        "Row 2: Signed Trust: It has already signed.",
        "Row 3: Revoked Trust: Revoked. To invite it again, go to the page of its invitation.",
        "Row 4: Open Trust: Already invited (waiting to be sent).",
        "Row 5: PAPER trust: It has already signed.",
    ]
    assert (result.problems, result.new, Mail.objects.count()) == ([], [], before)


LOOK_ALIKE_MAILBOX = "This mailbox is already invited for “Moor Trust”."


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_each_door_notes_a_mailbox_that_is_already_invited_for_another_organisation(
    door, client, officer, version, tmp_path
):
    signing.invite("Moor Trust", "o'neill@moor.example")
    rows = [
        ["Lake Council", "O\u2019Neill@Moor.example\u200b", "", ""],
        ["Hill Trust", "a@hill.example", "", ""],
        ["Dale Trust", "A@hill.example", "", ""],
    ]
    said = door(as_csv(rows), client, tmp_path)
    assert f"Row 2: {LOOK_ALIKE_MAILBOX}" in said
    assert "Row 3: " not in said
    assert "Row 4: This mailbox is also in row 3, for “Hill Trust”." in said
    assert Invitation.objects.count() == 4


def test_the_form_the_second_invitation_and_a_request_note_a_mailbox_of_another_organisation(client, officer, version):
    ended = signing.invite("Lake Council", "clerk@lake.example").invitation
    invitations.revoke_invitation(by=None, invitation=ended)
    signing.invite("Moor Trust", "post@moor.example")
    requests.record_request(name="Hill Trust", contact_name="Ann Lee", email="Post@moor.example")
    ask = SigningRequest.objects.get()
    for address, sent in (
        (f"{LIST}add/", {"organisation": "Dale Trust", "email": "POST@moor.example"}),
        (f"{LIST}{ended.pk}/invite-again/", {"email": "post@moor.example"}),
        (f"/admin/declarations/signingrequest/{ask.pk}/approve/", {}),
    ):
        assert LOOK_ALIKE_MAILBOX.rstrip(".") in text_of(client.post(address, sent, follow=True)), address
    assert Invitation.objects.exclude(pk=ended.pk).count() == 4
    other = client.post(f"{LIST}add/", {"organisation": "Tor Trust", "email": "new@moor.example"}, follow=True)
    assert "This mailbox" not in text_of(other)


def test_a_mailbox_whose_invitation_has_ended_is_not_noted(version):
    ended = signing.invite("Moor Trust", "post@moor.example").invitation
    invitations.revoke_invitation(by=None, invitation=ended)
    dataset = CSV().create_dataset(as_csv([["Lake Council", "post@moor.example", "", ""]]))
    assert InvitationResource().run(dataset, dry_run=True).notes == []


def test_a_body_is_tied_to_the_organisation_of_its_name_and_takes_its_sector(version):
    organisation = OrganisationFactory(name="Moor Trust", sector=SectorFactory())
    body = signing.invite("moor TRUST").invitation.body
    assert (body.organisation, body.sector, body.name) == (organisation, organisation.sector, "moor TRUST")


def test_a_confirmed_list_is_sent_once_and_only_refused_rows_wait_to_be_fetched(client, officer, version, settings):
    waiting = settings.VAR_DIR / "imports"
    client.post(
        f"{LIST}import/",
        {"import_file": SimpleUploadedFile("a.csv", as_csv([["A", "b", "", ""]]).encode()), "format": 0},
    )
    client.post(f"{LIST}paste/", {"bodies": "A, b"})
    refused = set(waiting.iterdir())
    assert len(refused) == 2
    form = client.post(f"{LIST}paste/", {"bodies": "Moor Trust, a@b.example"}).context["confirm_form"].initial
    assert len(set(waiting.iterdir()) - refused) == 1
    for _ in range(2):
        last = client.post(f"{LIST}process_import/", form, follow=True)
    assert "This file was already recorded" in text_of(last)
    assert (Invitation.objects.count(), Mail.objects.count(), set(waiting.iterdir())) == (1, 1, refused)
    assert LogEntry.objects.get().change_message == "Recorded from a pasted list."


def test_a_thousand_rows_take_a_handful_of_queries_beside_one_for_each_mail(version, django_assert_max_num_queries):
    rows = [[f"Body {number}", f"post{number}@b.example", "", ""] for number in range(1000)]
    dataset = CSV().create_dataset(as_csv(rows))
    with django_assert_max_num_queries(1000 + 60):
        assert len(InvitationResource().run(dataset, dry_run=False).new) == 1000
    with django_assert_max_num_queries(60):
        assert InvitationResource().run(CSV().create_dataset(as_csv(rows)), dry_run=False).unchanged == 1000


def test_putting_a_version_in_force_invites_all_who_signed_before_in_few_queries(
    version, django_assert_max_num_queries
):
    with time_machine.travel(date(2031, 6, 1), tick=True):
        for number in range(3):
            signing.invite_and_sign(f"Body {number}", f"post{number}@b.example")
        waiting = signing.invite("Waiting body", "w@b.example").invitation
        then = VersionFactory(declaration=version.declaration, text="Other words.")
        found = versions.publishing_consequences(then)
        assert (found.moved, found.again, found.unreachable, found.closed) == (1, 3, 0, [])
        with django_assert_max_num_queries(45):
            assert versions.publish_version(by=None, version=then) == 3
    waiting.refresh_from_db()
    assert waiting.version == then
    assert Mail.objects.filter(kind="invitation", invitation__version=then).count() == 4


def test_before_there_is_a_version_or_a_register_inviting_is_refused_in_words():
    with pytest.raises(ValidationError, match="No version is in force") as refused:
        invitations.invite(by=None, organisation="Moor Trust", email="post@moor.example")
    assert "The register has no key yet" in str(refused.value)
    assert not SignatoryBody.objects.exists()


def test_a_file_may_name_its_columns_in_any_case(version):
    for number, headings in enumerate(
        (["Organisation", "E-mail"], ["ORGANIZATION", "Email "], ["organisation", "mail"])
    ):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([headings, [f"Body {number}", f"post@{number}.example"]])
        result = InvitationResource(by=None).run(CSV().create_dataset(text.getvalue()), dry_run=False)
        assert result.problems == []
        assert Invitation.objects.filter(body__name=f"Body {number}", email=f"post@{number}.example").exists()
    twice = InvitationResource(by=None).run(CSV().create_dataset("Email,E-mail,Organisation\na,b,c\n"), dry_run=True)
    assert twice.problems == ["“Email” and “E-mail” both mean the column email. Rename or delete one of them."]
    other = InvitationResource(by=None).run(CSV().create_dataset("Organisation,email,Colour\na,b,c\n"), dry_run=True)
    assert "Unknown columns: Colour." in other.problems[0]
