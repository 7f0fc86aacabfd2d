"""Figures that were approved earlier stay public: staff are told where a small number could be worked out from them."""

import pytest

from programmes.results.rules import approving
from programmes.results.rules.answers import group_name, total_name
from tests.programmes.results.returns import Asked, approve, ask, count_people, publish, report
from tests.support.crawler import text_of
from tests.support.factories import FigureFactory, MeasureFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


@pytest.fixture(autouse=True)
def _staff(client, clock):
    client.force_login(UserFactory(is_superuser=True))


def corrected(asked: Asked, client, *counts: int, **others: str) -> str:
    """The page on which staff approve corrected figures."""
    approving.ask_for_correction(row=asked.row, question="All?")
    report(asked, *counts, **others)
    return text_of(client.get(f"/admin/results/return/{asked.row.pk}/approve/"))


def test_staff_read_before_they_approve_which_published_part_leaves_too_little_of_the_corrected_whole(client):
    asked = ask(*count_people("Younger", "Older"))
    part = MeasureFactory(name="Finished", kind="outcome", part_of=asked.measure)
    part.breakdowns.set(asked.measure.breakdowns.all())
    young, old = (group_name(part, group) for group in asked.groups)
    publish(asked, 60, 30, 30, **{total_name(part): "40", young: "20", old: "20"})
    page = corrected(asked, client, 43, 22, 21)
    said = "Version 1 stays public: {} was {}. Compared with {} for {}, that leaves fewer than 5 people"
    assert said.format("“Finished”", 40, 43, "“Walkers”") in page
    assert said.format("“Younger” of “Finished”", 20, 22, "“Younger” of “Walkers”") in page
    approve(asked, "Counted again")
    page = corrected(asked, client, 60, 35, 25, **{total_name(part): "40", young: "20", old: "20"})
    assert "Version 1 stays public" not in page
    assert "Version 2 stays public: “Walkers” was 43. Compared with 40 for “Finished”, that leaves fewer than 5" in page


def test_a_suppressed_part_of_an_earlier_version_is_no_reason_to_warn(client):
    asked = ask(*count_people())
    part = MeasureFactory(name="Finished", kind="outcome", part_of=asked.measure)
    publish(asked, 43, **{total_name(part): "40"})
    assert "stays public" not in corrected(asked, client, 42, **{total_name(part): "40"})


@pytest.mark.parametrize("published", [True, False])
def test_whoever_names_a_part_is_told_that_what_is_published_stays(client, published):
    whole, part = MeasureFactory(name="Walkers"), MeasureFactory(name="Finished")
    first = FigureFactory(measure=whole, count=43)
    FigureFactory(measure=part, count=40, **({"approved": first.approved} if published else {}))
    names = ("name", "slug", "kind", "unit", "counts")
    typed = {name: getattr(part, name) for name in names} | {"counts_people": "on", "part_of": whole.pk}
    page = text_of(client.post(f"/admin/results/measure/{part.pk}/change/", typed, follow=True))
    part.refresh_from_db()
    assert part.part_of == whole
    assert ("Those figures stay as they are." in page) is published
