from datetime import UTC, datetime

import pytest

NOW = datetime(2032, 5, 6, 12, tzinfo=UTC)  # after the year that the tests' books are of


@pytest.fixture
def year_is_over(settings, time_machine):
    """The year of the books has ended, and its grants are published."""
    time_machine.move_to(NOW)
    settings.GRANTS_PREFIX = "360G-moor"
