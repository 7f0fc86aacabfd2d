"""What `manage.py reconcile` proves of headings, decisions, variations, returns and conditions."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from funding.choices import AllocationKind, ConditionKind, VariationKind
from tests.support.altered_responses import in_json, in_text, in_workbook
from tests.support.factories import (
    DAY,
    AllocationFactory,
    FulfilmentFactory,
    HeadingFactory,
    OvercommitmentFactory,
    SourceConditionFactory,
    VariationFactory,
)
from tests.support.money.ledger import award, fill, pay, reconciled, year_with_everything
from tests.support.refusals import without_triggers

pytestmark = [pytest.mark.django_db, pytest.mark.once]
YEAR = "/funding/2031-32/"


@pytest.fixture(autouse=True)
def served(settings, time_machine):
    time_machine.move_to(datetime(2032, 5, 6, 12, tzinfo=UTC))
    settings.GRANTS_PREFIX = "360G-moor"


@pytest.fixture
def books():
    """A year of which money was also spent on headings, released, moved, ended and returned."""
    year = year_with_everything()
    fill(year)
    second = year.sources.order_by("position")[1]
    heading = HeadingFactory(kind="evaluation")
    team = award(second, "200.00", initiative=None, heading=HeadingFactory(), kind=AllocationKind.OWN)
    pay(team, "150.00")
    grant = award(second, "300.00")
    pay(grant, "100.03")
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


@pytest.mark.both
def test_an_over_committed_source_adds_up():
    year = year_with_everything()
    first = year.sources.order_by("position")[0]
    OvercommitmentFactory(funding_source=first, share=Decimal("10.00"))
    award(first, "1099.99")
    code, said = reconciled()
    assert code == 0, said
    assert "-£99.99" in said


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
}


@pytest.mark.parametrize(("path", "change", "where"), list(PLANTS.values()), ids=list(PLANTS))
def test_a_penny_that_is_planted_is_found(path, change, where, books, plant):
    plant(path, change)
    code, said = reconciled()
    assert code != 0, said
    assert "returned status" not in said  # what is served is wrong, but it is served
    assert re.search(rf"{where}.*", said.partition("Differences")[2]), said


def a_variation_below_nothing(year):
    allocation = AllocationFactory(funding_source=year.sources.first())
    names = ("funding_variation_unpaid", "funding_variation_whole_pence")
    return names, lambda: VariationFactory(allocation=allocation, amount=Decimal("100.01"))


def a_move_that_arrives_nowhere(year):
    allocation = AllocationFactory(funding_source=year.sources.first())
    return (), lambda: VariationFactory(allocation=allocation, kind=VariationKind.MOVE)


def a_heading_without_a_decision(year):
    row = {"funding_source": year.sources.first(), "heading": HeadingFactory(), "decision": None}
    return ("funding_allocation_decided",), lambda: AllocationFactory(**row)


@pytest.mark.parametrize(
    ("violation", "sentence"),
    [
        (a_variation_below_nothing, "was released, moved or returned than was awarded"),
        (a_move_that_arrives_nowhere, "moves money that arrived in 0 allocations"),
        (a_heading_without_a_decision, "is for a budget heading, but names no decision"),
    ],
)
def test_what_the_triggers_should_have_kept_out_is_reported(violation, sentence):
    names, act = violation(year_with_everything())
    with without_triggers(*names):
        act()
        code, said = reconciled()
    assert code != 0
    assert sentence in said, said
