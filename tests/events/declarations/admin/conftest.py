import pytest

from tests.support import signing
from tests.support.factories import UserFactory


@pytest.fixture
def officer(client):
    user = UserFactory(is_superuser=True, username="officer")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    return signing.open_signing()
