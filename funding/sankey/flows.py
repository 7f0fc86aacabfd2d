"""A year's money from sources through levels to initiatives, or to budget headings: a Sankey diagram and its table.

Where there are too many rows to read, diagram and table group the same ones ("12 others"), so their sums never differ.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from funding.year_accounts import AllocationBalance, YearAccounts
from programmes.models import PreventionLevel

TONES = 6  # from --tone-1 to --tone-6 in frontend/_tokens.scss
MAX_INITIATIVES = 12
MIN_INITIATIVES_PER_LEVEL = 2
ZERO = Decimal(0)
HEADINGS_NAME = "Budget headings"


@dataclass(frozen=True)
class SubjectFlow:
    """What is allocated to and paid for an initiative or heading, or for all remaining ones of its group."""

    name: str
    slug: str  # empty: several together
    allocated: Decimal
    paid: Decimal


@dataclass(frozen=True)
class GroupFlow:
    """A level of prevention with its initiatives, or the budget headings, largest first."""

    level: PreventionLevel | None  # None: the budget headings
    rows: Sequence[SubjectFlow]

    @property
    def key(self) -> int | None:
        return self.level.pk if self.level else None

    @property
    def name(self) -> str:
        return self.level.name if self.level else HEADINGS_NAME

    @property
    def full_name(self) -> str:
        return self.level.full_name if self.level else HEADINGS_NAME

    @property
    def css(self) -> str:
        return f"mark--{self.level.mark}" if self.level else "headings"

    @cached_property
    def allocated(self) -> Decimal:
        return sum((row.allocated for row in self.rows), ZERO)

    @cached_property
    def paid(self) -> Decimal:
        return sum((row.paid for row in self.rows), ZERO)


@dataclass(frozen=True)
class SourceFlow:
    """A source, or several smaller ones together, and where the money goes."""

    name: str
    tone: int
    amount: Decimal
    groups: dict[int | None, Decimal]  # by the key of the level; None for the budget headings
    unallocated: Decimal
    carried: Decimal
    returned: Decimal


@dataclass(frozen=True)
class UnallocatedFlow:
    """Money that went to no initiative and no heading, by source."""

    name: str
    css: str
    parts: Sequence[Decimal]

    @cached_property
    def amount(self) -> Decimal:
        return sum(self.parts, ZERO)


@dataclass(frozen=True)
class MoneyFlow:
    """A year's money as the diagram and the table show it."""

    sources: Sequence[SourceFlow]
    groups: Sequence[GroupFlow]
    accounts: YearAccounts

    @cached_property
    def total(self) -> Decimal:
        """The total, as the table adds it up."""
        return sum((row.allocated for row in self.groups), ZERO) + sum((flow.amount for flow in self.unallocated), ZERO)

    @cached_property
    def unallocated(self) -> list[UnallocatedFlow]:
        """Money not used for anything this year: not allocated, carried forward into the next year, or returned."""
        left = UnallocatedFlow("Not yet allocated", "left", [source.unallocated for source in self.sources])
        carried = UnallocatedFlow("Carried forward", "carried", [source.carried for source in self.sources])
        returned = UnallocatedFlow("Returned to the funder", "returned", [source.returned for source in self.sources])
        return [flow for flow in (left, carried, returned) if flow.amount > 0]


def money_flow(accounts: YearAccounts, levels: Iterable[PreventionLevel]) -> MoneyFlow:
    """The rows of a year's diagram. Makes no query."""
    by_level = defaultdict(list)
    for balance in accounts.balances:
        by_level[balance.level].append(balance)
    shown: list[PreventionLevel | None] = [level for level in levels if level.pk in by_level]
    shown += [None] if None in by_level else []
    most = max(MIN_INITIATIVES_PER_LEVEL, MAX_INITIATIVES // max(len(shown), 1))
    return MoneyFlow(
        source_flows(accounts),
        [GroupFlow(level, subject_flows(by_level[level.pk if level else None], most)) for level in shown],
        accounts,
    )


def subject_flows(balances: Iterable[AllocationBalance], most: int) -> list[SubjectFlow]:
    """The initiatives of one level, or the headings, largest first, with the smallest grouped together."""
    by_subject = defaultdict(list)
    for balance in balances:
        by_subject[balance.subject_name, balance.initiative_slug or balance.heading_slug or ""].append(balance)
    rows = [
        SubjectFlow(name, slug, sum((e.allocated for e in own), ZERO), sum((e.paid for e in own), ZERO))
        for (name, slug), own in by_subject.items()
    ]
    rows.sort(key=lambda row: (-row.allocated, row.name))
    if len(rows) <= most + 1:  # "1 other" would take as much room as the name
        return rows
    alone, others = rows[:most], rows[most:]
    sums = sum((row.allocated for row in others), ZERO), sum((row.paid for row in others), ZERO)
    return [*alone, SubjectFlow(f"{len(others)} others", "", *sums)]


def source_flows(accounts: YearAccounts) -> list[SourceFlow]:
    """The sources, with the smaller ones grouped together if there are more than the tones can tell apart."""
    rows = []
    for account in accounts.sources:
        groups: dict[int | None, Decimal] = defaultdict(Decimal)
        for balance in account.balances:
            groups[balance.level] += balance.allocated
        left, amount = max(account.unallocated, ZERO), account.source.amount
        rows.append(SourceFlow(account.source.name, 0, amount, dict(groups), left, account.carried, account.returned))
    if len(rows) > TONES:
        largest = sorted(rows, key=lambda row: -row.amount)[: TONES - 1]
        others = [row for row in rows if row not in largest]
        rows = [*[row for row in rows if row in largest], merge_source_flows(others)]
    return [SourceFlow(**{**vars(row), "tone": tone}) for tone, row in enumerate(rows, start=1)]


def merge_source_flows(rows: Sequence[SourceFlow]) -> SourceFlow:
    groups: dict[int | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        for group, amount in row.groups.items():
            groups[group] += amount
    amount, *parts = (
        sum((getattr(row, name) for row in rows), ZERO) for name in ("amount", "unallocated", "carried", "returned")
    )
    return SourceFlow(f"{len(rows)} other sources", 0, amount, dict(groups), *parts)
