"""Rows that never change name only what the public sees, and what they name stays public: rules see to both."""

import pytest
from django.core.exceptions import ValidationError

from tests.support.factories import (
    AllocationFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
)
from tests.vru_portal.ledger.rows import APPEND_ONLY, label
from tests.vru_portal.publishing.test_state import MAKERS
from vru_portal.ledger.append_only.models import STAYS_PUBLISHED
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db

# The factory of allocations makes one for an initiative: one for a heading is made below.
NAMED = [(model, name) for model in APPEND_ONLY for name in model.names_published if name != "heading"]
NAMED_BY_MONEY = [
    *(lambda model=model, name=name: getattr(MAKERS[model](), name) for model, name in NAMED),
    lambda: AllocationFactory().initiative.level,
    lambda: AllocationFactory(heading=HeadingFactory()).heading,
]
IDS = [*(f"{label(model)}-{name}" for model, name in NAMED), "level", "heading"]


@pytest.mark.parametrize("make", NAMED_BY_MONEY, ids=IDS)
def test_records_with_money_cannot_be_unpublished_and_staff_see_why(make):
    named = make()
    why = STAYS_PUBLISHED.format(named._meta.verbose_name)
    assert named.unpublishing_blocker() == why
    with pytest.raises(ValidationError, match=why):
        workflow.unpublish(named, by=None)
    named.refresh_from_db()
    assert named.is_public
    named.state = State.DRAFT
    with pytest.raises(ValidationError, match=why):
        named.full_clean()


@pytest.mark.parametrize("maker", [InitiativeFactory, OrganisationFactory, LevelFactory])
def test_what_no_money_names_can_be_unpublished(maker):
    AllocationFactory()
    row = maker()
    workflow.unpublish(row, by=None)
    row.refresh_from_db()
    assert not row.is_public


def test_an_initiative_with_money_moves_between_published_levels_only():
    initiative = AllocationFactory().initiative
    initiative.level = LevelFactory(state=State.DRAFT)
    with pytest.raises(ValidationError, match="its level of prevention must be published"):
        initiative.full_clean()
    initiative.level = LevelFactory()
    initiative.full_clean()
