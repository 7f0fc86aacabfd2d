"""What each trigger of the ledger refuses, by raw SQL."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from funding.choices import ALLOCATION_TEXT_FIELDS, RegrantType
from funding.models import (
    Allocation,
    Decision,
    Fulfilment,
    FundingSource,
    OnwardGrant,
    Overcommitment,
    Payment,
    Regranting,
    SourceCondition,
    Variation,
)
from programmes.choices import Outcome
from programmes.models import AssessmentDecision
from programmes.models.assessments import COMMUNITY_FIELDS
from tests.funding.triggers.statements import (
    MODELS,
    carry,
    carrying,
    inserting,
    replacing,
    reversing,
    source_of,
    takes,
    updating,
)
from tests.funding.triggers.step_violations import (
    STEP_VIOLATIONS,
    a_penny_beyond_an_overcommitment,
    a_penny_that_was_returned,
    carrying_what_is_only_allowed,
    reversing_a_source_whose_allocation_was_released,
)
from tests.support.factories import (
    DAY,
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    ColumnFactory,
    DecisionFactory,
    FulfilmentFactory,
    FundingSourceFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OnwardGrantFactory,
    OrganisationFactory,
    OvercommitmentFactory,
    PaymentFactory,
    PostFactory,
    PublicationFactory,
    RegrantingFactory,
    SourceConditionFactory,
    UserFactory,
    VariationFactory,
    YearFactory,
    reverse,
)
from tests.support.refusals import execute
from vru_portal.ledger.append_only.database import DatabaseTriggers

# A source and what is taken from it -----------------------------------------------------------------------------------


def a_penny_over():
    source = source_of("100.00")
    AllocationFactory(funding_source=source, amount=Decimal("60.00"))
    AllocationFactory(funding_source=source, amount=Decimal("39.99"))
    return inserting(takes(source, "0.02"))


def a_penny_over_sums_that_binary_fractions_cannot_hold():
    source = source_of("0.30")
    for amount in ("0.10", "0.20"):
        AllocationFactory(funding_source=source, amount=Decimal(amount))
    return inserting(takes(source, "0.01"))


def a_penny_more_than_a_carry_forward_leaves():
    source = source_of("100.00")
    carry(source, "70.00")
    return inserting(takes(source, "30.01"))


def a_penny_of_a_reversed_source():
    source = source_of("100.00")
    reverse(source)
    return inserting(takes(source, "0.01"))


def a_penny_of_a_reversal():
    return inserting(takes(reverse(source_of("100.00")), "0.01"))


def carrying_a_penny_more_than_is_left():
    source = source_of("100.00", year__first_year=2031)
    AllocationFactory(funding_source=source, amount=Decimal("40.00"))
    return carrying(source, "60.01")


def carrying_twice():
    source = source_of("100.00", year__first_year=2031)
    first = carry(source, "60.00")
    row = FundingSourceFactory.unsaved(year=first.year, carried_from=source, amount=Decimal("40.01"))
    return inserting(row)


def carrying_from_a_reversed_source():
    source = source_of("100.00", year__first_year=2031)
    reverse(source)
    return carrying(source, "0.01")


def reversing_a_source_with_an_allocation():
    return reversing(AllocationFactory().funding_source)


def reversing_a_source_with_a_carry_forward():
    source = source_of("100.00", year__first_year=2031)
    carry(source, "1.00")
    return reversing(source)


# The gate -------------------------------------------------------------------------------------------------------------


def on(assessment, **fields):
    """Return what allocates money on this assessment."""
    return inserting(
        AllocationFactory.unsaved(**{"initiative": assessment.initiative, "assessment": assessment} | fields)
    )


def on_a_later_decision():
    return on(AssessmentDecisionFactory(decided_on=DAY + timedelta(days=1)).assessment)


def on_another_initiatives_assessment():
    return on(AssessmentDecisionFactory().assessment, initiative=InitiativeFactory())


def on_a_reversed_decision():
    decision = AssessmentDecisionFactory()
    reverse(decision)
    return on(decision.assessment)


def on_a_decision_of_its_author():
    assessment = AssessmentFactory()
    triggers = DatabaseTriggers(connection)
    execute(triggers.drop_sql(triggers.expected["programmes_assessmentdecision_four_eyes"]))
    AssessmentDecisionFactory(assessment=assessment, recorded_by=assessment.author)
    triggers.install()
    return on(assessment)


def deciding_again():
    return inserting(
        AssessmentDecisionFactory.unsaved(assessment=AssessmentDecisionFactory(outcome=Outcome.DECLINED).assessment)
    )


def approving_without(*names, blank=""):
    """Return what approves an assessment that does not state some of what the community was asked."""

    def _approving():
        return inserting(AssessmentDecisionFactory.unsaved(assessment=AssessmentFactory(**dict.fromkeys(names, blank))))

    return _approving


# An award over several years ------------------------------------------------------------------------------------------


def continuing(first, **fields):
    same = {name: getattr(first, name) for name in ("funding_source", "initiative", "assessment", "recipient")}
    return inserting(AllocationFactory.unsaved(**same | {"continues": first} | fields))


def continuing_a_reversed_award():
    first = AllocationFactory()
    reverse(first)
    return continuing(first)


def continuing_a_continuation():
    first = AllocationFactory()
    same = {name: getattr(first, name) for name in ("funding_source", "initiative", "assessment", "recipient")}
    return continuing(AllocationFactory(**same, continues=first))


def continuing_with_another_initiative():
    first, assessment = AllocationFactory(), AssessmentDecisionFactory().assessment
    return continuing(first, initiative=assessment.initiative, assessment=assessment)


# What is stated, and what the public sees -----------------------------------------------------------------------------


def silent_on(word, *, kind="grant", **column):
    def _silent():
        ColumnFactory(list=f"{kind}s", field=word, **column)
        stated = {"department": "Paths", "merchant_category": "Oil", word: "  "}
        return inserting(AllocationFactory.unsaved(kind=kind, **stated))

    return _silent


def reversing_under(payment):
    return reversing(payment.allocation)


def paying_on_a_reversal():
    return inserting(PaymentFactory.unsaved(allocation=reverse(AllocationFactory())))


# Regranting -----------------------------------------------------------------------------------------------------------


def regranting_what_was_reversed():
    allocation = AllocationFactory()
    reverse(allocation)
    return inserting(RegrantingFactory.unsaved(allocation=allocation))


def awarding_on_after_the_regranting_was_reversed():
    regranting = RegrantingFactory()
    reverse(regranting)
    return inserting(OnwardGrantFactory.unsaved(allocation=regranting.allocation))


# A reversal takes back the whole of one row ---------------------------------------------------------------------------

MAKERS = {
    FundingSource: FundingSourceFactory,
    AssessmentDecision: AssessmentDecisionFactory,
    Decision: DecisionFactory,
    Allocation: AllocationFactory,
    Payment: PaymentFactory,
    Regranting: RegrantingFactory,
    OnwardGrant: OnwardGrantFactory,
    Variation: VariationFactory,
    Overcommitment: OvercommitmentFactory,
    SourceCondition: SourceConditionFactory,
    Fulfilment: FulfilmentFactory,
}
LATER = DAY + timedelta(days=9)
OTHER = {
    "year": YearFactory,
    "source": PublicationFactory,
    "funding_source": FundingSourceFactory,
    "initiative": InitiativeFactory,
    "assessment": AssessmentFactory,
    "recipient": OrganisationFactory,
    "payee": OrganisationFactory,
    "awarded_by": OrganisationFactory,
    "allocation": AllocationFactory,
    "kind": lambda: "contract",
    "decision": DecisionFactory,
    "decided_by": PostFactory,
    "reference": lambda: "Another",
    "title": lambda: "Another",
    "share": lambda: Decimal("9.00"),
    "share_of": lambda: "staff",
    "cost_kind": lambda: "staff",
    "counts_paid": lambda: True,
    "condition": lambda: FulfilmentFactory().condition,
    "organisation": OrganisationFactory,
    **dict.fromkeys(("varied_on", "allowed_on", "happened_on"), lambda: LATER),
    "outcome": lambda: Outcome.DECLINED,
    "regrant_type": lambda: RegrantType.ENDOWMENT,
    **dict.fromkeys(("name", "nature", "stated_as", "recipient_name", "recipient_org_id"), lambda: "Another"),
    **dict.fromkeys(("as_at", "awarded_on", "paid_on", "decided_on", "reported_on"), lambda: date(2031, 1, 1)),
}


OTHER_OF_ITS_KIND = {(Variation, "kind"): lambda: "return", (SourceCondition, "kind"): lambda: "at-most"}
# These change together with another field, or a constraint refuses them as well.
CHANGED_TOGETHER = {
    (FundingSource, "carried_from"),
    (Allocation, "heading"),
    *((Variation, name) for name in ("allocation", "funding_source")),
    *((SourceCondition, name) for name in ("sum", "heading", "level", "by_day")),
}


def reversing_with_another(model, name):
    def _reversing():
        return reversing(MAKERS[model](), **{name: OTHER_OF_ITS_KIND.get((model, name), OTHER[name])()})

    return _reversing


def reversing_a_variation_of_another_allocation():
    other = AllocationFactory()
    return reversing(VariationFactory(), allocation=other, funding_source=other.funding_source)


def reversing_a_condition_with_another_day():
    return reversing(SourceConditionFactory(kind="spend-by", share=None, cost_kind="", by_day=DAY), by_day=LATER)


REVERSED_TOGETHER = {
    Allocation: [lambda: reversing(AllocationFactory(heading=HeadingFactory()), heading=HeadingFactory())],
    Variation: [reversing_a_variation_of_another_allocation],
    SourceCondition: [
        reversing_a_condition_with_another_day,
        lambda: reversing(SourceConditionFactory(), share=None, sum=Decimal("5.00")),
        lambda: reversing(SourceConditionFactory(), cost_kind="", heading=HeadingFactory()),
        lambda: reversing(SourceConditionFactory(), cost_kind="", level=LevelFactory()),
    ],
}
WITHOUT_AMOUNT = (AssessmentDecision, Decision, Overcommitment, SourceCondition)


def reversing_another_sum(model, amount):
    def _reversing():
        return reversing(MAKERS[model](amount=Decimal("100.00")), amount=Decimal(amount))

    return _reversing


def reversing_a_reversal(model):
    def _reversing():
        reversal = reverse(MAKERS[model]())
        wrong = {} if model is Payment else {"amount": reversal.amount} if hasattr(reversal, "amount") else {}
        third = {"reference": "third"}
        names = {FundingSource: {"slug": "third"}, Payment: third, OnwardGrant: third}.get(model, {})
        return reversing(reversal, **wrong, **names)

    return _reversing


TRIGGER_VIOLATIONS = {
    "funding_fundingsource_carried_within": [
        carrying_a_penny_more_than_is_left,
        carrying_twice,
        carrying_from_a_reversed_source,
        carrying_what_is_only_allowed,
    ],
    "funding_fundingsource_carried_on": [
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=0),
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=2),
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=-1),
    ],
    "funding_fundingsource_year_not_replaced": [lambda: replacing(FundingSourceFactory().year, first_year=2098)],
    "funding_fundingsource_year_stays": [lambda: updating(FundingSourceFactory().year, first_year=2098)],
    "funding_fundingsource_not_reversed_under_allocations": [
        reversing_a_source_with_an_allocation,
        reversing_a_source_with_a_carry_forward,
        reversing_a_source_whose_allocation_was_released,
        lambda: reversing(VariationFactory(allocation=None, funding_source=source_of("100.00")).funding_source),
    ],
    "funding_allocation_within_source": [
        a_penny_over,
        a_penny_over_sums_that_binary_fractions_cannot_hold,
        a_penny_more_than_a_carry_forward_leaves,
        a_penny_of_a_reversed_source,
        a_penny_of_a_reversal,
        a_penny_that_was_returned,
        a_penny_beyond_an_overcommitment,
    ],
    "funding_allocation_assessed": [
        lambda: on(AssessmentFactory()),
        lambda: on(AssessmentDecisionFactory(outcome=Outcome.DECLINED).assessment),
        on_a_later_decision,
        on_another_initiatives_assessment,
        on_a_reversed_decision,
        on_a_decision_of_its_author,
    ],
    "funding_allocation_assessment_stands": [
        lambda: reversing(AllocationFactory().assessment.decisions.get()),
    ],
    "funding_allocation_not_reversed_under_payments": [
        lambda: reversing_under(PaymentFactory()),
        lambda: reversing_under(PaymentFactory(amount=Decimal("-0.01"))),
    ],
    "funding_allocation_continues_an_award": [
        lambda: continuing(AllocationFactory(), recipient=OrganisationFactory()),
        lambda: continuing(AllocationFactory(), kind="contract"),
        continuing_with_another_initiative,
        continuing_a_continuation,
        continuing_a_reversed_award,
    ],
    "funding_allocation_states_what_the_duty_asks": [
        *(silent_on(word) for word in ALLOCATION_TEXT_FIELDS),
        *(silent_on(word, kind="contract") for word in ALLOCATION_TEXT_FIELDS),
    ],
    "funding_payment_on_an_allocation": [paying_on_a_reversal],
    "funding_regranting_of_a_grant": [
        lambda: inserting(RegrantingFactory.unsaved(allocation=AllocationFactory(kind="contract"))),
        lambda: inserting(RegrantingFactory.unsaved(allocation=reverse(AllocationFactory()))),
        regranting_what_was_reversed,
    ],
    "funding_regranting_once": [
        lambda: inserting(RegrantingFactory.unsaved(allocation=RegrantingFactory().allocation))
    ],
    "funding_regranting_not_reversed_under_grants": [
        lambda: reversing(OnwardGrantFactory().allocation.regrantings.get()),
    ],
    "funding_onwardgrant_for_regranting": [
        lambda: inserting(OnwardGrantFactory.unsaved(allocation=AllocationFactory())),
        awarding_on_after_the_regranting_was_reversed,
    ],
    "programmes_assessmentdecision_four_eyes": [
        lambda: inserting(
            AssessmentDecisionFactory.unsaved(recorded_by=(written := AssessmentFactory()).author, assessment=written)
        ),
    ],
    "programmes_assessmentdecision_once": [deciding_again],
    "programmes_assessmentdecision_community_stated": [
        *(approving_without(*names) for names in (COMMUNITY_FIELDS, *((name,) for name in COMMUNITY_FIELDS))),
        approving_without(*COMMUNITY_FIELDS, blank="  "),
    ],
    "programmes_evidenceassessment_author_stays": [
        lambda: updating(AssessmentFactory(), author_id=UserFactory().pk),
    ],
    **STEP_VIOLATIONS,
    **{
        f"{model._meta.db_table}_reversal": [
            *(reversing_with_another(model, name) for name in model.mirrored if (model, name) not in CHANGED_TOGETHER),
            *REVERSED_TOGETHER.get(model, ()),
            *(reversing_another_sum(model, sum_) for sum_ in ("-99.99", "-100.01") if hasattr(model, "amount")),
            reversing_a_reversal(model),
        ]
        for model in MODELS
    },
}
