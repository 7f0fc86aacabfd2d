"""Each guard of the ledger, by raw SQL: what it refuses, that nothing else would, and that it lets the rest through."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from funding.choices import ALLOCATION_WORDS
from funding.models import Allocation, FundingSource, Payment
from programmes.choices import Outcome
from programmes.models import AssessmentDecision
from tests.factories import (
    DAY,
    AllocationFactory,
    AssessmentFactory,
    ColumnFactory,
    DecisionFactory,
    DutyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PaymentFactory,
    PublicationFactory,
    UserFactory,
    YearFactory,
    reverse,
)
from tests.refusals import execute, insert, refused_by_its_guard_alone, refused_with
from vru_portal.append_only import Guards, guards_of

pytestmark = pytest.mark.django_db

MODELS = (FundingSource, AssessmentDecision, Allocation, Payment)


def source_of(amount, **fields):
    return FundingSourceFactory(amount=Decimal(amount), **fields)


def takes(source, amount, **fields):
    """Return an allocation of this sum that is not recorded yet."""
    return AllocationFactory.unsaved(funding_source=source, amount=Decimal(amount), **fields)


def inserting(row):
    return lambda: insert(row)


def updating(row, **values):
    (name, value), table = *values.items(), row._meta.db_table
    return lambda: execute(f'UPDATE "{table}" SET "{name}" = %s WHERE id = %s', value, row.pk)  # noqa: S608


def replacing(row, **values):
    """Return what writes a row over another with the same id: not an UPDATE to SQLite, and an INSERT first to both."""
    (name, value), table = *values.items(), row._meta.db_table
    columns = [f'"{field.column}"' for field in row._meta.local_concrete_fields]
    kept = ", ".join("%s" if column == f'"{name}"' else column for column in columns)
    insert_ = f'INTO "{table}" ({", ".join(columns)}) SELECT {kept} FROM "{table}" WHERE id = %s'  # noqa: S608
    if connection.vendor == "sqlite":
        return lambda: execute(f"INSERT OR REPLACE {insert_}", value, row.pk)
    return lambda: execute(f"INSERT {insert_} ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id", value, row.pk)


def reversing(row, **wrong):
    """Return what reverses a row wrongly."""
    opposite = row.opposite()
    opposite.reason, opposite.recorded_by = "Entered twice.", UserFactory()
    for name, value in wrong.items():
        setattr(opposite, name, value)
    return inserting(opposite)


# A source and what is taken from it ---------------------------------------------------------------------------------


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


def carry(source, amount, **fields):
    later = fields.pop("year", None) or YearFactory(first_year=source.year.first_year + 1)
    return FundingSourceFactory(year=later, carried_from=source, amount=Decimal(amount), **fields)


def carrying(source, amount, years=1):
    later = YearFactory(first_year=source.year.first_year + years) if years else source.year
    return inserting(FundingSourceFactory.unsaved(year=later, carried_from=source, amount=Decimal(amount)))


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
    return on(DecisionFactory(decided_on=DAY + timedelta(days=1)).assessment)


def on_another_initiatives_assessment():
    return on(DecisionFactory().assessment, initiative=InitiativeFactory())


def on_a_reversed_decision():
    decision = DecisionFactory()
    reverse(decision)
    return on(decision.assessment)


def on_a_decision_of_its_author():
    assessment = AssessmentFactory()
    guards = Guards(connection)
    execute(guards.drop(guards.wanted["programmes_assessmentdecision_four_eyes"]))
    DecisionFactory(assessment=assessment, recorded_by=assessment.author)
    guards.install()
    return on(assessment)


def deciding_again():
    return inserting(DecisionFactory.unsaved(assessment=DecisionFactory(outcome=Outcome.DECLINED).assessment))


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
    first, assessment = AllocationFactory(), DecisionFactory().assessment
    return continuing(first, initiative=assessment.initiative, assessment=assessment)


# What is stated, and what the public sees -----------------------------------------------------------------------------


def silent_on(word, *, kind="grant", **column):
    def _silent():
        ColumnFactory(list=f"{kind}s", field=word, **column)
        stated = {"department": "Paths", "merchant_category": "Oil", word: "  "}
        return inserting(AllocationFactory.unsaved(kind=kind, **stated))

    return _silent


def on_a_draft_level():
    row = AllocationFactory.unsaved()
    execute("UPDATE programmes_preventionlevel SET state = 'draft' WHERE id = %s", row.initiative.level_id)
    return inserting(row)


def reversing_under(payment):
    return reversing(payment.allocation)


def paying_on_a_reversal():
    return inserting(PaymentFactory.unsaved(allocation=reverse(AllocationFactory())))


# A reversal takes back the whole of one row ---------------------------------------------------------------------------

MAKERS = {
    FundingSource: FundingSourceFactory,
    AssessmentDecision: DecisionFactory,
    Allocation: AllocationFactory,
    Payment: PaymentFactory,
}
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
    "outcome": lambda: Outcome.DECLINED,
    **dict.fromkeys(("name", "nature", "stated_as"), lambda: "Another"),
    **dict.fromkeys(("as_at", "awarded_on", "paid_on", "decided_on"), lambda: date(2031, 1, 1)),
}


def reversing_with_another(model, name):
    def _reversing():
        return reversing(MAKERS[model](), **{name: OTHER[name]()})

    return _reversing


def reversing_another_sum(model, amount):
    def _reversing():
        return reversing(MAKERS[model](amount=Decimal("100.00")), amount=Decimal(amount))

    return _reversing


def reversing_a_reversal(model):
    def _reversing():
        reversal = reverse(MAKERS[model]())
        wrong = {} if model is Payment else {"amount": reversal.amount} if hasattr(reversal, "amount") else {}
        names = {FundingSource: {"slug": "third"}, Payment: {"reference": "third"}}.get(model, {})
        return reversing(reversal, **wrong, **names)

    return _reversing


OFFENCES = {
    "funding_fundingsource_carried_within": [
        carrying_a_penny_more_than_is_left,
        carrying_twice,
        carrying_from_a_reversed_source,
    ],
    "funding_fundingsource_carried_on": [
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=0),
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=2),
        lambda: carrying(source_of("100.00", year__first_year=2031), "1.00", years=-1),
    ],
    "funding_fundingsource_year_not_replaced": [lambda: replacing(FundingSourceFactory().year, first_year=2098)],
    "funding_allocation_level_not_replaced": [
        lambda: replacing(AllocationFactory().initiative.level, state="draft"),
    ],
    "funding_allocation_initiative_not_replaced": [
        lambda: replacing(AllocationFactory().initiative, level_id=LevelFactory(state="draft").pk),
    ],
    "funding_fundingsource_year_stays": [lambda: updating(FundingSourceFactory().year, first_year=2098)],
    "funding_fundingsource_not_reversed_under_allocations": [
        reversing_a_source_with_an_allocation,
        reversing_a_source_with_a_carry_forward,
    ],
    "funding_allocation_within_source": [
        a_penny_over,
        a_penny_over_sums_that_binary_fractions_cannot_hold,
        a_penny_more_than_a_carry_forward_leaves,
        a_penny_of_a_reversed_source,
        a_penny_of_a_reversal,
    ],
    "funding_allocation_assessed": [
        lambda: on(AssessmentFactory()),
        lambda: on(DecisionFactory(outcome=Outcome.DECLINED).assessment),
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
        *(silent_on(word) for word in ALLOCATION_WORDS),
        *(silent_on(word, kind="contract") for word in ALLOCATION_WORDS),
    ],
    "funding_allocation_level_published": [on_a_draft_level],
    "funding_allocation_level_stays": [lambda: updating(AllocationFactory().initiative.level, state="draft")],
    "funding_allocation_stays_on_a_published_level": [
        lambda: updating(AllocationFactory().initiative, level_id=LevelFactory(state="draft").pk),
    ],
    "funding_payment_on_an_allocation": [paying_on_a_reversal],
    "programmes_assessmentdecision_four_eyes": [
        lambda: inserting(
            DecisionFactory.unsaved(recorded_by=(written := AssessmentFactory()).author, assessment=written)
        ),
    ],
    "programmes_assessmentdecision_once": [deciding_again],
    "programmes_evidenceassessment_author_stays": [
        lambda: updating(AssessmentFactory(), author_id=UserFactory().pk),
    ],
    **{
        f"{model._meta.db_table}_reversal": [
            *(reversing_with_another(model, name) for name in model.mirrored if name != "carried_from"),
            *(reversing_another_sum(model, sum_) for sum_ in ("-99.99", "-100.01") if model is not AssessmentDecision),
            reversing_a_reversal(model),
        ]
        for model in MODELS
    },
}
CASES = [(name, offence) for name, offences in OFFENCES.items() for offence in offences]


def test_every_guard_of_the_ledger_is_offended_here():
    """Those that every append-only row has are in tests/vru_portal/test_append_only.py."""
    declared = {f"{model._meta.db_table}_{guard.name}" for model in MODELS for guard in model.guards}
    reversals = {guard.name for model in MODELS for guard in guards_of(model) if guard.name.endswith("_reversal")}
    assert set(OFFENCES) == declared | reversals | {"programmes_evidenceassessment_author_stays"}


@pytest.mark.parametrize(("name", "offence"), CASES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(CASES)])
def test_it_is_refused_by_its_guard_and_by_nothing_else(name, offence):
    refused_by_its_guard_alone(name, offence())


# What the guards let through ------------------------------------------------------------------------------------------


def test_the_last_penny_can_be_allocated_and_what_is_reversed_again():
    source = source_of("0.30")
    for amount in ("0.10", "0.20"):
        last = AllocationFactory(funding_source=source, amount=Decimal(amount))
    reverse(last)
    insert(takes(source, "0.20"))
    assert FundingSource.objects.with_remainder().get(pk=source.pk).remainder == Decimal("0.00")


def test_what_is_carried_forward_can_be_taken_back_and_allocated():
    source = source_of("100.00", year__first_year=2031)
    carried = carry(source, "100.00")
    reverse(carried)
    insert(takes(source, "100.00"))
    reverse(source_of("100.00"))


def test_a_large_sum_is_counted_to_the_penny():
    source = source_of("999999999999.99")
    AllocationFactory(funding_source=source, amount=Decimal("999999999999.98"))
    with refused_with("This is more than is left of the source."):
        insert(takes(source, "0.02"))
    insert(takes(source, "0.01"))


def test_a_decision_on_the_day_itself_is_early_enough():
    insert(AllocationFactory.unsaved(assessment=(made := DecisionFactory()).assessment,
                                     initiative=made.assessment.initiative))  # fmt: skip


def test_an_allocation_is_reversed_once_its_payments_are_and_its_decision_once_it_is():
    payment = PaymentFactory()
    reverse(payment)
    reverse(payment.allocation)
    reverse(payment.allocation.assessment.decisions.get())


def test_what_the_duty_does_not_ask_of_this_kind_need_not_be_stated():
    ColumnFactory(duty=(duty := DutyFactory()), list="contracts", field="value_for_money")
    ColumnFactory(duty=duty, list="grants", field="reasons", required=False)
    ColumnFactory(duty=duty, list="items", field="conditions")
    insert(AllocationFactory.unsaved(value_for_money="", reasons="", conditions=""))


def test_a_payment_is_a_fact_whatever_is_wrong_with_it():
    allocation = AllocationFactory()
    insert(PaymentFactory.unsaved(allocation=allocation, amount=Decimal("100000.00"), paid_on=date(2001, 1, 1)))
    reverse(allocation_without_payments := AllocationFactory())
    insert(PaymentFactory.unsaved(allocation=allocation_without_payments))


def test_an_initiative_with_money_moves_between_published_levels_and_one_without_it_anywhere():
    initiative = AllocationFactory().initiative
    assert updating(initiative, level_id=LevelFactory().pk)() == 1
    draft = LevelFactory(state="draft")
    assert updating(InitiativeFactory(), level_id=draft.pk)() == 1
    assert updating(LevelFactory(), state="draft")() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="what only PostgreSQL does")
def test_a_temporary_table_hides_nothing_of_what_guards_look_at():
    allocation = takes(source_of("100.00"), "100.01")
    execute("CREATE TEMP TABLE funding_fundingsource AS SELECT * FROM public.funding_fundingsource")
    execute("UPDATE pg_temp.funding_fundingsource SET amount = 1000000")
    with refused_with("This is more than is left of the source."):
        insert(allocation)
