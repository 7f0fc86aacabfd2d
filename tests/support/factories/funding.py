from decimal import Decimal

from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory

from funding.choices import RegrantType
from funding.models import (
    Allocation,
    ContractCopy,
    Contributor,
    DutyColumn,
    Explanation,
    FinancialYear,
    FundingSource,
    OnwardGrant,
    Payment,
    PublicationDuty,
    Regranting,
)
from tests.support.factories.base import DAY, RecordFactory, SourcedFactory
from tests.support.factories.partners import OrganisationFactory
from tests.support.factories.programmes import DecisionFactory, InitiativeFactory


class YearFactory(SourcedFactory):
    class Meta:
        model = FinancialYear

    first_year = Sequence(lambda number: 2040 + number % 50)


class FundingSourceFactory(SourcedFactory):
    class Meta:
        model = FundingSource

    year = SubFactory(YearFactory)
    name = Sequence("Chest {}".format)
    slug = Sequence("chest-{}".format)
    amount = Decimal("1250.50")
    stated_as = "£1,250.50"
    position = Sequence(int)


class ContributorFactory(RecordFactory):
    class Meta:
        model = Contributor

    funding_source = SubFactory(FundingSourceFactory)
    organisation = SubFactory(OrganisationFactory)


class AllocationFactory(RecordFactory):
    """An allocation of £100 on an assessment that was approved the day it is dated."""

    class Meta:
        model = Allocation

    funding_source = SubFactory(FundingSourceFactory)
    initiative = SubFactory(InitiativeFactory)
    awarded_on = DAY
    assessment = LazyAttribute(
        lambda made: DecisionFactory(assessment__initiative=made.initiative, decided_on=made.awarded_on).assessment
    )
    recipient = SubFactory(OrganisationFactory)
    awarded_by = SubFactory(OrganisationFactory)
    amount = Decimal("100.00")
    purpose = "Lanterns."
    conditions = "Lit every Friday."
    reasons = "It is dark."
    value_for_money = "Three quotes."


class PaymentFactory(RecordFactory):
    class Meta:
        model = Payment

    reference = Sequence("FIN-{:05}".format)
    allocation = SubFactory(AllocationFactory)
    payee = LazyAttribute(lambda made: made.allocation.recipient)
    paid_on = DAY
    amount = Decimal("12.50")
    purpose = "Lantern oil."


class RegrantingFactory(RecordFactory):
    class Meta:
        model = Regranting

    allocation = SubFactory(AllocationFactory)
    regrant_type = RegrantType.COMMON


class OnwardGrantFactory(RecordFactory):
    """A grant that the recipient of an allocation for regranting has awarded."""

    class Meta:
        model = OnwardGrant

    reference = Sequence("360G-fen-{:05}".format)
    allocation = LazyFunction(lambda: RegrantingFactory().allocation)
    recipient_name = Sequence("Fen club {}".format)
    amount = Decimal("10.00")
    awarded_on = DAY
    reported_on = DAY
    title = "Boots"


class ExplanationFactory(RecordFactory):
    class Meta:
        model = Explanation

    payment = SubFactory(PaymentFactory)
    text = "The oil came late."


class ContractCopyFactory(RecordFactory):
    class Meta:
        model = ContractCopy

    allocation = SubFactory(AllocationFactory)
    title = "Lantern contract"
    url = "https://moor.example.org/contract"


class DutyFactory(RecordFactory):
    class Meta:
        model = PublicationDuty

    name = "Moor Publishing Order"
    awarding_body = SubFactory(OrganisationFactory)
    items_over = Decimal("500.00")
    contracts_over = Decimal("10000.00")


class ColumnFactory(RecordFactory):
    class Meta:
        model = DutyColumn

    duty = SubFactory(DutyFactory)
    list = "grants"
    field = "purpose"
    position = Sequence(int)
