"""Checks sums on the pages beside those of the year: decisions, the diagram's table, what was awarded, and totals."""

import re
from collections import defaultdict
from decimal import Decimal
from functools import partial

from django.urls import reverse
from django.utils import timezone

from funding.filters.payments import BY
from funding.reconcile import outputs
from funding.reconcile.budget import condition_sums
from funding.reconcile.database import (
    ALLOCATION_STANDS,
    DECISION_STANDS,
    LEFT_OF_ALLOCATION,
    PAID_ON_ALLOCATION,
    PENCE,
    VARIATION_STANDS,
    SourceSums,
    YearRow,
    fetch_rows,
    pounds_of,
)
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedPage
from funding.validators import year_label
from vru_portal.ledger.money import format_pounds

# The report lists only the largest allocations and the latest variations, if there are more.
MOST_IN_REPORT, MOST_STEPS_IN_REPORT = 500, 100


def read(report: ReconciliationReport, where: str, address: str, continued: tuple[str, ...] = ()) -> ServedPage | None:
    page: ServedPage | None = report.read(where, partial(outputs.read_pages, address, continued))
    return page


# Of one year ----------------------------------------------------------------------------------------------------------


def check_decisions_page(report: ReconciliationReport, label: str, year: YearRow) -> None:
    """Check what the decisions of a year have allocated and varied, line by line."""
    marks = {
        "decision-allocated": f"SELECT SUM({PENCE.format('a.amount')}) FROM funding_allocation a "
        f"JOIN funding_decision d ON d.id = a.decision_id "
        f"WHERE d.year_id = %s AND {DECISION_STANDS} AND {ALLOCATION_STANDS}",
        "decision-varied": f"SELECT SUM({PENCE.format('v.amount')}) FROM funding_variation v "
        f"JOIN funding_decision d ON d.id = v.decision_id "
        f"WHERE d.year_id = %s AND {DECISION_STANDS} AND {VARIATION_STANDS}",
    }
    where = f"{label}, Page of decisions"
    if page := read(report, where, reverse("funding:decisions", args=[label]), tuple(marks)):
        for mark, sql in marks.items():
            ((pence,),) = fetch_rows(sql, [year.pk])
            report.expect(where, f"“{mark}”", page.sum_of(mark), pounds_of(pence))


def sums_by_level(year: YearRow) -> list[tuple[str, str, Decimal, Decimal]]:
    """The slug and name of each level (both are empty for the headings), with what is allocated and paid.

    What was paid counts even if its allocation was reversed since.
    """
    left = f"CASE WHEN {ALLOCATION_STANDS} THEN {LEFT_OF_ALLOCATION} ELSE 0 END"
    found = fetch_rows(
        f"SELECT COALESCE(l.slug, ''), COALESCE(l.name, ''), SUM({left}), SUM({PAID_ON_ALLOCATION}) "
        "FROM funding_allocation a JOIN funding_fundingsource s ON s.id = a.funding_source_id "
        "LEFT JOIN programmes_initiative i ON i.id = a.initiative_id "
        "LEFT JOIN programmes_preventionlevel l ON l.id = i.level_id "
        "WHERE s.year_id = %s AND a.reverses_id IS NULL GROUP BY 1, 2",
        [year.pk],
    )
    return [(slug, name, pounds_of(allocated), pounds_of(paid)) for slug, name, allocated, paid in found
            if allocated or paid]  # fmt: skip


def check_flow(
    report: ReconciliationReport, label: str, year: YearRow, sources: list[SourceSums], page: ServedPage
) -> None:
    """Check the table of the diagram: each level, all initiatives and headings, what is left, and the totals."""
    levels = sums_by_level(year)
    if not levels:
        return
    allocated = sum((sum_ for _, _, sum_, _ in levels), Decimal(0))
    paid = sum((sum_ for _, _, _, sum_ in levels), Decimal(0))
    # A source that is over-committed has nothing left, whatever is left of another.
    unallocated = sum((max(source.unallocated, Decimal(0)) for source in sources), Decimal(0))
    left = unallocated + sum_of(sources, "carried") + sum_of(sources, "returned")
    expected = {
        **{f"flow:{slug}": sum_ for slug, _, sum_, _ in levels},
        **{f"flow-paid:{slug}": sum_ for slug, _, _, sum_ in levels},
        "flow-rows": allocated,
        "flow-rows-paid": paid,
        "flow-left": left,
        "flow-total": allocated + left,
        "flow-total-paid": sum_of(sources, "paid"),
    }
    for mark in sorted(expected.keys() | {mark for mark in page.marks if mark.startswith("flow")}):
        report.expect(f"{label}, Page, diagram", f"“{mark}”", page.sum_of(mark), expected.get(mark, Decimal(0)))


def sum_of(sources: list[SourceSums], part: str) -> Decimal:
    return sum((getattr(source, part) for source in sources), Decimal(0))


# Of all years ---------------------------------------------------------------------------------------------------------


def check_awards(report: ReconciliationReport) -> None:
    """Check the money on the pages of initiatives and headings: each year's total, each allocation that is shown."""
    found = fetch_rows(
        "SELECT i.slug, h.slug, y.first_year, a.public_id, "
        f"{LEFT_OF_ALLOCATION}, {PAID_ON_ALLOCATION} FROM funding_allocation a "
        "JOIN funding_fundingsource s ON s.id = a.funding_source_id "
        "JOIN funding_financialyear y ON y.id = s.year_id "
        "LEFT JOIN programmes_initiative i ON i.id = a.initiative_id "
        f"LEFT JOIN funding_budgetheading h ON h.id = a.heading_id WHERE {ALLOCATION_STANDS}"
    )
    totals: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    single: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for initiative, heading, first_year, public_id, left, paid in found:
        page = ("programmes:initiative", initiative) if initiative else ("funding:heading", heading)
        label = year_label(first_year)
        totals[page][f"awards:{label}"] += pounds_of(left)
        totals[page][f"awards-paid:{label}"] += pounds_of(paid)
        single[page] |= {f"award:{public_id}": pounds_of(left), f"award-paid:{public_id}": pounds_of(paid)}
    for name, slug in sorted(totals):
        where = f"{'Initiative' if name == 'programmes:initiative' else 'Heading'} {slug}, Page"
        if served := read(report, where, reverse(name, args=[slug])):
            # The page lists only some of many allocations.
            shown = {mark for mark in served.marks if mark.startswith("award")}
            expected = {**totals[name, slug], **{m: s for m, s in single[name, slug].items() if m in shown}}
            for mark in sorted(shown | expected.keys()):
                report.expect(where, f"“{mark}”", served.sum_of(mark), expected.get(mark, Decimal(0)))


def check_totals_pages(report: ReconciliationReport) -> None:
    """Check the totals of payments: however they are grouped, all of them add up to what was paid."""
    ((pence,),) = fetch_rows(f"SELECT SUM({PENCE.format('p.amount')}) FROM funding_payment p")
    for by in BY:
        where = f"Totals of payments by {by}, Page"
        page = read(report, where, f"{reverse('funding:totals')}?by={by}", ("tally", "tally-total"))
        for mark in ("tally", "tally-total", "tally-count-line") if page else ():
            report.expect(where, f"“{mark}”", page.sum_of(mark), pounds_of(pence))  # type: ignore[union-attr]


# On paper -------------------------------------------------------------------------------------------------------------


def check_report(report: ReconciliationReport, label: str, year: YearRow, sources: list[SourceSums]) -> None:
    """Check the sums in the rows of the year's report: from its sources to its allocations."""
    where = f"{label}, Report"
    text = report.read(where, partial(outputs.read_report, label))
    if text is None:
        return
    text = " ".join(text.replace("\u200b", "").replace("\u00ad", "").split())
    for what, named, sums in rows_of_report(year, sources):
        written = r" ".join(re.escape(format_pounds(sum_)) for sum_ in sums)
        # A name may be broken anywhere, and is followed by no sum but those of its own row.
        if not re.search(rf"{re.escape(named)}[^£]* {written}(?= |$)", text):
            amounts = ", ".join(map(format_pounds, sums))
            report.differences.append(f"{where}: {what} has other sums than {amounts}, as in the database.")


def rows_of_report(year: YearRow, sources: list[SourceSums]) -> list[tuple[str, str, list[Decimal]]]:
    """What each row of the report is about, the last words before its sums, and the sums, from left to right."""
    parts = ["allocated", "paid", *(part for part in ("carried", "returned") if sum_of(sources, part)), "unallocated"]
    rows: list[tuple[str, str, list[Decimal]]] = []
    has_uses = any(source.awarded or source.carried or source.returned for source in sources)
    if has_uses:
        rows += [
            (source.name, "", [source.amount, *(getattr(source, part) for part in parts)])
            for source in sources
            if source.stands
        ]
        rows.append(("The total", "", [sum_of(sources, part) for part in ("amount", *parts)]))
    rows += [
        (name or "All of the headings", name or "Budget headings", [allocated, paid])
        for _, name, allocated, paid in sums_by_level(year)
    ]
    rows += [
        (f"Condition {row.pk}", row.name, [row.required, row.counted])
        for row in condition_sums(year, timezone.localdate())
    ]
    variations = fetch_rows(
        f"SELECT v.public_id, d.reference, {PENCE.format('v.amount')} FROM funding_variation v "
        "JOIN funding_decision d ON d.id = v.decision_id JOIN funding_fundingsource s ON s.id = v.funding_source_id "
        f"WHERE s.year_id = %s AND {VARIATION_STANDS}",
        [year.pk],
    )
    if len(variations) <= MOST_STEPS_IN_REPORT:
        rows += [(f"Variation {which}", decision, [pounds_of(pence)]) for which, decision, pence in variations]
    allocations = fetch_rows(
        f"SELECT a.public_id, {LEFT_OF_ALLOCATION} AS allocated, {PAID_ON_ALLOCATION} FROM funding_allocation a "
        "JOIN funding_fundingsource s ON s.id = a.funding_source_id "
        f"WHERE s.year_id = %s AND {ALLOCATION_STANDS} ORDER BY 2 DESC LIMIT {MOST_IN_REPORT + 1}",
        [year.pk],
    )
    if len(allocations) <= MOST_IN_REPORT:
        rows += [
            (f"Allocation {which}", which, [pounds_of(left), pounds_of(paid)]) for which, left, paid in allocations
        ]
    return rows
