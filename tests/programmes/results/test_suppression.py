"""No suppressed count can be worked out, by somebody who knows the rules and tries every table that looks the same."""

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programmes.results.rules.suppression import (
    Counted,
    Hidden,
    suppressed_alone,
    suppressed_groups,
    suppressed_together,
)
from tests.support.processor_time import soon


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
    found = suppressed_alone(
        Counted(total, {"a": {("a", n): count for n, count in enumerate(first)}, "b": other}), threshold
    )
    hides_total, hidden = found.total, found.groups
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
    assert suppressed_alone(Counted(1, {"sides": {"a": 0, "b": 1}}), 0) == Hidden(False, set())


# A figure, and others that are part of it -----------------------------------------------------------------------------

Table = tuple[int, ...]  # the counts of the groups of one breakdown


def families(most: int, parts: int, kind: str) -> Iterator[tuple[Table, ...]]:
    """Yield a whole of two groups with its parts, in every way in which readers know them to be.

    They may know that the parts do not overlap (“apart”), or even that they add up to the whole (“all of it”).
    """
    for whole in product(range(most + 1), repeat=2):
        tables = [*product(range(whole[0] + 1), range(whole[1] + 1))]
        for found in product(tables, repeat=parts):
            sums = tuple(map(sum, zip(*found, strict=True)))
            is_apart = all(count <= limit for count, limit in zip(sums, whole, strict=True))
            if kind == "any" or (is_apart if kind == "apart" else sums == whole):
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


def each_part_with_the_whole(family: tuple[Table, ...], threshold: int):
    """What does not suffice either: parts are suppressed together, but nothing is said of what they leave together."""
    whole, *parts = family
    hidden = [suppressed_together(counted(whole), [counted(part)], threshold)[1][0] for part in parts]
    of_parts = [Hidden(any(one.total for one in hidden), {n for one in hidden for n in one.groups}) for _ in parts]
    return shown(family, [suppressed_alone(counted(whole), threshold), *of_parts])


def what_is_found_out(publish: Any, threshold: int, most: int, parts: int, kind: str) -> list[Any]:
    """The families of which a reader can work out a number below the threshold: a count, or what parts leave."""
    alike: dict[Any, list[tuple[Table, ...]]] = {}
    for family in families(most, parts, kind):
        alike.setdefault(publish(family, threshold), []).append(family)
    return [found for found in alike.values() for values in zip(*(numbers(one, kind) for one in found), strict=True)
            if len({*values}) == 1 and values[0] < threshold]  # fmt: skip


def numbers(family: tuple[Table, ...], kind: str) -> list[float]:
    """All that could be worked out: each total and group, and what each part leaves of the whole.

    What all parts leave together is a number of people only if they do not overlap. That it may be nobody is known.
    """
    whole, *parts = [(sum(table), *table) for table in family]
    left = [count - one for part in parts for count, one in zip(whole, part, strict=True)]
    rest = [count - sum(ones) or inf for count, *ones in zip(whole, *parts, strict=True)] if kind == "apart" else []
    return [*whole, *(count for part in parts for count in part), *left, *rest]


KINDS = [(8, 1, "any"), (4, 2, "any"), (5, 2, "apart"), (3, 3, "apart"), (9, 2, "all of it"), (4, 3, "all of it")]


@pytest.mark.parametrize(("most", "parts", "kind"), KINDS, ids=str)
@pytest.mark.parametrize("threshold", [2, 3])
def test_no_small_number_is_found_out_by_comparing_a_figure_with_its_parts(threshold, most, parts, kind):
    assert what_is_found_out(together, threshold, most, parts, kind) == []


@pytest.mark.parametrize(("parts", "kind"), [(1, "any"), (2, "all of it")])
def test_the_control_suppressing_each_figure_alone_is_found_out(parts, kind):
    assert what_is_found_out(each_alone, 2, 5, parts, kind)


def test_the_control_comparing_each_part_alone_with_the_whole_is_found_out():
    assert what_is_found_out(each_part_with_the_whole, 2, 5, 2, "apart")


def test_parts_that_leave_enough_are_published():
    assert together(((10, 20), (5, 10)), 5) == ((30, 10, 20), (15, 5, 10))
    assert together(((10, 20), (6, 10)), 5) == ((30, 10, 20), (16, None, None))
    assert together(((10, 20), (8, 19)), 5) == ((30, 10, 20), (None, None, None))
    assert together(((10, 20), (5, 10), (1, 2)), 5) == ((30, 10, 20), (None, None, None), (None, None, None))
    assert together(((50, 50), (25, 25), (24, 24)), 5) == ((100, 50, 50), (None, None, None), (None, None, None))
    assert together(((50, 50), (25, 25), (25, 25)), 5) == ((100, 50, 50), (50, 25, 25), (50, 25, 25))


def test_parts_that_leave_too_little_are_suppressed_even_if_another_one_overlaps_with_them():
    assert together(((50, 50), (25, 25), (24, 24), (30, 30)), 5)[1:] == ((None, None, None),) * 3
    assert together(((50, 50), (30, 20), (30, 18)), 5)[1:] == ((None, None, None),) * 2
    assert together(((50, 50), (30, 25), (28, 25)), 5)[1:] == ((55, 30, 25), (53, 28, 25))


def test_numbers_of_many_parts_are_compared_quickly():
    parts = [counted((1000 + 37 * n, 2000 + 41 * n)) for n in range(40)]
    with soon():
        assert suppressed_together(counted((9000, 9000)), parts, 5)[1][0].groups == {0, 1}
