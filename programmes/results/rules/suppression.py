"""Which counts of people are too small to publish, and which others would reveal them.

A figure is a total with breakdowns, each of which adds up to the total. Every other output (totals of a year, a level
or an area, costs, files) adds up published counts only and says how many are left out, so nothing can be subtracted
that is not published here. It therefore suffices that no suppressed count can be worked out within one figure, even by
somebody who knows these rules:

- The rules look at the counts of a breakdown, never at the order of its groups. If the suppressed counts of a breakdown
  were exchanged among themselves, the same groups would be suppressed. So as long as they are not all equal, each of
  them could be one of at least two numbers.
- They can be all equal only if all groups are suppressed and too small. Then one more in one group and one fewer in
  another would be published in the same way.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

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


def suppressed(total: int, breakdowns: Sequence[Mapping[Key, int]], threshold: int) -> tuple[bool, set[Key]]:
    """Whether a total must not be published, and which groups must not."""
    if total < threshold:
        return True, {key for counts in breakdowns for key in counts}
    return False, {key for counts in breakdowns for key in suppressed_groups(counts, threshold)}
