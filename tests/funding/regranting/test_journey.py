"""The pages on which recipients report their grants: what they are told, and that nothing they typed is lost."""

import json
import re
from datetime import datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from funding.models import OnwardGrant, OnwardMail, OnwardRequest, OnwardToken, Regranting
from funding.regranting.forms import LARGEST_FILE
from funding.regranting.rules import approving, asking, reporting
from funding.regranting.tasks import deliver_onward_mail
from tests.funding.regranting.requests import (
    PLACE,
    SEND,
    approve,
    ask,
    enter,
    fill_in,
    hidden,
    new_link,
    opened,
    secret_of,
    send,
    sums,
    typed,
)
from tests.support.crawler import text_of
from tests.support.factories import OnwardGrantFactory, RegrantingFactory, VariationFactory, reverse
from vru_portal.links.choices import DraftState, LinkPurpose

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


def upload(client, content, name="grants.csv", **options):
    page = client.get(f"{PLACE}file/")
    file = SimpleUploadedFile(name, content)
    return client.post(f"{PLACE}file/", hidden(page.content.decode()) | {"file": file, **options})


def test_from_the_email_to_a_published_grant(client, mailoutbox):
    asked = ask()
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    secret = secret_of(mailoutbox[0].body)
    assert not OnwardToken.objects.filter(sha256__contains=secret[:20]).exists()
    assert asked.row.state == DraftState.SENT
    page = opened(client, secret)
    assert "Report grants that you have made" in text_of(page)
    assert "We awarded £100" in text_of(page)
    assert (page["Cache-Control"], page["X-Robots-Tag"]) == ("no-store", "noindex")
    steps = [
        fill_in(client, "grants/new/", typed() | {"then": "another"}),
        fill_in(client, "grants/new/", typed(recipient="Moor club", amount="20", title="Hats") | {"then": "list"}),
    ]
    assert "Not reported yet £19.50" in text_of(client.get(f"{PLACE}check/"))
    assert not OnwardGrant.objects.exists()
    steps.append(fill_in(client, "check/", SEND))
    assert [(step.status_code, step["Location"]) for step in steps] == [
        (303, f"{PLACE}grants/new/"), (303, PLACE), (303, f"{PLACE}sent/"),
    ]  # fmt: skip
    assert "You have sent your list" in text_of(client.get(f"{PLACE}sent/"))
    assert not OnwardGrant.objects.exists()
    approve(asked)
    public = text_of(client.get(asked.request.allocation.get_absolute_url()))
    assert "£80.50 of £100 reported" in public
    assert "£19.50 has not been reported as awarded to others." in public
    assert "Your grants are published" in text_of(client.get(PLACE))


def test_a_text_of_several_lines_from_a_file_can_be_changed_and_removed(client):
    """Browsers send each line break as two characters."""
    asked = ask()
    opened(client, asked.secret)
    upload(client, b'recipient,title,description,amount,awarded_on\nFen club,Hats,"Warm\nred",5,2031-05-06\n')
    (grant,) = asked.grants
    for then in ("change", "remove"):
        place = f"{PLACE}grants/{grant['key']}/" + ("remove/" if then == "remove" else "")
        shown = hidden(client.get(place).content.decode())
        assert any("\n" in text for text in shown.values())
        texts = {name: text.replace("\n", "\r\n") for name, text in shown.items()}
        answer = client.post(place, texts | ({} if then == "remove" else typed(description="Warm\r\nblue")))
        assert answer.status_code == 303, text_of(answer)
        if then == "change":
            assert asked.grants[0]["description"] == "Warm\nblue"
    assert asked.grants == []


def test_opening_every_page_and_sending_empty_forms_writes_and_sends_nothing(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    before = list(OnwardRequest.objects.values())
    mails = OnwardMail.objects.count()
    for address in ("", "grants/new/", "grants/aaaa/", "grants/aaaa/remove/", "file/", "check/", "sent/"):
        client.get(f"{PLACE}{address}")
        client.head(f"{PLACE}{address}")
        client.post(f"{PLACE}{address}", {})
    client.post(f"{PLACE}{asked.secret}/", {})
    assert fill_in(client, "grants/new/", {"then": "another"}).status_code == 303  # an empty form adds no grant
    for address in ("file/", "check/"):
        assert fill_in(client, address, {}).status_code == 422
    assert list(OnwardRequest.objects.values()) == before
    assert OnwardMail.objects.count() == mails


def test_what_is_wrong_is_said_beside_the_box_and_stays_as_typed(client):
    asked = ask()
    opened(client, asked.secret)
    wrong = typed(recipient="", amount="approx 60", awarded_on="last week", url="x < y", description="a <b>club</b>")
    answer = fill_in(client, "grants/new/", wrong | {"then": "another"})
    assert answer.status_code == 422
    html = answer.content.decode()
    for said in ("Enter who received the grant", "“last week” is not a date", "“approx 60”", "Enter a web address"):
        assert said in text_of(answer)
    for kept in ('value="approx 60"', 'value="last week"', 'value="x &lt; y"', "a &lt;b&gt;club&lt;/b&gt;"):
        assert kept in html
    (saved,) = asked.grants
    assert {name: saved[name] for name in wrong} == wrong
    listed = client.get(PLACE)
    assert "Needs correcting Enter who received the grant" in text_of(listed)
    assert "<b>club</b>" not in listed.content.decode()
    again = client.get(f"{PLACE}grants/{saved['key']}/")  # a day later: what was typed, and what is wrong with it
    assert "“approx 60”" in text_of(again)
    checked = client.get(f"{PLACE}check/")
    assert "Correct these before you send your list" in text_of(checked)
    assert "Send</button>" not in checked.content.decode()
    refused = client.post(f"{PLACE}check/", hidden(again.content.decode()) | SEND)
    assert refused.status_code == 422
    assert asked.row.state == DraftState.STARTED


def test_a_form_sent_twice_adds_one_grant(client):
    asked = ask()
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}grants/new/").content.decode()) | typed() | {"then": "list"}
    answers = [client.post(f"{PLACE}grants/new/", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(asked.grants) == 1
    sent = hidden(client.get(f"{PLACE}check/").content.decode()) | SEND
    assert [client.post(f"{PLACE}check/", sent).status_code for _ in range(2)] == [303, 409]
    assert OnwardMail.objects.filter(kind="received").count() == 1


def test_two_people_at_once_lose_nothing(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    first = hidden(client.get(f"{PLACE}grants/aaaa/").content.decode())
    fill_in(client, "grants/aaaa/", typed(amount="70"))
    second = client.post(f"{PLACE}grants/aaaa/", first | typed(amount="80"))
    assert second.status_code == 409
    assert "Somebody else changed these answers" in text_of(second)
    assert "How much you awarded: 70" in text_of(second)
    assert 'value="80"' in second.content.decode()
    assert asked.grants[0]["amount"] == "70"
    third = client.post(f"{PLACE}grants/aaaa/", hidden(second.content.decode()) | typed(amount="80"))
    assert third.status_code == 303
    assert asked.grants[0]["amount"] == "80"
    # each adds a grant: both are in the list
    forms = [hidden(client.get(f"{PLACE}grants/new/").content.decode()) for _ in range(2)]
    for form, name in zip(forms, ("One", "Two"), strict=True):
        client.post(f"{PLACE}grants/new/", form | typed(recipient=name))
    assert [grant["recipient"] for grant in asked.grants] == ["Fen club", "One", "Two"]


def test_a_grant_that_somebody_else_has_removed_can_be_saved_again(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}grants/aaaa/").content.decode())
    page = client.get(f"{PLACE}grants/aaaa/remove/")
    assert "Boots" in text_of(page)
    removed = client.post(f"{PLACE}grants/aaaa/remove/", hidden(page.content.decode()))
    assert (removed.status_code, asked.grants) == (303, [])
    answer = client.post(f"{PLACE}grants/aaaa/", form | typed(amount="80"))
    assert answer.status_code == 409
    client.post(f"{PLACE}grants/aaaa/", hidden(answer.content.decode()) | typed(amount="80"))
    assert [grant["amount"] for grant in asked.grants] == ["80"]
    assert client.get(f"{PLACE}grants/bbbb/")["Location"] == PLACE


def test_what_has_changed_since_is_not_removed(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}grants/aaaa/remove/").content.decode())
    fill_in(client, "grants/aaaa/", typed(amount="70"))
    answer = client.post(f"{PLACE}grants/aaaa/remove/", form)
    assert answer.status_code == 409
    assert "Nothing was removed" in text_of(answer)
    assert asked.grants[0]["amount"] == "70"


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("closed", "This request is closed"),
        ("cancelled", "We no longer need this list"),
        ("withdrawn", "Our record of this grant has changed"),
        ("reversed", "Our record of this grant has changed"),
    ],
)
def test_a_form_that_comes_too_late_says_why_and_shows_what_was_typed(client, clock, what, title):
    asked = ask()
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}grants/new/").content.decode()) | typed(amount="4711")
    match what:
        case "closed":
            clock.move_to("2031-12-01 12:00Z", tick=False)
        case "cancelled":
            asking.cancel(request=asked.row)
        case "withdrawn":
            reverse(Regranting.objects.get())
        case "reversed":
            reverse(asked.request.allocation)
    answer = client.post(f"{PLACE}grants/new/", form)
    assert answer.status_code == 409
    assert title in text_of(answer)
    assert "How much you awarded 4711" in text_of(answer)
    assert asked.grants == []
    assert client.get(PLACE).status_code == 200


def test_a_page_that_is_over_does_not_deny_what_was_published_before(client):
    asked = ask()
    opened(client, asked.secret)
    enter(asked)
    send(asked)
    approve(asked)
    assert "Your grants are published" in text_of(client.get(PLACE))
    reverse(asked.request.allocation)
    page = text_of(client.get(PLACE))
    assert "We had published your list before. See what is recorded now on the page of the grant." in page
    assert "Nothing that you entered has been published" not in page


def test_a_list_without_grants_is_not_said_to_have_published_any(client):
    asked = ask()
    opened(client, asked.secret)
    send(asked)
    approve(asked)
    page = text_of(client.get(PLACE))
    assert "We have approved your list" in page
    assert "Your grants are published" not in page
    reverse(asked.request.allocation)
    assert "Nothing that you entered has been published" in text_of(client.get(PLACE))


def test_a_form_of_another_grant_is_not_saved_for_this_one(client):
    first, second = ask(), ask(email="kim@recipient.example")
    opened(client, first.secret)
    form = hidden(client.get(f"{PLACE}grants/new/").content.decode()) | typed(amount="4711")
    opened(client, second.secret)
    answer = client.post(f"{PLACE}grants/new/", form)
    assert answer.status_code == 409
    assert "You opened another link in this browser. Nothing was saved" in text_of(answer)
    assert str(second.request.allocation.recipient) in text_of(answer)
    assert "How much you awarded 4711" in text_of(answer)
    assert (first.grants, second.grants) == ([], [])


@pytest.mark.parametrize("secret", ["x" * 43, "x", "%00", "é"])
def test_a_link_that_does_not_work_says_what_to_do(client, secret):
    client.get(f"{PLACE}{secret}/")
    for address in ("", "grants/new/", "grants/aaaa/", "grants/aaaa/remove/", "file/", "check/", "sent/"):
        answer = client.get(f"{PLACE}{address}")
        assert answer.status_code == 404
        assert "This link does not work" in text_of(answer)


def test_a_link_says_what_became_of_it_for_a_year_and_then_expires(client, clock):
    asked = ask()  # open until 30 August 2031
    opened(client, asked.secret)
    clock.move_to("2032-08-29 12:00Z", tick=False)
    assert "This request is closed" in text_of(client.get(PLACE))
    clock.move_to("2032-08-30 12:00Z", tick=False)
    answer = client.get(PLACE)
    assert answer.status_code == 404
    assert "This link does not work" in text_of(answer)


def test_a_second_person_checks_and_sends_and_can_be_taken_back(client, mailoutbox):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    passed = {"who": "another", "name": "Kim", "confirm_name": "Sam", "confirm_email": "sam@recipient.example"}
    assert "Enter their email address" in text_of(fill_in(client, "check/", passed | {"confirm_email": ""}))
    fill_in(client, "check/", passed)
    assert "We have asked Sam to check the list" in text_of(client.get(PLACE))
    deliver_onward_mail.call(OnwardMail.objects.get(kind="confirm").pk)
    assert mailoutbox[-1].to == ["sam@recipient.example"]
    page = client.get(f"{PLACE}sent/")
    client.post(f"{PLACE}take-back/", hidden(page.content.decode()))
    theirs = secret_of(mailoutbox[-1].body)
    assert opened(client, theirs).status_code == 404
    opened(client, asked.secret)
    fill_in(client, "check/", passed)
    theirs = new_link(asked.row, LinkPurpose.CONFIRM, "sam@recipient.example")
    assert "Kim has filled this in and would like you to check it" in text_of(opened(client, theirs))
    fill_in(client, "check/", {"name": "Sam"})
    assert (asked.row.state, asked.row.confirmed_by) == (DraftState.SUBMITTED, "Sam")


def test_the_question_of_staff_is_on_the_first_page_with_the_list_still_there(client):
    asked = ask()
    enter(asked)
    send(asked)
    approving.query(request=asked.row, question="Is <b>that</b> all?")
    page = opened(client, asked.secret)
    assert "Is &lt;b&gt;that&lt;/b&gt; all?" in page.content.decode()
    assert "Fen club" in text_of(page)
    fill_in(client, "check/", SEND)
    assert asked.row.state == DraftState.SUBMITTED


def test_of_a_grant_that_was_changed_since_two_sums_are_not_both_called_what_was_awarded(client):
    asked = ask()
    assert "We awarded £100" in text_of(opened(client, asked.secret))
    VariationFactory(allocation=asked.request.allocation, amount=Decimal("40.00"))
    page = text_of(client.get(PLACE))
    assert "Your grant as it is now £60" in page
    assert "We awarded £" not in page


def test_more_than_was_awarded_is_said_and_can_be_sent(client):
    asked = ask()
    opened(client, asked.secret)
    fill_in(client, "grants/new/", typed(amount="150") | {"then": "list"})
    assert "You are reporting £50 more than we awarded." in text_of(client.get(PLACE))
    assert fill_in(client, "check/", SEND).status_code == 303
    approve(asked)
    assert "£50 more than was allocated" in text_of(client.get(asked.request.allocation.get_absolute_url()))


def test_an_empty_list_says_that_nothing_was_awarded(client):
    asked = ask()
    opened(client, asked.secret)
    assert "you are telling us that you have made no grants from this money so far" in text_of(
        client.get(f"{PLACE}check/")
    )
    fill_in(client, "check/", SEND)
    assert approve(asked) == []
    assert asked.row.state == DraftState.APPROVED


def test_a_list_that_somebody_else_has_changed_since_it_was_shown_is_not_sent(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}check/").content.decode())
    enter(asked, "bbbb", title="Hats")
    another = {"who": "another", "name": "Kim", "confirm_name": "Sam", "confirm_email": "sam@recipient.example"}
    for sent in (SEND, another):
        answer = client.post(f"{PLACE}check/", form | sent)
        assert answer.status_code == 422
        assert "Somebody else has changed these answers since you opened this page. Nothing was sent." in text_of(
            answer
        )
        assert "Hats" in text_of(answer)
        assert asked.row.state == DraftState.STARTED
    assert client.post(f"{PLACE}check/", hidden(answer.content.decode()) | SEND).status_code == 303


# Files ----------------------------------------------------------------------------------------------------------------

HEAD = "reference,recipient,amount,awarded_on\n"


def test_a_file_is_added_to_the_list_also_what_has_to_be_corrected(client):
    asked = ask()
    opened(client, asked.secret)
    answer = upload(client, (HEAD + "a,Fen club,60.50,2031-05-20\nb,,lots,soon\nTotal,,60.50,\n").encode())
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (303, PLACE)
    page = text_of(client.get(answer["Location"]))
    assert "2 grants added from your file." in page
    assert "UTF-8" not in page, "which says nothing to a charity"
    assert [grant["reference"] for grant in asked.grants] == ["a", "b"]
    assert asked.grants[1]["amount"] == "lots"
    assert not OnwardGrant.objects.exists()


def test_a_file_in_an_old_encoding_asks_to_check_what_may_be_wrong_without_naming_it(client):
    opened(client, ask().secret)
    answer = upload(client, (HEAD + "a,Café,60.50,2031-05-20\n").encode("cp1252"))
    page = text_of(client.get(answer["Location"]))
    assert "Check accents and pound signs below." in page
    assert "Windows-1252" not in page


def test_a_360giving_file_is_read_without_the_names_of_people(client, settings):
    settings.GRANTS_PREFIX = "360G-moor"
    asked = ask()
    opened(client, asked.secret)
    grants = [
        {"id": "360G-fen-1", "amountAwarded": 60.5, "awardDate": "2031-05-20T00:00:00+00:00", "currency": "GBP",
         "recipientOrganization": [{"id": "GB-CHC-1", "name": "Fen club"}], "title": "Boots"},
        {"id": "360G-fen-2", "amountAwarded": 5, "awardDate": "2031-05-20", "currency": "EUR",
         "recipientIndividual": {"id": "360G-fen-IND-7", "name": "Robin Vale"}},
        {"id": "360G-fen-3", "relatedActivity": ["360G-moor-2222222222"]},
    ]  # fmt: skip
    answer = upload(client, json.dumps({"grants": grants}).encode(), "grants.json")
    page = text_of(client.get(answer["Location"]))
    assert "2 grants added from your file. 1 left out, because it names another grant of ours." in page
    assert [grant["recipient"] for grant in asked.grants] == ["Fen club", "An individual"]
    assert "“5 EUR” is in another currency" in page
    assert "Robin Vale" not in str(asked.row.answers)


def test_a_senders_own_column_called_allocation_is_not_read_and_the_page_says_so(client):
    asked = ask()
    opened(client, asked.secret)
    head = "reference,Awarded from,recipient,amount,awarded_on\n"
    rows = "a,Youth pot,Fen club,1,2031-05-20\nb,Health pot,Moor club,2,2031-05-20\n"
    page = text_of(client.get(upload(client, (head + rows).encode())["Location"]))
    assert "2 grants added from your file." in page
    assert "so it was not read" in page
    assert "another grant of ours" not in page
    assert [grant["recipient"] for grant in asked.grants] == ["Fen club", "Moor club"]


def test_a_column_that_names_our_grants_is_read_and_what_it_names_wrongly_is_refused(client):
    asked, other = ask(), RegrantingFactory().allocation
    opened(client, asked.secret)
    own = asked.request.allocation.public_id
    head = "reference,allocation,recipient,amount,awarded_on\n"
    rows = f"a,{own},Fen club,1,2031-05-20\nb,{other.public_id},Moor club,2,2031-05-20\n"
    page = text_of(client.get(upload(client, (head + rows).encode())["Location"]))
    assert "1 grant added from your file. 1 left out, because it names another grant of ours." in page
    for wrong in (f"{rows}c,Youth pot,Heath club,3,2031-05-20\n", "c,2222222222,Heath club,3,2031-05-20\n"):
        answer = upload(client, (head + wrong).encode())
        assert answer.status_code == 422
        assert "Correct it, or leave the cell empty." in text_of(answer)
    assert [grant["recipient"] for grant in asked.grants] == ["Fen club"]


def test_a_file_sent_twice_adds_nothing_and_a_corrected_one_replaces_only_when_asked(client):
    asked = ask()
    opened(client, asked.secret)
    first, second = (f"{HEAD}a,Fen club,{sum_},2031-05-20\n".encode() for sum_ in ("60.50", "70"))
    for content in (first, first):
        answer = upload(client, content)
    assert "Nothing was added from your file. 1 is in your list or published already." in text_of(
        client.get(answer["Location"])
    )
    upload(client, second)
    assert [grant["amount"] for grant in asked.grants] == ["60.50", "70"]
    said = "Grant 1 of this list has the same identifier. Each needs its own."
    assert said in text_of(client.get(PLACE))
    reporting.remove_grant(secret=asked.secret, key=asked.grants[1]["key"], before=asked.grants[1])
    answer = upload(client, second, replace="on")
    assert "1 replaced." in text_of(client.get(answer["Location"]))
    assert [grant["amount"] for grant in asked.grants] == ["70"]


def test_what_is_published_is_not_reported_again(client):
    made = OnwardGrantFactory(reference="360G-FEN-1", recipient_name="Fen club", title="")
    asked = ask(made.allocation)
    page = opened(client, asked.secret)
    assert "Already published" in text_of(page)
    same = f"360G-fen-1,Fen club,{made.amount},{made.awarded_on}\n"
    answer = upload(client, (HEAD + same).encode())
    assert "1 is in your list or published already" in text_of(client.get(answer["Location"]))
    enter(asked, reference="360g-fen-1", amount="1")
    assert "A grant with this identifier is already published" in text_of(client.get(PLACE))
    reverse(made)
    assert "This identifier was used for a grant that has since been taken back" in text_of(client.get(PLACE))
    assert sums() == [made.amount, -made.amount]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "grants.csv", "This file is empty."),
        (b"\x00\x01\x02", "grants.csv", "We cannot tell which characters this file contains."),
        (b"PK\x03\x04broken", "grants.xlsx", "This file is not an XLSX workbook that can be read."),
        (b"%PDF-1.7", "grants.pdf", "This is a PDF."),
        (b"{", "grants.json", "This file is not valid JSON"),
        (b'{"grants": [1]}', "grants.json", "This file is not a table."),
        (b"name,sum\nFen club,1\n", "grants.csv", "Missing columns: recipient, amount, awarded_on."),
        ((HEAD + "".join(f"{n},b,1,2\n" for n in range(501))).encode(), "grants.csv", "A list can have 500 grants"),
        ((HEAD + "a,b,1,2\n" * 2_501).encode(), "grants.csv", "A list can have 500 grants"),
        ((HEAD + "a,b,#REF!,2\n").encode(), "grants.csv", "Row 2, amount: The spreadsheet shows the error #REF!"),
        (b"x" * 1_000_001, "grants.csv", "This file is larger than 1 MB."),
    ],
    ids=["empty", "binary", "broken", "pdf", "json", "grants", "columns", "many", "rows", "error", "large"],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason_and_changes_nothing(client, content, name, said):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    answer = upload(client, content, name)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "There is a problem" in text_of(answer)
    assert len(asked.grants) == 1


def test_a_full_file_is_read_again_without_what_is_in_the_list(client):
    asked = ask()
    opened(client, asked.secret)
    rows = [f"{number},Fen club,1,2031-05-20\n" for number in range(500)]
    upload(client, (HEAD + "".join(rows[:300])).encode())
    answer = upload(client, (HEAD + "".join([*rows, rows[0]])).encode())
    assert "200 grants added from your file." in text_of(client.get(answer["Location"]))
    assert len(asked.grants) == 500


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file := BytesIO())
    return file.getvalue()


def test_a_workbook_is_read_and_what_was_left_out_of_it_is_said(client):
    asked = ask()
    opened(client, asked.secret)
    columns = ("reference", "recipient", "amount", "awarded_on")
    day = datetime(2031, 5, 20)  # noqa: DTZ001 - a spreadsheet has no time zones
    content = workbook(columns, (10023, "Fen club", 60.5, day), ("", "Total Sports CIC", 60.5, None))
    page = text_of(client.get(upload(client, content, "grants.xlsx")["Location"]))
    assert "1 grant added from your file." in page
    assert "Row 3 is a total and was ignored: “Total Sports CIC”" in page
    assert [(grant["reference"], grant["amount"]) for grant in asked.grants] == [("10023", "60.5")]
    wrong = workbook(columns, (1234567890123456, "Fen club", "#REF!", day), ("a", "Moor club", "=1+1", day))
    answer = text_of(upload(client, wrong, "grants.xlsx"))
    for said in ("Row 2, reference: A spreadsheet keeps only", "Row 2, amount: The spreadsheet shows the error #REF!"):
        assert said in answer
    assert "Row 3, amount: " in answer
    assert len(asked.grants) == 1


def test_a_text_that_is_too_long_is_not_cut_without_a_word(client):
    asked = ask()
    opened(client, asked.secret)
    answer = fill_in(client, "grants/new/", typed(description="x" * 2_001) | {"then": "another"})
    assert answer.status_code == 422
    assert "Shorten this to 2,000 characters." in text_of(answer)
    assert "Shorten this to 2,000 characters." in text_of(client.get(f"{PLACE}check/"))
    fill_in(client, f"grants/{asked.grants[0]['key']}/", typed(description="x" * 2_000) | {"then": "list"})
    assert "Needs correcting" not in text_of(client.get(PLACE))


def test_the_largest_file_that_the_page_takes_reaches_it(settings):
    found = re.search(
        r"^LARGEST_FORM = 2\*\*(\d+)", (settings.BASE_DIR / "vru_portal/server/rsgi.py").read_text(), re.MULTILINE
    )
    assert found
    assert 2 ** int(found[1]) > LARGEST_FILE + 10_000  # with the form's other fields


def test_without_a_file_the_form_says_so(client):
    asked = ask()
    opened(client, asked.secret)
    assert "Choose a file" in text_of(fill_in(client, "file/", {}))


def test_hostile_addresses_and_keys_are_refused(client):
    asked = ask()
    opened(client, asked.secret)
    form = hidden(client.get(f"{PLACE}grants/new/").content.decode())
    for key in ("x" * 17, "../../x", "é", "a b", "<script>"):
        assert client.post(f"{PLACE}grants/new/", form | {"key": key} | typed()).status_code == 404
    assert client.post(f"{PLACE}grants/{'x' * 17}/", form | typed()).status_code == 404
    page = client.get(f"{PLACE}?read=<script>")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    assert "your file" not in text_of(page)
    long = fill_in(client, "grants/new/", typed(title="x" * 90_000, recipient="a\x01b") | {"then": "list"})
    assert long.status_code == 303
    assert [len(grant["title"]) for grant in asked.grants] == [2001]


def test_a_list_can_be_full(client, monkeypatch):
    monkeypatch.setattr(reporting, "MAX_GRANTS", 1)
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    answer = fill_in(client, "grants/new/", typed(recipient="Moor club"))
    assert answer.status_code == 422
    assert 'value="Moor club"' in answer.content.decode()  # nothing typed is lost
    assert len(asked.grants) == 1


def test_every_form_works_without_scripts(client):
    asked = ask()
    enter(asked)
    opened(client, asked.secret)
    for address in ("", "grants/new/", "grants/aaaa/", "grants/aaaa/remove/", "file/", "check/"):
        html = client.get(f"{PLACE}{address}").content.decode()
        assert "javascript:" not in html
        assert " onclick" not in html
        for form in re.findall(r"<form method=\"post\".*?</form>", html, re.DOTALL):
            assert 'type="submit"' in form
            assert 'name="link_mark"' in form
