"""A financial year's money as at a day: what came in, what is allocated, paid, still to pay and left, to the penny."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Case, F, Prefetch, QuerySet, When
from django.db.models.functions import Coalesce
from django.urls import reverse

from funding.choices import AllocationKind, CostKind, VariationKind
from funding.models import Allocation, ContractCopy, Contributor, FinancialYear, FundingSource, Payment, Variation
from funding.querysets import ZERO_POUNDS
from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.ledger.money import sum_of_pounds
from vru_portal.web.prepared_queries import prepared


@dataclass(frozen=True)
class AllocationBalance:
    """An allocation and what is paid on it.

    `allocation_balances` fills the fields by position, from a row of a query. What it is for is an initiative with its
    level, or a budget heading. A reversed allocation has £0 allocated, and appears only if payments were made on it.
    """

    pk: int
    public_id: str
    continues: int | None  # the first allocation of a multi-year award
    awarded_on: date
    source: int
    source_name: str
    initiative: int | None
    initiative_name: str | None
    initiative_slug: str | None
    level: int | None
    level_slug: str | None
    level_mark: str | None
    heading: int | None
    heading_name: str | None
    heading_slug: str | None
    heading_kind: str | None
    recipient: int
    recipient_name: str
    recipient_slug: str
    kind: str
    awarded: Decimal
    varied: Decimal  # released, moved on or returned since
    paid: Decimal
    late: Decimal  # paid after the deadline for spending the year's money
    awarded_in_all: Decimal  # over all years of the award that this belongs to
    award: Decimal  # what variations leave of that

    def get_absolute_url(self) -> str:
        return reverse("funding:allocation", args=[self.public_id])

    @property
    def allocated(self) -> Decimal:
        """What variations leave of what was awarded."""
        return self.awarded - self.varied

    @property
    def subject_name(self) -> str:
        """The initiative or heading that it is for."""
        return self.initiative_name or self.heading_name or ""

    @property
    def cost_kind(self) -> str:
        return self.heading_kind or CostKind.INTERVENTIONS.value

    @property
    def kind_name(self) -> str:
        return str(AllocationKind(self.kind).label)

    @property
    def to_pay(self) -> Decimal:
        """What is not paid yet: never more than the allocation, even if more was paid back than paid."""
        return max(self.allocated - max(self.paid, Decimal(0)), Decimal(0))

    @property
    def over(self) -> Decimal:
        """What is paid beyond what was allocated."""
        return max(self.paid - self.allocated, Decimal(0))

    @property
    def refunded_beyond_paid(self) -> Decimal:
        """What was paid back beyond all that had been paid."""
        return max(-self.paid, Decimal(0))

    def is_on_duty_list(self, kind: str, threshold: Decimal | None) -> bool:
        """Whether the publication duty lists it: its kind, and a whole award above the threshold where there is one."""
        return self.kind == kind and self.awarded != 0 and (threshold is None or self.awarded_in_all > threshold)


@dataclass(frozen=True)
class BalanceTotals:
    """Totals of several allocations. Paid + still to pay - over + refunded_beyond_paid = allocated."""

    balances: Sequence[AllocationBalance]

    @cached_property
    def allocated(self) -> Decimal:
        return sum((balance.allocated for balance in self.balances), Decimal(0))

    @cached_property
    def paid(self) -> Decimal:
        """All that is paid, including what is paid beyond an allocation."""
        return sum((balance.paid for balance in self.balances), Decimal(0))

    @cached_property
    def to_pay(self) -> Decimal:
        return sum((balance.to_pay for balance in self.balances), Decimal(0))

    @cached_property
    def late(self) -> Decimal:
        return sum((balance.late for balance in self.balances), Decimal(0))

    @cached_property
    def over(self) -> Decimal:
        """What is paid beyond allocations."""
        return sum((balance.over for balance in self.balances), Decimal(0))

    @cached_property
    def refunded_beyond_paid(self) -> Decimal:
        """What was paid back beyond what had been paid on each allocation."""
        return sum((balance.refunded_beyond_paid for balance in self.balances), Decimal(0))


@dataclass(frozen=True)
class SourceAccount(BalanceTotals):
    """One source: paid + still to pay - over + refunded_beyond_paid + unallocated + carried + returned = its amount."""

    source: FundingSource
    carried: Decimal = field(kw_only=True)
    returned: Decimal = field(kw_only=True)  # given back to the funder

    @cached_property
    def unallocated(self) -> Decimal:
        """What is not allocated, carried forward or returned."""
        return self.source.amount - self.allocated - self.carried - self.returned


@dataclass(frozen=True)
class YearAccounts(BalanceTotals):
    """A financial year: the account of each of its sources, and their totals."""

    year: FinancialYear
    cut_off: CutOff
    sources: Sequence[SourceAccount]
    varied: Mapping[str, Decimal] = field(default_factory=dict)  # what was released, moved and so on, by kind

    @cached_property
    def total(self) -> Decimal:
        """The sum of the sources."""
        return sum((account.source.amount for account in self.sources), Decimal(0))

    @cached_property
    def carried(self) -> Decimal:
        """What is carried forward into the next year."""
        return sum((account.carried for account in self.sources), Decimal(0))

    @cached_property
    def returned(self) -> Decimal:
        """What is given back to funders."""
        return sum((account.returned for account in self.sources), Decimal(0))

    @cached_property
    def unallocated(self) -> Decimal:
        """What is not allocated, carried forward or returned."""
        return sum((account.unallocated for account in self.sources), Decimal(0))

    @cached_property
    def unspent(self) -> Decimal:
        """What is not paid, carried forward or returned."""
        return self.total - self.carried - self.returned - self.paid

    @property
    def has_uses(self) -> bool:
        """Whether anything is known about where the money went."""
        return bool(self.balances or self.carried or self.returned)


def prefetch_contributors(path: str = "contributors") -> Prefetch[Any]:
    """Fetches the contributors of sources, or of the sources at this path, with everything that names them."""
    rows = Contributor.objects.select_related("organisation", "post__person", "post__organisation")
    return Prefetch(path, queryset=rows)


def year_accounts(year: FinancialYear, sources: Iterable[FundingSource], cut_off: CutOff = NOW) -> YearAccounts:
    """The year's accounts. ``sources`` must be those of the year that are not reversed as at the same day."""
    variations = list(variation_sums(year, cut_off=cut_off))
    balances = allocation_balances(year, variations, cut_off)
    by_source = defaultdict(list)
    for balance in balances:
        by_source[balance.source].append(balance)
    carried = dict(carried_by_source(year, cut_off=cut_off))
    returned, varied = defaultdict[int, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for source, _, kind, amount in variations:
        varied[kind] += amount
        if kind == VariationKind.RETURN:
            returned[source] += amount
    accounts = [
        SourceAccount(
            by_source[row.pk],
            row,
            carried=carried.get(row.pk, Decimal(0)),
            returned=returned[row.pk],
        )
        for row in sources
    ]
    return YearAccounts(balances, year, cut_off, accounts, {kind: amount for kind, amount in varied.items() if amount})


@prepared
def carried_by_source(year: FinancialYear, *, cut_off: CutOff = NOW) -> QuerySet[FundingSource, tuple[int, Decimal]]:
    rows = FundingSource.objects.standing(cut_off).filter(carried_from__year=year).order_by()
    return rows.values_list("carried_from").annotate(sum=sum_of_pounds("amount"))


@prepared
def variation_sums(
    year: FinancialYear, *, cut_off: CutOff
) -> QuerySet[Variation, tuple[int, int | None, str, Decimal]]:
    """What was varied, by source, allocation and kind."""
    rows = Variation.objects.counted(cut_off).filter(funding_source__year=year).order_by()
    return rows.values_list("funding_source", "allocation", "kind").annotate(sum=sum_of_pounds("amount"))


def allocation_balances(
    year: FinancialYear, variations: Iterable[tuple[int, int | None, str, Decimal]], cut_off: CutOff
) -> list[AllocationBalance]:
    """The year's allocations that count as at the day, and reversed ones on which payments count."""
    found = balance_fields(year, cut_off=cut_off)
    if not found:
        return []
    varied = defaultdict[int | None, Decimal](Decimal)
    for _, allocation, _, amount in variations:
        varied[allocation] += amount
    paid = dict(paid_by_allocation(year, cut_off=cut_off))
    late = dict(paid_late_by_allocation(year, year.spend_by, cut_off=cut_off)) if year.spend_by else {}
    awards = multi_year_award_totals(cut_off)
    balances, nothing = [], Decimal(0)
    for row in found:
        pk, continues, awarded = row[0], row[2], row[-1]
        taken = varied[pk]
        award = awards.get(continues or pk, (awarded, awarded - taken))
        balances.append(AllocationBalance(*[*row, taken, paid.get(pk, nothing), late.get(pk, nothing), *award]))
    return [balance for balance in balances if balance.awarded or balance.paid]


@prepared
def balance_fields(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Allocation, tuple[Any, ...]]:
    """Most fields of AllocationBalance, in their order, for all allocations of a year.

    Plain tuples: a year can have thousands of allocations, and model instances with five related objects each would
    take most of the page's time.
    """
    counts = cut_off.counted_rows("awarded_on") & cut_off.standing_rows()
    rows = Allocation.objects.filter(funding_source__year=year, reverses=None).order_by("awarded_on", "pk")
    return rows.annotate(awarded_now=Case(When(counts, then=F("amount")), default=ZERO_POUNDS)).values_list(
        *("pk", "public_id", "continues", "awarded_on", "funding_source", "funding_source__name"),
        *("initiative", "initiative__name", "initiative__slug"),
        *("initiative__level", "initiative__level__slug", "initiative__level__mark"),
        *("heading", "heading__name", "heading__slug", "heading__kind"),
        *("recipient", "recipient__name", "recipient__slug", "kind", "awarded_now"),
    )


@prepared
def paid_by_allocation(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Payment, tuple[int, Decimal]]:
    payments = Payment.objects.counted(cut_off).filter(allocation__funding_source__year=year)
    return payments.values_list("allocation").annotate(sum=sum_of_pounds("amount"))


@prepared
def paid_late_by_allocation(
    year: FinancialYear, spend_by: date, *, cut_off: CutOff
) -> QuerySet[Payment, tuple[int, Decimal]]:
    """What was paid after the deadline for spending the year's money; refunds are not late."""
    payments = Payment.objects.standing(cut_off).filter(amount__gt=0, paid_on__gt=spend_by)
    payments = payments.filter(allocation__funding_source__year=year)
    return payments.values_list("allocation").annotate(sum=sum_of_pounds("amount"))


def multi_year_award_totals(cut_off: CutOff) -> dict[int, tuple[Decimal, Decimal]]:
    """What was awarded, and what is left, for each multi-year award, by the key of its first allocation."""
    awarded = dict(first_years_of_awards(cut_off=cut_off))
    for first, amount in later_years_of_awards(cut_off=cut_off):
        awarded[first] = awarded.get(first, Decimal(0)) + amount
    varied = dict(varied_of_awards(cut_off=cut_off)) if awarded else {}
    return {first: (amount, amount - varied.get(first, Decimal(0))) for first, amount in awarded.items()}


@prepared
def varied_of_awards(*, cut_off: CutOff) -> QuerySet[Variation, tuple[int, Decimal]]:
    """What was taken of each award over all its years, by the key of its first allocation."""
    rows = Variation.objects.counted(cut_off).filter(allocation__isnull=False).order_by()
    return rows.values_list(Coalesce("allocation__continues", "allocation")).annotate(sum=sum_of_pounds("amount"))


@prepared
def first_years_of_awards(*, cut_off: CutOff) -> QuerySet[Allocation, tuple[int, Decimal]]:
    later_years = Allocation.objects.filter(continues__isnull=False)
    return (
        Allocation.objects.standing(cut_off).filter(pk__in=later_years.values("continues")).values_list("pk", "amount")
    )


@prepared
def later_years_of_awards(*, cut_off: CutOff) -> QuerySet[Allocation, tuple[int, Decimal]]:
    rows = Allocation.objects.standing(cut_off).filter(continues__isnull=False)
    return rows.values_list("continues").annotate(sum=sum_of_pounds("amount"))


def contract_copies_by_allocation(accounts: YearAccounts) -> dict[int, ContractCopy]:
    """The latest copy of the contract behind each allocation; a copy counts for every year of its award."""
    contracts = [balance for balance in accounts.balances if balance.kind == AllocationKind.CONTRACT]
    if not contracts:
        return {}
    later_years = defaultdict(list)
    for balance in contracts:
        if balance.continues:
            later_years[balance.continues].append(balance.pk)
    awards = Allocation.objects.filter(funding_source__year=accounts.year, kind=AllocationKind.CONTRACT)
    rows = ContractCopy.objects.annotate(first=Coalesce("allocation__continues", "allocation")).order_by("pk")
    rows = rows.filter(first__in=awards.values_list(Coalesce("continues", "pk")))
    if accounts.cut_off.known_before:
        rows = rows.filter(recorded_at__lt=accounts.cut_off.known_before)
    copies: dict[int, ContractCopy] = {}
    for copy in rows:
        for allocation in (copy.allocation_id, copy.first, *later_years[copy.allocation_id]):
            copies[allocation] = copy
    return copies
