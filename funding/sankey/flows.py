"""A year's money from sources through levels of prevention to initiatives: the rows of a Sankey diagram and its table.

Where there are too many rows to read, diagram and table group the same ones ("12 others"), so their sums never differ.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from funding.accounts import AllocationBalance, YearAccounts
from programmes.models import PreventionLevel

MAX_SOURCES = 6  # the style sheet has as many tones
MAX_INITIATIVES = 12
MIN_INITIATIVES_PER_LEVEL = 2
ZERO = Decimal(0)


@dataclass(frozen=True)
class InitiativeFlow:
    """What is allocated to and paid for an initiative, or all remaining initiatives of its level."""

    name: str
    slug: str  # empty: several initiatives together
    allocated: Decimal
    paid: Decimal


@dataclass(frozen=True)
class LevelFlow:
    """A level of prevention with its initiatives, largest first."""

    level: PreventionLevel
    rows: Sequence[InitiativeFlow]

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
    levels: dict[int, Decimal]  # by the level's key
    unallocated: Decimal
    carried: Decimal


@dataclass(frozen=True)
class UnallocatedFlow:
    """Money that went to no level of prevention, by source."""

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
    levels: Sequence[LevelFlow]
    accounts: YearAccounts

    @cached_property
    def total(self) -> Decimal:
        """The total, as the table adds it up."""
        return sum((row.allocated for row in self.levels), ZERO) + sum((flow.amount for flow in self.unallocated), ZERO)

    @cached_property
    def unallocated(self) -> list[UnallocatedFlow]:
        """What went to no level: not allocated yet, or carried forward into the next year."""
        left = UnallocatedFlow("Not yet allocated", "left", [source.unallocated for source in self.sources])
        carried = UnallocatedFlow("Carried forward", "carried", [source.carried for source in self.sources])
        return [flow for flow in (left, carried) if flow.amount > 0]


def money_flow(accounts: YearAccounts, levels: Iterable[PreventionLevel]) -> MoneyFlow:
    """The rows of a year's diagram. Makes no query."""
    by_level = defaultdict(list)
    for balance in accounts.balances:
        by_level[balance.level].append(balance)
    shown = [level for level in levels if level.pk in by_level]
    most = max(MIN_INITIATIVES_PER_LEVEL, MAX_INITIATIVES // max(len(shown), 1))
    return MoneyFlow(
        source_flows(accounts),
        [LevelFlow(level, initiative_flows(by_level[level.pk], most)) for level in shown],
        accounts,
    )


def initiative_flows(balances: Iterable[AllocationBalance], most: int) -> list[InitiativeFlow]:
    """The initiatives of one level, largest first, with the smallest grouped together."""
    by_initiative = defaultdict(list)
    for balance in balances:
        by_initiative[balance.initiative_name, balance.initiative_slug].append(balance)
    rows = [
        InitiativeFlow(name, slug, sum((e.allocated for e in own), ZERO), sum((e.paid for e in own), ZERO))
        for (name, slug), own in by_initiative.items()
    ]
    rows.sort(key=lambda row: (-row.allocated, row.name))
    if len(rows) <= most + 1:  # "1 other" would take as much room as the name
        return rows
    alone, others = rows[:most], rows[most:]
    sums = sum((row.allocated for row in others), ZERO), sum((row.paid for row in others), ZERO)
    return [*alone, InitiativeFlow(f"{len(others)} others", "", *sums)]


def source_flows(accounts: YearAccounts) -> list[SourceFlow]:
    """The sources, with the smaller ones grouped together if there are more than the tones can tell apart."""
    rows = []
    for account in accounts.sources:
        levels: dict[int, Decimal] = defaultdict(Decimal)
        for balance in account.balances:
            levels[balance.level] += balance.allocated
        left = max(account.unallocated, ZERO)
        rows.append(SourceFlow(account.source.name, 0, account.source.amount, dict(levels), left, account.carried))
    if len(rows) > MAX_SOURCES:
        largest = sorted(rows, key=lambda row: -row.amount)[: MAX_SOURCES - 1]
        others = [row for row in rows if row not in largest]
        rows = [*[row for row in rows if row in largest], merge_source_flows(others)]
    return [SourceFlow(**{**vars(row), "tone": tone}) for tone, row in enumerate(rows, start=1)]


def merge_source_flows(rows: Sequence[SourceFlow]) -> SourceFlow:
    levels: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        for level, amount in row.levels.items():
            levels[level] += amount
    amount, left, carried = (
        sum((getattr(row, name) for row in rows), ZERO) for name in ("amount", "unallocated", "carried")
    )
    return SourceFlow(f"{len(rows)} other sources", 0, amount, dict(levels), left, carried)
