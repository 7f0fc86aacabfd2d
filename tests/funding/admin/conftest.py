from datetime import date
from decimal import Decimal

import pytest
import time_machine

from tests.support.factories import (
    DutyFactory,
    FundingSourceFactory,
    UserFactory,
    YearFactory,
)

TODAY = date(2031, 6, 1)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=True):
        yield


@pytest.fixture
def officer(client):
    """Somebody who may do everything, signed in."""
    user = UserFactory(is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def source():
    year = YearFactory(first_year=2031, spend_by=date(2032, 3, 31))
    DutyFactory()
    return FundingSourceFactory(year=year, name="Chest", amount=Decimal("1250.50"))
