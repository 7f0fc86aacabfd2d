"""No suppressed count can be worked out, by somebody who knows the rules and tries every table that looks the same."""

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programmes.results.rules.suppression import Counted, suppressed, suppressed_groups, suppressed_together


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


# A figure, and others that are part of it -----------------------------------------------------------------------------

Table = tuple[int, ...]  # the counts of the groups of one breakdown


def families(most: int, parts: int, *, all_of_it: bool) -> Iterator[tuple[Table, ...]]:
    """Yield a whole of two groups with its parts, in every way; ``all_of_it`` if the parts add up to the whole."""
    for whole in product(range(most + 1), repeat=2):
        tables = [*product(range(whole[0] + 1), range(whole[1] + 1))]
        for found in product(tables, repeat=parts):
            sums = tuple(map(sum, zip(*found, strict=True)))
            if not all_of_it or sums == whole:
                yield (whole, *found)


def counted(table: Table) -> Counted[int]:
    return Counted(sum(table), {"age": dict(enumerate(table))})


def together(family: tuple[Table, ...], threshold: int):
    """What a reader sees of a whole and its parts: of each its total and its groups, None for what is suppressed."""
    whole, *parts = map(counted, family)
    of_whole, of_parts = suppressed_together(whole, parts, threshold)
    return shown(family, [of_whole, *of_parts])


def each_alone(family: tuple[Table, ...], threshold: int):
    """What does not suffice: the control."""
    return shown(family, [suppressed_together(counted(table), [], threshold)[0] for table in family])


def shown(family: tuple[Table, ...], hidden: Any):
    return tuple(
        (None if one.total else sum(table), *(None if place in one.groups else n for place, n in enumerate(table)))
        for table, one in zip(family, hidden, strict=True)
    )


def what_is_found_out(publish: Any, threshold: int, most: int, parts: int, *, all_of_it: bool) -> list[Any]:
    """The families of which a reader can work out a number below the threshold: a count, or what a part leaves."""
    alike: dict[Any, list[tuple[Table, ...]]] = {}
    for family in families(most, parts, all_of_it=all_of_it):
        alike.setdefault(publish(family, threshold), []).append(family)
    return [found for found in alike.values() for values in zip(*map(numbers, found), strict=True)
            if len({*values}) == 1 and values[0] < threshold]  # fmt: skip


def numbers(family: tuple[Table, ...]) -> list[int]:
    """All that could be worked out: each total and group, and what each part leaves of the whole."""
    whole, *parts = [(sum(table), *table) for table in family]
    left = [count - one for part in parts for count, one in zip(whole, part, strict=True)]
    return [*whole, *(count for part in parts for count in part), *left]


@pytest.mark.parametrize(
    ("most", "parts", "all_of_it"), [(8, 1, False), (4, 2, False), (9, 2, True), (4, 3, True)], ids=str
)
@pytest.mark.parametrize("threshold", [2, 3])
def test_no_small_number_is_found_out_by_comparing_a_figure_with_its_parts(threshold, most, parts, all_of_it):
    assert what_is_found_out(together, threshold, most, parts, all_of_it=all_of_it) == []


@pytest.mark.parametrize(("parts", "all_of_it"), [(1, False), (2, True)])
def test_the_control_suppressing_each_figure_alone_is_found_out(parts, all_of_it):
    assert what_is_found_out(each_alone, 2, 5, parts, all_of_it=all_of_it)


def test_parts_that_leave_enough_are_published():
    assert together(((10, 20), (5, 10)), 5) == ((30, 10, 20), (15, 5, 10))
    assert together(((10, 20), (6, 10)), 5) == ((30, 10, 20), (16, None, None))
    assert together(((10, 20), (8, 19)), 5) == ((30, 10, 20), (None, None, None))
    assert together(((10, 20), (5, 10), (1, 2)), 5) == ((30, 10, 20), (None, None, None), (None, None, None))
