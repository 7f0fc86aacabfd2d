"""How long something takes, whatever else the machine does: in processor time, and with room for a slow processor."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds: what is refused takes less than a third of it, and what would be worked through takes longer
# or, in the tests of uploads and files, is noticed by what it calls.
SOON = 3


def processor_seconds() -> float:
    """Return the time that this process has computed, and those it has started and seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def soon() -> Iterator[None]:
    """Assert that the block comes to an end soon."""
    began = processor_seconds()
    yield
    assert processor_seconds() - began < SOON
