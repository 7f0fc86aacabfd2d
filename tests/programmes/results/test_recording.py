"""What a file of figures records beside what people type, and who may approve it."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from programmes.results.models import ApprovedReturn, Return, ReturnDraft
from programmes.results.rules import approving, asking, reporting
from tests.programmes.results.files import as_csv, run
from tests.programmes.results.returns import ask, new_link, publish, report
from tests.support.crawler import text_of
from tests.support.factories import (
    ApprovedReturnFactory,
    FigureFactory,
    InitiativeFactory,
    MeasureFactory,
    ReporterFactory,
    ReturnFactory,
    UserFactory,
)
from vru_portal.links.choices import DraftState
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


@pytest.fixture
def asked(row, walkers):
    """The return that the rows are about; its organisation was asked for it by email."""
    return ask(*walkers, initiative=row.initiative, organisation=row.organisation)


def state_of(asked):
    return asked.draft.state


# What is published, and what is open for correction -------------------------------------------------------------------


def test_a_correction_that_only_removes_something_is_recorded(row, asked, editor):
    run(as_csv([row()]), editor)
    approving.approve(by=UserFactory(), row=asked.row)
    fewer = as_csv([row(Walks="", spend="")])
    (said,) = run(fewer, editor).problems
    assert said.startswith("Row 2: Other figures of this quarter are published. Ask for a correction")
    approving.ask_for_correction(row=asked.row, question="Were there any walks?")
    assert run(fewer, editor).summary == "1 return of figures"
    again = approving.approve(by=UserFactory(), row=asked.row, correction="Nobody walked.")
    assert (again.figures.filter(measure__slug="walks").count(), again.spend) == (0, None)


def test_a_file_that_confirms_the_published_figures_answers_the_question(row, asked, editor):
    run(as_csv([row()]), editor)
    approving.approve(by=UserFactory(), row=asked.row)
    approving.ask_for_correction(row=asked.row, question="Really?")
    assert run(as_csv([row()]), editor).summary == "1 return of figures"
    assert state_of(asked) == DraftState.SUBMITTED


def test_figures_that_were_published_without_a_return_are_not_corrected_on_its_page(row, walkers, editor):
    published = ApprovedReturnFactory(initiative=row.initiative, organisation=row.organisation)
    FigureFactory(approved=published, measure=walkers[0], count=7)
    (said,) = run(as_csv([row()]), editor).problems
    assert said == (
        "Row 2: Other figures of this quarter are published, and nobody was asked for them here. Ask the organisation "
        "for this quarter first, and then send the corrected figures."
    )
    ask(walkers[0], initiative=row.initiative, organisation=row.organisation)
    assert run(as_csv([row()]), editor).problems == []


# What somebody has typed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("published", [False, True])
def test_what_was_typed_after_a_question_is_not_overwritten(row, asked, editor, published):
    publish(asked, 20, 12, 8) if published else report(asked, 20, 12, 8)
    put = approving.ask_for_correction if published else approving.query
    put(row=asked.row, question="Is that all?")
    before = asked.draft.answers
    reporting.save_answers(secret=asked.secret, typed=asked.typed(21, 13, 8), before=asked.typed(20, 12, 8))
    (said,) = run(as_csv([row()]), editor).problems
    assert said.startswith("Row 2: Somebody has begun to fill in this return, with other answers.")
    assert asked.draft.answers == before | asked.typed(21, 13, 8)


def test_answers_that_nobody_has_changed_since_the_question_are_replaced(row, asked, editor):
    report(asked, 20, 12, 8)
    approving.query(row=asked.row, question="Is that all?")
    reporting.save_answers(secret=asked.secret, typed=asked.typed("20 ", 12, 8), before=asked.typed(20, 12, 8))
    assert run(as_csv([row()]), editor).problems == []
    assert (state_of(asked), asked.draft.question) == (DraftState.SUBMITTED, "Is that all?")


# Who approves ---------------------------------------------------------------------------------------------------------


def test_nobody_approves_figures_of_their_own_file(row, asked, editor, client):
    report(asked, 20, 12, 8)
    approving.query(row=asked.row, question="Is that all?")
    run(as_csv([row()]), editor)
    assert (asked.draft.recorded_by, asked.draft.prepared_by) == (editor, "")
    with pytest.raises(ValidationError, match=r"You recorded these figures from a file\. Somebody else has to approve"):
        approving.approve(by=editor, row=asked.row)
    boss = UserFactory(is_superuser=True)
    client.force_login(boss)
    page = re.sub(r"\s+", " ", client.get(f"/admin/results/return/{asked.row.pk}/change/").text)
    assert re.search(rf"Filled in by</td> ?<td[^>]*>{editor}, from a file<", page)
    approving.approve(by=boss, row=asked.row)


def test_the_database_refuses_such_an_approval_too(row, asked, editor):
    run(as_csv([row()]), editor)
    same = {name: getattr(asked.row, name) for name in ("initiative", "organisation", "quarter")}
    alone = ApprovedReturn(**same, return_of_figures=asked.row, recorded_by=editor)
    with pytest.raises(IntegrityError, match="Somebody else has to approve"), transaction.atomic():
        alone.save()


def test_the_person_who_recorded_a_file_may_approve_later_answers_through_the_link(row, asked, editor):
    run(as_csv([row()]), editor)
    approving.query(row=asked.row, question="Is that all?")
    reporting.submit(secret=new_link(asked.row), name="Robin")
    assert (asked.draft.recorded_by, asked.draft.prepared_by) == (None, "Robin")
    approving.approve(by=editor, row=asked.row)


@pytest.mark.parametrize("action", ["query", "correct"])
def test_no_email_is_promised_for_a_return_without_an_address(row, editor, client, action):
    run(as_csv([row()]), editor)
    kept = Return.objects.get()
    if action == "correct":
        approving.approve(by=UserFactory(), row=kept)
    client.force_login(UserFactory(is_superuser=True))
    address = f"/admin/results/return/{kept.pk}/{action}/"
    page = text_of(client.get(address))
    assert "This return has no email address, so no email is sent." in page
    assert "email them" not in page
    assert "get it by email" not in page
    ReturnDraft.objects.update(email="robin@reporter.example")
    page = text_of(client.get(address))
    assert "We email them" in page
    assert "They get it by email." in page


# Which returns are refused, and which are noted -----------------------------------------------------------------------


def test_a_return_whose_people_were_never_recorded_takes_figures(row, editor):
    kept = ReturnFactory(initiative=row.initiative, organisation=row.organisation)
    result = run(as_csv([row()]), editor)
    assert (result.problems, [one.instance for one in result.new]) == ([], [kept])
    assert kept.draft.state == DraftState.SUBMITTED


def test_a_cancelled_return_whose_people_were_never_recorded_stays_cancelled(row, editor):
    ReturnFactory(initiative=row.initiative, organisation=row.organisation, cancelled_at="2031-07-10T12:00Z")
    (said,) = run(as_csv([row()]), editor).problems
    assert said == "Row 2: This return is cancelled, so nothing can be recorded for it."


def test_an_initiative_that_was_withdrawn_takes_no_figures(row, asked, editor):
    type(row.initiative).objects.update(state=State.DRAFT)
    (said,) = run(as_csv([row()]), editor).problems
    assert said == "Row 2, initiative: This initiative is not published. Publish it first."
    assert asked.draft.answers == {}


def test_a_row_about_an_organisation_that_nobody_asked_is_noted(row, walkers, editor):
    known, asked_once = (InitiativeFactory(name=name) for name in ("Day walks", "Dawn walks"))
    ReporterFactory(initiative=known, organisation=row.organisation)
    ask(walkers[0], initiative=asked_once, organisation=row.organisation)
    result = run(as_csv([row(), row(initiative="Day walks"), row(initiative="Dawn walks")]), editor, dry_run=True)
    assert result.notes == [
        "Row 2: Nobody was asked for these figures, and O'Neill Trust does not report them every quarter. Check that "
        "the row names the right organisation."
    ]


# Locks and progress ---------------------------------------------------------------------------------------------------


def tables_locked(change):
    """The tables whose rows a change locks, in this order, without those that it locks again."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        change()
    found = []
    for query in queries:
        locked = re.match(r'UPDATE "(\w+)"', query["sql"]) or (
            re.search(r'FROM "(\w+)"', query["sql"]) if "FOR UPDATE" in query["sql"] else None
        )
        if locked and locked[1] in ("results_return", "results_returndraft"):
            found.append(locked[1])
    return list(dict.fromkeys(found))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("change", ["send", "file", "extend", "cancel", "action"])
def test_the_draft_is_locked_before_its_return(row, asked, editor, client, change):
    report(asked, 20, 12, 8)
    approving.query(row=asked.row, question="Is that all?")
    Return.objects.update(reported_at=None)
    client.force_login(UserFactory(is_superuser=True))
    changes = {
        "send": lambda: reporting.submit(secret=asked.secret, name="Robin"),
        "file": lambda: run(as_csv([row()]), editor),
        "extend": lambda: asking.extend(row=asked.row, closes_on=asked.row.closes_on),
        "cancel": lambda: asking.cancel(row=asked.row),
        "action": lambda: client.post(f"/admin/results/return/{asked.row.pk}/cancel/", {"confirmed": "on"}),
    }
    assert tables_locked(changes[change]) == ["results_returndraft", "results_return"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_the_drafts_of_a_file_are_locked_at_once_in_the_order_of_their_keys(row, walkers, editor):
    names = ["Day walks", "Dawn walks"]
    for name in names:
        ask(walkers[0], initiative=InitiativeFactory(name=name), organisation=row.organisation)
    with CaptureQueriesContext(connection) as queries:
        assert run(as_csv([row(initiative=name) for name in reversed(names)]), editor).problems == []
    first = next(query["sql"] for query in queries if "FOR UPDATE" in query["sql"])
    assert re.match(r'SELECT "results_returndraft"."id" .* ORDER BY (1|"results_returndraft"."id") ASC', first)
    assert " IN " in first


def test_a_long_file_tells_its_progress_and_reads_what_all_rows_share_once(row, walkers, editor):
    names = [f"Walks {number}" for number in range(4)]
    for name in names:
        InitiativeFactory(name=name)
    content = as_csv([row(initiative=name) for name in names])
    done = []
    with CaptureQueriesContext(connection) as queries:
        run(content, editor, on_row_done=lambda: done.append(1))
    assert len(done) == len(names)
    tables = [re.match(r'SELECT .*? FROM "(\w+)"', query["sql"]) for query in queries]
    read = [found[1] for found in tables if found]
    assert read.count("results_reportingrules") == 1
    assert read.count("results_breakdown") <= 2 + len(names)


# Headings and quarters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quarter",
    ["Q1 0000-01", "0000-01 Q1", "9999-00 Q4", "April to June 0000", "Oct-Dec 9999", "1899-00 Q1", "2200-01 Q1"],
)
def test_a_year_that_no_quarter_can_be_in_is_refused(row, editor, quarter):
    (said,) = run(as_csv([row(quarter=quarter)]), editor).problems
    assert said.startswith(f"Row 2, quarter: “{quarter}” is not a quarter. ")


def test_whatever_goes_wrong_before_the_rows_is_a_problem_of_the_file(row, editor, monkeypatch):
    def fail(**_):
        raise RuntimeError("Nobody expects this.")

    monkeypatch.setattr("programmes.results.resources.record_answers", fail)
    assert run(as_csv([row(), row(quarter="2030-31 Q4")]), editor).problems == ["Nobody expects this."]


def test_groups_that_differ_in_a_sign_have_columns_of_their_own(row, walkers, editor):
    ages = walkers[1]
    for group, name in zip(ages, ("<18", "18+"), strict=True):
        type(group).objects.filter(pk=group.pk).update(name=name)
    sent = row()
    del sent["Walkers (Age: Under 18)"], sent["Walkers (Age: 18 and over)"]
    result = run(as_csv([sent | {"walkers (age: < 18)": "50", "WALKERS Age: 18 +": "1200"}]), editor)
    assert result.problems == []
    assert [asked.draft.answers[f"measure-{walkers[0].pk}-group-{ages[0].pk}"] for asked in Return.objects.all()] == [
        "50"
    ]


@pytest.mark.parametrize("fields", [{"name": "Quarter:"}, {"slug": "organisation"}])
def test_a_measure_cannot_have_the_name_of_a_column_that_every_file_needs(fields):
    measure = MeasureFactory.build(**fields)
    with pytest.raises(ValidationError) as refused:
        measure.full_clean()
    assert list(refused.value.message_dict) == list(fields)
    assert "column of files of figures" in str(refused.value)
