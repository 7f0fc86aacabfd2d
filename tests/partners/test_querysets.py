from typing import Any

import pytest

from partners.choices import Seat
from partners.models import Organisation, Person, Post, Statement, Unit
from tests.support.factories import (
    ContactPointFactory,
    PersonFactory,
    PostFactory,
    StatementFactory,
    UnitFactory,
)
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


def test_the_unit_comes_with_all_that_every_page_names(django_assert_num_queries):
    unit = UnitFactory()
    assert Unit.objects.current().contact_list == []
    points = [ContactPointFactory(position=2), ContactPointFactory(position=1)]
    with django_assert_num_queries(2):
        found = Unit.objects.current()
        assert found.name == unit.organisation.name
        assert found.contact_list == points[::-1]
        assert all(point.source.title for point in found.contact_list)


def test_without_a_unit_there_is_none(django_assert_num_queries):
    with pytest.raises(Unit.DoesNotExist):
        Unit.objects.current()


def test_lead_organisations_are_those_with_a_public_seat_on_the_executive_team():
    unit = UnitFactory()
    lead = PostFactory(seat=Seat.EXECUTIVE).organisation
    PostFactory(seat=Seat.EXECUTIVE, organisation=lead)
    other = PostFactory(seat=Seat.TEAM).organisation
    hidden = PostFactory(seat=Seat.EXECUTIVE, person__state=State.DRAFT).organisation
    draft = PostFactory(seat=Seat.EXECUTIVE, organisation__state=State.DRAFT).organisation
    assert list(Organisation.objects.leading()) == [lead]
    assert set(Organisation.objects.not_leading()) == {other, hidden, draft}
    assert unit.organisation not in Organisation.objects.not_leading()


def test_posts_are_public_as_far_as_holder_and_body_are():
    shown = [PostFactory(), PostFactory(organisation=None)]
    PostFactory(person__state=State.DRAFT)
    PostFactory(organisation__state=State.DRAFT)
    PostFactory(person__state=State.DRAFT, organisation=None)
    assert list(Post.objects.public()) == shown


def test_messages_are_public_as_far_as_their_speaker_is():
    shown = [StatementFactory(), StatementFactory(speaker=None, body_name="The team")]
    StatementFactory(state=State.DRAFT)
    StatementFactory(speaker__state=State.DRAFT)
    assert list(Statement.objects.public()) == shown


def test_people_without_a_directory_entry_are_in_no_team_and_under_no_organisation():
    unit = UnitFactory()
    alone = PersonFactory()
    artist = PostFactory(organisation=None).person
    both = PostFactory(organisation=None).person
    PostFactory(person=both)
    at_draft = PostFactory(organisation__state=State.DRAFT).person
    without_seat = PostFactory(organisation=unit.organisation).person
    PostFactory(organisation=unit.organisation, seat=Seat.TEAM)
    PostFactory()
    assert set(Person.objects.without_directory_entry()) == {alone, artist, at_draft, without_seat}


def test_people_bring_only_their_public_posts(django_assert_num_queries):
    person = PersonFactory()
    shown = PostFactory(person=person)
    PostFactory(person=person, organisation__state=State.DRAFT)
    with django_assert_num_queries(2):
        found: Any
        (found,) = Person.objects.filter(pk=person.pk).with_posts()
        assert [post.described for post in found.public_posts] == [shown.described]
