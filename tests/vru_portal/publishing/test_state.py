import pytest
from django.db import IntegrityError, transaction

from programmes.models import Passage
from tests.support import factories
from tests.vru_portal.test_meta import PROJECT_MODELS
from vru_portal.publishing.state import Publishable, State, published

MAKERS = {
    maker._meta.model: maker
    for maker in vars(factories).values()
    if isinstance(maker, type) and issubclass(maker, factories.RecordFactory) and maker._meta.model
}
PUBLISHABLE = [model for model in PROJECT_MODELS if issubclass(model, Publishable)]


def test_the_filter_for_published_rows_follows_a_relation():
    assert published() == {"state": "published"}
    assert published("item__event") == {"item__event__state": "published"}


def test_everything_that_can_be_published_is_known():
    assert {model.__name__ for model in PUBLISHABLE} == {
        "BudgetHeading",
        "Document",
        "Picture",
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
        "ToolkitApproach",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("model", PUBLISHABLE)
def test_a_record_is_a_draft_until_somebody_publishes_it_and_the_public_gets_no_draft(model):
    assert model().state == State.DRAFT
    draft = MAKERS[model](state=State.DRAFT)
    elsewhere = {"slot": "about_lead"} if model is Passage else {}  # a place takes one passage
    shown = MAKERS[model](**elsewhere)
    assert (draft.is_public, shown.is_public) == (False, True)
    public = model.objects.public()
    assert (draft in public, shown in public) == (False, True)


@pytest.mark.django_db
@pytest.mark.parametrize("model", PUBLISHABLE)
def test_the_database_refuses_a_third_state(model):
    row = MAKERS[model]()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(pk=row.pk).update(state="hidden")
