import pytest
from django.contrib.auth import get_user_model

from tests.support.factories import UnitFactory


@pytest.fixture
def unit():
    return UnitFactory()


@pytest.fixture
def staff(client, unit):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client
