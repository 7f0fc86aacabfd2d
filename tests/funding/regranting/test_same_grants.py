"""A grant that is reported again, with or without an identifier that it had not before, is not published twice."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from funding.models import OnwardGrant
from tests.funding.regranting.requests import approve, ask, enter, opened, send
from tests.support.crawler import text_of
from tests.support.factories import UserFactory, reverse
from tests.support.refusals import validation_messages
from vru_portal.ledger.append_only.recording import redact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]
GRANTS = "/admin/funding/onwardgrant/"


@pytest.fixture
def officer(client, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    client.force_login(user := UserFactory(is_superuser=True))
    return user


def said_of(client, asked) -> str:
    return text_of(opened(client, asked.secret))


@pytest.mark.parametrize("references", [("", ""), ("", "360G-fen-1"), ("360G-fen-1", "")])
def test_of_two_equal_grants_in_a_list_each_needs_its_identifier(client, references):
    asked = ask()
    for key, reference in zip(("aaaa", "bbbb"), references, strict=True):
        enter(asked, key, reference=reference)
    assert "Grant 1 of this list is the same." in said_of(client, asked)
    assert validation_messages(lambda: send(asked))


def test_two_equal_grants_with_identifiers_are_two(client):
    asked = ask()
    for key, reference in (("aaaa", "360G-fen-1"), ("bbbb", "360G-fen-2")):
        enter(asked, key, reference=reference)
    send(asked)
    assert [grant.reference for grant in approve(asked)] == ["360G-fen-1", "360G-fen-2"]
    again = ask(asked.request.allocation)
    enter(again, reference="360G-fen-3")
    assert "Needs correcting" not in said_of(client, again)


def test_a_grant_that_is_published_under_a_made_up_identifier_is_not_published_under_its_own(client):
    asked = ask()
    enter(asked)
    send(asked)
    (made,) = approve(asked)
    again = ask(asked.request.allocation)
    enter(again, reference="360G-fen-1")
    assert f"The same grant is already published, as {made.reference}." in said_of(client, again)
    enter(again, "bbbb", reference="360G-fen-2", title="Hats")  # the way out
    send_without_first = [grant for grant in again.grants if grant["reference"] != "360G-fen-1"]
    again.row.__class__.objects.filter(pk=again.row.pk).update(answers={"grants": send_without_first})
    send(again)
    approve(again)
    assert OnwardGrant.objects.count() == 2


def test_what_was_published_between_sending_and_approving_is_found_at_approval(admin_client):
    asked = ask()
    enter(asked, reference="360G-fen-1")
    send(asked)
    row = OnwardGrant(
        allocation=asked.request.allocation, recipient_name="Fen club", amount="60.50", awarded_on="2031-05-20",
        title="Boots", reference=f"{asked.request.allocation.public_id}-1",
    )  # fmt: skip
    row.save()
    page = text_of(admin_client.get(f"/admin/funding/onwardrequest/{asked.request.pk}/approve/"))
    assert f"To be corrected: The same grant is already published, as {row.reference}." in page
    assert "already published" in str(validation_messages(lambda: approve(asked)))
    assert OnwardGrant.objects.count() == 1


REMOVED = "part of its text has been removed"


@pytest.mark.parametrize("fields", [["recipient_name"], ["title"], ["recipient_name", "title"]])
@pytest.mark.parametrize("reference", ["", "360G-fen-1"])
def test_a_grant_that_was_redacted_is_not_published_again(client, officer, fields, reference):
    asked = ask()
    enter(asked)
    send(asked)
    (made,) = approve(asked)
    redact(made, fields=fields, by=UserFactory(), reason="It named somebody.")
    again = ask(asked.request.allocation)
    enter(again, reference=reference)
    assert f"A grant with this sum and date is already published, as {made.reference}, and {REMOVED}." in said_of(
        client, again
    )
    assert validation_messages(lambda: send(again))
    by_hand = {"allocation": made.allocation.pk, "recipient_name": "Fen club", "amount": "60.50", "title": "Boots",
               "awarded_on": "20 May 2031", "reported_on": "1 June 2031", "reference": reference}  # fmt: skip
    assert f"with some of its text redacted: {made.reference}" in text_of(client.post(f"{GRANTS}add/", by_hand))
    file = f"reference,recipient,amount,awarded_on,title\n{reference},Fen club,60.50,2031-05-20,Boots\n"
    sent = {"import_file": SimpleUploadedFile("a.csv", file.encode()), "format": "", "allocation": made.allocation.pk}
    assert f"with some of its text redacted: {made.reference}" in text_of(client.post(f"{GRANTS}import/", sent))
    assert OnwardGrant.objects.count() == 1


def test_a_grant_other_than_the_one_that_was_redacted_is_published(client):
    asked = ask()
    enter(asked)
    send(asked)
    (made,) = approve(asked)
    redact(made, fields=["recipient_name"], by=UserFactory(), reason="It named somebody.")
    again = ask(asked.request.allocation)
    for key, other in (
        ("aaaa", {"title": "Hats"}),
        ("bbbb", {"amount": "60.51"}),
        ("cccc", {"awarded_on": "2031-05-21"}),
    ):
        enter(again, key, **other)
    send(again)
    assert len(approve(again)) == 3
    reverse(made)  # the way out for one that is really the same in all that is left
    last = ask(asked.request.allocation)
    enter(last)
    send(last)
    assert len(approve(last)) == 1
