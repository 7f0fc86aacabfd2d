from datetime import date
from decimal import Decimal

import pytest

from funding.models import PublicationDuty
from tests.funding.views.reading import on
from tests.support.factories import (
    AllocationFactory,
    ContributorFactory,
    DutyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    UnitFactory,
    YearFactory,
)


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


@pytest.fixture
def later():
    with on(date(2032, 1, 10)):
        yield


@pytest.fixture
def year(later):
    year = YearFactory(first_year=2031, spend_by=date(2032, 3, 31), spend_by_stated="before the thaw")
    DutyFactory(awarding_body__name="The Reeve")
    return year


@pytest.fixture
def allocation(year):
    source = FundingSourceFactory(year=year, amount=Decimal("1000.00"), name="Chest", slug="chest")
    ContributorFactory(funding_source=source, organisation=OrganisationFactory(name="The Mint"))
    return AllocationFactory(
        funding_source=source,
        amount=Decimal("600.00"),
        initiative=InitiativeFactory(name="Night walks", slug="night-walks"),
        recipient=OrganisationFactory(name="Mill & Co", slug="mill"),
        awarded_by=PublicationDuty.objects.get().awarding_body,
        kind="contract",
        starts_on=date(2031, 6, 1),
        ends_on=date(2032, 3, 31),
    )
