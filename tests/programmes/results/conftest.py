import pytest
from django.contrib.auth.models import Group

from tests.programmes.results.files import Sent
from tests.programmes.results.returns import AFTERWARDS, count_people
from tests.support.factories import MeasureFactory, UnitFactory, UserFactory


@pytest.fixture
def clock(time_machine):
    """The day on which figures are asked for, sent and approved, unless a test moves on."""
    time_machine.move_to(AFTERWARDS, tick=False)
    return time_machine


@pytest.fixture
def unit():
    return UnitFactory()


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
