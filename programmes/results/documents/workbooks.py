"""A year's returns as a workbook with the columns of the grant's own form, which the unit maps."""

from collections.abc import Callable
from typing import IO, Any

from django.utils import timezone

from programmes.datasets import area_codes
from programmes.results.choices import SUPPRESSED, WorkbookField
from programmes.results.models import ApprovedReturn, Measure, ReportingRules, WorkbookColumn
from programmes.results.quarters import Quarter
from vru_portal.tabular.datasets import join_values
from vru_portal.tabular.writers import Cell, WorkbookFile

READ: dict[str, Callable[[ApprovedReturn], Cell]] = {
    WorkbookField.INITIATIVE: lambda row: row.initiative.name,
    WorkbookField.LEVEL: lambda row: row.initiative.level.name,
    WorkbookField.ORGANISATION: lambda row: row.organisation.name,
    WorkbookField.AREAS: lambda row: join_values(row.initiative.areas.all()),
    WorkbookField.AREA_CODES: lambda row: area_codes(row.initiative.areas.all()),
    WorkbookField.QUARTER: lambda row: str(row.period),
    WorkbookField.STARTS_ON: lambda row: row.period.starts_on,
    WorkbookField.ENDS_ON: lambda row: row.period.ends_on,
    WorkbookField.SPEND: lambda row: row.spend,
    WorkbookField.WENT_WELL: lambda row: row.went_well,
    WorkbookField.WENT_BADLY: lambda row: row.went_badly,
    WorkbookField.APPROVED_ON: lambda row: timezone.localdate(row.recorded_at),
}


def columns() -> list[WorkbookColumn]:
    """The unit's columns; without any, every field and measure under its own name."""
    own = list(WorkbookColumn.objects.select_related("measure"))
    if own:
        return own
    fields = [
        WorkbookColumn(heading=label, holds=value)
        for value, label in WorkbookField.choices
        if value != WorkbookField.MEASURE
    ]
    measures = [
        WorkbookColumn(heading=measure.name, holds=WorkbookField.MEASURE, measure=measure)
        for measure in Measure.objects.all()
    ]
    place = next(number for number, column in enumerate(fields) if column.holds == WorkbookField.SPEND)
    return [*fields[:place], *measures, *fields[place:]]


def write_workbook(first_year: int, file: IO[bytes]) -> None:
    """Write the approved returns of a financial year."""
    quarters = [Quarter.from_slug(f"{first_year}-{(first_year + 1) % 100:02}-q{number}") for number in (1, 2, 3, 4)]
    rows = ApprovedReturn.objects.current().filter(quarter__in=[quarter.starts_on for quarter in quarters if quarter])
    related = rows.select_related("initiative__level", "organisation").prefetch_related("initiative__areas", "figures")
    chosen = columns()
    book = WorkbookFile(file)
    sheet = book.add_sheet("Returns", [column.heading for column in chosen])
    for row in related.order_by("quarter", "initiative__name", "organisation__name"):
        sheet.append([cell(row, column) for column in chosen])
    notes = book.add_sheet("Notes", ["what", "value"], width=40)
    threshold = ReportingRules.current().threshold
    notes.append(
        [
            "suppressed",
            f"A number of people below {threshold} is suppressed, and so are numbers from which it could be worked "
            "out.",
        ]
    )
    notes.append(["empty", "Not reported, or not known."])
    notes.append(["made on", timezone.localdate()])
    book.close()


def cell(row: ApprovedReturn, column: WorkbookColumn) -> Any:
    if column.holds != WorkbookField.MEASURE:
        return READ[column.holds](row)
    figure = next((figure for figure in row.figures.all() if figure.measure_id == column.measure_id), None)
    if figure is None:
        return None
    return SUPPRESSED if figure.is_suppressed else figure.count
