"""Figures added up. Only published counts are added; how many are suppressed is said beside each total."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from programmes.results.filters import FigureFilters
from programmes.results.models import ApprovedFigure, Measure
from programmes.results.quarters import Quarter


@dataclass
class MeasureTotal:
    """The published counts of one measure, added up."""

    measure: Measure
    name: str  # of what it was added up by: a level, an area, a year; empty for everything
    count: int = 0
    suppressed: int = 0
    figures: int = 0
    initiatives: set[int] = field(default_factory=set)
    quarters: set[date] = field(default_factory=set)

    def add(self, figure: ApprovedFigure) -> None:
        self.figures += 1
        self.initiatives.add(figure.approved.initiative_id)
        self.quarters.add(figure.approved.quarter)
        if (count := figure.published_count) is None:
            self.suppressed += 1
        else:
            self.count += count

    @property
    def is_known(self) -> bool:
        """Whether any of the figures is published, so that there is a number to show."""
        return self.figures > self.suppressed

    @property
    def shown(self) -> str:
        return f"{self.count:,}" if self.is_known else "suppressed"

    @property
    def published_count(self) -> int | None:
        return self.count if self.is_known else None

    @property
    def starts_on(self) -> date:
        return min(self.quarters)

    @property
    def ends_on(self) -> date:
        return Quarter(max(self.quarters)).ends_on

    @property
    def period(self) -> str:
        first, last = Quarter(min(self.quarters)), Quarter(max(self.quarters))
        return str(first) if first == last else f"{first.starts_on:%B %Y} to {last.ends_on:%B %Y}"


def add_up(
    figures: Iterable[ApprovedFigure], names_of: Mapping[int, Collection[str]] | None = None
) -> list[MeasureTotal]:
    """The totals by measure and, where given, by the names of each figure's key; in the order of both.

    A figure that has several names, such as areas, counts for each of them.
    """
    totals: dict[tuple[int, str], MeasureTotal] = {}
    for figure in figures:
        for name in [""] if names_of is None else names_of.get(figure.pk, ()):
            key = figure.measure_id, name
            total = totals.setdefault(key, MeasureTotal(figure.measure, name))
            total.add(figure)
    measures = {total.measure.pk: (total.measure.position, total.measure.name) for total in totals.values()}
    places: dict[str, int] = {}
    if names_of is not None:
        for name in (name for names in names_of.values() for name in names):
            places.setdefault(name, len(places))
    return sorted(totals.values(), key=lambda one: (measures[one.measure.pk], places.get(one.name, 0)))


def totals_by(filters: FigureFilters) -> list[MeasureTotal]:
    """The matching figures added up by measure, and by what the address asks for."""
    rows = filters.rows.select_related("measure", "approved").order_by("pk")
    return add_up(rows, None if filters.by == "measure" else names_by(filters))


def names_by(filters: FigureFilters) -> dict[int, Collection[str]]:
    """The names of the levels, areas or years of each figure, by its key; those that come first are listed first."""
    names: dict[int, Collection[str]] = {}
    for value, keys in sorted(filters.keys_by_facet[filters.by].items()):
        for key in keys & filters.matching_keys:
            names[key] = [*names.get(key, ()), value.name]
    return names
