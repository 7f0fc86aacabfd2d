"""Published figures of results in plain SQL, independent of the models, the totals and the pages."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from funding.reconcile.database import PENCE, fetch_rows, pounds_of

# An approved return that no later one corrects.
STANDS = (
    "NOT EXISTS (SELECT 1 FROM results_approvedreturn c WHERE c.initiative_id = a.initiative_id "
    "AND c.organisation_id = a.organisation_id AND c.quarter = a.quarter AND c.number > a.number)"
)
FIRST_MONTHS = (1, 4, 7, 10)


def first_year_of(day: date) -> int:
    return day.year - (day.month < 4)


@dataclass(frozen=True)
class CurrentFigure:
    """The count of a measure in a current return; None if it is suppressed."""

    initiative: int
    slug: str
    name: str
    level: str
    level_name: str
    organisation: str
    quarter: date
    measure: str
    measure_name: str
    kind: str
    count: int | None

    @property
    def first_year(self) -> int:
        return first_year_of(self.quarter)

    @property
    def year(self) -> str:
        return f"{self.first_year}-{(self.first_year + 1) % 100:02}"

    @property
    def quarter_slug(self) -> str:
        return f"{self.year}-q{(self.quarter.month - 4) // 3 % 4 + 1}"

    @property
    def key(self) -> tuple[str, ...]:
        return self.slug, self.organisation, self.quarter_slug, self.measure


def read_day(value: object) -> date:
    """A date as both databases return it."""
    return date.fromisoformat(str(value))


def current_figures() -> list[CurrentFigure]:
    found = fetch_rows(
        "SELECT i.id, i.slug, i.name, l.slug, l.name, o.slug, a.quarter, m.slug, m.name, m.kind, f.count, "
        "f.is_suppressed FROM results_approvedfigure f JOIN results_approvedreturn a ON a.id = f.approved_id "
        "JOIN programmes_initiative i ON i.id = a.initiative_id JOIN programmes_preventionlevel l ON l.id = i.level_id "
        "JOIN partners_organisation o ON o.id = a.organisation_id JOIN results_measure m ON m.id = f.measure_id "
        f"WHERE {STANDS} ORDER BY f.id"
    )
    rows = []
    for *texts, quarter, measure, name, kind, count, hidden in found:
        values: list[Any] = [*texts, read_day(quarter), measure, name, kind, None if hidden else count]
        rows.append(CurrentFigure(*values))
    return rows


def part_counts() -> dict[tuple[str, ...], int | None]:
    """The counts of groups, by initiative, organisation, quarter, measure, breakdown and group."""
    found = fetch_rows(
        "SELECT i.slug, o.slug, a.quarter, m.slug, b.name, g.name, p.count, p.is_suppressed "
        "FROM results_approvedpart p "
        "JOIN results_approvedfigure f ON f.id = p.figure_id JOIN results_approvedreturn a ON a.id = f.approved_id "
        "JOIN programmes_initiative i ON i.id = a.initiative_id "
        "JOIN partners_organisation o ON o.id = a.organisation_id JOIN results_measure m ON m.id = f.measure_id "
        "JOIN results_breakdowngroup g ON g.id = p.group_id JOIN results_breakdown b ON b.id = g.breakdown_id "
        f"WHERE {STANDS}"
    )
    counts: dict[tuple[str, ...], int | None] = {}
    for slug, organisation, quarter, measure, breakdown, group, count, hidden in found:
        day = read_day(quarter)
        year = first_year_of(day)
        name = f"{year}-{(year + 1) % 100:02}-q{(day.month - 4) // 3 % 4 + 1}"
        counts[slug, organisation, name, measure, breakdown, group] = None if hidden else count
    return counts


def areas_of_initiatives() -> dict[int, list[str]]:
    areas = defaultdict(list)
    for initiative, name in fetch_rows(
        "SELECT s.initiative_id, w.name FROM programmes_initiative_areas s JOIN programmes_area w ON w.id = s.area_id"
    ):
        areas[initiative].append(name)
    return areas


def totals(
    rows: Iterable[CurrentFigure], names_of: Callable[[CurrentFigure], Iterable[str]]
) -> dict[tuple[str, str], int]:
    """Published counts added up by measure and by each of the names of a row; without what is suppressed."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.count is not None:
            for name in names_of(row):
                sums[row.measure, name] += row.count
    return dict(sums)


def spend_reported(first_year: int) -> Decimal:
    """What was spent according to the current returns of a year."""
    ((total,),) = fetch_rows(
        f"SELECT SUM({PENCE.format('a.spend')}) FROM results_approvedreturn a "
        f"WHERE a.quarter >= %s AND a.quarter < %s AND {STANDS}",
        [date(first_year, 4, 1), date(first_year + 1, 4, 1)],
    )
    return pounds_of(total)


@dataclass(frozen=True)
class CostSums:
    """What was paid in the quarters whose reach is all published, and the reach of these quarters."""

    paid: Decimal
    reach: int

    @property
    def each(self) -> Decimal:
        return (self.paid / self.reach).quantize(Decimal("0.01"), ROUND_HALF_UP)


def cost_sums(rows: Iterable[CurrentFigure]) -> dict[tuple[str, str, str], CostSums]:
    """The cost per person reached, by initiative, measure of reach and year."""
    expected = defaultdict(set)
    for initiative, quarter, organisation in fetch_rows(
        "SELECT r.initiative_id, r.quarter, o.slug FROM results_return r "
        "JOIN partners_organisation o ON o.id = r.organisation_id WHERE r.cancelled_at IS NULL "
        "UNION SELECT a.initiative_id, a.quarter, o.slug FROM results_approvedreturn a "
        "JOIN partners_organisation o ON o.id = a.organisation_id"
    ):
        expected[initiative, read_day(quarter)].add(organisation)
    paid: dict[tuple[int, date], int] = defaultdict(int)
    for initiative, paid_on, pence in fetch_rows(
        f"SELECT a.initiative_id, p.paid_on, SUM({PENCE.format('p.amount')}) FROM funding_payment p "
        "JOIN funding_allocation a ON a.id = p.allocation_id WHERE a.initiative_id IS NOT NULL GROUP BY 1, 2"
    ):
        day = read_day(paid_on)
        paid[initiative, date(day.year, max(month for month in FIRST_MONTHS if month <= day.month), 1)] += int(pence)
    by_quarter: dict[tuple[str, str, str], dict[tuple[int, date], list[CurrentFigure]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        if row.kind == "reach":
            by_quarter[row.slug, row.measure, row.year][row.initiative, row.quarter].append(row)
    costs = {}
    for key, quarters in by_quarter.items():
        complete = {
            place: figures
            for place, figures in quarters.items()
            if {figure.organisation for figure in figures} == expected[place]
            and all(figure.count is not None for figure in figures)
        }
        reach = sum(figure.count or 0 for figures in complete.values() for figure in figures)
        total = sum(paid[place] for place in complete)
        if reach and total > 0:
            costs[key] = CostSums(pounds_of(total), reach)
    return costs
