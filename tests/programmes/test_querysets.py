from typing import Any

import pytest

from programmes.models import Initiative, Passage
from programmes.presenters.levels import levels_with_initiatives
from tests.support.factories import (
    AudienceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PassageFactory,
    SettingFactory,
)
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def level():
    return LevelFactory(slug="first")


def test_initiatives_are_public_as_far_as_their_level_is(level):
    shown = InitiativeFactory(level=level)
    InitiativeFactory(level=level, state=State.DRAFT)
    InitiativeFactory(level__state=State.DRAFT)
    assert list(Initiative.objects.public()) == [shown]


def test_levels_count_and_bring_what_the_public_sees(level, django_assert_num_queries):
    shown = [InitiativeFactory(level=level, position=2), InitiativeFactory(level=level, position=1)]
    InitiativeFactory(level=level, state=State.DRAFT)
    LevelFactory(slug="empty")
    with django_assert_num_queries(2):
        rows = levels_with_initiatives()
        found = {row.slug: (row.initiative_count, row.public_initiatives) for row in rows}
    assert found == {"first": (2, shown[::-1]), "empty": (0, [])}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("lantern", {"lantern"}),
        ("LANTERN walk", {"lantern"}),
        ("walk", {"lantern", "boats"}),
        ("  walk   friday ", {"lantern"}),
        ("lantern boats", set()),
        ("apprentices", {"boats"}),
        ("barge", {"boats"}),
        ("fenland", {"boats"}),
        ("", {"lantern", "boats"}),
        ("wal%", set()),
        ("l_ntern", set()),
    ],
)
def test_words_are_found_in_any_text_that_a_visitor_reads_and_all_must_be(level, words, found):
    InitiativeFactory(slug="lantern", level=level, name="Lantern nights", summary="A walk.", description="On Friday.")
    InitiativeFactory(
        slug="boats",
        level=level,
        name="Boats",
        summary="Not a walk.",
        description="x",
        audience_text="Apprentices",
        setting_text="A barge",
        area_text="Fenland",
    )
    assert {row.slug for row in Initiative.objects.matching(words)} == found


def test_a_body_is_involved_where_it_delivers_or_supports_and_counts_once(level):
    body = OrganisationFactory()
    led = InitiativeFactory(level=level, lead_organisation=body)
    both = InitiativeFactory(level=level, lead_organisation=body)
    both.partners.add(body, OrganisationFactory())
    supported = InitiativeFactory(level=level)
    supported.partners.add(body)
    InitiativeFactory(level=level)
    assert list(Initiative.objects.involving(body).order_by("pk")) == [led, both, supported]


def test_near_are_those_of_its_level_then_for_the_same_people_then_in_the_same_kind_of_place(level):
    walkers, halls = AudienceFactory(), SettingFactory()
    this = InitiativeFactory(level=level)
    this.audiences.add(walkers)
    this.settings.add(halls)
    other_level = LevelFactory()
    place = InitiativeFactory(level=other_level, position=1)
    place.settings.add(halls)
    people = InitiativeFactory(level=other_level, position=2)
    people.audiences.add(walkers, AudienceFactory())
    sibling = InitiativeFactory(level=level, position=9)
    far = InitiativeFactory(level=other_level)
    far.audiences.add(AudienceFactory())
    similar: list[Any] = list(Initiative.objects.similar_to(this.pk, this.level_id))
    assert similar == [sibling, people, place]
    assert [(bool(n.same_level), bool(n.same_audience), bool(n.same_setting)) for n in similar] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert [n.shared_audience for n in similar] == [None, walkers.name, None]


def test_passages_of_a_page_come_by_their_place_and_drafts_do_not(django_assert_num_queries):
    lead = PassageFactory(slot="about_lead")
    PassageFactory(slot="about_approach", state=State.DRAFT)
    PassageFactory(slot="home_lead")
    with django_assert_num_queries(1):
        found = Passage.objects.in_slots("about_")
        assert found == {"about_lead": lead}
        assert found["about_lead"].source.title
