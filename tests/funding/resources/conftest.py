from datetime import date
from decimal import Decimal

import pytest
import time_machine

from tests.support.factories import ColumnFactory, DutyFactory, FundingSourceFactory, UserFactory, YearFactory


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(date(2031, 6, 1), tick=True):
        yield


@pytest.fixture
def officer(client):
    user = UserFactory(is_superuser=True, username="officer")
    client.force_login(user)
    return user


@pytest.fixture
def source():
    ColumnFactory(duty=DutyFactory(), list="grants", field="conditions")
    year = YearFactory(first_year=2031, spend_by=date(2031, 5, 30))
    return FundingSourceFactory(year=year, name="Chest", slug="chest", amount=Decimal("1250.50"))
