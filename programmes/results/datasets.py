"""What is reported, as open data: figures, their groups, and which returns are missing."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Max
from django.utils import timezone

from programmes.datasets import area_codes
from programmes.results.choices import SUPPRESSED, ReturnStatus
from programmes.results.filters import BY, FigureFilters, PartFilters, ReturnFilters
from programmes.results.models import ApprovedFigure, ApprovedPart, ApprovedReturn, Measure, Return
from programmes.results.totals import MeasureTotal, totals_by
from vru_portal.tabular.datasets import Dataset, ListedRows, QueryRows, Rows, join_values, last_recorded, page_column
from vru_portal.tabular.writers import Column, Type


class TotalRow(NamedTuple):
    """A total, and by what it was added up."""

    by: str
    total: MeasureTotal


def while_measured(ask: Callable[[], datetime | None]) -> Callable[[], datetime | None]:
    """When a dataset was last changed, without querying for it while the unit has no measures."""
    return lambda: ask() if Measure.objects.are_in_use() else None


def common_columns(read: Any) -> tuple[Column[Any], ...]:
    """Of what and when; ``read`` gets the row that names the initiative, the organisation and the quarter."""
    return (
        Column("initiative", "The initiative", lambda r: read(r).initiative.name),
        Column("initiative_slug", "Its slug: the last part of its web address", lambda r: read(r).initiative.slug),
        Column(
            "level", "Its level of prevention", lambda r: read(r).initiative.level.name, title="Level of prevention"
        ),
        Column("level_slug", "The slug of its level", lambda r: read(r).initiative.level.slug),
        Column("areas", "The areas that it serves", lambda r: join_values(read(r).initiative.areas.all())),
        Column(
            "area_codes",
            "Their official codes, where known (ONS)",
            lambda r: area_codes(read(r).initiative.areas.all()),
        ),
        Column("organisation", "Who reported it", lambda r: read(r).organisation.name),
        Column("organisation_slug", "Its slug: the last part of its web address", lambda r: read(r).organisation.slug),
        Column("year", "The financial year", lambda r: read(r).period.year_label, title="Financial year"),
        Column("quarter", "The slug of the quarter", lambda r: read(r).period.slug),
        Column("starts_on", "The first day of the quarter", lambda r: read(r).period.starts_on, Type.DATE, "From"),
        Column("ends_on", "The last day of the quarter", lambda r: read(r).period.ends_on, Type.DATE, "To"),
    )


def approved_columns(read: Any) -> tuple[Column[Any], ...]:
    return (
        Column(
            "version",
            "1 for the figure as first approved, 2 for its first correction, and so on",
            lambda r: read(r).number,
            Type.COUNT,
        ),
        Column(
            "approved_on",
            "The day on which it was approved",
            lambda r: timezone.localdate(read(r).recorded_at),
            Type.DATE,
        ),
        Column("correction", "Why it was corrected, if it was", lambda r: read(r).correction, title="Why corrected"),
        page_column("The page of the initiative", lambda r: read(r).initiative),
    )


def figure_rows(filters: FigureFilters) -> Rows[ApprovedFigure]:
    if not Measure.objects.are_in_use():
        return ListedRows([])
    rows = filters.rows.select_related("measure", "approved__initiative__level", "approved__organisation")
    return QueryRows(rows.prefetch_related("approved__initiative__areas"), count=filters.count)


def part_rows(filters: PartFilters) -> Rows[ApprovedPart]:
    if not Measure.objects.are_in_use():
        return ListedRows([])
    related = (
        "figure__measure",
        "group__breakdown",
        "figure__approved__initiative__level",
        "figure__approved__organisation",
    )
    rows = filters.rows.select_related(*related)
    return QueryRows(rows.prefetch_related("figure__approved__initiative__areas"), count=filters.count)


def suppressed_column() -> Column[Any]:
    return Column(
        "note",
        "“suppressed” where the number is too small to publish, or would reveal one that is",
        lambda r: SUPPRESSED if r.is_suppressed else "",
    )


FIGURES: Dataset[ApprovedFigure] = Dataset(
    name="results",
    title="Results",
    about="What organisations have reported of each initiative, quarter by quarter, as approved by the unit. One row "
    "for each figure. Small numbers of people are suppressed.",
    columns=(
        *common_columns(lambda r: r.approved),
        Column("measure", "What was counted", lambda r: r.measure.name),
        Column("measure_slug", "The measure's name in addresses", lambda r: r.measure.slug),
        Column("kind", "Reach, output or outcome", lambda r: r.measure.get_kind_display()),
        Column("unit", "What the figure is a number of", lambda r: r.measure.unit, title="Unit of count"),
        Column("count", "The figure; empty if it is suppressed", lambda r: r.published_count, Type.COUNT),
        suppressed_column(),
        *approved_columns(lambda r: r.approved),
    ),
    key=("initiative_slug", "organisation_slug", "quarter", "measure_slug"),
    filters=FigureFilters,
    rows=figure_rows,
    changed=while_measured(last_recorded(ApprovedFigure)),
    page="results:results",
    keywords=("results", "reach", "outcomes"),
)

GROUPS: Dataset[ApprovedPart] = Dataset(
    name="result-groups",
    title="Results by group",
    about="The same figures by age, sex and so on, as far as they were counted. One row for each group. Small numbers "
    "of people are suppressed, and others from which they could be worked out.",
    columns=(
        *common_columns(lambda r: r.figure.approved),
        Column("measure", "What was counted", lambda r: r.figure.measure.name),
        Column("measure_slug", "The measure's name in addresses", lambda r: r.figure.measure.slug),
        Column("breakdown", "How the figure is divided", lambda r: r.group.breakdown.name),
        Column("group", "The group", lambda r: r.group.name),
        Column("count", "The figure; empty if it is suppressed", lambda r: r.published_count, Type.COUNT),
        suppressed_column(),
        *approved_columns(lambda r: r.figure.approved),
    ),
    key=("initiative_slug", "organisation_slug", "quarter", "measure_slug", "breakdown", "group"),
    filters=PartFilters,
    rows=part_rows,
    changed=while_measured(last_recorded(ApprovedPart)),
    page="results:results",
    keywords=("results", "age", "groups"),
)


def total_rows(filters: FigureFilters) -> ListedRows[TotalRow]:
    totals = totals_by(filters) if Measure.objects.are_in_use() and filters.count else []
    return ListedRows([TotalRow(dict(BY)[filters.by], total) for total in totals])


TOTALS: Dataset[TotalRow] = Dataset(
    name="result-totals",
    title="Totals of results",
    about="The figures of each measure added up. Use the parameter “by” to group them by level, area or year. One row "
    "for each measure and group. Only published figures are added up. Anyone who takes part in two initiatives counts "
    "in both, and the figures of an initiative that serves several areas count in full for each of them.",
    columns=(
        Column("measure", "What was counted", lambda r: r.total.measure.name),
        Column("measure_slug", "The measure's name in addresses", lambda r: r.total.measure.slug),
        Column("kind", "Reach, output or outcome", lambda r: r.total.measure.get_kind_display()),
        Column("unit", "What the figure is a number of", lambda r: r.total.measure.unit, title="Unit of count"),
        Column("by", "How the figures are grouped", lambda r: r.by, title="Grouped by"),
        Column("name", "The level, area or year; empty if they are grouped by measure only", lambda r: r.total.name),
        Column(
            "count",
            "Their sum; empty if all of them are suppressed",
            lambda r: r.total.published_count,
            Type.COUNT,
            derived="the published figures",
        ),
        Column("figures", "How many figures there are", lambda r: r.total.figures, Type.COUNT, derived="the figures"),
        Column(
            "suppressed",
            "How many of them are suppressed, and so not in the sum",
            lambda r: r.total.suppressed,
            Type.COUNT,
            derived="the figures",
        ),
        Column("starts_on", "The first day of the first quarter", lambda r: r.total.starts_on, Type.DATE, "From"),
        Column("ends_on", "The last day of the last quarter", lambda r: r.total.ends_on, Type.DATE, "To"),
    ),
    key=("measure_slug", "name"),
    filters=FigureFilters,
    rows=total_rows,
    changed=while_measured(last_recorded(ApprovedFigure)),
    page="results:results",
    keywords=("results", "reach", "outcomes"),
)


def return_rows(filters: ReturnFilters) -> Rows[Return]:
    if not Measure.objects.are_in_use():
        return ListedRows([])
    rows = filters.rows.select_related("initiative__level", "organisation").prefetch_related("initiative__areas")

    def add_status(found: Any) -> None:
        waiting = set(
            Return.objects.unpublished().filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True)
        )
        for row in found:
            row.status = row.status_while_unpublished if row.pk in waiting else ReturnStatus.PUBLISHED

    return QueryRows(rows, add_status, count=filters.count)


def reported_day(row: Return) -> date | None:
    return timezone.localdate(row.reported_at) if row.reported_at else None


def last_asked() -> Any:
    found = Return.objects.aggregate(asked=Max("asked_at"), reported=Max("reported_at"))
    approved = ApprovedReturn.objects.aggregate(at=Max("recorded_at"))["at"]
    return max((moment for moment in (*found.values(), approved) if moment), default=None)


RETURNS: Dataset[Any] = Dataset(
    name="returns",
    title="Returns of figures",
    about="Which figures were asked for, by when, and whether they were reported. One row for each initiative, "
    "organisation and quarter.",
    columns=(
        *common_columns(lambda r: r),
        Column("due_on", "The day by which it was due", lambda r: r.due_on, Type.DATE, "Due by"),
        Column("reported_on", "The day on which it was reported", reported_day, Type.DATE),
        Column("status", "Whether it was reported, and published", lambda r: r.status.label),
        page_column("The page of the initiative", lambda r: r.initiative),
    ),
    key=("initiative_slug", "organisation_slug", "quarter"),
    filters=ReturnFilters,
    rows=return_rows,
    changed=while_measured(last_asked),
    page="results:results",
    keywords=("results", "reporting"),
)

DATASETS = (FIGURES, TOTALS, GROUPS, RETURNS)
