"""Compares what is served with the database: differences, exceptions, omissions, and the sums as tables."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from django.db import connection
from django.urls import reverse

from funding import missing_disclosures
from funding.datasets import threesixtygiving
from funding.models import PublicationDuty
from funding.reconcile import budget, database, outputs, pages
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.lists import check_lists
from funding.reconcile.onward import check_onward_grants
from funding.reconcile.outputs import ServedList, ServedPage
from funding.reconcile.results import check_results
from funding.validators import year_label
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.ledger.comparing import compare_undisturbed
from vru_portal.ledger.content_version import content_version
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.downloads import FORMATS
from vru_portal.tabular.writers import unescape_formula

# Where each sum of a year is found: the list and column of a download, and the mark on the page.
LIST_SUMS = {
    "sources": ("sources", "amount", "source"),
    "allocated": ("allocations", "allocated", "allocation"),
    "paid from it": ("allocations", "paid", "allocation-paid"),
    "payments": ("payments", "amount", "payment"),
}
# The marks of rows that continue over several pages; each page has all sources of its year.
CONTINUED_SUMS = {"year": ("allocation", "allocation-paid"), "payments": ("payment",)}
# What page and download say about each source: the attribute of SourceSums, the mark on the page, the column.
SOURCE_PARTS = {
    "amount": ("total", "amount"),
    "allocated": ("allocated", "allocated"),
    "paid": ("paid", "paid"),
    "to_pay": ("to-pay", "still_to_pay"),
    "over": ("over", "paid_over_allocations"),
    "refunded_beyond_paid": ("refunded_beyond_paid", "paid_back_beyond_payments"),
    "carried": ("carried", "carried_forward"),
    "returned": ("returned", "returned_to_funder"),
    "unallocated": ("unallocated", "not_allocated"),
}


def reconcile(first_year: int | None = None) -> ReconciliationReport:
    """Compare everything that is served with the ledger, for one year or all, and the 360Giving files."""
    return compare_undisturbed(partial(compare, first_year), lambda report: report.differences, content_version)


def compare(first_year: int | None) -> ReconciliationReport:
    """Compare once."""
    report = ReconciliationReport()
    for trigger in DatabaseTriggers(connection).missing():
        report.differences.append(
            f"The database is missing a trigger: {trigger.name}. Rows may have been changed since."
        )
    report.differences += database.broken_rules()
    for year in database.years_with_sources(first_year):
        check_year(report, year)
    check_grants_files(report)
    check_onward_grants(report)
    if first_year is None:
        check_all_years(report)
    check_results(report)
    report.omissions += missing_disclosures.all_missing_disclosures(first_year)
    return report


def check_all_years(report: ReconciliationReport) -> None:
    """Check what is served of the money of all years together."""
    check_lists(report)
    pages.check_awards(report)
    pages.check_totals_pages(report)


def check_year(report: ReconciliationReport, year: database.YearRow) -> None:
    """Check the accounts of a year and everything that is served about it."""
    label, sources = year_label(year.first_year), database.source_sums(year)
    report.lines += ["", label]
    check_accounts(report, label, sources)
    expected = {
        "sources": total_of_sources(sources, "amount"),
        "allocated": total_of_sources(sources, "allocated"),
        "paid from it": total_of_sources(sources, "listed"),
        "payments": database.total_paid(year),
    }
    page = read_page(report, label, "year")
    served = {"Page": page_sums(report, label, sources, page)}
    budget.check_decisions_and_conditions(report, label, year, page, FORMATS)
    pages.check_decisions_page(report, label, year)
    if page:
        pages.check_flow(report, label, year, sources, page)
    pages.check_report(report, label, year, sources)
    for form in FORMATS:
        served[form.upper()] = download_sums(report, label, form, sources, database.exceptions(year))
    for output, sums in served.items():
        for what, amount in expected.items():
            if what in sums:
                report.expect(f"{label}, {output}", f"the sum of {what}, row by row,", sums[what], amount)
    report.table(
        ["Output, summed row by row", *expected],
        [
            [output, *(format_pounds(sums[what]) if what in sums else "unreadable" for what in expected)]
            for output, sums in {"Database, in SQL": expected, **served}.items()
        ],
    )


def total_of_sources(sources: Iterable[database.SourceSums], part: str) -> Decimal:
    return sum((getattr(source, part) for source in sources), Decimal(0))


def check_accounts(report: ReconciliationReport, label: str, sources: list[database.SourceSums]) -> None:
    """Check that the parts of each source add up to its amount: see `SourceSums.adds_up`."""
    for source in sources:
        if not source.adds_up:
            report.differences.append(
                f"{label}, {source.name}: paid {format_pounds(source.paid)} + still to pay "
                f"{format_pounds(source.to_pay)} - over {format_pounds(source.over)} + paid back beyond payments "
                f"{format_pounds(source.refunded_beyond_paid)} + not allocated {format_pounds(source.unallocated)} + "
                f"carried forward {format_pounds(source.carried)} + returned {format_pounds(source.returned)} does not "
                f"add up to {format_pounds(source.amount)}."
            )
    headings = {
        "paid": "paid",
        "to_pay": "+ to pay",
        "over": "- over",
        "refunded_beyond_paid": "+ refunded beyond paid",
        "unallocated": "+ not allocated",
        "carried": "+ carried forward",
        "returned": "+ returned",
        "amount": "= sum",
    }
    rare = ("refunded_beyond_paid", "returned")
    parts = [part for part in headings if part not in rare or total_of_sources(sources, part)]
    report.table(
        ["Source", *(headings[part] for part in parts)],
        [
            *([source_label(source), *(format_pounds(getattr(source, part)) for part in parts)] for source in sources),
            ["All", *(format_pounds(total_of_sources(sources, part)) for part in parts)],
        ],
    )


def has_uses(source: database.SourceSums) -> bool:
    return bool(source.awarded or source.carried or source.returned)


def source_label(source: database.SourceSums) -> str:
    """The name of a source, marked if it was reversed."""
    return source.name if source.stands else f"{source.name} (reversed)"


def read_page(report: ReconciliationReport, label: str, name: str) -> ServedPage | None:
    path = reverse(f"funding:{name}", args=[label])
    page: ServedPage | None = report.read(f"{label}, Page", partial(outputs.read_pages, path, CONTINUED_SUMS[name]))
    return page


def page_sums(
    report: ReconciliationReport, label: str, sources: list[database.SourceSums], year: ServedPage | None
) -> dict[str, Decimal]:
    """What the rows of the year's pages add up to. Also checks the sums in their sentences and totals."""
    where, paid = f"{label}, Page", read_page(report, label, "payments")
    sums: dict[str, Decimal] = {}
    if year:
        sums |= {what: year.sum_of(mark) for what, (name, _, mark) in LIST_SUMS.items() if name != "payments"}
        for part, (mark, _) in SOURCE_PARTS.items():
            # While nothing is allocated, carried forward or returned, the page does not say where the money went.
            if mark in year.marks or any(map(has_uses, sources)) or part == "amount":
                report.expect(where, f"“{mark}”", year.sum_of(mark), total_of_sources(sources, part))
        for mark, what in {"allocations-total": "allocated", "allocations-paid-total": "paid from it"}.items():
            if mark in year.marks:
                report.expect(where, "the total of the list of allocations", year.sum_of(mark), sums[what])
    if paid:
        sums["payments"] = paid.sum_of("payment")
        if "payments-total" in paid.marks:
            report.expect(where, "the total of the list of payments", paid.sum_of("payments-total"), sums["payments"])
    return sums


def download_sums(
    report: ReconciliationReport,
    label: str,
    form: str,
    sources: list[database.SourceSums],
    irregular: dict[str, list[str]],
) -> dict[str, Decimal]:
    """What the rows of the year's downloads add up to. Also checks the parts of each source and the stated totals."""
    where, lists = f"{label}, {form.upper()}", dict[str, ServedList]()
    for name in ("sources", "allocations", "payments"):
        found: ServedList | None = report.read(f"{where} of {name}", partial(outputs.read_download, label, name, form))
        if found is None:
            continue
        lists[name] = found
        if found.total is not None:
            report.expect(f"{where} of {name}", "the total stated", found.total, found.sum_of("amount"))
        elif form != "csv":
            report.differences.append(f"{where} of {name}: states no total.")
        if found.count not in (None, len(found.rows)):
            report.differences.append(f"{where} of {name}: states {found.count} rows but has {len(found.rows)}.")
    if "sources" in lists:
        check_sources(report, where, lists["sources"], sources)
    if "allocations" in lists:
        awarded = report.read(f"{where} of allocations", partial(lists["allocations"].sum_of, "amount"))
        if awarded is not None:
            report.expect(where, "the sum awarded, row by row,", awarded, total_of_sources(sources, "awarded"))
    if "payments" in lists:
        served = lists["payments"] if form == "json" else without_formula_guards(lists["payments"])
        check_exceptions(report, where, served, irregular)
    sums: dict[str, Decimal] = {}
    for what, (name, column, _) in LIST_SUMS.items():
        if name in lists:
            amount = report.read(f"{where} of {name}", partial(lists[name].sum_of, column))
            sums |= {} if amount is None else {what: amount}
    return sums


def check_sources(
    report: ReconciliationReport, where: str, found: ServedList, sources: list[database.SourceSums]
) -> None:
    """Check the parts of each standing source as served. An empty cell means not stated."""
    sources = [source for source in sources if source.stands]
    if len(found.rows) != len(sources):
        report.differences.append(f"{where} of sources: {len(found.rows)} rows, but {len(sources)} in the database.")
    for row, source in zip(found.rows, sources, strict=False):
        for part, (_, column) in SOURCE_PARTS.items():
            if row.get(column) not in (None, "") or has_uses(source):
                served = outputs.parse_served_sum(row.get(column))
                report.expect(f"{where} of sources", f"{column} of {source.name}", served, getattr(source, part))


def check_exceptions(
    report: ReconciliationReport, where: str, found: ServedList, irregular: dict[str, list[str]]
) -> None:
    """Check that the right payments are shown as exceptions, and list these as they are shown."""
    shown = {str(row["reference"]): row for row in found.rows if row["exceptions"]}
    for reference in sorted(irregular.keys() - shown.keys()):
        report.differences.append(
            f"{where} of payments: {reference} is not shown as an exception: {irregular[reference]}."
        )
    for reference in sorted(shown.keys() - irregular.keys()):
        report.differences.append(f"{where} of payments: {reference} is shown as an exception but is not one.")
    for reference, row in shown.items():
        explanation = row["explanation"] or "No explanation is published."
        amount = format_pounds(outputs.parse_served_sum(row["amount"]))
        line = f"{row['financial_year']}: {reference}, {amount}: {row['exceptions']} {explanation}"
        if line not in report.exceptions:
            report.exceptions.append(line)


def without_formula_guards(found: ServedList) -> ServedList:
    """A list without the apostrophes that keep a spreadsheet from reading references as formulas."""
    return ServedList([row | {"reference": unescape_formula(str(row["reference"]))} for row in found.rows])


def check_grants_files(report: ReconciliationReport) -> None:
    """Check the 360Giving file of each funder, if there are any."""
    grants = database.grant_sums()
    if reason := threesixtygiving.unavailable_reason(PublicationDuty.objects.first(), any_awards=bool(grants)):
        report.lines += ["", reason]
        return
    for slug, expected in grants.items():
        served = {"Database, in SQL": expected}
        for form in ("json", "xlsx"):
            where = f"360Giving of {slug}, {form.upper()}"
            sums = report.read(where, partial(grants_file_sums, slug, form))
            if sums:
                served[form.upper()] = sums
                for what, amount, right in zip(("awarded", "disbursed"), sums, expected, strict=True):
                    report.expect(where, f"the amount {what}, row by row,", amount, right)
        report.lines += ["", f"360Giving, {slug}"]
        report.table(
            ["Output, summed row by row", "awarded", "disbursed"],
            [[output, *map(format_pounds, sums)] for output, sums in served.items()],
        )


def grants_file_sums(slug: str, form: str) -> tuple[Decimal, Decimal]:
    """The total awarded and disbursed in a 360Giving file."""
    found = outputs.read_grants_file(slug, form)
    return found.sum_of("amountAwarded"), found.sum_of("amountDisbursed")
