"""Files of measures, and of figures from organisations: what they record, what they refuse, and by which routes."""

import io

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from programmes.results.models import Measure, Return, ReturnDraft
from programmes.results.quarters import parse_quarter
from programmes.results.resources import MeasureResource
from programmes.results.rules import approving, asking
from tests.programmes.results.files import as_csv, as_xlsx, run
from tests.programmes.results.returns import ask, publish, report
from tests.support.crawler import text_of
from tests.support.factories import (
    AreaFactory,
    InitiativeFactory,
    OrganisationFactory,
    PopulationFactory,
    UserFactory,
)
from tests.support.spreadsheets import as_ods, through_uk_excel
from vru_portal.links.choices import DraftState
from vru_portal.models import HeadingMapping
from vru_portal.tabular.readers import ODS, XLSX

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]
IMPORT = "/admin/results/return/import/"


def test_a_row_is_recorded_as_if_it_had_been_sent_and_is_published_once_it_is_approved(row, editor, client):
    result = run(as_csv([row()]), editor)
    assert (result.problems, result.summary) == ([], "1 return of figures")
    asked = Return.objects.get()
    assert (asked.draft.state, asked.asked_by, asked.draft.email) == (DraftState.SUBMITTED, editor, "")
    assert "1,250" not in client.get("/initiatives/night-walks/").text
    approved = approving.approve(by=UserFactory(), row=asked)
    found = {str(figure.measure): figure.count for figure in approved.figures.all()}
    assert found == {"Walkers": 1250, "Walks": 31}
    parts = approved.figures.get(measure__slug="walkers").parts
    assert list(parts.values_list("group__name", "count")) == [("Under 18", 50), ("18 and over", 1200)]
    assert (str(approved.spend), approved.went_well) == ("900.50", "Many walked.")


def test_a_trial_records_nothing_and_shows_what_was_understood(row, editor):
    result = run(as_csv([row(quarter="1/4/2031")]), editor, dry_run=True)
    (new,) = result.new
    assert new.cells[:3] == ("Night walks", "O'Neill Trust", "April to June 2031")
    assert not Return.objects.exists()


def test_it_is_for_the_return_that_was_asked_for(row, walkers, editor):
    asked = ask(walkers[0], initiative=row.initiative, organisation=row.organisation)
    assert run(as_csv([row()]), editor).problems == []
    assert Return.objects.get() == asked.row
    assert asked.draft.state == DraftState.SUBMITTED
    assert sorted(asked.draft.mails.values_list("kind", flat=True)) == ["received", "request"]


def test_the_same_file_again_changes_nothing_before_and_after_approval(row, editor):
    content = as_csv([row()])
    run(content, editor)
    assert (run(content, editor).unchanged, Return.objects.count()) == (1, 1)
    approving.approve(by=UserFactory(), row=Return.objects.get())
    again = run(content, editor)
    assert (again.problems, again.unchanged) == ([], 1)
    (said,) = run(as_csv([row(Walks="32")]), editor).problems
    assert said == "Row 2: Other figures of this quarter are published. Ask for a correction on the page of the return."


def test_a_correction_that_was_asked_for_can_come_in_a_file(row, editor):
    run(as_csv([row()]), editor)
    asked = Return.objects.get()
    approving.approve(by=UserFactory(), row=asked)
    approving.ask_for_correction(row=asked, question="Really?")
    assert run(as_csv([row(Walks="32")]), editor).problems == []
    again = approving.approve(by=UserFactory(), row=Return.objects.get(), correction="Counted twice.")
    assert (again.number, again.figures.get(measure__slug="walks").count) == (2, 32)


def start(asked):
    ReturnDraft.objects.filter(return_of_figures=asked.row).update(answers={"spend": "7"})


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (lambda asked: report(asked, 20, 10, 10), "Other answers of this return are waiting to be checked"),
        (start, "Somebody has begun"),
        (lambda asked: asking.cancel(row=asked.row), "This return is cancelled"),
        (lambda asked: publish(asked, 20, 10, 10), "Other figures of this quarter are published"),
    ],
)
def test_what_somebody_else_has_entered_is_never_overwritten(row, walkers, editor, reach, said):
    asked = ask(*walkers, initiative=row.initiative, organisation=row.organisation)
    reach(asked)
    before = asked.draft.answers
    (problem,) = run(as_csv([row()]), editor).problems
    assert problem.startswith(f"Row 2: {said}")
    assert asked.draft.answers == before


def test_a_return_that_has_closed_is_extended_first(row, walkers, editor, clock):
    ask(walkers[0], initiative=row.initiative, organisation=row.organisation)
    clock.move_to("2032-05-06")
    (problem,) = run(as_csv([row()]), editor).problems
    assert problem == "Row 2: This return is closed. Extend it first."


WRONG = {
    "everything": (
        {"initiative": "nothing", "organisation": "nobody", "quarter": "spring", "Walkers": "many", "spend": "12,5"},
        ["Walkers", "initiative", "organisation", "quarter", "spend"],
    ),
    "numbers": ({"Walkers": "-3", "Walks": "3.5", "spend": "-1"}, ["Walkers", "Walks", "spend"]),
    "a group is missing": ({"Walkers (Age: Under 18)": ""}, ["Walkers (Age: Under 18)"]),
    "groups of another total": ({"Walkers": "1251"}, ["Walkers (Age: Under 18)"]),
    "empty cells": ({"initiative": "", "quarter": "", "Walkers": "#N/A"}, ["Walkers", "initiative", "quarter"]),
    "no quarter's first day": ({"quarter": "2/4/2031", "Walks": "x"}, ["Walks", "quarter"]),
    "a quarter to come": ({"quarter": "2031-32 Q2"}, ["quarter"]),
    "a long sentence": ({"went_well": "w" * 501, "Walks": "1.250"}, ["Walks", "went_well"]),
    "a draft": ({"organisation": "Hidden"}, ["organisation"]),
}


@pytest.mark.parametrize(("cells", "columns"), WRONG.values(), ids=WRONG)
def test_all_that_is_wrong_with_a_row_is_told_at_once(row, editor, cells, columns):
    OrganisationFactory(name="Hidden", state="draft")
    result = run(as_csv([row(**cells)]), editor)
    found = {name for name in row() if any(problem.startswith(f"Row 2, {name}: ") for problem in result.problems)}
    assert (sorted(found), len(result.problems)) == (columns, len(columns))
    assert not Return.objects.exists()


def test_more_people_than_live_in_the_area_are_refused(row, editor):
    area = AreaFactory()
    row.initiative.areas.add(area)
    PopulationFactory(area=area, people=1249)
    (problem,) = run(as_csv([row()]), editor).problems
    assert problem.startswith("Row 2, Walkers: 1,250 is more than the 1,249 people who live in the area")


def test_a_number_that_the_initiative_does_not_report_is_refused(row, editor):
    Measure.objects.get(slug="walks").initiatives.add(InitiativeFactory())
    (problem,) = run(as_csv([row()]), editor).problems
    assert problem == "Row 2, Walks: Night walks does not report this. Leave the cell empty."


def test_two_rows_about_the_same_return_are_refused_and_nothing_of_the_file_is_recorded(row, editor):
    result = run(as_csv([row(), row(Walks="5")]), editor)
    assert result.problems == ["Row 3: Row 2 is about the same initiative, organisation and quarter."]
    assert not Return.objects.exists()


def test_headings_totals_and_empty_rows_are_read_as_people_write_them(row, editor):
    names = {"initiative": "Project", "organisation": "Reported by", "quarter": "Reporting period", "Walks": "WALKS"}
    named = {names.get(name, name): cell for name, cell in row(quarter="Apr - Jun 2031").items()}
    total = dict.fromkeys(named, "") | {"Project": "Total", "Walkers": "1250"}
    result = run(as_csv([named, dict.fromkeys(named, ""), total], ";"), editor)
    assert result.problems == []
    assert "Row 4 is a total and was ignored: “Total”, 1250." in result.reading
    assert len(result.new) == 1


@pytest.mark.parametrize(("form", "write"), [(XLSX, as_xlsx), (ODS, as_ods)])
def test_spreadsheets_are_read(row, editor, form, write):
    cells = row(Walks=31, Walkers=1250.0, spend=900.5)
    assert run(write([cells]), editor, form).problems == []
    figures = approving.approve(by=UserFactory(), row=Return.objects.get()).figures
    assert list(figures.order_by("pk").values_list("count", flat=True)) == [1250, 31]


def test_the_workbook_of_a_year_comes_back_without_a_change(row, editor, client):
    few = InitiativeFactory(name="Day walks", slug="day-walks")
    small = {"Walkers": "3", "Walkers (Age: Under 18)": "1", "Walkers (Age: 18 and over)": "2"}
    run(as_csv([row(), row(initiative=few.slug, **small)]), editor)
    for asked in Return.objects.all():
        approving.approve(by=UserFactory(), row=asked)
    content = client.get("/results/2031-32/returns.xlsx").getvalue()
    result = run(content, editor, XLSX)
    assert (result.problems, result.unchanged) == ([], 2)


def test_what_uk_excel_has_saved_is_the_same_file(row, editor):
    content = as_csv([row(quarter="2031-04-01"), row(initiative=InitiativeFactory(name="1-2").name)])
    assert run(content, editor).problems == []
    again = run(through_uk_excel(content), editor)
    assert (again.problems, again.unchanged) == ([], 2)


def test_the_headings_of_another_system_are_mapped_once(row, editor):
    named = {f"{name} (form 7)": cell for name, cell in row().items()}
    content = as_csv([named])
    result = run(content, editor)
    assert list(result.unclear.columns) == list(named)
    columns = {f"{name} (form 7)": name for name in row()}
    HeadingMapping.objects.create(kind="returns of figures", name="Form 7", columns=columns)
    mapped = run(content, editor)
    assert (mapped.problems, len(mapped.new)) == ([], 1)
    assert "Headings were read as saved for Form 7." in mapped.reading


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("2031-32 Q1", "2031-32-q1"),
        ("2031-32-q4", "2031-32-q4"),
        ("2031/32 Q2", "2031-32-q2"),
        ("2031-2032 quarter 3", "2031-32-q3"),
        ("Q1 2031-32", "2031-32-q1"),
        ("Q4 of 2031/32", "2031-32-q4"),
        ("April to June 2031", "2031-32-q1"),
        ("Jan\N{EN DASH}Mar 2032", "2031-32-q4"),
        ("jul-sep  2031", "2031-32-q2"),
        ("1st quarter of 2031/32", "2031-32-q1"),
        ("Fourth quarter 2031-32", "2031-32-q4"),
        ("Qtr 2, FY 2031/32", "2031-32-q2"),
        ("April to July 2031", None),
        ("2031-33 Q1", None),
        ("Q5 2031-32", None),
        ("2031", None),
    ],
)
def test_quarters_are_read_as_people_write_them(text, slug):
    quarter = parse_quarter(text)
    assert (quarter and quarter.slug) == slug


def test_the_page_checks_a_file_and_then_records_it(row, editor, client):
    client.force_login(editor)
    page = client.get(IMPORT)
    assert "Walkers (Age: Under 18)" in page.text
    headings = client.get(f"{IMPORT}empty.csv").getvalue().decode("utf-8-sig")
    assert headings.startswith('"initiative","organisation","quarter","Walkers","Walkers (Age: Under 18)"')
    sent = {"import_file": SimpleUploadedFile("returns.csv", as_csv([row()])), "format": ""}
    checked = client.post(IMPORT, sent)
    assert "would record 1 return of figures" in text_of(checked)
    assert not Return.objects.exists()
    form = checked.context["confirm_form"]
    done = client.post(
        "/admin/results/return/process_import/", {name: form[name].value() or "" for name in form.fields}
    )
    assert done.status_code == 302
    assert Return.objects.get().draft.state == DraftState.SUBMITTED


def test_the_command_needs_somebody_who_may_record_returns(row, editor, tmp_path):
    file = tmp_path / "returns.csv"
    file.write_bytes(as_csv([row()]))
    auditor = UserFactory()
    auditor.groups.set(Group.objects.filter(name="Auditor"))
    with pytest.raises(CommandError, match="does not have permission to record returns of figures"):
        call_command("record_returns", file, by=auditor.username)
    out = io.StringIO()
    call_command("record_returns", file, by=editor.username, dry_run=True, stdout=out)
    assert "would record: 1 return of figures" in out.getvalue()
    call_command("record_returns", file, by=editor.username, stdout=out)
    assert Return.objects.count() == 1


def test_good_rows_are_recorded_without_the_refused_ones_if_their_sender_chooses(row, editor, tmp_path):
    file = tmp_path / "returns.csv"
    other = InitiativeFactory(name="Day walks")
    file.write_bytes(as_csv([row(), row(initiative=other.name, Walks="x")]))
    with pytest.raises(CommandError, match="Nothing was recorded: 1 problems"):
        call_command("record_returns", file, by=editor.username, stderr=io.StringIO())
    call_command("record_returns", file, by=editor.username, good_rows=True, stdout=io.StringIO(), stderr=io.StringIO())
    assert [asked.initiative for asked in Return.objects.all()] == [row.initiative]


# Measures -------------------------------------------------------------------------------------------------------------


def test_measures_are_added_and_changed_by_a_file_and_exported_as_they_are_read(walkers, editor, client):
    first = {
        "name": "Meals",
        "slug": "meals",
        "kind": "output",
        "unit": "meals",
        "counts": "Each.",
        "counts_people": "no",
    }
    second = {
        "name": "Feel safer",
        "slug": "safer",
        "kind": "Outcome",
        "unit": "people",
        "counts": "All.",
        "counts_people": "yes",
    }
    rows = [one | {"breakdowns": text} for one, text in ((first, ""), (second, "age"))]
    result = run(as_csv(rows), editor, resource=MeasureResource)
    assert (result.problems, result.summary) == ([], "2 new measures")
    safer = Measure.objects.get(slug="safer")
    assert (safer.kind, [one.slug for one in safer.breakdowns.all()]) == ("outcome", ["age"])
    client.force_login(editor)
    exported = client.get("/admin/results/measure/export/csv/").getvalue()
    again = run(exported, editor, resource=MeasureResource)
    assert (again.problems, again.unchanged) == ([], 4)
    changed = run(as_csv([first | {"unit": "plates"}]), editor, resource=MeasureResource)
    assert changed.summary == "1 changed measure"
    assert Measure.objects.get(slug="meals").unit == "plates"


def test_a_file_cannot_change_what_published_figures_mean(walkers, editor):
    publish(ask(*walkers), 20, 10, 10)
    row = {
        "name": "Walkers",
        "slug": "walkers",
        "kind": "outcome",
        "unit": "people",
        "counts": "All.",
        "counts_people": "yes",
    }
    problems = run(as_csv([row]), editor, resource=MeasureResource).problems
    assert any("Figures are published under this measure" in problem for problem in problems)
    reach = {"name": "Seen", "slug": "seen", "kind": "reach", "unit": "x", "counts": "x", "counts_people": "no"}
    (problem,) = run(as_csv([reach]), editor, resource=MeasureResource).problems
    assert "Reach is a number of people" in problem
