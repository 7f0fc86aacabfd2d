from datetime import UTC, datetime

import pytest

from tests.support.factories import UnitFactory

TODAY = datetime(2031, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock(time_machine):
    """The day on which recipients are asked, unless a test moves on."""
    time_machine.move_to(TODAY, tick=False)
    return time_machine


@pytest.fixture
def unit():
    return UnitFactory()
