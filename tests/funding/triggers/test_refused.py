"""Each trigger of the ledger, by raw SQL: what it refuses, and that nothing else would."""

import pytest

from tests.funding.triggers.statements import MODELS
from tests.funding.triggers.violations import (
    TRIGGER_VIOLATIONS,
)
from tests.support.refusals import refused_by_its_trigger_alone
from vru_portal.ledger.append_only.declared import triggers_of

pytestmark = pytest.mark.django_db

CASES = [(name, violation) for name, violations in TRIGGER_VIOLATIONS.items() for violation in violations]


def test_every_trigger_of_the_ledger_is_violated_here():
    """Those that every append-only row has are in tests/vru_portal/ledger."""
    declared = {f"{model._meta.db_table}_{trigger.name}" for model in MODELS for trigger in model.triggers}
    reversals = {
        trigger.name for model in MODELS for trigger in triggers_of(model) if trigger.name.endswith("_reversal")
    }
    assert set(TRIGGER_VIOLATIONS) == declared | reversals | {"programmes_evidenceassessment_author_stays"}


@pytest.mark.parametrize(("name", "violation"), CASES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(CASES)])
def test_it_is_refused_by_its_trigger_and_by_nothing_else(name, violation):
    refused_by_its_trigger_alone(name, violation())
