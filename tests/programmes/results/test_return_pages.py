"""What staff see of returns, and type into their forms."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from programmes.results.models import Reporter, Return, ReturnDraft
from programmes.results.rules import approving
from programmes.results.tasks import deliver
from tests.programmes.results.returns import approve, ask, count_people, report
from tests.support.crawler import text_of
from tests.support.factories import InitiativeFactory, OrganisationFactory, UserFactory
from vru_portal.links import personal
from vru_portal.links.choices import DraftState
from vru_portal.models import HeadingMapping
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]
PLACE = "/admin/results/return/"


@pytest.fixture
def staff(client):
    client.force_login(user := UserFactory(is_superuser=True))
    return user


@pytest.mark.parametrize(
    "quarter", ["Apr to Jun 2031", "april\u2013june 2031", "2031-32 Q1", "1 April 2031", "2031-04-01"]
)
def test_a_quarter_is_typed_as_people_write_it(client, staff, quarter):
    count_people()
    made = {"initiative": InitiativeFactory().pk, "organisation": OrganisationFactory().pk}
    asked = made | {"quarter": quarter, "email": "robin@reporter.example", "contact_name": "Robin"}
    assert client.post(f"{PLACE}add/", asked).status_code == 302
    assert Return.objects.get().quarter == date(2031, 4, 1)
    every = made | {"email": "robin@reporter.example", "first_quarter": quarter, "last_quarter": "Jan to Mar 2032"}
    assert client.post("/admin/results/reporter/add/", every).status_code == 302
    row = Reporter.objects.get()
    assert row.last_quarter == date(2032, 1, 1)
    assert 'value="Jan to Mar 2032"' in client.get(f"/admin/results/reporter/{row.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("quarter", "said"),
    [
        ("Q5", "“Q5” is not a quarter. Enter it like Apr to Jun 2031, 2031-32 Q1 or 1 April 2031."),
        ("May to Jul 2031", "“May to Jul 2031” is not a quarter."),
        ("2 April 2031", "A quarter begins on 1 April, 1 July, 1 October or 1 January."),
        ("", "This field is required."),
    ],
)
def test_what_is_no_quarter_is_refused_with_what_to_type(client, staff, quarter, said):
    count_people()
    made = {"initiative": InitiativeFactory().pk, "organisation": OrganisationFactory().pk}
    answer = client.post(f"{PLACE}add/", made | {"quarter": quarter, "email": "robin@reporter.example"})
    assert said in text_of(answer)
    assert f'value="{quarter}"' in answer.content.decode() or not quarter


def test_staff_read_the_answers_first_and_what_will_be_suppressed(client, staff):
    asked = ask(*count_people("Younger", "Older", "Not known"))
    report(asked, 30, 3, 20, 7)
    page = text_of(client.get(f"{PLACE}{asked.row.pk}/change/"))
    said = "30 people. Of these: Younger: 3 (will be suppressed); Older: 20 (will be suppressed); Not known: 7 (will"
    assert said in page
    assert page.index("Answers") < page.index("Who reports")
    assert said in text_of(client.get(f"{PLACE}{asked.row.pk}/approve/"))
    report_small = ask(asked.measure, asked.groups)
    report(report_small, 4, 3, 1, 0)
    assert "4 people (will be suppressed)" in text_of(client.get(f"{PLACE}{report_small.row.pk}/change/"))


def test_the_published_figures_are_linked_and_of_what_was_erased_staff_read_the_day(client, staff):
    asked = ask(*count_people())
    address = f"{PLACE}{asked.row.pk}/change/"
    page = text_of(client.get(address))
    assert "Personal data erased: -" in page
    assert "Nothing has been entered." in page
    report(asked, 20)
    version = approve(asked)
    page = client.get(address)
    assert f'href="{asked.row.initiative.get_absolute_url()}#results"' in page.content.decode()
    assert f'href="/admin/results/approvedreturn/{version.pk}/change/"' in page.content.decode()
    assert "Version 1 10 July 2031" in text_of(page)
    personal.erase_early(asked.draft)
    page = text_of(client.get(address))
    assert "Personal data erased: 10 July 2031, 12:00" in page
    assert "Any answers were erased with the personal data on 10 July 2031. Nothing is held now." in page
    type(asked.row.initiative).objects.update(state=State.DRAFT)
    assert "#results" not in client.get(address).content.decode()


def test_why_figures_are_corrected_is_asked_only_when_some_are_published(client, staff):
    asked = ask(*count_people())
    report(asked, 20)
    address = f"{PLACE}{asked.row.pk}/approve/"
    assert "Why they are corrected" not in text_of(client.get(address))
    assert client.post(address, {"seen": asked.draft.fingerprint}).status_code == 302
    approving.ask_for_correction(row=asked.row, question="Really?")
    report(asked, 21)
    assert "Why they are corrected" in text_of(client.get(address))
    sent = {"seen": asked.draft.fingerprint}
    assert "Say why the figures are corrected." in text_of(client.post(address, sent))
    assert client.post(address, sent | {"correction": "One was missed."}).status_code == 302


def test_figures_that_are_others_than_those_that_were_read_are_not_approved(client, staff):
    asked = ask(*count_people())
    report(asked, 20)
    address = f"{PLACE}{asked.row.pk}/approve/"
    read = client.get(address).context["form"]["seen"].value()
    approving.query(row=asked.row, question="All?")
    report(asked, 21)
    answer = client.post(address, {"seen": read})
    assert "These answers have changed since you opened this page." in text_of(answer)
    assert "21 people" in text_of(answer)
    assert asked.draft.state == "submitted"
    assert client.post(address, {"seen": answer.context["form"]["seen"].value()}).status_code == 302


def test_the_state_is_the_second_column_of_the_list(client, staff):
    asked = ask(*count_people())
    approved = ask(asked.measure)
    report(approved, 20)
    approve(approved)
    html = client.get(PLACE).content.decode()
    assert html.index("column-initiative") < html.index("column-state_name") < html.index("column-organisation")


def test_an_email_that_goes_out_late_names_no_day_in_the_past_to_send_it_by(clock, mailoutbox):
    asked = ask(*count_people())
    clock.move_to("2031-09-01 12:00Z", tick=False)
    deliver.call(asked.draft.mails.get().pk)
    body = " ".join(mailoutbox[0].body.split())
    assert "They were due by" in body
    assert "Please send them by" not in body


def test_an_editor_says_what_the_headings_of_a_file_mean_but_not_of_payments(client, editor):
    count_people()
    client.force_login(editor)
    file = SimpleUploadedFile("figures.csv", b"Scheme name,Who,When,Heads\na,b,c,1\n")
    tried = client.post(f"{PLACE}import/", {"import_file": file, "format": ""})
    assert "Say what the headings mean" in text_of(tried)
    asked = {**tried.context["headings_form"].initial, "name": "Form 7"}
    columns = {"Scheme name": "initiative", "Who": "organisation", "When": "quarter", "Heads": "Walkers"}
    sent = asked | {"columns-heading": [*columns], "columns-column": [*columns.values()]}
    sent.pop("columns")
    again = client.post(f"{PLACE}import/", sent)
    assert "Headings were read as saved for Form 7." in text_of(again)
    theirs = HeadingMapping.objects.create(kind="payments", name="Bank", columns={"Doc": "reference"})
    page = f"/admin/vru_portal/headingmapping/{theirs.pk}"
    assert "Doc: reference" in text_of(client.get(f"{page}/change/"))
    assert client.post(f"{page}/change/", sent).status_code == 403
    assert client.get(f"{page}/delete/").status_code == 403


@pytest.mark.parametrize("what", ["initiative", "organisation"])
def test_a_return_that_was_withdrawn_waits_for_nobody(client, staff, clock, what):
    measure, _ = count_people()
    submitted, late, refused = ask(measure), ask(measure), ask(measure)
    report(submitted, 20)
    ReturnDraft.objects.filter(return_of_figures=late.row).update(state=DraftState.SENT)
    ReturnDraft.objects.filter(return_of_figures=refused.row).update(state=DraftState.REFUSED)
    clock.move_to("2031-08-20 12:00Z", tick=False)
    client.force_login(staff)
    headings = ("Figures to check", "Figures that are late", "Requests for figures that the mail server refused")
    start = text_of(client.get("/admin/"))
    assert [heading for heading in headings if heading in start] == [*headings]
    type(getattr(submitted.row, what)).objects.update(state=State.DRAFT)
    start = text_of(client.get("/admin/"))
    assert [heading for heading in headings if heading in start] == []
    for state, count in (("submitted", 0), ("late", 0), ("refused", 0), ("withdrawn", 3)):
        shown = client.get(f"{PLACE}?state={state}")
        assert shown.context["cl"].result_count == count, state
    assert text_of(shown).count("No longer asked for") > 3  # each row, and the filter
    for name in ("approve", "query"):
        assert "Publish it first." in text_of(client.get(f"{PLACE}{submitted.row.pk}/{name}/")), name
    client.post(f"{PLACE}{late.row.pk}/cancel/", {"confirmed": "on"})
    assert late.draft.state == DraftState.CANCELLED


def test_published_figures_are_corrected_and_not_cancelled(client, staff):
    asked = ask(count_people()[0])
    report(asked, 20)
    approve(asked)
    approving.ask_for_correction(row=asked.row, question="All?")
    page = text_of(client.get(f"{PLACE}{asked.row.pk}/cancel/"))
    assert "These figures are published. Correct them instead." in page
    assert "Publish it first." not in page
    assert f"{PLACE}{asked.row.pk}/cancel/" not in client.get(f"{PLACE}{asked.row.pk}/change/").content.decode()
