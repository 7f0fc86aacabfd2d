"""How pages show the figures of an initiative: by measure, quarter after quarter, with what is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from programmes.models import Initiative
from programmes.results.choices import ReturnStatus
from programmes.results.models import ApprovedFigure, ApprovedPart, ApprovedReturn, Measure, Return, Target
from programmes.results.totals import MeasureTotal, add_up
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.text.dates import format_date


@dataclass(frozen=True)
class FigureRow:
    """A figure in the table of a measure; ``width`` is that of its bar, in per cent."""

    figure: ApprovedFigure
    width: str
    groups: list[tuple[str, list[ApprovedPart]]]

    @property
    def approved(self) -> ApprovedReturn:
        return self.figure.approved

    @property
    def day_before(self) -> date:
        """The last day on which the figure that this one corrects was what the page said."""
        return timezone.localdate(self.approved.recorded_at) - timedelta(days=1)


@dataclass(frozen=True)
class TargetRow:
    """A target, and what of it has been reported."""

    target: Target
    total: MeasureTotal | None
    missing: int  # quarters without a published figure

    @property
    def share(self) -> str:
        """How much of it is reached, as a percentage rounded down; empty while nothing is known."""
        if self.total is None or not self.total.is_known:
            return ""
        return f"{self.total.count * 100 // self.target.count}%"


@dataclass(frozen=True)
class YearOfFigures:
    """The figures of a financial year by one measure, and their total if there are several."""

    label: str
    rows: list[FigureRow]
    total: MeasureTotal | None


@dataclass(frozen=True)
class MeasureTable:
    """The figures of an initiative by one measure."""

    measure: Measure
    years: list[YearOfFigures]
    targets: list[TargetRow]


@dataclass(frozen=True)
class InitiativeResults:
    """The published figures of an initiative, and what was asked for and is not published."""

    tables: list[MeasureTable]
    words: list[ApprovedReturn]
    returns: list[Return]  # nothing is published of them yet
    several: bool  # whether several organisations report, so that each row names its own
    figures: list[ApprovedFigure] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.tables or self.returns)


def figures_of(cut_off: CutOff = NOW, **conditions: Any) -> list[ApprovedFigure]:
    """The published figures, with all that tables and totals read of them."""
    rows = ApprovedFigure.objects.current(cut_off.known_before).filter(**conditions)
    related = rows.select_related("measure", "approved__initiative", "approved__organisation")
    return list(related.order_by("measure__position", "measure__name", "approved__quarter", "pk"))


def results_of(initiative: Initiative) -> InitiativeResults | None:
    """What is published of an initiative; None if nothing is, and nothing was asked for."""
    if not Measure.objects.are_in_use():
        return None
    parts = Prefetch("parts", ApprovedPart.objects.select_related("group__breakdown").order_by("group__position", "pk"))
    rows = ApprovedFigure.objects.current().filter(approved__initiative=initiative)
    related = rows.select_related("measure", "approved__initiative", "approved__organisation").prefetch_related(parts)
    figures = list(related.order_by("measure__position", "measure__name", "approved__quarter", "pk"))
    returns = list(open_returns(initiative))
    targets = list(Target.objects.filter(initiative=initiative).select_related("measure", "source"))
    if not (figures or returns or targets):
        return None
    words: dict[int, ApprovedReturn] = {figure.approved_id: figure.approved for figure in figures}
    organisations = {figure.approved.organisation_id for figure in figures}
    return InitiativeResults(
        list(measure_tables(figures, targets)),
        sorted(words.values(), key=lambda one: (one.quarter, one.pk), reverse=True),
        returns,
        len(organisations) > 1,
        figures,
    )


def open_returns(initiative: Initiative) -> Iterable[Return]:
    rows = Return.objects.public().unpublished().filter(initiative=initiative)
    return rows.select_related("organisation").order_by("-quarter", "pk")


def measure_tables(figures: Sequence[ApprovedFigure], targets: Sequence[Target]) -> Iterable[MeasureTable]:
    measures = {figure.measure_id: figure.measure for figure in figures}
    measures |= {target.measure_id: target.measure for target in targets}
    for measure in sorted(measures.values(), key=lambda one: (one.position, one.name)):
        own = [figure for figure in figures if figure.measure_id == measure.pk]
        largest = max((figure.published_count or 0 for figure in own), default=0)
        yield MeasureTable(
            measure,
            years_of([FigureRow(figure, bar_width(figure, largest), groups_of(figure)) for figure in own]),
            [target_row(target, own) for target in targets if target.measure_id == measure.pk],
        )


def bar_width(figure: ApprovedFigure, largest: int) -> str:
    return f"{100 * (figure.published_count or 0) / largest:.1f}" if largest else "0"


def groups_of(figure: ApprovedFigure) -> list[tuple[str, list[ApprovedPart]]]:
    found: dict[str, list[ApprovedPart]] = {}
    for part in figure.parts.all():
        found.setdefault(part.group.breakdown.name, []).append(part)
    return list(found.items())


def years_of(rows: Sequence[FigureRow]) -> list[YearOfFigures]:
    by_year: dict[str, list[FigureRow]] = {}
    for row in rows:
        by_year.setdefault(row.approved.period.year_label, []).append(row)
    return [
        YearOfFigures(label, own, add_up(row.figure for row in own)[0] if len(own) > 1 else None)
        for label, own in by_year.items()
    ]


def target_row(target: Target, figures: Sequence[ApprovedFigure]) -> TargetRow:
    quarters = {quarter.starts_on for quarter in target.quarters}
    counted = [figure for figure in figures if figure.approved.quarter in quarters]
    total = add_up(counted)[0] if counted else None
    known = {figure.approved.quarter for figure in counted if not figure.is_suppressed}
    return TargetRow(target, total, len(quarters - known))


def return_sentence(row: Return) -> str:
    match row.status_while_unpublished:
        case ReturnStatus.CHECKING:
            return "Reported, being checked"
        case ReturnStatus.LATE:
            return f"Not reported by {format_date(row.due_on)}"
    return f"Due by {format_date(row.due_on)}"


@dataclass(frozen=True)
class LevelTotals:
    """What the initiatives of a level have reported in the latest year with published figures."""

    totals: list[MeasureTotal]
    year: str
    earlier: bool  # whether anything of an earlier year is published, too


def level_totals(level: Any) -> LevelTotals | None:
    """The totals of a level; None if nothing is published of it."""
    if not Measure.objects.are_in_use():
        return None
    figures = figures_of(approved__initiative__level=level)
    if not figures:
        return None
    latest = max(figure.approved.period for figure in figures)
    of_year = [figure for figure in figures if figure.approved.period.first_year == latest.first_year]
    return LevelTotals(add_up(of_year), latest.year_label, len(of_year) < len(figures))
