"""A rule that is written in SQL and in Python is the same in both: what its trigger refuses, it refuses, too."""

import pytest
from django.core.exceptions import ValidationError

from funding.regranting.rules.recording import record_onward_grant, record_regranting
from funding.rules import allocations, payments, sources, variations
from programmes.rules import decide_on_assessment
from tests.funding.triggers.violations import TRIGGER_VIOLATIONS
from tests.support.factories import UserFactory
from tests.support.refusals import without_triggers

pytestmark = pytest.mark.django_db


def allocate(row):
    allocations.allocate(by=UserFactory(), allocation=row)


def carry_forward(row):
    sources.carry_forward(by=UserFactory(), source=row.carried_from, carried=row)


def decide(row):
    decide_on_assessment(
        by=row.recorded_by,
        assessment=row.assessment,
        outcome=row.outcome,
        reasons=row.reasons,
        decided_on=row.decided_on,
    )


def regrant(row):
    record_regranting(by=UserFactory(), allocation=row.allocation, regrant_type=row.regrant_type)


def vary(row):
    variations.vary(by=UserFactory(), variation=row)


def allow_overcommitment(row):
    variations.allow_overcommitment(by=UserFactory(), overcommitment=row)


ALSO_A_PYTHON_RULE = {
    "funding_allocation_continues_an_award": allocate,
    "funding_allocation_decided": allocate,
    "funding_decision_once": lambda row: variations.decide(by=UserFactory(), decision=row),
    "funding_overcommitment_decided": allow_overcommitment,
    "funding_overcommitment_once": allow_overcommitment,
    "funding_variation_a_return_within_source": vary,
    "funding_variation_decided": vary,
    "funding_variation_unpaid": vary,
    "funding_allocation_within_source": allocate,
    "funding_allocation_assessed": allocate,
    "funding_allocation_states_what_the_duty_asks": allocate,
    "funding_fundingsource_carried_within": carry_forward,
    "funding_payment_on_an_allocation": lambda row: payments.pay(by=UserFactory(), payment=row),
    "funding_regranting_of_a_grant": regrant,
    "funding_regranting_once": regrant,
    "funding_onwardgrant_for_regranting": lambda row: record_onward_grant(by=UserFactory(), grant=row),
    "programmes_assessmentdecision_four_eyes": decide,
    "programmes_assessmentdecision_community_stated": decide,
}
# Rules write no such row, or leave it to the trigger, whose sentence staff then read.
ONLY_IN_SQL = {
    "funding_allocation_moves",
    "funding_allocation_not_reversed_under_variations",
    "funding_decision_not_reversed_under_money",
    "funding_fulfilment_of_a_condition_that_needs_it",
    "funding_overcommitment_not_reversed_in_use",
    "funding_variation_a_reversal_within_source",
    "funding_variation_move_not_reversed_alone",
    "funding_variation_of_its_source",
    "funding_fundingsource_carried_on",
    "funding_fundingsource_not_reversed_under_allocations",
    "funding_fundingsource_year_not_replaced",
    "funding_fundingsource_year_stays",
    "funding_allocation_assessment_stands",
    "funding_allocation_not_reversed_under_payments",
    "funding_regranting_not_reversed_under_grants",
    "programmes_assessmentdecision_once",
    "programmes_evidenceassessment_author_stays",
}


def test_every_trigger_is_said_to_have_a_rule_beside_it_or_none():
    reversals = {
        name for name in TRIGGER_VIOLATIONS if name.endswith("_reversal")
    }  # `build_reversal` makes them as they must be
    assert set(ALSO_A_PYTHON_RULE) | ONLY_IN_SQL | reversals == set(TRIGGER_VIOLATIONS)


@pytest.mark.parametrize(
    ("name", "violation"),
    [(name, violation) for name in ALSO_A_PYTHON_RULE for violation in TRIGGER_VIOLATIONS[name]],
    ids=[f"{name}-{number}" for name in ALSO_A_PYTHON_RULE for number, _ in enumerate(TRIGGER_VIOLATIONS[name])],
)
def test_the_rule_refuses_without_the_trigger_what_the_trigger_refuses(name, violation):
    (row,) = violation().args
    with without_triggers(name), pytest.raises(ValidationError):
        ALSO_A_PYTHON_RULE[name](row)
