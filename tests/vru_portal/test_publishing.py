import pytest
from django.db import IntegrityError, models, transaction

from programmes.models import Story
from tests.factories import StoryFactory
from tests.vru_portal.test_meta import PROJECT_MODELS
from vru_portal.publishing import Publishable, State, published

PUBLISHABLE = [model for model in PROJECT_MODELS if issubclass(model, Publishable)]


def test_the_filter_for_published_rows_follows_a_relation():
    assert published() == {"state": "published"}
    assert published("item__event") == {"item__event__state": "published"}


@pytest.mark.django_db
def test_a_record_is_a_draft_until_somebody_publishes_it():
    assert Story().state == State.DRAFT
    draft, shown = StoryFactory(state=State.DRAFT), StoryFactory()
    assert (draft.is_public, shown.is_public) == (False, True)
    assert list(Story.objects.public()) == [shown]


def test_everything_that_can_be_published_is_known():
    assert {model.__name__ for model in PUBLISHABLE} == {
        "Event",
        "Initiative",
        "Organisation",
        "Passage",
        "Person",
        "Predecessor",
        "Publication",
        "PreventionLevel",
        "Statement",
        "Story",
        "SuccessCondition",
        "Term",
    }


@pytest.mark.parametrize("model", PUBLISHABLE)
def test_the_public_comes_through_one_question(model):
    assert callable(model.objects.public)
    assert model._meta.get_field("state").default == State.DRAFT


@pytest.mark.django_db
@pytest.mark.parametrize("model", PUBLISHABLE)
def test_the_database_knows_no_third_state(model):
    names = [
        constraint.name
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint) and str(constraint.name).endswith("_state_known")
    ]
    assert len(names) == 1


@pytest.mark.django_db
def test_the_database_refuses_a_third_state():
    StoryFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Story.objects.update(state="hidden")
