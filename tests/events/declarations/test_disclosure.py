"""Finding all data about one person who asks for it."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from events.declarations.documents import subject_access
from tests.support.factories import UserFactory
from tests.support.personal import (
    CANARIES,
    everything_stored,
    make_declined_invitation,
    make_paper_signature,
    make_signed_entry,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_open_in_may")]


# Disclosure -----------------------------------------------------------------------------------------------------------


def test_all_of_a_person_is_found_by_mailbox_by_entry_and_by_name():
    entry, paper = make_signed_entry(), make_paper_signature()
    make_declined_invitation()
    mine = {"name", "role", "email", "assistant", "mailbox", "contact", "reference", "message", "error"}
    theirs = {"paper name", "paper role", "reference"}

    def told(whose):
        text = subject_access.records_as_text(subject_access.records_about(whose))
        assert CANARIES["scan"] not in text  # the scan itself is named: its file is handed over beside it
        return {name for name in CANARIES if CANARIES[name] in text}

    assert told(CANARIES["email"]) == told(f" {CANARIES['email'].upper()} ") == told(str(entry.pk)) == mine
    assert told(CANARIES["mailbox"]) == mine | {"reason"}
    assert told(CANARIES["name"]) == told(CANARIES["assistant"]) == mine
    assert told(str(paper.entry_id)) == told(CANARIES["paper name"]) == theirs
    assert told("nobody@body.example") == told("999") == told("Nobody") == set()
    assert told('" OR 1=1') == told("%") == set()


def test_a_paper_that_nobody_has_confirmed_is_found_by_name():
    make_paper_signature(confirmed=False)
    assert [part.title for part in subject_access.records_about(CANARIES["paper name"].lower())] == [
        "Signature on paper"
    ]


def test_the_command_prints_it_as_text_and_as_json(capsys):
    make_signed_entry()
    call_command("disclose", CANARIES["email"])
    assert f'value":"{CANARIES["name"]}' in capsys.readouterr().out
    call_command("disclose", CANARIES["email"], "--json")
    records = json.loads(capsys.readouterr().out)
    assert {record["record"] for record in records} >= {"Entry", "Signature", "Invitation", "Mail", "Link"}
    with pytest.raises(CommandError, match="There is no data"):
        call_command("disclose", "nobody@body.example")


def test_staff_find_disclose_and_drop_only_with_the_permission(client):
    make_declined_invitation()
    address = reverse("admin:declarations_entry_disclose")
    client.force_login(UserFactory(is_staff=True))
    assert client.get(address).status_code == 403
    assert client.post(address, {"person": CANARIES["mailbox"], "request": "drop"}).status_code == 403
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(address).status_code == 200
    page = client.post(address, {"person": CANARIES["mailbox"], "request": "show"})
    assert CANARIES["reason"] in page.text
    assert "no-store" in page.headers["Cache-Control"]
    file = client.post(address, {"person": CANARIES["mailbox"], "request": "json"})
    assert CANARIES["reason"] in file.content.decode()
    assert "attachment" in file.headers["Content-Disposition"]
    client.post(address, {"person": CANARIES["mailbox"], "request": "drop"})
    assert CANARIES["reason"] not in everything_stored()
    assert CANARIES["mailbox"] not in everything_stored()


@pytest.mark.django_db
def test_nothing_is_held_under_a_number_that_no_entry_can_have(client):
    for number in ("9" * 15, "9" * 30, "9" * 5000, "\u0663" * 30):
        assert subject_access.records_about(number) == []
        with pytest.raises(CommandError):
            call_command("disclose", number)
