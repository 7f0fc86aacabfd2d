import pytest

from tests.support.factories import ContactPointFactory, UnitFactory
from tests.support.signing import invite, open_signing


@pytest.fixture
def version():
    ContactPointFactory(unit=UnitFactory(), kind="email", value="hello@unit.example")
    return open_signing()


@pytest.fixture
def invited(version):
    return invite()
