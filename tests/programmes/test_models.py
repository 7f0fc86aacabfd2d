import pytest
from django.db import IntegrityError, transaction

from programmes.models import Initiative, Passage, PreventionLevel, SuccessCondition, Term
from tests.support.factories import (
    AreaFactory,
    AudienceFactory,
    InitiativeFactory,
    LevelFactory,
    PassageFactory,
    PredecessorFactory,
    SettingFactory,
    StoryFactory,
    SuccessConditionFactory,
    TermFactory,
)
from tests.support.refusals import refused_by_the_database, refused_in_words

pytestmark = pytest.mark.django_db


def test_each_level_has_a_place_a_shape_and_a_name_of_its_own():
    first, second = LevelFactory(), LevelFactory()
    for name in ("position", "mark", "name", "slug"):
        taken = getattr(first, name)
        refused_by_the_database(second, **{name: taken})
        said = refused_in_words(PreventionLevel.objects.get(pk=second.pk), **{name: taken})
        assert "already exists" in said[name][0]


def test_a_levels_shape_is_one_that_can_be_drawn():
    level = LevelFactory()
    refused_by_the_database(level, mark="star")
    assert "mark" in refused_in_words(level, mark="star")


def test_a_level_is_a_level_of_prevention():
    assert str(LevelFactory.build(source=None, name="First", mark="circle")) == "First prevention"


def test_conditions_are_numbered_from_one_and_each_once():
    first, second = SuccessConditionFactory(), SuccessConditionFactory()
    refused_by_the_database(second, number=first.number)
    assert "already exists" in refused_in_words(second, number=first.number)["number"][0]
    assert "number" in refused_in_words(SuccessCondition.objects.get(pk=first.pk), number=0)


@pytest.mark.parametrize("state", ["draft", "published"])
def test_a_sensitive_initiative_needs_a_safety_notice_before_it_is_published(state):
    initiative = InitiativeFactory(state="draft", sensitive_topic="storms")
    initiative.full_clean()
    if state == "published":
        refused_by_the_database(initiative, state="published")
        (said,) = refused_in_words(initiative, state="published")["__all__"]
        assert said.startswith("A sensitive initiative needs a safety notice before it is published")
    initiative.safety_notice = "Stay inside."
    initiative.state = state
    initiative.full_clean()
    initiative.save()
    refused = {"safety_notice": ""} if state == "published" else {"state": "hidden"}
    refused_by_the_database(initiative, **refused)


def test_a_passage_has_a_place_on_a_page_and_the_place_one_passage():
    passage = PassageFactory(slot="home_lead")
    refused_by_the_database(passage, slot="home_attic")
    assert "slot" in refused_in_words(Passage.objects.get(), slot="home_attic")
    other = PassageFactory(slot="about_lead")
    refused_by_the_database(other, slot="home_lead")
    assert "already exists" in refused_in_words(other, slot="home_lead")["slot"][0]


def test_a_level_is_explained_by_one_term():
    level = LevelFactory()
    TermFactory(level=level)
    other = TermFactory()
    refused_by_the_database(other, level=level)
    assert "already exists" in refused_in_words(Term.objects.get(pk=other.pk), level=level)["level"][0]


def test_one_term_says_what_is_meant_by_violence():
    TermFactory(defines_violence=True)
    other = TermFactory()
    refused_by_the_database(other, defines_violence=True)
    said = refused_in_words(other, defines_violence=True)
    assert said == {"__all__": ["Another term already says what the unit means by violence."]}


@pytest.mark.parametrize(
    "factory",
    [
        LevelFactory,
        SuccessConditionFactory,
        InitiativeFactory,
        PredecessorFactory,
        TermFactory,
        PassageFactory,
        StoryFactory,
    ],
)
def test_there_is_no_third_state(factory):
    row = factory()
    refused_by_the_database(row, state="hidden")
    assert "state" in refused_in_words(row, state="hidden")


@pytest.mark.parametrize(
    ("factory", "field"),
    [
        (InitiativeFactory, "slug"),
        (InitiativeFactory, "name"),
        (AudienceFactory, "slug"),
        (SettingFactory, "name"),
        (AreaFactory, "slug"),
        (PredecessorFactory, "title"),
        (TermFactory, "slug"),
        (TermFactory, "name"),
        (StoryFactory, "slug"),
    ],
)
def test_names_and_slugs_are_unique(factory, field):
    first, second = factory(), factory()
    taken = getattr(first, field)
    refused_by_the_database(second, **{field: taken})
    assert "already exists" in refused_in_words(second, **{field: taken})[field][0]


def test_a_constraint_holds_where_rows_are_made_in_bulk():
    made = InitiativeFactory.build(level=LevelFactory(), source=TermFactory().source, sensitive_topic="storms")
    with pytest.raises(IntegrityError), transaction.atomic():
        Initiative.objects.bulk_create([made])


@pytest.mark.parametrize(
    ("factory", "key"),
    [
        (lambda: LevelFactory(slug="x"), ("x",)),
        (lambda: AudienceFactory(slug="x"), ("x",)),
        (lambda: InitiativeFactory(slug="x"), ("x",)),
        (lambda: TermFactory(slug="x"), ("x",)),
        (lambda: PassageFactory(slot="home_lead"), ("home_lead",)),
        (lambda: StoryFactory(slug="x"), ("x",)),
    ],
)
def test_a_natural_key_leads_back_to_its_record(factory, key):
    row = factory()
    assert row.natural_key() == key
    assert type(row).objects.get_by_natural_key(*key) == row
