"""A financial year's money as at a day: what came in, what is allocated, paid, still to pay and left, to the penny."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from django.db.models import Case, F, OuterRef, Q, When
from django.db.models.expressions import Combinable

from funding.models import Allocation, FinancialYear, FundingSource, Payment
from funding.querysets import NOUGHT, NOW, AsAt, total_of


@dataclass(frozen=True)
class Entry:
    """An allocation with what is paid on it. A reversed one has nought, and counts only if payments stand on it."""

    pk: int
    source: int
    initiative: int
    level: int
    recipient: int
    kind: str
    allocated: Decimal
    paid: Decimal
    late: Decimal  # what was paid after the day by which it had to be spent
    award: Decimal  # all years of the award that it is a part of
    initiative_name: str
    initiative_slug: str
    level_slug: str
    recipient_name: str
    recipient_slug: str

    @property
    def to_pay(self) -> Decimal:
        """What is still to be paid."""
        return max(self.allocated - self.paid, Decimal(0))

    @property
    def over(self) -> Decimal:
        """What is paid beyond what was allocated."""
        return max(self.paid - self.allocated, Decimal(0))

    def is_listed(self, kind: str, over: Decimal | None) -> bool:
        """Return whether it stands in the duty's list of a kind, which may begin above a sum of the whole award."""
        return self.kind == kind and self.allocated != 0 and (over is None or self.award > over)


@dataclass(frozen=True)
class Sums:
    """Sums of several entries. Paid + still to pay - over = allocated."""

    entries: Sequence[Entry]

    @cached_property
    def allocated(self) -> Decimal:
        """What is set aside."""
        return sum((entry.allocated for entry in self.entries), Decimal(0))

    @cached_property
    def paid(self) -> Decimal:
        """What is paid, over its allocation or not."""
        return sum((entry.paid for entry in self.entries), Decimal(0))

    @cached_property
    def to_pay(self) -> Decimal:
        """What is allocated and still to be paid."""
        return sum((entry.to_pay for entry in self.entries), Decimal(0))

    @cached_property
    def late(self) -> Decimal:
        """What was paid after the day by which it had to be spent."""
        return sum((entry.late for entry in self.entries), Decimal(0))

    @cached_property
    def over(self) -> Decimal:
        """What is paid beyond allocations."""
        return sum((entry.over for entry in self.entries), Decimal(0))


@dataclass(frozen=True)
class Account(Sums):
    """One source: paid + still to pay - over + unallocated + carried forward = its sum."""

    source: FundingSource
    carried: Decimal = field(kw_only=True)

    @property
    def unallocated(self) -> Decimal:
        """What is neither allocated nor carried forward."""
        return self.source.amount - self.allocated - self.carried


@dataclass(frozen=True)
class Accounts(Sums):
    """A financial year: its sources, each with its account, and all of them together."""

    year: FinancialYear
    as_at: AsAt
    sources: Sequence[Account]

    @property
    def total(self) -> Decimal:
        """What the sources bring."""
        return sum((account.source.amount for account in self.sources), Decimal(0))

    @property
    def carried(self) -> Decimal:
        """What is carried forward into the next year."""
        return sum((account.carried for account in self.sources), Decimal(0))

    @property
    def unallocated(self) -> Decimal:
        """What is neither allocated nor carried forward."""
        return sum((account.unallocated for account in self.sources), Decimal(0))

    @property
    def unspent(self) -> Decimal:
        """What is neither paid nor carried forward."""
        return self.total - self.carried - self.paid


def accounts_of(year: FinancialYear, sources: Iterable[FundingSource], as_at: AsAt = NOW) -> Accounts:
    """Return the year's accounts in one query more than that of its sources.

    ``sources`` are the year's sources that stand as at the day (`SourceQuerySet.standing`), with what is carried
    forward from each in `carried` (`with_carried`).
    """
    entries = entries_of(year, as_at)
    by_source = defaultdict(list)
    for entry in entries:
        by_source[entry.source].append(entry)
    accounts = [Account(by_source[source.pk], source, carried=source.carried) for source in sources]
    return Accounts(entries, year, as_at, accounts)


def entries_of(year: FinancialYear, as_at: AsAt = NOW) -> list[Entry]:
    """Return the year's allocations that count as at the day, and those on which payments count, in one query."""
    payments = Payment.objects.filter(as_at.counts("paid_on"), allocation=OuterRef("pk"))
    counts = as_at.counts("awarded_on") & as_at.stands()
    rows = Allocation.objects.filter(funding_source__year=year, reverses=None).annotate(
        net=Case(When(counts, then=F("amount")), default=NOUGHT),
        net_paid=total_of(payments),
        net_late=late(year, as_at),
    )
    rows = rows.filter(~Q(net=0) | ~Q(net_paid=0)).with_award(as_at).order_by("awarded_on", "pk")
    fields = ("pk", "funding_source", "initiative", "initiative__level", "recipient", "kind")
    sums = ("net", "net_paid", "net_late", "award_total")
    names = ("initiative__name", "initiative__slug", "initiative__level__slug", "recipient__name", "recipient__slug")
    return [Entry(*row) for row in rows.values_list(*fields, *sums, *names)]


def late(year: FinancialYear, as_at: AsAt) -> Combinable:
    """Return what was paid on an allocation after the day by which the year's money had to be spent."""
    if year.spend_by is None:
        return NOUGHT
    payments = Payment.objects.standing(as_at).filter(amount__gt=0, paid_on__gt=year.spend_by)
    return total_of(payments.filter(allocation=OuterRef("pk")))
