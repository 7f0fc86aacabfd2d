"""Payments as plain rows, for files and the API.

There may be a hundred thousand: to make a model's instance of each, and of what it refers to, takes far longer.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse

from funding.choices import AllocationKind, Irregularity
from funding.filters import PaymentFilters
from funding.models import Allocation, Explanation, FinancialYear, Payment
from funding.models.payments import irregularities_of
from partners.models import Organisation
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.tabular.batches import as_parameter, key_batches, keys_as_rows
from vru_portal.web.addresses import full_url
from vru_portal.web.prepared_queries import prepared


class AllocationFacts(NamedTuple):
    """What the row of a payment says about its allocation. The payments of one allocation share it."""

    public_id: str
    kind: str
    initiative: str | None
    level: str | None
    heading: str | None
    source: str
    url: str
    year: FinancialYear


class PaymentRow(NamedTuple):
    """A payment, reversed or not."""

    pk: int
    reference: str
    paid_on: date
    recorded_at: datetime
    amount: Decimal
    irrecoverable_vat: Decimal | None
    purpose: str
    value_for_money: str
    department: str
    merchant_category: str
    reverses: str | None  # the reference of the payment that it takes back
    reason: str
    reversed_at: datetime | None
    reversed_because: str | None
    payee: Organisation
    allocation: AllocationFacts
    irregularities: list[str]  # a sentence for each
    explanations: list[str]
    cut_off: CutOff

    @property
    def net(self) -> Decimal | None:
        """The amount without irrecoverable VAT; None if that VAT is not stated."""
        return None if self.irrecoverable_vat is None else self.amount - self.irrecoverable_vat


# The columns to read, in the order of PaymentRow, whose last three fields are not columns. `payee` and `allocation` are
# the last columns and are read as keys (`of_keys`): put a new column above them.
PATHS = {
    "reverses": "reverses__reference",
    "reversed_at": "reversed_by__recorded_at",
    "reversed_because": "reversed_by__reason",
}
COLUMNS = [PATHS.get(name, name) for name in PaymentRow._fields[:-3]]
COMPARED = ("amount", "running", "allocated", "approved_on", *Irregularity.values)  # what the sentences are made of


class PaymentRows:
    """The payments that filters leave. What several of them have in common is read once, and kept."""

    def __init__(self, filters: PaymentFilters) -> None:
        self.filters = filters
        self.payees: dict[int, Organisation] = {}
        self.allocations: dict[int, AllocationFacts] = {}
        self.years: dict[int, FinancialYear] = {}

    @property
    def count(self) -> int:
        return self.filters.count

    @property
    def total(self) -> Decimal:
        return self.filters.total

    def some(self, start: int, stop: int) -> list[PaymentRow]:
        return self.of_keys(list(self.filters.keys[start:stop]))

    def __iter__(self) -> Iterator[PaymentRow]:
        for keys in key_batches(self.filters.keys):
            yield from self.of_keys(keys)

    def of_keys(self, keys: list[int]) -> list[PaymentRow]:
        """The rows of these keys, in this order.

        They take several queries, outside a transaction. What is recorded between two of them changes the version of
        the content, so a file or page of such rows is made anew at the next request.
        """
        parameter, cut_off = as_parameter(keys), self.filters.cut_off
        # Selected by key: repeating the filters' conditions would cost as much as reading the rows.
        by_key = {row[0]: row for row in payment_facts(parameter)}
        found = [by_key[key] for key in keys]
        self.add_missing_payees({payee for *_, payee, _ in found})
        self.add_missing_allocations({allocation for *_, allocation in found})
        irregular = {row.pk: row for row in irregular_payments(parameter, cut_off)}
        explanations = known_explanations(parameter, cut_off)
        rows = []
        for *facts, payee, allocation in found:
            key, its_allocation = facts[0], self.allocations[allocation]
            irregularities = irregularities_of(irregular[key], its_allocation.year) if key in irregular else []
            more = (self.payees[payee], its_allocation, irregularities, explanations.get(key, []), cut_off)
            rows.append(PaymentRow._make((*facts, *more)))
        return rows

    def add_missing_payees(self, keys: Collection[int]) -> None:
        if missing := set(keys) - self.payees.keys():
            self.payees |= Organisation.objects.only("name", "org_id", "charity_number", "company_number").in_bulk(
                missing
            )

    def add_missing_allocations(self, keys: Collection[int]) -> None:
        missing = set(keys) - self.allocations.keys()
        if not missing:
            return
        self.years = self.years or FinancialYear.objects.in_bulk()
        names = (
            *("initiative__name", "initiative__level__name", "heading__name"),
            *("funding_source__name", "funding_source__year"),
        )
        rows = Allocation.objects.filter(pk__in=missing).values_list("pk", "public_id", "kind", *names)
        for key, public_id, kind, *named, year in rows:
            url = full_url(reverse("funding:allocation", args=[public_id]))
            self.allocations[key] = AllocationFacts._make(
                (public_id, AllocationKind(kind).label, *named, url, self.years[year])
            )


@prepared
def payment_facts(keys: Any) -> QuerySet[Payment, tuple[Any, ...]]:
    return Payment.objects.filter(pk__in=keys_as_rows(keys)).order_by().values_list(*COLUMNS)


def irregular_payments(keys: Any, cut_off: CutOff) -> Iterable[Any]:
    """The few of these payments that are irregular, and what `irregularities_of` makes its sentences of."""
    return irregular_now(keys) if cut_off == NOW else irregular_rows(keys, cut_off)


def irregular_rows(keys: Any, cut_off: CutOff) -> QuerySet[Payment, Any]:
    rows = Payment.objects.filter(pk__in=keys_as_rows(keys)).with_irregularities(cut_off).irregular()
    return rows.order_by().values_list("pk", *COMPARED, named=True)


@prepared
def irregular_now(keys: Any) -> QuerySet[Payment, Any]:
    return irregular_rows(keys, NOW)


def known_explanations(keys: Any, cut_off: CutOff) -> dict[int, list[str]]:
    """The explanations of these payments that were known by the day, by the payment's key."""
    found = defaultdict(list)
    for payment, text, recorded_at in explanations_of(keys):
        if cut_off.includes(recorded_at):
            found[payment].append(text)
    return found


@prepared
def explanations_of(keys: Any) -> QuerySet[Explanation, tuple[int, str, datetime]]:
    rows = Explanation.objects.filter(payment__in=keys_as_rows(keys)).order_by("pk")
    return rows.values_list("payment", "text", "recorded_at")
