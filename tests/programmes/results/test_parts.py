"""A measure that is part of another: what may be said of it, and what must not be published beside the whole."""

from itertools import permutations
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from programmes.results.models import ApprovedFigure, ApprovedPart, Measure
from programmes.results.rules.answers import group_name, total_name
from tests.funding.regranting.requests import hidden
from tests.programmes.results.files import as_csv, run
from tests.programmes.results.returns import Asked, approve, ask, count_people, publish, report
from tests.support.crawler import text_of
from tests.support.factories import FigureFactory, MeasureFactory, PartFactory, UserFactory
from tests.support.refusals import refused_by_the_database, refused_in_words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


@pytest.fixture
def walkers() -> Asked:
    """Walkers by age are asked for, and how many of them finished or gave up."""
    whole, groups = count_people("Younger", "Older")
    for name in ("Finished", "Gave up"):
        part = MeasureFactory(name=name, slug=name.lower().replace(" ", "-"), kind="outcome", part_of=whole)
        part.breakdowns.set(whole.breakdowns.all())
    return ask(whole, groups)


def part(name: str) -> Measure:
    return Measure.objects.get(name=name)


def figures() -> dict[str, str]:
    return {figure.measure.name: figure.shown for figure in ApprovedFigure.objects.select_related("measure")}


def groups_of(name: str) -> list[str]:
    return [row.shown for row in ApprovedPart.objects.filter(figure__measure__name=name).order_by("group__position")]


def test_what_a_part_leaves_of_the_whole_is_not_found_out(walkers):
    publish(walkers, 20, 12, 8, **{total_name(part("Finished")): "18", total_name(part("Gave up")): "2"})
    assert figures() == {"Walkers": "20", "Finished": "suppressed", "Gave up": "suppressed"}


def test_parts_are_published_if_they_leave_enough_and_their_groups_only_if_those_do_too(walkers):
    finished = part("Finished")
    young, old = (group_name(finished, group) for group in walkers.groups)
    publish(walkers, 40, 20, 20, **{total_name(finished): "30", young: "12", old: "18"})
    assert figures() == {"Walkers": "40", "Finished": "30"}
    assert groups_of("Walkers") == ["20", "20"]
    assert groups_of("Finished") == ["suppressed", "suppressed"]


def test_what_all_parts_leave_together_is_not_found_out(walkers):
    finished, gave_up = part("Finished"), part("Gave up")
    young, old = (group_name(finished, group) for group in walkers.groups)
    groups = {young: "25", old: "25"} | {group_name(gave_up, group): "24" for group in walkers.groups}
    publish(walkers, 100, 50, 50, **{total_name(finished): "50", total_name(gave_up): "48"}, **groups)
    assert figures() == {"Walkers": "100", "Finished": "suppressed", "Gave up": "suppressed"}
    assert groups_of("Finished") == groups_of("Gave up") == ["suppressed", "suppressed"]


def test_a_part_that_is_reported_without_the_whole_stands_alone(walkers):
    report(walkers, "", **{total_name(part("Finished")): "18"})
    approve(walkers)
    assert figures() == {"Finished": "18"}


def test_a_part_cannot_be_more_than_the_whole_in_form_or_file(walkers):
    finished = part("Finished")
    young, old = (group_name(finished, group) for group in walkers.groups)
    with pytest.raises(ValidationError) as refused:
        report(walkers, 20, 12, 8, **{total_name(finished): "21", young: "13", old: "8"})
    said = refused.value.message_dict
    assert {*said} == {total_name(finished), young}
    assert said[total_name(finished)][0].startswith("“Finished” is 21, but everybody counted there also counts as")
    asked = walkers.row
    row = {"initiative": asked.initiative.name, "organisation": asked.organisation.name, "quarter": "2031-32 Q1"}
    result = run(as_csv([row | {"Walkers": "20", "Finished": "21"}]), UserFactory())
    assert "“Finished” is 21" in result.problems[0]


def test_the_page_of_a_part_says_that_it_is_more_than_the_whole(walkers, client):
    client.get(f"/results/return/{walkers.secret}/")
    for slug, typed, status in (
        ("finished", {total_name(part("Finished")): "21"}, 303),  # the whole is not known yet
        ("walkers", walkers.typed(20), 303),
        ("finished", {total_name(part("Finished")): "21"}, 422),
        ("finished", {total_name(part("Finished")): "20"}, 303),
    ):
        address = f"/results/return/figures/{slug}/"
        form = hidden(client.get(address).content.decode()) | typed
        answer = client.post(address, form)
        assert answer.status_code == status
        assert ("“Finished” is 21, but everybody" in answer.content.decode()) is (status == 422)


def test_staff_read_beforehand_what_will_be_suppressed(walkers, client):
    report(walkers, 20, 12, 8, **{total_name(part("Finished")): "18"})
    client.force_login(UserFactory(is_superuser=True))
    page = text_of(client.get(f"/admin/results/return/{walkers.row.pk}/approve/"))
    assert "Walkers 20 people. Of these: Younger: 12; Older: 8 Finished 18 people (will be suppressed)" in page


# What a part can be ---------------------------------------------------------------------------------------------------


def test_a_part_counts_people_and_has_no_parts_itself(walkers):
    whole, finished = walkers.measure, part("Finished")
    walks = MeasureFactory(name="Walks", kind="output", counts_people=False)
    assert "counts people" in refused_in_words(part("Gave up"), part_of=walks)["part_of"][0]
    for row, other in (
        (part("Gave up"), finished),
        (walkers.measure, MeasureFactory()),
        (part("Gave up"), part("Gave up")),
    ):
        assert "A part cannot have parts itself." in refused_in_words(row, part_of=other)["part_of"][0]
    assert "part_of" in refused_in_words(walks, part_of=whole)
    assert (
        "is part of this measure"
        in refused_in_words(whole, part_of=None, kind="output", counts_people=False)["counts_people"][0]
    )
    refused_by_the_database(finished, part_of=finished)
    refused_by_the_database(Measure.objects.get(pk=walks.pk), part_of=walkers.measure)


# The database ---------------------------------------------------------------------------------------------------------


def refused(make: Any, **fields: Any) -> None:
    with pytest.raises(IntegrityError, match="could be worked out"), transaction.atomic():
        make(**fields)


def test_the_database_refuses_a_number_from_which_a_small_one_could_be_worked_out(walkers):
    whole, finished, gave_up = walkers.measure, part("Finished"), part("Gave up")
    published = FigureFactory(measure=whole, count=20)
    same = {"approved": published.approved}
    refused(FigureFactory, **same, measure=finished, count=16)
    FigureFactory(**same, measure=finished, count=16, is_suppressed=True)
    refused(FigureFactory, **same, measure=gave_up, count=10)
    FigureFactory(**same, measure=gave_up, count=10, is_suppressed=True)


def test_the_database_refuses_a_whole_that_would_give_away_what_its_parts_hide(walkers):
    whole, finished, gave_up = walkers.measure, part("Finished"), part("Gave up")
    first = FigureFactory(measure=finished, count=16)
    same = {"approved": first.approved}
    refused(FigureFactory, **same, measure=whole, count=20)
    refused(FigureFactory, **same, measure=whole, count=30, is_suppressed=True)
    FigureFactory(**same, measure=gave_up, count=3, is_suppressed=True)
    refused(FigureFactory, **same, measure=whole, count=30)


def test_the_database_refuses_a_group_that_would_give_away_another(walkers):
    young, old = walkers.groups
    published = FigureFactory(measure=walkers.measure, count=40)
    finished = FigureFactory(approved=published.approved, measure=part("Finished"), count=30)
    PartFactory(figure=published, group=young, count=20)
    refused(PartFactory, figure=finished, group=young, count=16)
    PartFactory(figure=finished, group=young, count=15)
    PartFactory(figure=finished, group=old, count=15)
    refused(PartFactory, figure=published, group=old, count=19)


@pytest.mark.parametrize("order", [*permutations(("Walkers", "Finished", "Gave up"))], ids="-".join)
def test_the_database_refuses_parts_that_leave_too_little_together_in_any_order(walkers, order):
    too_many, enough = ({"Walkers": 100, "Finished": 50, "Gave up": gave_up} for gave_up in (48, 50))
    approved = FigureFactory(measure=part(order[0]), count=too_many[order[0]]).approved
    FigureFactory(approved=approved, measure=part(order[1]), count=too_many[order[1]])
    refused(FigureFactory, approved=approved, measure=part(order[2]), count=too_many[order[2]])
    other = FigureFactory(measure=part(order[0]), count=enough[order[0]]).approved
    for name in order[1:]:
        FigureFactory(approved=other, measure=part(name), count=enough[name])


@pytest.mark.parametrize("order", [*permutations(("Walkers", "Finished", "Gave up"))], ids="-".join)
def test_the_database_refuses_groups_that_leave_too_little_together_in_any_order(walkers, order):
    young, old = walkers.groups
    published = FigureFactory(measure=walkers.measure, count=100)
    made = {"Walkers": published} | {
        name: FigureFactory(approved=published.approved, measure=part(name), count=count)
        for name, count in (("Finished", 45), ("Gave up", 40))
    }
    too_many, enough = ({"Walkers": 50, "Finished": 25, "Gave up": gave_up} for gave_up in (24, 20))
    for name in order[:2]:
        PartFactory(figure=made[name], group=young, count=too_many[name])
    refused(PartFactory, figure=made[order[2]], group=young, count=too_many[order[2]])
    for name in order:
        PartFactory(figure=made[name], group=old, count=enough[name])
