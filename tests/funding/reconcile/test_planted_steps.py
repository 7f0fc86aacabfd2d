"""`manage.py reconcile` finds a penny that is planted in any output of headings, decisions, variations and conditions.

The diagram's table, the pages of decisions, headings and initiatives, the totals of payments, the report, the files of
all years and the API of money included.
"""

import csv
import io
import json
import re
from decimal import Decimal

import pytest
import time_machine

from funding.choices import AllocationKind, ConditionKind, VariationKind
from funding.datasets import year_report
from tests.funding.reconcile.conftest import NOW
from tests.support.altered_responses import PENNY, in_json, in_text, in_workbook, serve_once
from tests.support.factories import (
    DAY,
    FulfilmentFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OnwardGrantFactory,
    RegrantingFactory,
    SourceConditionFactory,
    VariationFactory,
)
from tests.support.money.ledger import award, fill, pay, reconciled, year_with_everything

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("year_is_over")]
YEAR = "/funding/2031-32/"
TEAM, WALK = "/funding/headings/team/", "/initiatives/dusk/"


@pytest.fixture(scope="module")
def books(standing):
    """The books of a year, for all tests."""
    with standing():
        with time_machine.travel(NOW):
            year = make_books()
        yield year


@pytest.fixture(scope="module")
def served_before(books):
    """What has been served of these books."""
    return {}


def make_books():
    """A year of which money was also spent on headings, released, moved, ended and returned."""
    year = year_with_everything()
    level = LevelFactory(name="Fens", slug="fens")
    fill(year)
    second = year.sources.order_by("position")[1]
    heading = HeadingFactory(kind="evaluation")
    team = award(second, "200.00", initiative=None, heading=HeadingFactory(slug="team"), kind=AllocationKind.OWN)
    pay(team, "150.00")
    grant = award(second, "300.00", initiative=InitiativeFactory(slug="dusk", level=level))
    pay(grant, "100.03")
    OnwardGrantFactory(allocation=RegrantingFactory(allocation=grant).allocation, amount=Decimal("60.06"))
    VariationFactory(allocation=grant, amount=Decimal("20.01"))
    VariationFactory(allocation=grant, kind=VariationKind.RETURN, amount=Decimal("30.02"))
    move = VariationFactory(allocation=grant, kind=VariationKind.MOVE, amount=Decimal("40.04"))
    award(second, "40.04", initiative=None, heading=heading, decision=move.decision, moved_from=move)
    VariationFactory(allocation=team, kind=VariationKind.END, amount=Decimal("50.00"))
    VariationFactory(allocation=None, funding_source=second, amount=Decimal("7.07"))
    SourceConditionFactory(funding_source=second)
    SourceConditionFactory(funding_source=second, share=None, sum=Decimal("100.00"), cost_kind="", heading=heading)
    SourceConditionFactory(
        funding_source=second, kind=ConditionKind.AT_MOST, share=Decimal("7.33"), share_of="interventions",
        cost_kind="evaluation",
    )  # fmt: skip
    SourceConditionFactory(funding_source=second, counts_paid=True)
    SourceConditionFactory(
        funding_source=second, kind=ConditionKind.AT_MOST, share=Decimal("150.00") / 2, share_of="interventions",
        cost_kind="staff", counts_paid=True,
    )  # fmt: skip
    match = SourceConditionFactory(funding_source=second, kind=ConditionKind.MATCH, cost_kind="")
    FulfilmentFactory(condition=match, amount=Decimal("12.34"))
    SourceConditionFactory(funding_source=second, kind=ConditionKind.SPEND_BY, share=None, cost_kind="", by_day=DAY)
    return year


@pytest.mark.both
def test_every_step_agrees_in_every_output(books):
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (0, True), said
    assert "Changed: " in said
    for part in ("release £20.01", "return £37.09", "move £40.04", "end £50.00"):
        assert part in said, said
    assert len(re.findall(r"Condition \d+ of Chest 1: (met|missed|open)", said)) == 7, said


def in_csv(column):
    """A penny more in the first row of a file that has a sum there."""

    def change(content):
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        row = next(row for row in rows if row[column])
        row[column] = str(Decimal(row[column]) + PENNY)
        file = io.StringIO(newline="")
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue().encode()

    return change


def more_in_a_total(content):
    """Much more in the first total, however the payments are grouped."""
    return content.replace(b'"tally">\xc2\xa3', b'"tally">\xc2\xa31', 1)


def without_a_row(content):
    found = json.loads(content)
    found["rows"].pop()
    return json.dumps(found | {"count": len(found["rows"])}).encode()


PLANTS = {
    "page: returned": (YEAR, in_text('data-sum="returned">£37.09<', 'data-sum="returned">£37.08<'), "Page"),
    "page: released": (YEAR, in_text('"variation-release">£20.01<', '"variation-release">£20.02<'), "Page"),
    "page: condition": (YEAR, in_text('"condition-counted">£12.34<', '"condition-counted">£12.35<'), "Page"),
    "page: still allocated": (YEAR, in_text('"allocation">£209.93<', '"allocation">£300<'), "Page"),
    "CSV: sources": (f"{YEAR}sources.csv", in_text(",37.09,", ",37.10,"), "CSV"),
    "CSV: allocations": (f"{YEAR}allocations.csv", in_text(",209.93,", ",209.94,"), "CSV"),
    "CSV: variations": (f"{YEAR}variations.csv", in_text(",20.01,", ",20.02,"), "CSV"),
    "CSV: conditions": (f"{YEAR}conditions.csv", in_text(",12.34,", ",12.33,"), "CSV"),
    "CSV: state": (f"{YEAR}conditions.csv", in_text(',"Missed",', ',"Met",'), "CSV"),
    "JSON: variations": (f"{YEAR}variations.json", in_json("rows", "amount"), "JSON"),
    "JSON: conditions": (f"{YEAR}conditions.json", in_json("rows", "required"), "JSON"),
    "XLSX: variations": (f"{YEAR}variations.xlsx", in_workbook("Rows", "amount"), "XLSX"),
    "XLSX: conditions": (f"{YEAR}conditions.xlsx", in_workbook("Rows", "counted"), "XLSX"),
    "360Giving": ("/funding/360giving/moor-fund.json", in_text("209.93", "300.00"), "360Giving"),
    "diagram: level": (YEAR, in_text('"flow:fens">£1,833.88<', '"flow:fens">£1,833.89<'), "Page, diagram"),
    "diagram: headings": (YEAR, in_text('"flow-paid:">£150<', '"flow-paid:">£150.01<'), "Page, diagram"),
    "diagram: row": (YEAR, in_text('"flow-rows">£209.93<', '"flow-rows">£209.94<'), "Page, diagram"),
    "diagram: paid row": (YEAR, in_text('"flow-rows-paid">£0.01<', '"flow-rows-paid">£0.02<'), "Page, diagram"),
    "diagram: left": (YEAR, in_text('"flow-left">£37.09<', '"flow-left">£37.10<'), "Page, diagram"),
    "diagram: total": (YEAR, in_text('"flow-total">£3,000.50<', '"flow-total">£3,000.51<'), "Page, diagram"),
    "diagram: total paid": (
        YEAR, in_text('"flow-total-paid">£1,350.54<', '"flow-total-paid">£1,350.55<'), "Page, diagram"),
    "decisions: allocated": (
        f"{YEAR}decisions/", in_text('"decision-allocated">£40.04<', '"decision-allocated">£40.05<'),
        "Page of decisions"),
    "decisions: varied": (
        f"{YEAR}decisions/", in_text('"decision-varied">£7.07<', '"decision-varied">£7.08<'), "Page of decisions"),
    "heading: year": (TEAM, in_text('"awards:2031-32">£150<', '"awards:2031-32">£150.01<'), "Heading team, Page"),
    "heading: paid": (TEAM, in_text('"awards-paid:2031-32">£150<', '"awards-paid:2031-32">£150.01<'), "Heading team"),
    "heading: allocation": (TEAM, in_text('">£150</span> from', '">£150.01</span> from'), "Heading team, .*“award:"),
    "initiative: year": (WALK, in_text('"awards:2031-32">£209.93<', '"awards:2031-32">£209.94<'), "Initiative dusk"),
    "initiative: allocation": (WALK, in_text('">£209.93</span> from', '">£209.94</span> from'), "Initiative dusk"),
    "initiative: its payments": (
        WALK, in_text('">£100.03</span> paid', '">£100.02</span> paid'), "Initiative dusk, Page: “award-paid:"),
    "totals: row": ("/payments/totals/", more_in_a_total, "Totals of payments by .*“tally”"),
    "totals: all": ("/payments/totals/", in_text('"tally-total">£1,350.54<', '"tally-total">£1,350<'), "Totals of"),
}  # fmt: skip
# The files of all years, and the API.
for name, (path, column) in {
    "sources": ("sources", "amount"),
    "sources, paid": ("sources", "paid"),
    "allocations": ("allocations", "amount"),
    "allocations, left": ("allocations", "allocated"),
    "payments": ("payments", "amount"),
    "totals": ("payment-totals", "amount"),
    "variations": ("variations", "amount"),
    "conditions": ("conditions", "counted"),
    "onward grants": ("onward-grants", "amount"),
}.items():
    PLANTS |= {
        f"all years, CSV: {name}": (f"/{path}.csv", in_csv(column), f"All years, CSV of {path}"),
        f"all years, JSON: {name}": (f"/{path}.json", in_json("rows", column), f"All years, JSON of {path}"),
        f"all years, XLSX: {name}": (f"/{path}.xlsx", in_workbook("Rows", column), f"All years, XLSX of {path}"),
        f"API: {name}": (f"/api/v1/{path}/", in_json("rows", column), f"All years, API of {path}"),
    }
PLANTS |= {
    "all years: a row less": ("/decisions.json", without_a_row, "All years, JSON of decisions: 2031-32, .* only in"),
    "all years: total": ("/variations.json", in_text('"total": "147.14"', '"total": "147.15"'), "All years, JSON"),
}


@pytest.mark.parametrize(("path", "change", "where"), list(PLANTS.values()), ids=list(PLANTS))
def test_a_penny_that_is_planted_is_found(path, change, where, served_before, plant, monkeypatch):
    serve_once(monkeypatch, served_before)
    plant(path, change)
    code, said = reconciled()
    assert code != 0, said
    assert "returned status" not in said, said  # what is served is wrong, but it is served
    assert re.search(rf"{where}.*", said.partition("Differences")[2]), said


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("1,023.92", "1,023.93", "Chest 1"),
        ("1,833.88", "1,833.89", "Fens"),
        ("190.04", "190.05", "All of the headings"),
        ("209.93", "209.94", "Allocation"),
        ("12.34", "12.35", "Condition"),
        ("20.01", "20.02", "Variation"),
    ],
)
def test_a_penny_that_is_planted_in_the_report_is_found(before, after, what, served_before, plant, monkeypatch):
    data_of = year_report.report_data
    monkeypatch.setattr(
        year_report, "report_data", lambda year: json.loads(json.dumps(data_of(year)).replace(before, after))
    )
    serve_once(monkeypatch, served_before)
    plant(f"{YEAR}report.pdf", lambda content: content)
    code, said = reconciled()
    assert code == 1
    assert re.search(rf"2031-32, Report: {what}.* has other sums than .*£{before}", said), said
