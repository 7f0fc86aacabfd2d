import pytest
from django.contrib.auth.models import Group

from tests.programmes.results.files import Sent
from tests.programmes.results.returns import count_people
from tests.support.factories import MeasureFactory, UserFactory


@pytest.fixture
def editor():
    user = UserFactory()
    user.groups.set(Group.objects.filter(name="Editor"))
    return user


@pytest.fixture
def walkers():
    """What is counted: walkers by age, and walks."""
    measure, groups = count_people("Under 18", "18 and over")
    MeasureFactory(name="Walks", slug="walks", kind="output", counts_people=False)
    return measure, groups


@pytest.fixture
def row(walkers):
    return Sent()
