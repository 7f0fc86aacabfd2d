"""What `manage.py reconcile` proves of results: a figure that was typed once is the same wherever it is served."""

import io
import json
import re
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import time_machine

from funding.datasets import year_report
from programmes.results.choices import WorkbookField
from tests.funding.reconcile.conftest import NOW
from tests.support.altered_responses import in_text, serve_once
from tests.support.factories import (
    AllocationFactory,
    ApprovedReturnFactory,
    AreaFactory,
    BreakdownFactory,
    FigureFactory,
    FundingSourceFactory,
    GroupFactory,
    InitiativeFactory,
    LevelFactory,
    MeasureFactory,
    PartFactory,
    PaymentFactory,
    ReturnFactory,
    UnitFactory,
    WorkbookColumnFactory,
    YearFactory,
)
from tests.support.money.ledger import reconciled

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def _clock(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture(scope="module")
def figures(standing):
    with standing():
        with time_machine.travel(NOW):
            first = make_figures()
        yield first


@pytest.fixture(scope="module")
def served_before(figures):
    """What has been served of them."""
    return {}


def make_figures():
    """Two initiatives: one in two areas, with a correction, groups and a payment; one with a suppressed figure."""
    UnitFactory()
    walkers = MeasureFactory(name="Walkers", slug="walkers", position=1)
    walks = MeasureFactory(name="Walks", slug="walks", kind="output", counts_people=False, position=2)
    first = InitiativeFactory(name="Night walks", slug="night-walks", level=LevelFactory(name="First", slug="first"))
    first.areas.set([AreaFactory(name="Oldtown"), AreaFactory(name="Newtown")])
    second = InitiativeFactory(name="Day walks", slug="day-walks", level=LevelFactory(name="Second", slug="second"))
    spring, summer = date(2031, 4, 1), date(2031, 7, 1)
    wrong = ApprovedReturnFactory(initiative=first, quarter=spring, spend=Decimal("900.00"))
    FigureFactory(approved=wrong, measure=walkers, count=999)
    same = {"initiative": first, "organisation": wrong.organisation}
    right = ApprovedReturnFactory(
        **same, quarter=spring, number=2, correction="Counted twice.", spend=Decimal("812.50")
    )
    counted = FigureFactory(approved=right, measure=walkers, count=1120)
    FigureFactory(approved=right, measure=walks, count=31, threshold=0)
    ages = BreakdownFactory(name="Age")
    PartFactory(figure=counted, group=GroupFactory(breakdown=ages, name="Young"), count=1000)
    PartFactory(figure=counted, group=GroupFactory(breakdown=ages, name="Old"), count=120)
    later = ApprovedReturnFactory(**same, quarter=summer, spend=Decimal("0.01"))
    FigureFactory(approved=later, measure=walkers, count=77)
    few = ApprovedReturnFactory(initiative=second, quarter=spring, spend=None)
    FigureFactory(approved=few, measure=walkers, count=3, is_suppressed=True)
    FigureFactory(approved=few, measure=walks, count=8, threshold=0)
    source = FundingSourceFactory(year=YearFactory(first_year=2031), amount=Decimal("5000.00"))
    grant = AllocationFactory(funding_source=source, initiative=first, amount=Decimal("4000.00"))
    PaymentFactory(allocation=grant, amount=Decimal("2240.00"), paid_on=date(2031, 5, 6))
    PaymentFactory(allocation=grant, amount=Decimal("100.00"), paid_on=date(2031, 8, 6))
    # Somebody else was asked for the summer, too, so what was paid then is divided by nothing.
    ReturnFactory(initiative=first, quarter=summer)
    return first


@pytest.mark.both
def test_one_figure_agrees_in_every_output(figures):
    _, said = reconciled()
    assert "Differences: none" in said, said
    assert "walkers: 1,197" in said
    assert "walks: 39" in said


def test_the_columns_that_the_unit_maps_agree_too(figures):
    WorkbookColumnFactory(
        heading="Q1 Persons",
        holds=WorkbookField.MEASURE,
        measure=figures.approved_returns.first().figures.first().measure,
    )
    WorkbookColumnFactory(heading="Q2 Money", holds=WorkbookField.SPEND)
    _, said = reconciled()
    assert "Differences: none" in said, said


def in_rows(column):
    """One more in the first row of JSON that has a number there."""

    def change(content):
        found = json.loads(content)
        row = next(row for row in found["rows"] if row[column] not in (None, ""))
        row[column] = str(Decimal(str(row[column])) + 1) if isinstance(row[column], str) else row[column] + 1
        return json.dumps(found).encode()

    return change


def in_cells(sheet, heading, value=None):
    """One more in the first number below a heading, or another value."""

    def change(content):
        book = openpyxl.load_workbook(io.BytesIO(content))
        rows = book[sheet]
        place = [cell.value for cell in rows[1]].index(heading) + 1
        cell = next(c for (c,) in rows.iter_rows(2, min_col=place, max_col=place) if isinstance(c.value, int | float))
        cell.value = cell.value + 1 if value is None else value
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()

    return change


def without_column(sheet, heading):
    """A workbook that has lost a column."""

    def change(content):
        book = openpyxl.load_workbook(io.BytesIO(content))
        rows = book[sheet]
        rows.delete_cols([cell.value for cell in rows[1]].index(heading) + 1)
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()

    return change


PAGE, OWN, BOOK = "/results/", "/initiatives/night-walks/", "/results/2031-32/returns.xlsx"
PLANTS = {
    "a total": (PAGE, in_text(':walkers:">1,197<', ':walkers:">1,198<'), "Results by measure"),
    "of a level": (PAGE, in_text(':walkers:First">1,197<', ':walkers:First">1,196<'), "Results by level"),
    "of an area": (PAGE, in_text(':walks:Oldtown">31<', ':walks:Oldtown">30<'), "Results by area"),
    "of a year": (PAGE, in_text(':walks:2031-32">39<', ':walks:2031-32">93<'), "Results by year"),
    "a figure": (PAGE, in_text('"figure:walkers">77<', '"figure:walkers">78<'), "Results by measure"),
    "initiative": (OWN, in_text('"figure:walkers">1,120<', '"figure:walkers">1,210<'), "Initiative night-walks"),
    "its year": (OWN, in_text('2031-32">1,197<', '2031-32">1,199<'), "Initiative night-walks"),
    "what is suppressed": (
        "/initiatives/day-walks/",
        in_text('"amount">suppressed<', '"amount" data-sum="figure:walkers">3<'),
        "Initiative day-walks",
    ),
    "level": ("/prevention/first/", in_text(':walkers:">1,197<', ':walkers:">1,190<'), "Level first"),
    "CSV": ("/results.csv", in_text(",77,", ",78,"), "results, CSV"),
    "CSV, a row less": ("/results.csv", lambda content: content.rpartition(b"Night walks")[0], "results, CSV"),
    "CSV, not suppressed": ("/results.csv", in_text('"suppressed"', '""'), "results, CSV"),
    "JSON": ("/results.json", in_rows("count"), "results, JSON"),
    "XLSX": ("/results.xlsx", in_cells("Rows", "count"), "results, XLSX"),
    "API": ("/api/v1/results/", in_rows("count"), "results, API"),
    "groups, CSV": ("/result-groups.csv", in_text(",1000,", ",1001,"), "result-groups, CSV"),
    "groups, JSON": ("/result-groups.json", in_rows("count"), "result-groups, JSON"),
    "groups, XLSX": ("/result-groups.xlsx", in_cells("Rows", "count"), "result-groups, XLSX"),
    "groups, API": ("/api/v1/result-groups/", in_rows("count"), "result-groups, API"),
    "cost, CSV": ("/cost-per-person.csv", in_text(",2.00,", ",2.01,"), "cost-per-person, CSV"),
    "cost, JSON": ("/cost-per-person.json", in_rows("reach"), "cost-per-person, JSON"),
    "cost, XLSX": ("/cost-per-person.xlsx", in_cells("Rows", "paid"), "cost-per-person, XLSX"),
    "cost, API": ("/api/v1/cost-per-person/", in_rows("paid"), "cost-per-person, API"),
    "workbook": (BOOK, in_cells("Returns", "Walkers"), "2031-32, Workbook of returns: Walkers"),
    "workbook, suppressed": (BOOK, in_cells("Returns", "Walks", "suppressed"), "2031-32, Workbook of returns: Walks"),
    "workbook, spend": (BOOK, in_cells("Returns", "Spend reported"), "2031-32, Workbook of returns: Spend reported"),
    "workbook, no measure": (
        BOOK,
        without_column("Returns", "Walks"),
        "2031-32, Workbook of returns: Walks is missing",
    ),
    "workbook, no spend": (
        BOOK,
        without_column("Returns", "Spend reported"),
        "2031-32, Workbook of returns: Spend reported is missing",
    ),
    "no file": ("/results.xlsx", lambda _: b"nothing", "results, XLSX"),
}


@pytest.mark.parametrize(("path", "change", "where"), list(PLANTS.values()), ids=list(PLANTS))
def test_a_wrong_figure_that_is_planted_is_found(path, change, where, served_before, plant, monkeypatch):
    serve_once(monkeypatch, served_before)

    def once(content):
        """The results are served in several ways at one address: whichever has the words is changed."""
        try:
            return change(content)
        except AssertionError:
            return content

    plant(path, once)
    code, said = reconciled()
    found = said.partition("Differences")[2].partition("Payments that")[0]
    assert code == 1, said
    assert "returned status" not in found
    assert re.search(rf"\n  {where}", found), found


def test_a_wrong_figure_in_the_report_of_a_year_is_found(figures, monkeypatch):
    data_of = year_report.total_data
    monkeypatch.setattr(year_report, "total_data", lambda total: data_of(total) | {"count": "1,198"})
    code, said = reconciled()
    assert code == 1
    assert "2031-32, Report: Walkers has another total than 1,197, as in the database." in said
    assert "2031-32, Report: Night walks has another total of Walks than 31, as in the database." in said
