"""Payments counted and added up by recipient, initiative, level, source, kind and year.

The database adds up the payments of each allocation to each payee; all else is worked out from these groups in Python,
so that the numbers beside the filters, the totals and the list cannot disagree (decision 13).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count

from funding.choices import AllocationKind
from funding.models import Allocation
from funding.querysets import PaymentQuerySet
from funding.validators import year_label
from partners.models import Organisation
from vru_portal.ledger.money import sum_of_pounds

TALLIED = ("year", "source", "level", "initiative", "heading", "recipient", "kind")


class FacetChoice(NamedTuple):
    """A value of a facet. Choices sort in the order in which a page offers them."""

    order: int | str
    name: str
    slug: str


# Rows without a value in a facet are still in its totals. Without a slug, that row cannot be chosen.
LAST = "\uffff"
OF_HEADINGS, OF_INITIATIVES = FacetChoice(LAST, "Budget headings", ""), FacetChoice(LAST, "Initiatives", "")
WITHOUT_LEVEL = FacetChoice(1_000_000, "Budget headings", "")  # levels sort by number


def named_choice(name: str | None, slug: str | None, *, otherwise: FacetChoice) -> FacetChoice:
    """A choice that sorts by its name."""
    return FacetChoice(name.casefold(), name, slug) if name and slug else otherwise


class PaymentGroup(NamedTuple):
    """The payments of one allocation to one payee."""

    payments: int
    amount: Decimal
    choices: tuple[FacetChoice, ...]  # in the order of TALLIED


class DayTotal(NamedTuple):
    """The payments of one day."""

    day: date
    payments: int
    amount: Decimal


class PaymentTotal(NamedTuple):
    """How many payments there are of something, and their total."""

    choice: FacetChoice
    payments: int
    amount: Decimal


def read_groups(rows: PaymentQuerySet) -> list[PaymentGroup]:
    """Read the groups of these payments: three queries, however many there are."""
    sums = rows.order_by().values_list("allocation", "payee").annotate(n=Count("pk"), sum=sum_of_pounds("amount"))
    found = list(sums)
    if not found:
        return []
    allocations = read_allocations({row[0] for row in found})
    names = Organisation.objects.in_bulk({row[1] for row in found})
    payees = {key: FacetChoice(body.name.casefold(), body.name, body.slug) for key, body in names.items()}
    groups = []
    for allocation, payee, count, amount in found:
        *before, kind = allocations[allocation]
        groups.append(PaymentGroup(count, amount, (*before, payees[payee], kind)))
    return groups


def read_allocations(keys: set[int]) -> dict[int, tuple[FacetChoice, ...]]:
    """The choices of each allocation: year, source, level, initiative, heading and kind."""
    fields = (
        *("pk", "kind", "funding_source__year__first_year"),
        *("funding_source__position", "funding_source__name", "funding_source__slug"),
        *("initiative__level__position", "initiative__level__name", "initiative__level__slug"),
        *("initiative__name", "initiative__slug", "heading__name", "heading__slug"),
    )
    rows = Allocation.objects.filter(pk__in=keys) if len(keys) < 900 else Allocation.objects.filter(reverses=None)
    kinds = {kind.value: FacetChoice(number, str(kind.label), kind.value) for number, kind in enumerate(AllocationKind)}
    found: dict[int, tuple[FacetChoice, ...]] = {}
    # A source can have another position in another year: it is still one choice.
    sources: dict[str, FacetChoice] = {}
    for key, kind, first, *rest in rows.values_list(*fields):
        source, level, initiative, heading = rest[:3], rest[3:6], rest[6:8], rest[8:]
        choices = (
            FacetChoice(-first, year_label(first), year_label(first)),
            sources.setdefault(source[2], FacetChoice(*source)),
            FacetChoice(*level) if level[2] else WITHOUT_LEVEL,
            named_choice(*initiative, otherwise=OF_HEADINGS),
            named_choice(*heading, otherwise=OF_INITIATIVES),
        )
        found[key] = (*choices, kinds[kind])
    return found


class Tally:
    """Groups of payments, some of which match what is chosen in each facet."""

    def __init__(self, groups: Sequence[PaymentGroup], chosen: Mapping[str, Iterable[str]]) -> None:
        self.groups = groups
        self.chosen = [frozenset(chosen.get(name, ())) for name in TALLIED]

    @cached_property
    def matching(self) -> list[PaymentGroup]:
        """The groups that match what is chosen in every facet."""
        return [group for group in self.groups if not self.misses(group)]

    def misses(self, group: PaymentGroup) -> list[int]:
        """The places of the facets in which a group does not match."""
        return [place for place, slugs in enumerate(self.chosen) if slugs and group.choices[place].slug not in slugs]

    @cached_property
    def options(self) -> dict[str, list[PaymentTotal]]:
        """What can be chosen in each facet, counted with the choices in all other facets applied.

        What would leave nothing stays in the list with a zero, so that the list does not jump while somebody filters.
        """
        sums: list[dict[FacetChoice, list[Decimal]]] = [defaultdict(lambda: [Decimal(0), Decimal(0)]) for _ in TALLIED]
        for group in self.groups:
            missed = self.misses(group)
            for place, choice in enumerate(group.choices):
                kept = sums[place][choice]
                if not missed or missed == [place]:
                    kept[0] += group.payments
                    kept[1] += group.amount
        return {
            name: [
                PaymentTotal(choice, int(count), amount)
                for choice, (count, amount) in sorted(sums[place].items())
                if choice.slug
            ]
            for place, name in enumerate(TALLIED)
        }

    def totals(self, name: str) -> list[PaymentTotal]:
        """The totals of the matching payments by the values of a facet, the largest first."""
        place = TALLIED.index(name)
        counts: dict[FacetChoice, int] = defaultdict(int)
        amounts: dict[FacetChoice, Decimal] = defaultdict(Decimal)
        for group in self.matching:
            counts[group.choices[place]] += group.payments
            amounts[group.choices[place]] += group.amount
        found = [PaymentTotal(choice, counts[choice], amounts[choice]) for choice in counts]
        return sorted(found, key=lambda total: (-total.amount, total.choice))


def totals_by_month(days: Iterable[DayTotal]) -> list[PaymentTotal]:
    """The total of each calendar month that has payments, in order."""
    counts: dict[date, int] = defaultdict(int)
    amounts: dict[date, Decimal] = defaultdict(Decimal)
    for day, count, amount in days:
        counts[day.replace(day=1)] += count
        amounts[day.replace(day=1)] += amount
    return [
        PaymentTotal(FacetChoice(f"{month:%Y-%m}", f"{month:%B %Y}", f"{month:%Y-%m}"), counts[month], amounts[month])
        for month in sorted(counts)
    ]
