"""Filters of payments, with the number of payments that each value would leave, and their totals."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet

from funding.choices import DutyList
from funding.filters.money import (
    KIND,
    SLUG_PARAMETERS,
    MoneyFilters,
    duty_parameter,
    in_order,
)
from funding.filters.tally import TALLIED, DayTotal, Tally, read_groups
from funding.models import Payment
from funding.querysets import PaymentQuerySet, threshold_in_pence
from vru_portal.ledger.money import Pence, sum_of_pounds
from vru_portal.tabular.batches import as_parameter, keys_as_rows
from vru_portal.text.dates import parse_iso_date
from vru_portal.text.folded_search import contains_words
from vru_portal.web.filters import Order, Parameter, QueryLink, amount, choice, day, parse_amount, search_words

MONTH_PATTERN = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
SEARCHED = (
    *("payee__name", "payee__other_names", "purpose", "reference", "department"),
    *("allocation__initiative__name", "allocation__heading__name"),
)


class PaymentFilters(MoneyFilters):
    """Filters of payments, reversed ones and reversals included, so that the total is the sum of the rows."""

    SLUG_FIELDS = {
        "source": "allocation__funding_source__slug",
        "level": "allocation__initiative__level__slug",
        "initiative": "allocation__initiative__slug",
        "heading": "allocation__heading__slug",
        "recipient": "payee__slug",
    }
    YEAR_FIELD = "allocation__funding_source__year"
    DUTY_LISTS = (DutyList.ITEMS,)
    ORDERS = {
        "date": Order("By date", ("paid_on", "pk")),
        "newest": Order("Newest first", ("-paid_on", "-pk")),
        "largest": Order("Largest first", ("-amount", "paid_on", "pk")),
        "smallest": Order("Smallest first", ("amount", "paid_on", "pk")),
        "recipient": Order("By recipient", ("payee__name", "paid_on", "pk")),
    }
    PARAMETERS: ClassVar[Mapping[str, Parameter]] = {
        "q": search_words("Words"),
        "from": day("Paid from"),
        "to": day("Paid until"),
        "min": amount("At least £"),
        "max": amount("At most £"),
        **SLUG_PARAMETERS,
        "kind": KIND,
        "month": Parameter(
            "Month",
            lambda value: bool(MONTH_PATTERN.fullmatch(value)),
            "Enter a month in the format 2019-12.",
            schema={"pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"},
        ),
        "duty": duty_parameter(DUTY_LISTS),
        "exceptions": choice("Exceptions", ["1"], error="Enter 1 to see only payments that are exceptions."),
        "sort": choice("Sort", ORDERS, narrows=False),
    }

    # Which payments ---------------------------------------------------------------------------------------------------

    @cached_property
    def rows_without_facets(self) -> PaymentQuerySet:
        """The payments that match the filters on the payment itself, before facets such as recipient and level."""
        if self.errors:
            return Payment.objects.none()
        condition = Q(**{self.YEAR_FIELD: self.year}) if self.year else Q()
        condition &= contains_words(SEARCHED, self.value("q"))
        first, last = in_order(parse_iso_date(self.value("from")), parse_iso_date(self.value("to")))
        if first:
            condition &= Q(paid_on__gte=first)
        if last:
            condition &= Q(paid_on__lte=last)
        rows = Payment.objects.counted(self.cut_off).filter(condition)
        least, most = in_order(
            *(parse_amount(self.value(name)) if self.value(name) else None for name in ("min", "max"))
        )
        if least is not None:
            rows = rows.alias(above=Pence("amount") - threshold_in_pence(least)).filter(above__gte=0)
        if most is not None:
            rows = rows.alias(below=Pence("amount") - threshold_in_pence(most)).filter(below__lte=0)
        if self.duty_list:
            rows = rows.non_grant_items(self.threshold(self.duty_list))
        if self.value("exceptions"):  # finding each takes a subquery: done once for the whole page
            irregular = rows.with_irregularities(self.cut_off).irregular().order_by().values_list("pk", flat=True)
            rows = Payment.objects.filter(pk__in=keys_as_rows(as_parameter(list(irregular))))
        return rows

    @cached_property
    def rows_of_all_months(self) -> PaymentQuerySet:
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return Payment.objects.none()
        kind = self.value("kind")
        return self.rows_without_facets.filter(condition, Q(allocation__kind=kind) if kind else Q())

    @cached_property
    def matching_payments(self) -> PaymentQuerySet:
        """The payments, without the annotations that are costly to work out."""
        return self.rows_of_all_months.filter(self.month_condition)

    @property
    def month_condition(self) -> Q:
        if not self.valid.get("month"):
            return Q()
        first = date.fromisoformat(f"{self.valid['month']}-01")
        return Q(paid_on__year=first.year, paid_on__month=first.month)

    @property
    def keys(self) -> QuerySet[Payment, int]:
        """The primary keys of the payments, in order."""
        return self.matching_payments.order_by(*self.order).values_list("pk", flat=True)

    @property
    def rows(self) -> PaymentQuerySet:
        """The payments with their irregularities, in order."""
        return self.matching_payments.with_irregularities(self.cut_off).order_by(*self.order)

    def fetch_page(self, keys: Sequence[int]) -> list[Payment]:
        """The payments of one page. Irregularities take a subquery per row, so they are worked out for these alone."""
        rows = Payment.objects.filter(pk__in=keys).with_irregularities(self.cut_off).order_by(*self.order)
        # Many payments share few payees, initiatives and sources: prefetched, each becomes one object, not one per row.
        shared = ("payee", "allocation__initiative", "allocation__heading", "allocation__funding_source__year")
        return list(rows.select_related("reverses", "reversed_by").prefetch_related("explanations", *shared))

    # Their totals ----------------------------------------------------------------------------------------------------

    @cached_property
    def _aggregates(self) -> dict[str, Any]:
        """The number of payments and their total, in one query, or from the tally where a page has that already."""
        if "tally" in self.__dict__:
            groups = self.tally.matching
            total = sum((group.amount for group in groups), Decimal(0))
            return {"count": sum(group.payments for group in groups), "total": total}
        return self.matching_payments.aggregate(count=Count("pk"), total=sum_of_pounds("amount"))

    @property
    def count(self) -> int:
        return self._aggregates["count"] or 0

    @property
    def total(self) -> Decimal:
        """Their total, net of refunds and reversals."""
        return self._aggregates["total"] or Decimal(0)

    @cached_property
    def tally(self) -> Tally:
        """The payments by recipient, level, source and so on, counted for each value that can be chosen."""
        rows = self.rows_without_facets.filter(self.month_condition)
        return Tally(read_groups(rows), {name: self.values(name) for name in TALLIED if name in self.parameters})

    @cached_property
    def days(self) -> list[DayTotal]:
        """The payments of each day, of whatever month."""
        rows = self.rows_of_all_months.order_by("paid_on").values_list("paid_on")
        return [DayTotal(*row) for row in rows.annotate(count=Count("pk"), amount=sum_of_pounds("amount"))]


BY = {
    "recipient": "Recipient",
    "initiative": "Initiative",
    "level": "Level of prevention",
    "heading": "Budget heading",
    "source": "Source",
    "kind": "Kind",
    "year": "Financial year",
    "month": "Month",
}


class TotalsFilters(PaymentFilters):
    """The same filters, and what the payments are grouped by."""

    PARAMETERS: ClassVar[Mapping[str, Parameter]] = {
        **{name: parameter for name, parameter in PaymentFilters.PARAMETERS.items() if name != "sort"},
        "by": choice("Grouped by", BY, narrows=False, error=f"Enter one of these: {', '.join(BY)}."),
    }

    @property
    def by(self) -> str:
        return self.valid.get("by") or "recipient"

    @property
    def by_links(self) -> list[QueryLink]:
        return [QueryLink(label, self.link(by=[name]), current=name == self.by) for name, label in BY.items()]
