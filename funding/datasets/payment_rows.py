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

from funding.choices import AllocationKind
from funding.filters import PaymentFilters
from funding.models import Allocation, Explanation, FinancialYear, Payment
from partners.models import Organisation
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.tabular.batches import AT_ONCE, key_batches
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
    """A payment with its irregularities, reversed or not."""

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
    running: Decimal
    allocated: Decimal
    approved_on: date | None
    over: bool
    unassessed: bool
    late: bool
    outside: bool
    returned: bool
    payee: Organisation
    allocation: AllocationFacts
    explanations: list[str]
    cut_off: CutOff

    @property
    def net(self) -> Decimal | None:
        """The amount without irrecoverable VAT; None if that VAT is not stated."""
        return None if self.irrecoverable_vat is None else self.amount - self.irrecoverable_vat


# The columns to read, in the order of PaymentRow, whose last two fields are not columns. `payee` and `allocation` are
# the last columns and are read as keys (`of_keys`): put a new column above them.
PATHS = {
    "reverses": "reverses__reference",
    "reversed_at": "reversed_by__recorded_at",
    "reversed_because": "reversed_by__reason",
}
PAGE = 60  # at least as many as a page shows
COLUMNS = [PATHS.get(name, name) for name in PaymentRow._fields[:-2]]


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

    def of_keys(self, keys: Collection[int]) -> list[PaymentRow]:
        # Selected by key: repeating the filters' conditions would cost as much as reading the rows.
        by_key = {row[0]: row for row in self.facts_of(keys)}
        found = [by_key[key] for key in keys]  # in the order of the list
        self.add_missing_payees({payee for *_, payee, _ in found})
        self.add_missing_allocations({allocation for *_, allocation in found})
        explanations, cut_off = explanations_of(keys, self.filters.cut_off), self.filters.cut_off
        return [
            PaymentRow._make(
                (*facts, self.payees[payee], self.allocations[allocation], explanations.get(facts[0], []), cut_off)
            )
            for *facts, payee, allocation in found
        ]

    def facts_of(self, keys: Collection[int]) -> Iterable[tuple[Any, ...]]:
        if self.filters.cut_off != NOW:
            return payment_facts(keys, self.filters.cut_off)
        return present_facts(*pad_keys(keys)) if keys else ()

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


def payment_facts(keys: Collection[Any], cut_off: CutOff) -> QuerySet[Payment, tuple[Any, ...]]:
    rows = Payment.objects.filter(pk__in=keys).with_irregularities(cut_off)
    return rows.order_by().values_list(*COLUMNS)


@prepared
def present_facts(*keys: int) -> QuerySet[Payment, tuple[Any, ...]]:
    return payment_facts(keys, NOW)


def pad_keys(keys: Collection[int]) -> list[int]:
    """Repeat the last key up to the size of a page or a batch: a query with another number of keys is compiled anew."""
    *_, last = keys
    return [*keys, *[last] * ((PAGE if len(keys) <= PAGE else AT_ONCE) - len(keys))]


def explanations_of(keys: Collection[int], cut_off: CutOff) -> dict[int, list[str]]:
    """The explanations of these payments that were known by the day, by the payment's key."""
    found = defaultdict(list)
    rows = Explanation.objects.filter(payment__in=keys).order_by("pk").values_list("payment", "text", "recorded_at")
    for payment, text, recorded_at in rows:
        if cut_off.includes(recorded_at):
            found[payment].append(text)
    return found
