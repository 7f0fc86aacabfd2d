"""Checks the files of all years and the API of money, row by row, against SQL of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from funding.reconcile import outputs
from funding.reconcile.budget import condition_sums
from funding.reconcile.database import (
    ALLOCATION_STANDS,
    DECISION_STANDS,
    LEFT_OF_ALLOCATION,
    ONWARD_GRANT_STANDS,
    PAID_ON_ALLOCATION,
    PENCE,
    SOURCE_STANDS,
    VARIATION_STANDS,
    fetch_rows,
    pounds_of,
    years_with_sources,
)
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedList, ServedRow
from funding.validators import year_label
from vru_portal.tabular.writers import unescape_formula

PAID_FROM_SOURCE = (
    f"(SELECT SUM({PENCE.format('p.amount')}) FROM funding_payment p JOIN funding_allocation a ON a.id = "
    "p.allocation_id WHERE a.funding_source_id = s.id)"
)
ALLOCATED_FROM_SOURCE = (
    f"(SELECT SUM({LEFT_OF_ALLOCATION}) FROM funding_allocation a WHERE a.funding_source_id = s.id "
    f"AND {ALLOCATION_STANDS})"
)


@dataclass(frozen=True)
class ExpectedList:
    """A list as it should be served: the columns that name a row, and each row's sums, by these names."""

    key: tuple[str, ...]
    rows: Mapping[tuple[str, ...], Mapping[str, Decimal]]
    is_added_up: bool = False  # JSON and XLSX state a total of the column “amount”


def expected_lists() -> dict[str, ExpectedList]:
    """What each list of money has, by its name, in SQL."""
    label = "y.first_year"
    of_year = "FROM funding_{0} {1} JOIN funding_financialyear y ON y.id = {1}.year_id"
    return {
        "sources": from_sql(
            ("financial_year", "slug"),
            ("amount", "allocated", "paid"),
            f"SELECT {label}, s.slug, {PENCE.format('s.amount')}, {ALLOCATED_FROM_SOURCE}, {PAID_FROM_SOURCE} "
            f"{of_year.format('fundingsource', 's')} WHERE {SOURCE_STANDS}",
            is_added_up=True,
        ),
        "allocations": from_sql(
            ("id",),
            ("amount", "allocated", "paid"),
            f"SELECT a.public_id, {PENCE.format('a.amount')}, {LEFT_OF_ALLOCATION}, {PAID_ON_ALLOCATION} "
            f"FROM funding_allocation a WHERE {ALLOCATION_STANDS}",
            is_added_up=True,
        ),
        "payments": from_sql(
            ("reference",),
            ("amount",),
            f"SELECT p.reference, {PENCE.format('p.amount')} FROM funding_payment p",
            is_added_up=True,
        ),
        "payment-totals": from_sql(
            ("slug",),
            ("amount",),
            f"SELECT o.slug, SUM({PENCE.format('p.amount')}) FROM funding_payment p "
            "JOIN partners_organisation o ON o.id = p.payee_id GROUP BY o.slug",
            is_added_up=True,
        ),
        "decisions": from_sql(
            ("financial_year", "reference"),
            (),
            f"SELECT {label}, d.reference {of_year.format('decision', 'd')} WHERE {DECISION_STANDS}",
        ),
        "variations": from_sql(
            ("id",),
            ("amount",),
            f"SELECT v.public_id, {PENCE.format('v.amount')} FROM funding_variation v WHERE {VARIATION_STANDS}",
            is_added_up=True,
        ),
        "conditions": ExpectedList(
            ("id",),
            {
                (str(row.pk),): {"required": row.required, "counted": row.counted}
                for year in years_with_sources(None)
                for row in condition_sums(year, timezone.localdate())
            },
        ),
        "onward-grants": from_sql(
            ("allocation", "reference"),
            ("amount",),
            f"SELECT a.public_id, o.reference, {PENCE.format('o.amount')} FROM funding_onwardgrant o "
            f"JOIN funding_allocation a ON a.id = o.allocation_id WHERE {ONWARD_GRANT_STANDS}",
        ),
    }


def from_sql(key: tuple[str, ...], sums: tuple[str, ...], sql: str, *, is_added_up: bool = False) -> ExpectedList:
    """What SQL selects: the parts of the key, then the sums in pence. A year is named by its label."""
    rows = {}
    for found in fetch_rows(sql):
        names = [year_label(part) if isinstance(part, int) else part for part in found[: len(key)]]
        rows[tuple(names)] = dict(zip(sums, map(pounds_of, found[len(key) :]), strict=True))
    return ExpectedList(key, rows, is_added_up)


def check_lists(report: ReconciliationReport) -> None:
    """Check the files of all years, and the same rows of the API."""
    for name, expected in expected_lists().items():
        for form, reader in outputs.readers_of(name).items():
            where = f"All years, {form.upper()} of {name}"
            found: ServedList | None = report.read(where, reader)
            if found is not None:
                report.read(where, partial(check_list, report, where, found, expected, guarded=form in ("csv", "xlsx")))


def check_list(
    report: ReconciliationReport, where: str, found: ServedList, expected: ExpectedList, *, guarded: bool
) -> None:
    """Check each row by its name, and the total that the file states."""
    served = by_name(found.rows, expected.key, guarded=guarded)
    for name in sorted(served.keys() ^ expected.rows.keys()):
        place = "but not in the database" if name in served else "only in the database"
        report.differences.append(f"{where}: {', '.join(name)} is {'served, ' if name in served else ''}{place}.")
    if len(served) != len(found.rows):
        report.differences.append(
            f"{where}: {len(found.rows)} rows, of which only {len(served)} differ in their names."
        )
    for name in sorted(served.keys() & expected.rows.keys()):
        for column, amount in expected.rows[name].items():
            # What happened to a source is left empty until anything has happened to money of its year.
            sum_ = outputs.parse_served_sum(served[name][column])
            report.expect(where, f"{column} of {', '.join(name)}", sum_, amount)
    if expected.is_added_up and found.total is not None:
        total = sum((row["amount"] for row in expected.rows.values()), Decimal(0))
        report.expect(where, "the total stated", found.total, total)


def by_name(rows: Iterable[ServedRow], key: tuple[str, ...], *, guarded: bool) -> dict[tuple[str, ...], Any]:
    """Rows by the columns that name them, without the apostrophes that guard a spreadsheet from formulas."""
    return {tuple(unescape_formula(str(row[c])) if guarded else str(row[c]) for c in key): row for row in rows}
