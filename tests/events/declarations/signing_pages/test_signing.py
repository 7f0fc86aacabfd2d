"""Signing, from the link to the receipt; and asking somebody else to sign."""

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from events.declarations.choices import MailKind, SigningLinkPurpose
from events.declarations.models import (
    Entry,
    Mail,
    Preparation,
)
from events.declarations.rules import signing as signing_rules
from tests.events.declarations.signing_pages.visits import (
    ANSWERS_FOR_ANOTHER,
    CHECK,
    DETAILS,
    PASSED_ON,
    READ,
    RECEIPT,
    VALID_NAMES,
    assert_private,
    assert_says,
    form_errors,
    go_to_check,
    hidden_fields,
    open_link,
    send_form,
)
from tests.support.crawler import Elements
from tests.support.races.signatories import ANSWERS
from tests.support.signing import new_link, signatory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.both
def test_from_the_link_to_the_receipt(client, invited, version):
    assert_says(open_link(client, invited.secret), "A body", version.text, version.sha256, "Your details")
    page = go_to_check(client, invited.secret)
    assert_says(
        page, "Sam Example", "Chair of trustees", "My post", "post@body.example", "I am authorised to sign for A body."
    )
    assert_says(page, "Not your name, and never your email address.")
    answer = assert_private(client.post(CHECK, hidden_fields(page)))
    assert (answer.status_code, answer["Location"]) == (303, RECEIPT)
    receipt = assert_private(client.get(RECEIPT))
    assert_says(
        receipt, "Signed. Thank", "Receipt for entry 1", "A body", "Sam Example", "not shown in public", "In force"
    )
    entry = Entry.objects.get()
    assert entry.checkpoint.strip() in receipt.text.replace("&quot;", '"')
    assert {"/declaration/sign/receipt.pdf", "/declaration/sign/receipt.json"} <= Elements(receipt.text).links(RECEIPT)
    assert "<svg" in receipt.text
    assert f"declaration/register/{entry.seq}" in receipt.text
    assert entry.personal.values == {
        "name": "Sam Example",
        "role": "Chair of trustees",
        "email": "post@body.example",
        "authority": "My post",
    }
    assert Mail.objects.get(kind=MailKind.RECEIPT).to == "post@body.example"
    # refreshed, and come back to from the mail's link in another browser
    assert assert_private(client.get(RECEIPT)).text.count("Sam Example") == receipt.text.count("Sam Example")
    assert_says(
        open_link(Client(), new_link(entry.invitation, SigningLinkPurpose.RECEIPT)),
        "Receipt for entry 1",
        "Sam Example",
    )


def test_a_delegated_decision_and_a_public_name(client, invited):
    open_link(client, invited.secret)
    incomplete = send_form(client, DETAILS, **ANSWERS | {"authority": "delegated"})
    assert set(form_errors(incomplete)) == {"authority_reference", "authority_date"}
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    day = {"authority": "delegated", "authority_reference": "Minute 14", "authority_date": tomorrow}
    assert set(form_errors(send_form(client, DETAILS, **ANSWERS | day))) == {"authority_date"}
    page = go_to_check(client, invited.secret, **day | {"authority_date": "27/03/2019", "name_is_public": "yes"})
    assert_says(page, "Delegated decision: Minute 14, 27 March 2019")
    assert "Not your name" not in page.text
    client.post(CHECK, hidden_fields(page))
    entry = Entry.objects.with_status().get()
    assert entry.name_is_public
    assert entry.personal.values["authority"] == "Delegated decision: Minute 14, 27 March 2019"


def test_a_mistake_loses_nothing_and_each_error_leads_to_its_field(client, invited):
    open_link(client, invited.secret)
    answer = send_form(client, DETAILS, **ANSWERS | {"name": "", "authorised": ""})
    assert answer.status_code == 200
    page = Elements(answer.text)
    assert "<title>Error: Your details" in answer.text
    values = {a.get("id"): a for _, a in page.elements}
    assert values["id_role"]["value"] == "Chair of trustees"
    assert values["id_name"]["aria-invalid"] == "true"
    targets = re.findall(r'<li><a href="#([^"]+)"', answer.text)
    assert targets == ["id_name", "id_authorised"]
    assert set(targets) <= set(values)
    assert_says(answer, "Confirm that you are authorised to sign, or select that somebody else signs")
    assert not Preparation.objects.exists()
    # the box is never ticked for anybody, not even for who comes back
    go_to_check(client, invited.secret)
    box = next(a for _, a in Elements(client.get(DETAILS).text).elements if a.get("id") == "id_authorised")
    assert "checked" not in box


def test_names_of_people_are_taken_as_they_are_and_what_nobody_can_read_is_refused(client, invited):
    open_link(client, invited.secret)
    for bad in ("", "   ", "\u200b\u200d", "\u2800", "a\0b", "...", "x" * 121, "\u0301"):
        assert "name" in form_errors(send_form(client, DETAILS, **ANSWERS | {"name": bad})), ascii(bad)
    for good in (*VALID_NAMES, "Sam\u202e Example"):
        page = go_to_check(client, invited.secret, name=good)
        kept = Preparation.objects.get().name
        assert kept == good.replace("e\u0308", "ë").replace("\u202e", "")
        assert_says(page, kept)
        assert "<b>Sam</b> {{" not in page.text
    assert "role" in form_errors(send_form(client, DETAILS, **ANSWERS | {"role": "x" * 121}))
    with pytest.raises(ValidationError):  # the rule checks it too, whichever page or command calls it
        signing_rules.prepare_signature(secret=invited.secret, signatory=signatory(name="\u200b"))


@pytest.mark.both
def test_an_assistant_prepares_and_the_signatory_confirms_from_their_own_mailbox(client, invited):
    open_link(client, invited.secret)
    incomplete = send_form(client, DETAILS, **ANSWERS_FOR_ANOTHER | {"prepared_by": "", "email": ""})
    assert set(form_errors(incomplete)) == {"prepared_by", "email"}
    own = send_form(client, DETAILS, **ANSWERS_FOR_ANOTHER | {"email": "POST@Body.example"})
    assert set(form_errors(own)) == {"email"}
    answer = send_form(client, DETAILS, **ANSWERS_FOR_ANOTHER)
    assert (answer.status_code, answer["Location"]) == (303, PASSED_ON)
    assert_says(client.get(PASSED_ON), "Nothing is signed yet", "Sam Example", "chair@body.example", "Jo Assistant")
    assert Mail.objects.get(kind=MailKind.CONFIRM).to == "chair@body.example"
    assert not Preparation.objects.get().name_is_public  # only the signatory can agree to that
    # the assistant comes nowhere near signing
    for address in (READ, CHECK):
        assert client.get(address)["Location"] == PASSED_ON
    mark = hidden_fields(client.get(DETAILS))["invitation_mark"]
    fingerprint = signing_rules.Signatory.from_preparation(Preparation.objects.get()).fingerprint
    form = {"invitation_mark": mark, "checked": fingerprint, "text_sha256": invited.invitation.version.sha256}
    client.post(CHECK, form)
    assert not Entry.objects.exists()
    # the signatory must tick the box themselves
    chair = Client()
    assert_says(
        open_link(chair, new_link(invited.invitation, SigningLinkPurpose.CONFIRM)),
        "Jo Assistant has prepared this signature for you",
    )
    assert chair.get(CHECK)["Location"] == DETAILS
    page = send_form(chair, DETAILS, **{**ANSWERS, "authorised": ""})
    assert set(form_errors(page)) == {"authorised"}
    assert "who" not in page.context["form"].fields
    assert send_form(chair, DETAILS, **ANSWERS)["Location"] == CHECK
    page = assert_says(chair.get(CHECK), "Prepared by", "Jo Assistant", "chair@body.example")
    assert chair.post(CHECK, hidden_fields(page))["Location"] == RECEIPT
    assert_says(chair.get(RECEIPT), "Jo Assistant", "Sam Example")
    assert Entry.objects.get().personal.values["prepared_by"] == "Jo Assistant"
    # the assistant, who knows all the answers, does not get the receipt
    assert (
        assert_private(client.post(CHECK, form | {"checked": page.context["signatory"].fingerprint})).status_code == 404
    )


def test_taking_back_ends_the_link_that_was_passed_on(client, invited):
    open_link(client, invited.secret)
    send_form(client, DETAILS, **ANSWERS_FOR_ANOTHER)
    first = new_link(invited.invitation, SigningLinkPurpose.CONFIRM)
    chair = Client()
    page = go_to_check(chair, first)
    assert_says(client.get(DETAILS), "You passed this on to Sam Example", "their link will stop working")
    assert send_form(client, DETAILS, **ANSWERS_FOR_ANOTHER | {"email": "vice@body.example"})["Location"] == PASSED_ON
    assert chair.post(CHECK, hidden_fields(page)).status_code == 404
    second = new_link(invited.invitation, SigningLinkPurpose.CONFIRM)
    assert open_link(Client(), second).status_code == 200
    assert go_to_check(client, invited.secret)["Location"] == READ  # it was not shown in this browser yet
    assert_says(client.get(READ), "Read the declaration")
    mine = client.get(CHECK)
    assert open_link(Client(), second).status_code == 404
    assert client.post(CHECK, hidden_fields(mine))["Location"] == RECEIPT
    # within the hour the links that were taken back still show nobody's receipt
    for gone in (first, second):
        late = Client()
        open_link(late, gone)
        assert late.post(CHECK, hidden_fields(mine)).status_code == 404
    assert Entry.objects.get().personal.values["email"] == "post@body.example"


def test_a_signatory_can_follow_how_to_check_the_receipt(client, invited, tmp_path):
    """A control that could not be true: the page named neither the key nor the command, and the files otherwise."""
    client.post(CHECK, hidden_fields(go_to_check(client, invited.secret)))
    page = client.get(RECEIPT).text
    proof = page[page.index('<details class="proof">') :].split("</details>")[0]
    files = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', proof))
    for address, name in files.items():
        answer = client.get(address)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        (tmp_path / name).write_bytes(answer.content)
    (command,) = re.findall(r"<code>python3 (.+?)</code>", proof)
    assert {part for part in command.split() if "." in part} == {*files.values()}
    done = subprocess.run([sys.executable, "-I", *command.split()], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout
