"""Totals of payments as open data: by recipient, unless an address groups them differently."""

from decimal import Decimal
from typing import NamedTuple

from funding.datasets.lists import of_all_years
from funding.filters import TotalsFilters
from funding.filters.payments import BY
from funding.filters.tally import PaymentTotal, totals_by_month
from funding.models import Payment
from vru_portal.tabular.datasets import Dataset, ListedRows, last_recorded
from vru_portal.tabular.writers import Column, Type


class TotalRow(NamedTuple):
    """A total, and by what it was added up."""

    by: str
    total: PaymentTotal


def payment_totals(filters: TotalsFilters) -> list[PaymentTotal]:
    """The totals of the payments, the largest first; months in order."""
    if filters.by == "month":
        month = filters.value("month")
        return [total for total in totals_by_month(filters.days) if not month or total.choice.slug == month]
    return filters.tally.totals(filters.by)


def total_rows(filters: TotalsFilters) -> ListedRows[TotalRow]:
    found = payment_totals(filters)
    return ListedRows(
        [TotalRow(BY[filters.by], total) for total in found], sum((total.amount for total in found), Decimal(0))
    )


TOTALS: Dataset[TotalRow] = Dataset(
    name="payment-totals",
    title="Totals of payments",
    about="Total payments by recipient. Use the parameter “by” to group them differently. One row for each recipient, "
    "level, month and so on. Refunds and corrections are subtracted.",
    columns=(
        Column("by", "How the payments are grouped", lambda r: r.by, title="Grouped by"),
        Column("slug", "Its slug, as filters take it", lambda r: r.total.choice.slug),
        Column("name", "Its name", lambda r: r.total.choice.name),
        Column(
            "payments",
            "How many payments, refunds and corrections there are",
            lambda r: r.total.payments,
            Type.COUNT,
            derived="the payments",
        ),
        Column("amount", "Their total in pounds", lambda r: r.total.amount, Type.POUNDS, derived="the payments"),
    ),
    key=("slug",),
    filters=of_all_years(TotalsFilters),
    rows=total_rows,
    changed=last_recorded(Payment),
    page="funding:totals",
    keywords=("spending", "recipients", "transparency"),
    total_of="amount",
    is_money=True,
)
