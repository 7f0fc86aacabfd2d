"""The pages behind the link: what visitors see, and that nothing they typed is lost."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from partners.models import LegalNotice, Unit
from programmes.results.choices import ReturnMailKind
from programmes.results.models import ApprovedFigure, Breakdown, Mail, Return, ReturnDraft, Token
from programmes.results.rules import approving, asking, reporting
from programmes.results.rules.answers import group_name, total_name
from programmes.results.rules.requests import RETURN_REQUESTS
from programmes.results.tasks import deliver
from tests.programmes.results.returns import approve, ask, count_people, new_link, publish, report
from tests.support.factories import InitiativeFactory, MeasureFactory, UserFactory
from vru_portal.links.answering import InvalidLink
from vru_portal.links.choices import DraftState, LinkPurpose
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


def opened(client, secret):
    """Follow the link of an email."""
    response = client.get(f"/results/return/{secret}/")
    assert (response.status_code, response["Location"]) == (303, "/results/return/")
    assert secret not in response["Location"]
    return client.get("/results/return/")


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def send(client, address, typed):
    """Fill in the form of a page and send it."""
    page = client.get(address)
    assert page.status_code == 200, address
    return client.post(address, hidden(page.content.decode()) | typed)


def secret_of(body: str) -> str:
    found = re.search(r"/results/return/([-\w]{43})/", body)
    assert found
    return found[1]


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


FIGURE = "/results/return/figures/walkers/"
SEND = {"who": "me", "name": "Robin Reporter"}


def test_from_the_email_to_a_published_figure_in_five_steps(client, mailoutbox):
    asked = ask(*count_people("Younger", "Older"))
    deliver.call(Mail.objects.get().pk)
    secret = secret_of(mailoutbox[0].body)
    assert not Token.objects.filter(sha256__contains=secret[:20]).exists()
    assert asked.draft.state == DraftState.SENT
    page = opened(client, secret)
    assert "Report your figures" in text(page)
    assert page["Cache-Control"] == "no-store"
    assert page["X-Robots-Tag"] == "noindex"
    steps = [send(client, FIGURE, asked.typed(20, 12, 8))]
    steps.append(send(client, "/results/return/words/", {"went_well": "Many came.", "spend": "£1,200.50"}))
    checked = client.get("/results/return/check/")
    assert "Many came." in text(checked)
    assert "£1,200.50" in text(checked)
    steps.append(send(client, "/results/return/check/", SEND))
    assert [(step.status_code, step["Location"]) for step in steps] == [
        (303, "/results/return/words/"), (303, "/results/return/check/"), (303, "/results/return/sent/"),
    ]  # fmt: skip
    assert "You have sent your figures" in text(client.get("/results/return/sent/"))
    assert not ApprovedFigure.objects.exists()
    approve(asked)
    assert ApprovedFigure.objects.get().count == 20
    assert "Your figures are published" in text(client.get("/results/return/"))


def test_opening_every_page_and_sending_empty_forms_writes_and_sends_nothing(client):
    asked = ask(*count_people())
    opened(client, asked.secret)
    before = list(ReturnDraft.objects.values())
    for address in ("", "words/", "check/", "sent/"):
        client.get(f"/results/return/{address}")
        client.head(f"/results/return/{address}")
        client.post(f"/results/return/{address}", {})
    client.post(f"/results/return/{asked.secret}/", {})
    assert list(ReturnDraft.objects.values()) == before


def test_going_to_the_list_saves_what_was_typed_even_if_it_is_wrong(client):
    asked = ask(*count_people("Younger", "Older"))
    opened(client, asked.secret)
    assert "Check and send" not in text(client.get("/results/return/"))
    answer = send(client, FIGURE, asked.typed("about 20", 3) | {"then": "list"})
    assert (answer.status_code, answer["Location"]) == (303, "/results/return/")
    assert "Needs correcting" in text(client.get("/results/return/"))
    assert 'value="about 20"' in client.get(FIGURE).content.decode()
    send(client, FIGURE, asked.typed(1250, 1000, 250) | {"then": "list"})
    assert 'href="/results/return/check/"' in client.get("/results/return/").content.decode()
    assert "1,250" in text(client.get("/results/return/check/"))


def test_what_is_wrong_is_said_beside_the_field_and_stays_as_typed(client):
    asked = ask(*count_people("Younger", "Older"))
    opened(client, asked.secret)
    answer = send(client, FIGURE, asked.typed("about 20", 3, "x < 4"))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "“about 20” is an estimate. If 20 were counted, enter 20." in text(answer)
    assert "“x &lt; 4” is not a number. Enter a whole number, such as 12." in text(answer)
    assert 'value="about 20"' in html
    assert 'value="x &lt; 4"' in html
    assert asked.draft.answers == asked.typed("about 20", 3, "x < 4")
    again = client.get(FIGURE)  # a day later: what was typed, and what is wrong with it
    assert "“about 20” is an estimate" in text(again)
    checked = client.get("/results/return/check/")
    assert "Correct these before you send your figures" in text(checked)
    assert "Send</button>" not in checked.content.decode()


def test_the_name_of_a_breakdown_is_shown_as_it_is_even_if_it_looks_like_a_template(client):
    measure, groups = count_people("Young", "Old")
    Breakdown.objects.update(name="Age {% now %} {{ form }}")
    asked = ask(measure, groups)
    opened(client, asked.secret)
    page = client.get(reverse("results:figure", args=[measure.slug]))
    assert "Of these, by age {% now %} {{ form }}" in html.unescape(page.text)


def test_two_windows_at_once_lose_nothing(client):
    asked = ask(*count_people())
    opened(client, asked.secret)
    name = total_name(asked.measure)
    first = hidden(client.get(FIGURE).content.decode())
    send(client, FIGURE, {name: "20"})
    second = client.post(FIGURE, first | {name: "30"})
    assert second.status_code == 409
    assert "Somebody else changed these answers" in text(second)
    assert "20" in text(second)
    assert 'value="30"' in second.content.decode()
    assert asked.draft.answers[name] == "20"
    third = client.post(FIGURE, hidden(second.content.decode()) | {name: "30"})
    assert third.status_code == 303
    assert asked.draft.answers[name] == "30"


def test_a_form_sent_twice_sends_once(client):
    asked = ask(*count_people())
    opened(client, asked.secret)
    send(client, FIGURE, asked.typed(20))
    form = hidden(client.get("/results/return/check/").content.decode()) | SEND
    answers = [client.post("/results/return/check/", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert "You have sent your figures" in text(answers[1])
    assert Mail.objects.filter(kind="received").count() == 1


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ("closed", "This return is closed"),
        ("cancelled", "These figures are no longer needed"),
        ("withdrawn", "The initiative or your organisation has been withdrawn"),
        ("organisation withdrawn", "The initiative or your organisation has been withdrawn"),
    ],
)
def test_a_form_that_comes_too_late_says_why_and_shows_what_was_typed(client, clock, what, title):
    asked = ask(*count_people())
    opened(client, asked.secret)
    form = hidden(client.get(FIGURE).content.decode()) | {total_name(asked.measure): "4711"}
    match what:
        case "closed":
            clock.move_to("2031-12-01 12:00Z", tick=False)
        case "cancelled":
            asking.cancel(row=asked.row)
        case "withdrawn":
            type(asked.row.initiative).objects.update(state=State.DRAFT)
        case "organisation withdrawn":
            type(asked.row.organisation).objects.update(state=State.DRAFT)
    answer = client.post(FIGURE, form)
    assert answer.status_code == 409
    assert title in text(answer)
    assert "4711" in text(answer)
    assert asked.draft.answers == {}
    assert client.get("/results/return/").status_code == 200


@pytest.mark.parametrize("what", ["closed", "withdrawn"])
def test_a_page_that_is_over_does_not_deny_what_was_published_before(client, clock, what):
    asked = ask(*count_people())
    publish(asked, 20)
    approving.ask_for_correction(row=Return.objects.get(), question="All?")
    opened(client, asked.secret)
    send(client, FIGURE, asked.typed(30))
    if what == "closed":
        clock.move_to("2031-12-01 12:00Z", tick=False)
    else:
        type(asked.row.initiative).objects.update(state=State.DRAFT)
    page = text(client.get("/results/return/"))
    assert {"closed": "What was published before has not changed.", "withdrawn": "stays on record."}[what] in page
    assert "None of it has been published" not in page
    assert "Nothing that you entered has been published" not in page


def test_a_form_of_another_organisation_is_not_saved_for_this_one(client):
    measure, groups = count_people()
    first, second = ask(measure, groups), ask(measure, groups)
    opened(client, first.secret)
    form = hidden(client.get(FIGURE).content.decode()) | {total_name(measure): "4711"}
    opened(client, second.secret)
    answer = client.post(FIGURE, form)
    assert answer.status_code == 409
    assert "You opened another link in this browser. Nothing was saved" in text(answer)
    assert second.row.organisation.name in text(answer)
    assert "Walkers 4711" in text(answer)
    assert [draft.answers for draft in ReturnDraft.objects.all()] == [{}, {}]


def test_what_was_typed_into_a_form_of_another_link_is_shown_with_the_names_of_its_boxes(client):
    measure, groups = count_people("Younger", "Older")
    first, second = ask(measure, groups), ask(measure, groups)
    opened(client, first.secret)
    form = hidden(client.get(FIGURE).content.decode()) | first.typed(20, 12, 8) | {"then": "list", "measure-x": "7"}
    opened(client, second.secret)
    answer = client.post(FIGURE, form)
    for shown in ("Walkers 20", "Walkers: Younger 12", "Walkers: Older 8"):
        assert shown in text(answer)
    assert answer.content.decode().count("<dt>") == 3  # which button was pressed is no text


@pytest.mark.parametrize("has_another_link", [False, True])
def test_what_is_counted_is_told_only_to_those_who_were_asked_for_it(client, has_another_link):
    measure, groups = count_people("Younger", "Older")
    measure.initiatives.add(InitiativeFactory(name="Day walks"))
    nights, others = MeasureFactory(name="Nights", slug="nights"), InitiativeFactory(name="Night walks")
    nights.initiatives.add(others)
    typed = {group_name(measure, groups[0]): "12", total_name(measure): "20", total_name(nights): "9"}
    if has_another_link:
        opened(client, ask(nights, initiative=others).secret)
    shown = text(client.post(FIGURE, typed | {"went_well": "Many came."}))
    for name in ("Walkers", "Younger"):
        assert name not in shown
    for said in ("A number 12", "A number 20", "What went well Many came."):
        assert said in shown
    assert ("Nights 9" in shown) is has_another_link


@pytest.mark.parametrize("secret", ["x" * 43, "x", "%00", "é"])
def test_a_link_that_does_not_work_says_what_to_do(client, secret):
    client.get(f"/results/return/{secret}/")
    for address in ("", "words/", "check/", "sent/", "figures/walkers/"):
        answer = client.get(f"/results/return/{address}")
        assert answer.status_code == 404
        assert "This link does not work" in text(answer)


def test_a_second_person_checks_and_sends(client, mailoutbox):
    asked = ask(*count_people())
    opened(client, asked.secret)
    send(client, FIGURE, asked.typed(20))
    passed = {"who": "another", "name": "Robin", "confirm_name": "Sam", "confirm_email": "sam@reporter.example"}
    incomplete = send(client, "/results/return/check/", passed | {"confirm_email": ""})
    assert "Enter their email address" in text(incomplete)
    send(client, "/results/return/check/", passed)
    assert "We have asked Sam to check the figures" in text(client.get("/results/return/"))
    deliver.call(Mail.objects.get(kind="confirm").pk)
    assert mailoutbox[-1].to == ["sam@reporter.example"]
    theirs = secret_of(mailoutbox[-1].body)
    assert "Robin has filled this in and would like you to check it" in text(opened(client, theirs))
    send(client, "/results/return/check/", {"name": "Sam"})
    assert asked.draft.confirmed_by == "Sam"


def test_what_was_passed_on_can_be_taken_back_and_the_other_link_then_opens_nothing(client):
    asked = ask(*count_people())
    opened(client, asked.secret)
    send(client, FIGURE, asked.typed(20))
    passed = {"who": "another", "name": "Robin", "confirm_name": "Sam", "confirm_email": "sam@reporter.example"}
    send(client, "/results/return/check/", passed)
    theirs = new_link(asked.row, LinkPurpose.CONFIRM)
    page = client.get("/results/return/sent/")
    client.post("/results/return/take-back/", hidden(page.content.decode()))
    assert "Report your figures" in text(client.get("/results/return/"))
    client.cookies.clear()
    assert opened(client, theirs).status_code == 404


def test_the_question_of_staff_is_on_the_first_page_with_the_answers_still_there(client):
    asked = ask(*count_people())
    report(asked, 20)
    approving.query(row=asked.row, question="Is <b>that</b> all?")
    page = opened(client, asked.secret)
    assert "Is &lt;b&gt;that&lt;/b&gt; all?" in page.content.decode()
    assert 'value="20"' in client.get(FIGURE).content.decode()


def test_a_measure_of_another_initiative_is_not_asked_for(client):
    asked = ask(*count_people())
    other = MeasureFactory(slug="others")
    other.initiatives.add(ask(asked.measure).row.initiative)
    opened(client, asked.secret)
    assert client.get("/results/return/figures/others/").status_code == 404
    assert client.get("/results/return/figures/nothing/").status_code == 404


def test_texts_of_staff_and_visitors_are_escaped(client):
    measure, groups = count_people()
    type(measure).objects.update(counts="Everybody <script>alert(1)</script>")
    asked = ask(measure, groups)
    opened(client, asked.secret)
    assert "<script>alert(1)" not in client.get(FIGURE).content.decode()
    send(client, FIGURE, asked.typed(20))
    send(client, "/results/return/words/", {"went_well": "<img src=x>"})
    assert "<img src=x>" not in client.get("/results/return/check/").content.decode()


def test_reporters_are_told_that_their_figures_are_published(client):
    asked = ask(*count_people())
    opened(client, asked.secret)
    send(client, FIGURE, asked.typed(20))
    send(client, "/results/return/check/", SEND)
    assert not Mail.objects.filter(kind="approved").exists()
    approving.approve(by=UserFactory(), row=asked.row)
    assert [*Mail.objects.filter(kind="approved").values_list("to", flat=True)] == [asked.draft.email]


def test_reporters_are_told_that_the_figures_are_no_longer_needed():
    counted = count_people()
    asked, unsent = ask(*counted), ask(*counted)
    ReturnDraft.objects.filter(pk=asked.draft.pk).update(
        sent_at=timezone.now(), confirm_name="Sam", confirm_email="sam@reporter.example"
    )
    for row in (asked.row, unsent.row):
        asking.cancel(row=row)
    told = Mail.objects.filter(kind="cancel").order_by("pk")
    assert [*told.values_list("to", flat=True)] == [asked.draft.email, "sam@reporter.example"]


def delivered(asked, kind, mailoutbox):
    """The first lines of the emails of a kind, by the address that they were sent to."""
    for mail in Mail.objects.filter(kind=kind).order_by("pk"):
        deliver.call(mail.pk)
    return {message.to[0]: message.body for message in mailoutbox}


def test_each_person_is_greeted_by_their_own_name(mailoutbox):
    asked = ask(*count_people())
    passed = {"contact_name": "Robin", "confirm_name": "Sam", "confirm_email": "sam@reporter.example"}
    ReturnDraft.objects.update(**passed, sent_at=timezone.now())
    report(asked, 20)
    received = delivered(asked, "received", mailoutbox)
    approve(asked)
    approved = delivered(asked, "approved", mailoutbox)
    for found in (received, approved):
        assert "Dear Robin," in found["robin@reporter.example"]
        assert "Dear Sam," in found["sam@reporter.example"]


def test_people_with_an_earlier_link_are_told_too(mailoutbox):
    asked = ask(*count_people())
    unsent = ask(asked.measure)
    deliver.call(Mail.objects.get(draft=asked.draft).pk)
    for one, email in ((asked, "Kim@reporter.example"), (unsent, "kim@reporter.example")):
        asking.send_again(row=one.row, email=email, contact_name="Kim")
    deliver.call(Mail.objects.get(draft=asked.draft, to="Kim@reporter.example").pk)
    report(asked, 20)
    report(unsent, 20)
    told = Mail.objects.filter(kind="received").order_by("pk")
    both = ["Kim@reporter.example", "robin@reporter.example"]
    assert [*told.values_list("to", flat=True)] == [*both, "kim@reporter.example"]
    mailoutbox.clear()
    found = delivered(asked, "received", mailoutbox)
    assert "Dear Kim," in found["Kim@reporter.example"]
    assert "Dear" not in found["robin@reporter.example"]


def test_the_emails_of_every_kind_can_be_written_and_their_links_open(client, mailoutbox):
    asked = ask(*count_people())
    draft = asked.draft
    kinds = {
        "request": "sent",
        "reminder": "sent",
        "query": "queried",
        "confirm": "passed_on",
        "received": "submitted",
        "approved": "approved",
        "cancel": "cancelled",
    }
    assert {*kinds} == {*ReturnMailKind.values}
    for kind, state in kinds.items():
        ReturnDraft.objects.update(
            state=state, confirm_email="robin@reporter.example", confirm_name="Sam", question="Why?"
        )
        mail = RETURN_REQUESTS.queue_mail(ReturnMailKind(kind), draft)
        deliver.call(mail.pk)
        assert Mail.objects.get(pk=mail.pk).delivery == "sent", Mail.objects.get(pk=mail.pk).error
        message = mailoutbox[-1]
        assert asked.row.initiative.name in message.subject
        assert Unit.objects.get().name in message.body
        assert ("/results/return/" in message.body) == (kind not in ("received", "approved", "cancel"))
        for written in (message.body, str(message.alternatives[0][0])):
            assert "{{" not in written
            assert "{%" not in written
    assert LegalNotice.current().controller in mailoutbox[0].body
    assert reverse("results:open", args=["x"]) == "/results/return/x/"


def test_a_link_says_for_a_year_that_the_return_is_closed_and_then_expires(client, clock):
    measure, _ = count_people()
    asked = ask(measure)
    opened(client, asked.secret)
    form = hidden(client.get(FIGURE).content.decode())
    closes_on = asked.draft.closes_on
    clock.move_to(f"{closes_on.replace(year=closes_on.year + 1) - timedelta(days=1)} 12:00Z", tick=False)
    assert client.get("/results/return/").status_code == 200
    clock.move_to(f"{closes_on.replace(year=closes_on.year + 1)} 12:00Z", tick=False)
    answers = [client.get("/results/return/"), client.get(FIGURE), client.post(FIGURE, form | asked.typed("20"))]
    answers.append(client.get(f"/results/return/{asked.secret}/", follow=True))
    for answer in answers:
        assert answer.status_code == 404
        assert "This link does not work" in text(answer)
    assert asked.draft.answers == {}
    with pytest.raises(InvalidLink):
        reporting.save_answers(secret=asked.secret, typed=asked.typed("20"), before={})
