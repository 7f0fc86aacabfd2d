"""Checks that a figure which was typed once is the same in everything that is served of it."""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.urls import reverse

from funding.reconcile import figures, outputs
from funding.reconcile.database import fetch_rows
from funding.reconcile.figures import CurrentFigure
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedList, ServedPage, UnreadableError

SUPPRESSED = "suppressed"
FIGURE_KEY = ("initiative_slug", "organisation_slug", "quarter", "measure_slug")
PART_KEY = (*FIGURE_KEY, "breakdown", "group")
COST_KEY = ("initiative_slug", "measure_slug", "year")
PERIOD = r"[A-Z][a-z]+(\d{4})?to[A-Z][a-z]+\d{4}"  # without spaces


def check_results(report: ReconciliationReport) -> None:
    """Check all published figures that are served. Report nothing while there are none."""
    rows = figures.current_figures()
    if not rows:
        return
    check_files(report, rows)
    check_results_page(report, rows)
    check_own_pages(report, rows)
    check_years(report, rows)
    report.lines += ["", "Results: published figures added up"]
    for (measure, _), total in sorted(figures.totals(rows, lambda _: [""]).items()):
        report.lines.append(f"  {measure}: {total:,}")


def compare(report: ReconciliationReport, where: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
    """Record a difference for each value that is not as expected, is missing, or should not be there."""
    for key in sorted({*found, *expected}, key=str):
        served, right = (values.get(key, "missing") for values in (found, expected))
        if served != right:
            name = ", ".join(filter(None, key)) if isinstance(key, tuple) else key
            report.differences.append(f"{where}: {name} is {shown(served)}, but {shown(right)} in the database.")


def shown(value: Any) -> str:
    if value is None:
        return SUPPRESSED
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def read_count(text: object) -> int | None:
    """A count as served; None for an empty cell, which is suppressed. Raises UnreadableError for anything else."""
    if text is None or text == "":
        return None
    if not re.fullmatch(r"\d{1,3}(,\d{3})+|\d+", str(text), re.ASCII):
        raise UnreadableError(f"{text!r} is not a count")
    return int(str(text).replace(",", ""))


# Files and the API ----------------------------------------------------------------------------------------------------


def check_files(report: ReconciliationReport, rows: list[CurrentFigure]) -> None:
    """Check the files of figures, groups and costs, row by row, and the same rows of the API."""
    figure_counts = {row.key: row.count for row in rows}
    costs = {key: (cost.paid, cost.reach, cost.each) for key, cost in figures.cost_sums(rows).items()}
    wanted: tuple[tuple[str, tuple[str, ...], Callable[[Any], Any], Mapping[Any, Any]], ...] = (
        ("results", FIGURE_KEY, served_count, figure_counts),
        ("result-groups", PART_KEY, served_count, figures.part_counts()),
        ("cost-per-person", COST_KEY, served_cost, costs),
    )
    for name, columns, value_of, expected in wanted:
        for form, reader in outputs.readers_of(name).items():
            where = f"{name}, {form.upper()}"
            found = report.read(where, partial(by_key, reader, columns, value_of))
            if found is not None:
                compare(report, where, found, expected)


def by_key(
    reader: Callable[[], ServedList], columns: Collection[str], value_of: Callable[[Any], Any]
) -> dict[Hashable, Any]:
    return {tuple(str(row[column]) for column in columns): value_of(row) for row in reader().rows}


def served_count(row: Any) -> int | None:
    count = read_count(row["count"])
    if (row["note"] == SUPPRESSED) != (count is None):
        raise UnreadableError(f"a count of {row['count']!r} has the note {row['note']!r}")
    return count


def served_cost(row: Any) -> tuple[Decimal, int | None, Decimal]:
    each = outputs.parse_served_sum(row["each"])
    return outputs.parse_served_sum(row["paid"]), read_count(row["reach"]), each


# Pages ----------------------------------------------------------------------------------------------------------------


def check_results_page(report: ReconciliationReport, rows: list[CurrentFigure]) -> None:
    """Check the page of results: its figures, and its totals by measure, level, area and year."""
    areas = figures.areas_of_initiatives()
    names_of: dict[str, Callable[[CurrentFigure], Iterable[str]]] = {
        "measure": lambda _: [""],
        "level": lambda row: [row.level_name],
        "area": lambda row: areas[row.initiative],
        "year": lambda row: [row.year],
    }
    listed = {f"figure:{measure}": total for (measure, _), total in figures.totals(rows, lambda _: [""]).items()}
    for by, names in names_of.items():
        expected = {f"total:{measure}:{name}": total for (measure, name), total in figures.totals(rows, names).items()}
        check_page(report, f"Results by {by}", f"{reverse('results:results')}?by={by}", {**expected, **listed})


def check_own_pages(report: ReconciliationReport, rows: list[CurrentFigure]) -> None:
    """Check the pages of the initiatives and levels that have figures."""
    for slug in sorted({row.slug for row in rows}):
        own = [row for row in rows if row.slug == slug]
        expected = {f"figure:{measure}": total for (measure, _), total in figures.totals(own, lambda _: [""]).items()}
        several = {key for row in own if sum(each.key[3] == row.measure and each.year == row.year for each in own) > 1
                   for key in [(row.measure, row.year)]}  # fmt: skip
        years = figures.totals(own, lambda row: [row.year])
        expected |= {f"total:{measure}:{year}": total for (measure, year), total in years.items()
                     if (measure, year) in several}  # fmt: skip
        check_page(report, f"Initiative {slug}", reverse("programmes:initiative", args=[slug]), expected)
    for level in sorted({row.level for row in rows}):
        own = [row for row in rows if row.level == level]
        latest = [row for row in own if row.first_year == max(each.first_year for each in own)]
        expected = {
            f"total:{measure}:": total for (measure, _), total in figures.totals(latest, lambda _: [""]).items()
        }
        check_page(report, f"Level {level}", reverse("programmes:level", args=[level]), expected)


def check_page(report: ReconciliationReport, where: str, address: str, expected: Mapping[str, int]) -> None:
    """Check the marks of a page and of those that continue it. A total of nothing but suppressed figures has none."""
    continued = [mark for mark in expected if mark.startswith("figure:")]
    page: ServedPage | None = report.read(f"{where}, Page", partial(outputs.read_pages, address, continued))
    if page:
        found = {mark: int(page.sum_of(mark)) for mark in page.marks if mark.startswith(("figure:", "total:"))}
        compare(report, f"{where}, Page", found, expected)


# A year's workbook and report -----------------------------------------------------------------------------------------


def check_years(report: ReconciliationReport, rows: list[CurrentFigure]) -> None:
    """Check the workbook of each year's returns, and the year's report, if there is one."""
    with_money = {
        int(year)
        for (year,) in fetch_rows(
            "SELECT y.first_year FROM funding_financialyear y "
            "WHERE EXISTS (SELECT 1 FROM funding_fundingsource s WHERE s.year_id = y.id AND s.reverses_id IS NULL)"
        )
    }
    for first_year in sorted({row.first_year for row in rows}):
        own = [row for row in rows if row.first_year == first_year]
        label = own[0].year
        where = f"{label}, Workbook of returns"
        book = report.read(where, partial(read_workbook, label))
        if book is not None:
            check_workbook(report, where, book, own)
        if first_year in with_money:
            where = f"{label}, Report"
            text = report.read(where, partial(outputs.read_report, label))
            if text is not None:
                check_report(report, where, squeeze(text), own)


def read_workbook(label: str) -> list[tuple[Any, ...]]:
    """The rows of a year's workbook, the headings first."""
    book = outputs.open_workbook(outputs.fetch(reverse("results:workbook", args=[label])))
    return list(book["Returns"].iter_rows(values_only=True))


def check_workbook(
    report: ReconciliationReport, where: str, book: list[tuple[Any, ...]], rows: list[CurrentFigure]
) -> None:
    """Check the columns of measures and of the spend: what is in them, added up, and how often it is suppressed."""
    expected: dict[str, Decimal | int] = {}
    found: dict[str, Any] = {}
    for heading, holds, measure in workbook_columns(rows):
        if holds not in ("measure", "spend"):
            continue
        if heading not in book[0]:
            report.differences.append(f"{where}: {heading} is missing.")
            continue
        cells = [row[book[0].index(heading)] for row in book[1:]]
        if holds == "spend":
            found[heading] = report.read(where, partial(sum_of_cells, cells))
            expected[heading] = figures.spend_reported(rows[0].first_year)
            continue
        counts = [row.count for row in rows if row.measure == measure]
        found[heading] = report.read(where, partial(sum_of_cells, [cell for cell in cells if cell != SUPPRESSED]))
        expected[heading] = Decimal(sum(filter(None, counts)))
        found[f"{heading}, suppressed"] = cells.count(SUPPRESSED)
        expected[f"{heading}, suppressed"] = counts.count(None)
    compare(report, where, found, expected)


def sum_of_cells(cells: Iterable[Any]) -> Decimal:
    return sum(map(outputs.parse_served_sum, cells), Decimal(0))


def workbook_columns(rows: list[CurrentFigure]) -> list[tuple[str, str, str | None]]:
    """The heading, content and measure of each column that the unit has mapped, or of those that it gets without."""
    own = fetch_rows(
        "SELECT c.heading, c.holds, m.slug FROM results_workbookcolumn c LEFT JOIN results_measure m "
        "ON m.id = c.measure_id"
    )
    by_name = {row.measure_name: row.measure for row in rows}
    return own or [("Spend reported", "spend", None), *((name, "measure", slug) for name, slug in by_name.items())]


def squeeze(text: str) -> str:
    return re.sub(r"[\s\u200b\u00ad]", "", text)


def check_report(report: ReconciliationReport, where: str, text: str, rows: list[CurrentFigure]) -> None:
    """Check that the report has each total of a measure, and of each initiative by it."""
    names = {row.measure: row.measure_name for row in rows} | {row.slug: row.name for row in rows}
    for (measure, initiative), total in {
        **figures.totals(rows, lambda _: [""]),
        **figures.totals(rows, lambda row: [row.slug]),
    }.items():
        name = names[initiative or measure]
        stated = rf"{re.escape(squeeze(name))}(\(\d+suppressed\))?{PERIOD}{total:,}(?![\d,])"
        if not re.search(stated, text):
            of = f" of {names[measure]}" if initiative else ""
            report.differences.append(f"{where}: {name} has another total{of} than {total:,}, as in the database.")
