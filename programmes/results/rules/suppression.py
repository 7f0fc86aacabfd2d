"""Which counts of people are too small to publish, and which others would reveal them.

A figure is a total with breakdowns, each of which adds up to the total. Every other output (totals of a year, a level
or an area, costs, files) adds up published counts only and says how many are left out, so nothing can be subtracted
that is not published here. Figures of different measures count different people, unless one measure is said to be part
of another (`suppressed_together`). It therefore suffices that no suppressed count can be worked out within one figure,
or within one figure and its parts, even by somebody who knows these rules:

- The rules look at the counts of a breakdown, never at the order of its groups. If the suppressed counts of a breakdown
  were exchanged among themselves, the same groups would be suppressed. So as long as they are not all equal, each of
  them could be one of at least two numbers.
- They can be all equal only if all groups are suppressed and too small. Then one more in one group and one fewer in
  another would be published in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key")
MAX_OPEN = 1  # if no more groups of a breakdown than this would be published, all of it is suppressed


def suppressed_groups(counts: Mapping[Key, int], threshold: int) -> set[Key]:
    """The groups of one breakdown that must not be published, beside a total that is.

    Those below the threshold; the smallest of the others, all of the same count at once, until the suppressed counts
    differ; and the last one if only that were left.
    """
    hidden = {key for key, count in counts.items() if count < threshold}
    if not hidden:
        return set()
    while len({counts[key] for key in hidden}) < 2 and len(hidden) < len(counts):
        smallest = min(count for key, count in counts.items() if key not in hidden)
        hidden |= {key for key, count in counts.items() if count == smallest}
    return set(counts) if len(counts) - len(hidden) <= MAX_OPEN else hidden


@dataclass(frozen=True)
class Counted(Generic[Key]):
    """A total, and its breakdowns by name."""

    total: int
    breakdowns: Mapping[str, Mapping[Key, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hidden(Generic[Key]):
    """What must not be published of a figure."""

    total: bool
    groups: set[Key]


def hidden_whole(figure: Counted[Key]) -> Hidden[Key]:
    return Hidden(True, {key for counts in figure.breakdowns.values() for key in counts})


def suppressed_alone(figure: Counted[Key], threshold: int) -> Hidden[Key]:
    """What must not be published of a figure that is part of no other."""
    if figure.total < threshold:
        return hidden_whole(figure)
    return Hidden(False, {key for counts in figure.breakdowns.values() for key in suppressed_groups(counts, threshold)})


def suppressed_together(
    whole: Counted[Key], parts: Sequence[Counted[Key]], threshold: int
) -> tuple[Hidden[Key], list[Hidden[Key]]]:
    """What must not be published of a whole and its parts.

    The people of the whole who are not in a part are a number too, and parts may add up to the whole. So the parts are
    published all or none: none if one of them, or what they leave of the whole, is too small. The same goes for each
    breakdown that they share. Nothing more of the whole is suppressed, since it is then all that is left.
    """
    of_whole, of_parts = suppressed_alone(whole, threshold), [suppressed_alone(part, threshold) for part in parts]
    totals = [part.total for part in parts]
    if any(part.total for part in of_parts) or leave_too_little(whole.total, totals, threshold):
        return of_whole, [hidden_whole(part) for part in parts]
    for name, groups in whole.breakdowns.items():
        tables = [part.breakdowns.get(name, {}) for part in parts]
        suppresses = of_whole.groups & {*groups} or any(
            hidden.groups & {*table} for hidden, table in zip(of_parts, tables, strict=True)
        )
        counts = {key: [table[key] for table in tables if key in table] for table in tables for key in table}
        if suppresses or any(leave_too_little(groups.get(key, 0), found, threshold) for key, found in counts.items()):
            for hidden, table in zip(of_parts, tables, strict=True):
                hidden.groups.update(table)
    return of_whole, of_parts


def leave_too_little(whole: int, parts: Sequence[int], threshold: int) -> bool:
    """Whether subtracting one part, or several, from the whole leaves too few people.

    Any set of parts may be the ones that do not overlap. A negative rest counts people who are in two parts. A rest of
    zero is allowed only for several parts together: readers know beforehand that they make up the whole.
    """
    sums = {0}  # of any of the parts; the larger ones are of no interest
    for count in parts:
        sums |= {found + count for found in sums if found + count < whole + threshold}
    return any(whole - count < threshold for count in parts) or any(0 < abs(whole - n) < threshold for n in sums)
