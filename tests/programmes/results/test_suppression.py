"""No suppressed count can be worked out, by somebody who knows the rules and tries every table that looks the same."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programmes.results.rules.suppression import suppressed, suppressed_groups


def tables(total: int, groups: int):
    """Yield every way to divide a total among the groups."""
    for cuts in combinations(range(total + groups - 1), groups - 1):
        ends = (-1, *cuts, total + groups - 1)
        yield tuple(b - a - 1 for a, b in pairwise(ends))


def published(counts, threshold, hide=suppressed_groups):
    """What a reader sees of a breakdown: the total, and each group's count, or None."""
    hidden = hide(dict(enumerate(counts)), threshold)
    return sum(counts), tuple(None if place in hidden else count for place, count in enumerate(counts))


def recovered(counts, threshold, hide=suppressed_groups):
    """The groups whose suppressed count is the same in every table that is published like this one."""
    seen = published(counts, threshold, hide)
    alike = [other for other in tables(sum(counts), len(counts)) if published(other, threshold, hide) == seen]
    assert counts in alike
    return [
        place for place, shown in enumerate(seen[1]) if shown is None and len({other[place] for other in alike}) == 1
    ]


def only_the_small_ones(counts, threshold):
    """What does not suffice: the control."""
    return {place for place, count in counts.items() if count < threshold}


small_tables = st.integers(2, 4).flatmap(lambda n: st.lists(st.integers(0, 6), min_size=n, max_size=n))


@settings(max_examples=100, deadline=None)
@given(counts=small_tables, threshold=st.integers(2, 5))
def test_no_suppressed_count_can_be_recovered_from_the_total_and_the_other_groups(counts, threshold):
    if sum(counts) < threshold:
        return  # the total itself is suppressed, with all of its groups
    assert recovered(tuple(counts), threshold) == []


def test_every_small_table_keeps_its_secrets():
    tried = 0
    for threshold in (2, 5):
        for groups, most in ((2, 13), (3, 13), (4, 10)):
            for total in range(threshold, most):
                seen: dict[Any, list[tuple[int, ...]]] = {}
                for counts in tables(total, groups):
                    seen.setdefault(published(counts, threshold), []).append(counts)
                for (_, shown), alike in seen.items():
                    tried += 1
                    for place, count in enumerate(shown):
                        assert count is not None or len({other[place] for other in alike}) > 1, (threshold, alike)
    assert tried > 100


@pytest.mark.parametrize("counts", [(3, 17), (2, 8, 9), (0, 0, 12)])
def test_the_control_suppressing_only_small_counts_is_recovered(counts):
    assert recovered(counts, 5, only_the_small_ones)
    assert recovered(counts, 5) == []


@settings(max_examples=100, deadline=None)
@given(
    first=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    second=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    threshold=st.integers(2, 10),
)
def test_nothing_below_the_threshold_is_ever_published(first, second, threshold):
    total = sum(first)
    other = {("b", place): count for place, count in enumerate(second)}
    hides_total, hidden = suppressed(total, [{("a", place): n for place, n in enumerate(first)}, other], threshold)
    assert hides_total == (total < threshold)
    for key, count in [*((("a", place), n) for place, n in enumerate(first)), *other.items()]:
        assert count >= threshold or key in hidden
        assert not hides_total or key in hidden


def test_what_can_be_published_is():
    assert suppressed_groups({"a": 10, "b": 20, "c": 30}, 5) == set()
    assert suppressed_groups({"a": 3, "b": 20, "c": 30, "d": 40}, 5) == {"a", "b"}
    assert suppressed_groups({"a": 3, "b": 4, "c": 30, "d": 40}, 5) == {"a", "b"}  # they differ: either could be each
    assert suppressed_groups({"a": 4, "b": 4, "c": 30, "d": 40, "e": 50}, 5) == {"a", "b", "c"}
    assert suppressed_groups({"a": 3, "b": 20, "c": 20, "d": 30, "e": 40}, 5) == {"a", "b", "c"}  # equals go together
    assert suppressed_groups({"a": 3, "b": 20, "c": 30}, 5) == {"a", "b", "c"}  # one left alone would say too much


def test_a_measure_that_counts_no_people_suppresses_nothing():
    assert suppressed(1, [{"a": 0, "b": 1}], 0) == (False, set())
