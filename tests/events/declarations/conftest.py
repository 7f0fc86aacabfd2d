import pytest

from tests.support.factories import LevelFactory, UnitFactory
from tests.support.signing import open_signing


@pytest.fixture
def signing_open_in_may(db, time_machine):
    """Open signing on 6 May 2031, the day on which the test takes place."""
    time_machine.move_to("2031-05-06T10:00:00Z")
    UnitFactory()
    LevelFactory()
    open_signing()
