"""The catalogue: its filters, how many initiatives each value leaves, and the way back."""

import re

import pytest
from django.http import QueryDict

from programmes.filters import InitiativeFilters
from programmes.models import Initiative, PreventionLevel
from programmes.templatetags.programmes import locator, logo, stacks_of, tally
from programmes.views import level_tabs
from tests.support.crawler import Elements
from tests.support.factories import (
    AreaFactory,
    AudienceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    SettingFactory,
    UnitFactory,
)
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue():
    """Four initiatives: two levels, two audiences, two settings, one area, two bodies."""
    UnitFactory()
    first, second = LevelFactory(slug="first", name="First"), LevelFactory(slug="second", name="Second")
    young, old = AudienceFactory(slug="young", name="Young"), AudienceFactory(slug="old", name="Old")
    hall, barge = SettingFactory(slug="hall", name="Hall"), SettingFactory(slug="barge", name="Barge")
    fen = AreaFactory(slug="fen", name="Fen")
    lead, helper = OrganisationFactory(slug="lead", name="Lead"), OrganisationFactory(slug="helper", name="Helper")
    a = InitiativeFactory(slug="a", name="Zebra walk", level=first, position=1, lead_organisation=lead)
    a.audiences.add(young)
    a.settings.add(hall)
    a.areas.add(fen)
    b = InitiativeFactory(slug="b", name="Mole walk", level=first, position=2)
    b.audiences.add(young, old)
    b.settings.add(barge)
    b.partners.add(helper, lead)
    c = InitiativeFactory(
        slug="c",
        name="Ant supper",
        summary="Soup.",
        description="Soup.",
        level=second,
        position=1,
        lead_organisation=helper,
    )
    c.audiences.add(old)
    c.settings.add(hall, barge)
    InitiativeFactory(slug="d", name="Bee supper", summary="Soup.", description="Soup.", level=second, position=2)
    AudienceFactory(slug="nobody", name="Nobody")


def ask(question):
    return InitiativeFilters(QueryDict(question))


def answers(question):
    return [row.slug for row in ask(question).rows]


def counts(question):
    return {name: {o.slug: o.count for o in options} for name, options in ask(question).facets.items()}


ALL = {
    "level": {"first": 2, "second": 2},
    "audience": {"young": 2, "old": 2},
    "setting": {"hall": 2, "barge": 2},
    "area": {"fen": 1},
    "partner": {"lead": 2, "helper": 2},
}


def test_with_nothing_asked_all_are_there_by_level_and_each_answer_counts_its_own(catalogue):
    assert answers("") == ["a", "b", "c", "d"]
    assert counts("") == ALL


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("level=first", "ab"),
        ("level=first&level=second", "abcd"),
        ("audience=young", "ab"),
        ("audience=young&audience=old", "abc"),
        ("audience=old&level=first", "b"),
        ("setting=hall&audience=old", "c"),
        ("setting=hall&setting=barge&audience=young", "ab"),
        ("area=fen", "a"),
        ("partner=lead", "ab"),
        ("partner=helper", "bc"),
        ("partner=lead&partner=helper", "abc"),
        ("q=walk", "ab"),
        ("q=walk&partner=helper", "b"),
        ("q=supper&audience=young", ""),
        ("sort=name", "cdba"),
        ("level=first&sort=name", "ba"),
        ("sort=", "abcd"),
    ],
)
def test_answers_of_one_facet_widen_and_facets_narrow(catalogue, question, found):
    assert answers(question) == list(found)


@pytest.mark.parametrize("question", ["level=none", "audience=young&audience=none", "partner=none", "q=" + "x" * 201])
def test_what_does_not_exist_is_found_nowhere_and_said(catalogue, question):
    asked = ask(question)
    assert list(asked.rows) == []
    assert asked.errors


def test_the_count_of_an_answer_is_what_it_would_leave_beside_the_other_facets(catalogue):
    found = counts("audience=young")
    assert found == {
        "level": {"first": 2, "second": 0},
        "audience": {"young": 2, "old": 2},  # its own facet is left out: its answers widen
        "setting": {"hall": 1, "barge": 1},
        "area": {"fen": 1},
        "partner": {"lead": 2, "helper": 1},
    }
    assert counts("q=supper")["level"] == {"first": 0, "second": 2}


@pytest.mark.parametrize(
    "question", ["", "level=first", "audience=old", "q=walk", "partner=lead&setting=barge", "level=second&audience=old"]
)
def test_each_count_is_the_number_that_choosing_the_answer_shows(catalogue, question):
    data = QueryDict(question)
    for name, options in ask(question).facets.items():
        for option in options:
            other = data.copy()
            other.setlist(name, [option.slug])
            assert len(answers(other.urlencode())) == option.count, (question, name, option)


def test_drafts_are_neither_counted_nor_offered(catalogue):
    draft = InitiativeFactory(slug="e", level__slug="hidden", state=State.DRAFT)
    draft.audiences.add(AudienceFactory(slug="secret"))
    hidden = OrganisationFactory(slug="hidden-body", state=State.DRAFT)
    Initiative.objects.get(slug="d").partners.add(hidden)
    assert counts("") == ALL
    assert answers("partner=hidden-body") == []


def test_chips_undo_one_answer_each_even_one_that_does_not_exist(catalogue):
    made = ask("q=walk&audience=young&audience=none&page=3&sort=name").chips
    assert [(chip.label, chip.address) for chip in made] == [
        ("Words: walk", "?audience=young&sort=name"),
        ("Who it is for: Young", "?q=walk&sort=name"),
        ("Who it is for: none", "?q=walk&audience=young&sort=name"),
    ]
    assert ask("").chips == []
    assert ask("q=walk").chips[0].address == "?"
    assert [chip.label for chip in ask("level=first&level=first").chips] == ["Level of prevention: First"]


def test_tabs_lead_to_each_level_with_the_count_that_they_show(catalogue):
    levels = list(PreventionLevel.objects.public().with_counts())
    tabs = level_tabs(ask("audience=young&level=first&page=2"), levels)
    assert [(tab.label, tab.count, tab.current, tab.address) for tab in tabs] == [
        ("All levels", 2, False, "?audience=young"),
        ("First", 2, True, "?level=first&audience=young"),
        ("Second", 0, False, "?level=second&audience=young"),
    ]
    for tab in tabs:
        assert len(answers(tab.address.removeprefix("?"))) == tab.count


def test_the_order_is_changed_without_losing_the_question(catalogue):
    links = ask("q=walk&sort=name&page=2").sort_links
    assert [(link.label, link.address, link.current) for link in links] == [
        ("By level", "?q=walk", False),
        ("By name", "?q=walk&sort=name", True),
    ]


def test_the_page_shows_question_chips_counts_and_answers(client, catalogue):
    page = Elements(client.get("/initiatives/?audience=young&q=walk").text)
    assert "2 of 4 initiatives" in page.text
    assert "Zebra walk" in page.text
    assert "Ant supper" not in page.text
    checked = [a["value"] for tag, a in page.elements if tag == "input" and "checked" in a]
    assert checked == ["young"]
    words = [a.get("value") for tag, a in page.elements if tag == "input" and a.get("name") == "q"]
    assert words == ["walk"]


def test_a_facet_without_an_answer_is_not_offered(client):
    UnitFactory()
    InitiativeFactory()
    text = client.get("/initiatives/").text
    assert 'name="audience"' not in text
    assert 'name="area"' not in text


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (20, 1), (21, 2), (41, 3)])
def test_long_lists_come_twenty_a_page_each_row_once(client, rows, pages):
    UnitFactory()
    level = LevelFactory(slug="first")
    InitiativeFactory.create_batch(rows, level=level)
    shown = []
    for number in range(1, pages + 1):
        response = client.get("/initiatives/", {"page": number, "sort": "name"})
        shown += re.findall(r'<h3[^>]*><a href="/initiatives/([^"]+)/"', response.text)
        assert (f"Page {number} of {pages}" in Elements(response.text).text) is (pages > 1)
        links = re.findall(r'href="([^"]+)"', response.text)
        assert any("page=2" in link and "sort=name" in link for link in links) is (pages > 1 and number != 2)
    assert len(shown) == len(set(shown)) == rows
    assert client.get("/initiatives/", {"page": pages + 1}).headers["Location"] == (
        "/initiatives/" if pages == 1 else f"/initiatives/?page={pages}"
    )


# Drawings ----------------------------------------------------------------------------------------------------------


def counted(count):
    level = PreventionLevel(mark="circle")
    level.initiative_count = count
    return level


@pytest.mark.parametrize(
    ("numbers", "per", "stacks"),
    [
        ([], 1, []),
        ([0, 0], 1, [0, 0]),
        ([3, 2, 2], 1, [3, 2, 2]),
        ([12, 1], 1, [12, 1]),
        ([13, 1], 5, [3, 1]),
        ([60, 0], 5, [12, 0]),
        ([61], 10, [7]),
        ([10_000, 1], 1000, [10, 1]),
    ],
)
def test_a_shape_stands_for_as_few_initiatives_as_leaves_the_stack_low(numbers, per, stacks):
    assert stacks_of([counted(number) for number in numbers]) == (per, stacks)


def test_the_tally_has_a_shape_for_each_initiative_and_the_sign_a_ghost_for_an_empty_level():
    levels = [counted(2), counted(0), counted(5)]
    drawn = tally(levels)
    assert [column["shapes"] for column in drawn["columns"]] == [
        [False] * 3 + [True] * 2,
        [False] * 5,
        [True] * 5,
    ]
    assert (drawn["per"], drawn["size"]) == (1, "medium")
    sign = logo(levels)
    assert [(s["x"], s["y"], s["ghost"]) for s in sign["shapes"]] == [
        (0, 48, False),
        (0, 24, False),
        (24, 48, True),
        (48, 48, False),
        (48, 24, False),
        (48, 0, False),
    ]
    assert sign["width"] == 68
    assert logo([])["shapes"] == []


def test_the_locator_fills_the_initiatives_own_shape_and_no_other(catalogue):
    levels = list(PreventionLevel.objects.public().with_counts())
    rows = locator(levels, Initiative.objects.get(slug="c"))["rows"]
    assert [(row["current"], row["shapes"]) for row in rows] == [(False, ["off", "off"]), (True, ["on", "off"])]
