"""The cost per person reached, and as open data: what was paid, divided by reach, of the same quarters.

A quarter counts only if its reach is complete: reported by everybody who was asked, and published. What was paid in
other quarters is left out, too.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import ExtractQuarter, ExtractYear

from funding.models import Payment
from programmes.models import Initiative
from programmes.results.choices import MeasureKind
from programmes.results.datasets import while_measured
from programmes.results.filters import FigureFilters
from programmes.results.models import ApprovedFigure, ApprovedReturn, Measure, Return
from programmes.results.quarters import Quarter
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.ledger.money import sum_of_pounds
from vru_portal.tabular.datasets import Dataset, ListedRows, last_recorded, page_column
from vru_portal.tabular.writers import Column, Type
from vru_portal.text.sums import PENNY

InitiativeQuarter = tuple[int, date]  # an initiative and a quarter


@dataclass(frozen=True)
class Cost:
    """The cost of an initiative per person that it reached, by one measure of reach, in a financial year."""

    initiative: Initiative
    measure: Measure
    quarters: tuple[Quarter, ...]
    reach: int
    paid: Decimal
    left_out: int  # quarters with figures that are not complete

    @property
    def each(self) -> Decimal:
        """Pounds for each person, rounded to the nearest penny."""
        return (self.paid / self.reach).quantize(PENNY, ROUND_HALF_UP)

    @property
    def year(self) -> str:
        return self.quarters[0].year_label

    @property
    def period(self) -> str:
        return " and ".join(map(str, self.quarters))


def costs_of(figures: Iterable[ApprovedFigure], cut_off: CutOff = NOW) -> list[Cost]:
    """The costs by initiative, measure and year that follow from these figures: only those of reach count."""
    by_place: dict[tuple[int, int], dict[date, list[ApprovedFigure]]] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        if figure.measure.kind == MeasureKind.REACH:
            approved = figure.approved
            by_place[approved.initiative_id, figure.measure_id][approved.quarter].append(figure)
    if not by_place:
        return []
    initiatives = {initiative for initiative, _ in by_place}
    expected, paid = expected_reporters(initiatives, cut_off), paid_by_quarter(initiatives, cut_off)
    costs = []
    for (initiative, _), by_quarter in by_place.items():
        years: dict[int, list[date]] = defaultdict(list)
        for day in sorted(by_quarter):
            years[Quarter(day).first_year].append(day)
        for days in years.values():
            complete = [day for day in days if is_complete(by_quarter[day], expected[initiative, day])]
            reach = sum(figure.count for day in complete for figure in by_quarter[day])
            total = sum((paid.get((initiative, day), Decimal(0)) for day in complete), Decimal(0))
            if reach and total > 0:
                first = by_quarter[complete[0]][0]
                quarters = tuple(map(Quarter, complete))
                costs.append(
                    Cost(first.approved.initiative, first.measure, quarters, reach, total, len(days) - len(complete))
                )
    return sorted(costs, key=lambda one: (one.initiative.name, one.measure.position, one.quarters))


def is_complete(figures: list[ApprovedFigure], expected: set[int]) -> bool:
    """Whether the reach of a quarter is published by every organisation that reports, or was asked to."""
    return not any(figure.is_suppressed for figure in figures) and expected == {
        figure.approved.organisation_id for figure in figures
    }


def expected_reporters(initiatives: set[int], cut_off: CutOff) -> dict[InitiativeQuarter, set[int]]:
    """The organisations that have reported, or were asked to, by initiative and quarter."""
    found: dict[InitiativeQuarter, set[int]] = defaultdict(set)
    asked = Return.objects.public().filter(initiative__in=initiatives)
    if cut_off.known_before:
        asked = asked.filter(asked_at__lt=cut_off.known_before)
    approved = ApprovedReturn.objects.current(cut_off.known_before).filter(initiative__in=initiatives)
    for rows in (asked, approved):
        for initiative, quarter, organisation in rows.order_by().values_list("initiative", "quarter", "organisation"):
            found[initiative, quarter].add(organisation)
    return found


def paid_by_quarter(initiatives: set[int], cut_off: CutOff) -> dict[InitiativeQuarter, Decimal]:
    """What was paid for each initiative in each quarter, refunds and reversals taken off."""
    rows: QuerySet[Any] = Payment.objects.counted(cut_off).filter(allocation__initiative__in=initiatives).order_by()
    rows = rows.annotate(
        year=ExtractYear("paid_on"), quarter=ExtractQuarter("paid_on"), initiative=F("allocation__initiative")
    )
    sums = rows.values_list("initiative", "year", "quarter").annotate(sum=sum_of_pounds("amount"))
    return {(initiative, date(year, quarter * 3 - 2, 1)): amount for initiative, year, quarter, amount in sums}


def cost_rows(filters: FigureFilters) -> ListedRows[Cost]:
    if not Measure.objects.are_in_use():
        return ListedRows([])
    rows = filters.rows.select_related("measure", "approved__initiative__level", "approved__organisation")
    return ListedRows(costs_of(rows, filters.cut_off))


COSTS: Dataset[Cost] = Dataset(
    name="cost-per-person",
    title="Cost per person reached",
    about="What was paid for an initiative, divided by the people it reached in the same quarters. What was paid "
    "in these quarters is not always what the work in them cost. A quarter counts only if everybody who was asked has "
    "published reach for it. One row for each initiative, measure of reach and financial year.",
    columns=(
        Column("initiative", "The initiative", lambda r: r.initiative.name),
        Column("initiative_slug", "Its name in addresses", lambda r: r.initiative.slug),
        Column("measure", "The measure of reach", lambda r: r.measure.name),
        Column("measure_slug", "The measure's name in addresses", lambda r: r.measure.slug),
        Column("year", "The financial year", lambda r: r.year, title="Financial year"),
        Column("quarters", "The quarters that count", lambda r: r.period),
        Column("paid", "Pounds paid in these quarters", lambda r: r.paid, Type.POUNDS),
        Column("reach", "People reached in these quarters", lambda r: r.reach, Type.COUNT),
        Column("each", "Pounds for each person: paid ÷ reach", lambda r: r.each, Type.POUNDS, "For each person"),
        Column("left_out", "Quarters with incomplete figures", lambda r: r.left_out, Type.COUNT),
        page_column("The page of the initiative", lambda r: r.initiative),
    ),
    key=("initiative_slug", "measure_slug", "year"),
    filters=FigureFilters,
    rows=cost_rows,
    changed=while_measured(last_recorded(ApprovedFigure, Payment)),
    page="results:results",
    keywords=("results", "cost", "reach"),
)
