"""Comparing what is recorded in several places, one after the other, while people go on recording."""

from collections.abc import Callable
from typing import TypeVar

Report = TypeVar("Report")

ATTEMPTS = 3
RECORDED_MEANWHILE = (
    "Something was recorded each time while this was checked, which may explain what was found. "
    "Run it again when nobody is recording."
)


def compare_undisturbed(
    compare: Callable[[], Report], faults_of: Callable[[Report], list[str]], version: Callable[[], object]
) -> Report:
    """What `compare` reports; it compares again if it found faults and the `version` changed meanwhile.

    What is recorded between two readings is in one of them only, and nothing is wrong with it.
    """
    for _ in range(ATTEMPTS):
        before = version()
        report = compare()
        if not faults_of(report) or version() == before:
            return report
    faults_of(report).append(RECORDED_MEANWHILE)
    return report
