"""The one against the other: what differs, what is irregular, what is not yet published, and the sums as a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse

from funding import giving
from funding.models import PublicationDuty
from funding.reconcile import ledger, omissions, outputs
from funding.reconcile.outputs import Listed, Page, UnreadableError
from funding.validators import label_of
from vru_portal.append_only import Guards
from vru_portal.money import pounds

FORMS = ("csv", "json", "xlsx")
# What a year's outputs hold, and where: the list and column of a download, the page's mark.
SUMS = {
    "sources": ("sources", "amount", "source"),
    "allocated": ("allocations", "amount", "allocation"),
    "paid of it": ("allocations", "paid", "allocation-paid"),
    "payments": ("payments", "amount", "payment"),
}
# What the page and the list of sources say of the year and of each source: the attribute, the page's mark, the column.
PARTS = {
    "amount": ("total", "amount"),
    "allocated": ("allocated", "allocated"),
    "paid": ("paid", "paid"),
    "to_pay": ("to-pay", "still_to_pay"),
    "over": ("over", "paid_over_allocations"),
    "carried": ("carried", "carried_forward"),
    "unallocated": ("unallocated", "not_allocated"),
}


@dataclass
class Report:
    """What was found."""

    lines: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    omissions: list[str] = field(default_factory=list)

    def expect(self, where: str, what: str, found: Decimal, expected: Decimal) -> None:
        """Compare a sum that is served with the database's."""
        if found != expected:
            by = pounds(abs(found - expected))
            self.differences.append(
                f"{where}: {what} is {pounds(found)}, in the database {pounds(expected)}: {by} apart."
            )

    def read(self, where: str, reader: Callable[[], Any]) -> Any:
        """Return what is served, or None where it cannot be read."""
        try:
            return reader()
        except UnreadableError as error:
            self.differences.append(f"{where}: {error}.")
        except Exception as error:  # whatever is wrong with a file is a finding, not the end
            self.differences.append(f"{where}: cannot be read: {error!r}.")
        return None

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table, its sums to the right."""
        lines = [headings, *rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(headings))]
        self.lines += [
            "  " + "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]  # fmt: skip


def reconcile(first_year: int | None = None) -> Report:
    """Hold what is served to what the ledger holds: of one year or of all, and the 360Giving files."""
    report = Report()
    for guard in Guards(connection).missing():
        report.differences.append(f"The database lacks a guard: {guard.name}. Rows may have been changed since.")
    report.differences += ledger.faults()
    for year in ledger.years(first_year):
        check_year(report, year)
    check_giving(report)
    report.omissions += omissions.all_of(first_year)
    return report


def check_year(report: Report, year: ledger.Year) -> None:
    """Check a year's accounts and all that is served of them."""
    label, sources = label_of(year.first_year), ledger.sources(year)
    report.lines += ["", label]
    check_accounts(report, label, sources)
    expected = {
        "sources": total(sources, "amount"),
        "allocated": total(sources, "allocated"),
        "paid of it": total(sources, "listed"),
        "payments": ledger.payments(year),
    }
    served = {"Page": page_sums(report, label, sources)}
    for form in FORMS:
        served[form.upper()] = download_sums(report, label, form, sources, ledger.exceptions(year))
    for output, sums in served.items():
        for what, amount in expected.items():
            if what in sums:
                report.expect(f"{label}, {output}", f"the sum of {what}, row by row,", sums[what], amount)
    report.table(
        ["Output, summed row by row", *expected],
        [
            [output, *(pounds(sums[what]) if what in sums else "unreadable" for what in expected)]
            for output, sums in {"Database, in SQL": expected, **served}.items()
        ],
    )


def total(sources: Iterable[ledger.SourceSums], part: str) -> Decimal:
    """Return the sum of a part over all sources."""
    return sum((getattr(source, part) for source in sources), Decimal(0))


def check_accounts(report: Report, label: str, sources: list[ledger.SourceSums]) -> None:
    """Prove of each source that paid + still to pay - over + not allocated + carried forward is its sum."""
    for source in sources:
        if not source.adds_up:
            report.differences.append(
                f"{label}, {source.name}: paid {pounds(source.paid)} + still to pay {pounds(source.to_pay)} - over "
                f"{pounds(source.over)} + not allocated {pounds(source.unallocated)} + carried forward "
                f"{pounds(source.carried)} is not a use of {pounds(source.amount)}."
            )
    parts = ("paid", "to_pay", "over", "unallocated", "carried", "amount")
    report.table(
        ["Source", "paid", "+ to pay", "- over", "+ not allocated", "+ carried on", "= sum"],
        [
            *([name_of(source), *(pounds(getattr(source, part)) for part in parts)] for source in sources),
            ["All", *(pounds(total(sources, part)) for part in parts)],
        ],
    )


def name_of(source: ledger.SourceSums) -> str:
    """Return the name of a source, saying so where it was taken back."""
    return source.name if source.stands else f"{source.name} (reversed)"


def page_sums(report: Report, label: str, sources: list[ledger.SourceSums]) -> dict[str, Decimal]:
    """Return what the year's pages add up to, having checked what their sentences and last lines say."""
    where = f"{label}, Page"
    rows = [mark for _, _, mark in SUMS.values()]
    year: Page | None = report.read(where, lambda: outputs.page(reverse("funding:year", args=[label]), rows))
    paid: Page | None = report.read(where, lambda: outputs.page(reverse("funding:payments", args=[label]), rows))
    sums: dict[str, Decimal] = {}
    if year:
        sums |= {what: year.sum_of(mark) for what, (name, _, mark) in SUMS.items() if name != "payments"}
        for part, (mark, _) in PARTS.items():
            # Where nothing is allocated, nothing is said of what becomes of the money.
            if mark in year.marks or total(sources, "allocated") or part == "amount":
                report.expect(where, f"“{mark}”", year.sum_of(mark), total(sources, part))
        for mark, what in {"allocations-total": "allocated", "allocations-paid-total": "paid of it"}.items():
            if mark in year.marks:
                report.expect(where, "the total of the list of allocations", year.sum_of(mark), sums[what])
    if paid:
        sums["payments"] = paid.sum_of("payment")
        if "payments-total" in paid.marks:
            report.expect(where, "the total of the list of payments", paid.sum_of("payments-total"), sums["payments"])
    return sums


def download_sums(
    report: Report, label: str, form: str, sources: list[ledger.SourceSums], irregular: dict[str, list[str]]
) -> dict[str, Decimal]:
    """Return what the year's downloads add up to, having checked each source's parts and the totals they state."""
    where, lists = f"{label}, {form.upper()}", dict[str, Listed]()
    for name in ("sources", "allocations", "payments"):
        found: Listed | None = report.read(f"{where} of {name}", lambda name=name: outputs.listed(label, name, form))  # type: ignore[misc]
        if found is None:
            continue
        lists[name] = found
        if found.total is not None:
            report.expect(f"{where} of {name}", "the total that it states", found.total, found.sum_of("amount"))
        if found.count not in (None, len(found.rows)):
            report.differences.append(f"{where} of {name}: it states {found.count} rows and has {len(found.rows)}.")
    if "sources" in lists:
        check_sources(report, where, lists["sources"], sources)
    if "payments" in lists:
        check_exceptions(report, where, lists["payments"], irregular)
    sums: dict[str, Decimal] = {}
    for what, (name, column, _) in SUMS.items():
        if name in lists:
            amount = report.read(f"{where} of {name}", lambda name=name, column=column: lists[name].sum_of(column))  # type: ignore[misc]
            sums |= {} if amount is None else {what: amount}
    return sums


def check_sources(report: Report, where: str, found: Listed, sources: list[ledger.SourceSums]) -> None:
    """Check what becomes of each source that stands, as served; an empty cell is not stated."""
    sources = [source for source in sources if source.stands]
    if len(found.rows) != len(sources):
        report.differences.append(f"{where} of sources: {len(found.rows)} rows, in the database {len(sources)}.")
    for row, source in zip(found.rows, sources, strict=False):
        for part, (_, column) in PARTS.items():
            if row.get(column) not in (None, "") or source.allocated:
                served = outputs.sum_in(row.get(column))
                report.expect(f"{where} of sources", f"{column} of {source.name}", served, getattr(source, part))


def check_exceptions(report: Report, where: str, found: Listed, irregular: dict[str, list[str]]) -> None:
    """Check that the payments shown as exceptions are those that are, and list them in the words shown."""
    shown = {plain(row["reference"]): row for row in found.rows if row["exceptions"]}
    for reference in sorted(irregular.keys() - shown.keys()):
        report.differences.append(
            f"{where} of payments: {reference} is not shown as an exception: {irregular[reference]}."
        )
    for reference in sorted(shown.keys() - irregular.keys()):
        report.differences.append(f"{where} of payments: {reference} is shown as an exception and is none.")
    for reference, row in shown.items():
        said = row["explanation"] or "No explanation is published."
        line = (
            f"{row['financial_year']}: {reference}, {pounds(outputs.sum_in(row['amount']))}: {row['exceptions']} {said}"
        )
        if line not in report.exceptions:
            report.exceptions.append(line)


def plain(reference: str) -> str:
    """Return a reference without the apostrophe by which a spreadsheet is kept from taking it for a formula."""
    return reference.removeprefix("'")


def check_giving(report: Report) -> None:
    """Check each funder's 360Giving file, where one is offered."""
    grants = ledger.grants()
    if reason := giving.why_not(PublicationDuty.objects.first(), any_awards=bool(grants)):
        report.lines += ["", reason]
        return
    for slug, expected in grants.items():
        served = {"Database, in SQL": expected}
        for form in ("json", "xlsx"):
            where = f"360Giving of {slug}, {form.upper()}"
            sums = report.read(where, lambda slug=slug, form=form: giving_sums(slug, form))  # type: ignore[misc]
            if sums:
                served[form.upper()] = sums
                for what, amount, right in zip(("awarded", "disbursed"), sums, expected, strict=True):
                    report.expect(where, f"the amount {what}, row by row,", amount, right)
        report.lines += ["", f"360Giving, {slug}"]
        report.table(
            ["Output, summed row by row", "awarded", "disbursed"],
            [[output, *map(pounds, sums)] for output, sums in served.items()],
        )


def giving_sums(slug: str, form: str) -> tuple[Decimal, Decimal]:
    """Return what a 360Giving file adds up to."""
    found = outputs.giving(slug, form)
    return found.sum_of("amountAwarded"), found.sum_of("amountDisbursed")
