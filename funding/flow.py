"""A year's money from sources through levels of prevention to initiatives: the rows of the picture and of its table.

What is too many to be read is grouped in both alike ("12 others"), so they never tell different sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from funding.accounts import Accounts, Entry
from programmes.models import PreventionLevel

MOST_SOURCES = 6  # as many as there are tones
MOST_INITIATIVES = 12
FEWEST_OF_A_LEVEL = 2
NOUGHT = Decimal(0)


@dataclass(frozen=True)
class Row:
    """An initiative, or all others of its level, with what is allocated to it and paid."""

    name: str
    slug: str  # none: several initiatives together
    allocated: Decimal
    paid: Decimal


@dataclass(frozen=True)
class LevelRows:
    """A level of prevention with its initiatives, the largest first."""

    level: PreventionLevel
    rows: Sequence[Row]

    @property
    def allocated(self) -> Decimal:
        """What is allocated at this level."""
        return sum((row.allocated for row in self.rows), NOUGHT)

    @property
    def paid(self) -> Decimal:
        """What is paid at this level."""
        return sum((row.paid for row in self.rows), NOUGHT)


@dataclass(frozen=True)
class SourceRow:
    """A source, or several smaller ones together, and where its money goes."""

    name: str
    tone: int
    amount: Decimal
    levels: dict[int, Decimal]  # by the level's key
    unallocated: Decimal
    carried: Decimal


@dataclass(frozen=True)
class Rest:
    """Money that is at no level, by source."""

    name: str
    css: str
    parts: Sequence[Decimal]

    @property
    def amount(self) -> Decimal:
        """All of it."""
        return sum(self.parts, NOUGHT)


@dataclass(frozen=True)
class Flow:
    """A year's money, as picture and table show it."""

    sources: Sequence[SourceRow]
    levels: Sequence[LevelRows]
    accounts: Accounts

    @property
    def total(self) -> Decimal:
        """All of it, as the table adds it up."""
        return sum((row.allocated for row in self.levels), NOUGHT) + sum((rest.amount for rest in self.rest), NOUGHT)

    @property
    def rest(self) -> list[Rest]:
        """What is at no level: not allocated yet, and carried forward into the next year."""
        left = Rest("Not yet allocated", "left", [source.unallocated for source in self.sources])
        carried = Rest("Carried forward", "carried", [source.carried for source in self.sources])
        return [one for one in (left, carried) if one.amount > 0]


def flow_of(accounts: Accounts, levels: Iterable[PreventionLevel]) -> Flow:
    """Return the rows of a year's picture: no query."""
    by_level = defaultdict(list)
    for entry in accounts.entries:
        by_level[entry.level].append(entry)
    shown = [level for level in levels if level.pk in by_level]
    most = max(FEWEST_OF_A_LEVEL, MOST_INITIATIVES // max(len(shown), 1))
    return Flow(
        sources_of(accounts), [LevelRows(level, initiatives_of(by_level[level.pk], most)) for level in shown], accounts
    )


def initiatives_of(entries: Iterable[Entry], most: int) -> list[Row]:
    """Return the initiatives of one level, the largest first and the rest together."""
    by_initiative = defaultdict(list)
    for entry in entries:
        by_initiative[entry.initiative_name, entry.initiative_slug].append(entry)
    rows = [
        Row(name, slug, sum((e.allocated for e in own), NOUGHT), sum((e.paid for e in own), NOUGHT))
        for (name, slug), own in by_initiative.items()
    ]
    rows.sort(key=lambda row: (-row.allocated, row.name))
    if len(rows) <= most + 1:  # "1 other" takes the room of its own name
        return rows
    alone, others = rows[:most], rows[most:]
    sums = sum((row.allocated for row in others), NOUGHT), sum((row.paid for row in others), NOUGHT)
    return [*alone, Row(f"{len(others)} others", "", *sums)]


def sources_of(accounts: Accounts) -> list[SourceRow]:
    """Return the sources, and the smaller ones together where there are too many tones to tell."""
    rows = []
    for account in accounts.sources:
        levels: dict[int, Decimal] = defaultdict(Decimal)
        for entry in account.entries:
            levels[entry.level] += entry.allocated
        left = max(account.unallocated, NOUGHT)
        rows.append(SourceRow(account.source.name, 0, account.source.amount, dict(levels), left, account.carried))
    if len(rows) > MOST_SOURCES:
        largest = sorted(rows, key=lambda row: -row.amount)[: MOST_SOURCES - 1]
        others = [row for row in rows if row not in largest]
        rows = [*[row for row in rows if row in largest], together(others)]
    return [SourceRow(**{**vars(row), "tone": tone}) for tone, row in enumerate(rows, start=1)]


def together(rows: Sequence[SourceRow]) -> SourceRow:
    """Return several sources as one."""
    levels: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        for level, amount in row.levels.items():
            levels[level] += amount
    amount, left, carried = (
        sum((getattr(row, name) for row in rows), NOUGHT) for name in ("amount", "unallocated", "carried")
    )
    return SourceRow(f"{len(rows)} other sources", 0, amount, dict(levels), left, carried)
