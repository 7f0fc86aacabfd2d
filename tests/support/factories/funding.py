from datetime import date
from decimal import Decimal

from factory.declarations import LazyAttribute, LazyFunction, Maybe, Sequence, SubFactory

from funding.choices import ConditionKind, CostKind, RegrantType, VariationKind
from funding.models import (
    Allocation,
    BudgetHeading,
    ContractCopy,
    Contributor,
    Decision,
    DutyColumn,
    Explanation,
    FinancialYear,
    Fulfilment,
    FundingSource,
    OnwardGrant,
    OnwardMail,
    OnwardRequest,
    OnwardToken,
    Overcommitment,
    Payment,
    PublicationDuty,
    Regranting,
    SourceCondition,
    Variation,
)
from tests.support.factories.base import (
    DAY,
    PublishedFactory,
    RecordFactory,
    RequestLinkFactory,
    RequestMailFactory,
    SourcedFactory,
)
from tests.support.factories.partners import OrganisationFactory, PostFactory
from tests.support.factories.programmes import AssessmentDecisionFactory, InitiativeFactory


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


class HeadingFactory(PublishedFactory):
    class Meta:
        model = BudgetHeading

    name = Sequence("Heading {}".format)
    slug = Sequence("heading-{}".format)
    kind = CostKind.STAFF
    summary = "Lamplighters."


class DecisionFactory(RecordFactory):
    class Meta:
        model = Decision

    year = SubFactory(YearFactory)
    reference = Sequence("{:03}/2031".format)
    decided_on = DAY
    decided_by = SubFactory(PostFactory)
    title = "Lanterns"
    reasons = "It is dark."
    notice_url = "https://moor.example.org/notice"


class AllocationFactory(RecordFactory):
    """An allocation of £100, decided on the day it is dated, on an assessment that was approved that day.

    With a heading, it is for that heading and needs no assessment.
    """

    class Meta:
        model = Allocation

    funding_source = SubFactory(FundingSourceFactory)
    heading = None
    initiative = Maybe("heading", None, SubFactory(InitiativeFactory))
    awarded_on = DAY
    assessment = LazyAttribute(
        lambda made: (
            made.initiative
            and AssessmentDecisionFactory(assessment__initiative=made.initiative, decided_on=made.awarded_on).assessment
        )
    )
    decision = LazyAttribute(lambda made: DecisionFactory(year=made.funding_source.year, decided_on=made.awarded_on))
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


class VariationFactory(RecordFactory):
    """A release of £10 of an allocation; without one, a return from the source that is given."""

    class Meta:
        model = Variation

    allocation = SubFactory(AllocationFactory)
    funding_source = LazyAttribute(lambda made: made.allocation.funding_source)
    kind = LazyAttribute(lambda made: VariationKind.RELEASE if made.allocation else VariationKind.RETURN)
    amount = Decimal("10.00")
    varied_on = DAY
    decision = LazyAttribute(lambda made: DecisionFactory(year=made.funding_source.year, decided_on=made.varied_on))
    reasons = "Fewer nights were dark."


class OvercommitmentFactory(RecordFactory):
    class Meta:
        model = Overcommitment

    funding_source = SubFactory(FundingSourceFactory)
    allowed_on = DAY
    decision = LazyAttribute(lambda made: DecisionFactory(year=made.funding_source.year, decided_on=made.allowed_on))
    share = Decimal("10.00")


class SourceConditionFactory(SourcedFactory):
    """At least a fifth of a source for interventions."""

    class Meta:
        model = SourceCondition

    funding_source = SubFactory(FundingSourceFactory)
    kind = ConditionKind.AT_LEAST
    share = Decimal("20.00")
    cost_kind = CostKind.INTERVENTIONS
    wording = "a fifth for lanterns"


class FulfilmentFactory(SourcedFactory):
    class Meta:
        model = Fulfilment

    condition = SubFactory(SourceConditionFactory, kind=ConditionKind.MATCH, share=Decimal("10.00"), cost_kind="")
    organisation = SubFactory(OrganisationFactory)
    amount = Decimal("25.00")
    happened_on = DAY


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


class OnwardRequestFactory(RecordFactory):
    """The recipient of an allocation for regranting is asked for its onward grants."""

    class Meta:
        model = OnwardRequest

    allocation = LazyFunction(lambda: RegrantingFactory().allocation)
    email = "kim@recipient.example"
    contact_name = "Kim Grants"
    due_on = date(2031, 7, 1)
    closes_on = date(2031, 8, 30)


class OnwardTokenFactory(RequestLinkFactory):
    class Meta:
        model = OnwardToken

    draft = SubFactory(OnwardRequestFactory)


class OnwardMailFactory(RequestMailFactory):
    class Meta:
        model = OnwardMail

    draft = SubFactory(OnwardRequestFactory)
    to = "kim@recipient.example"
