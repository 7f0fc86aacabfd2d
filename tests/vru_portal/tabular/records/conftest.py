import pytest
from django.contrib.auth import get_user_model

from tests.support.factories import make_everything


@pytest.fixture
def lead():
    return get_user_model().objects.create_superuser("lead")


@pytest.fixture
def furnished():
    make_everything(2)
