from datetime import date, timedelta
from typing import Any

import pytest

from events.agenda import agenda_items
from events.declarations.models import Declaration, DeclarationVersion
from events.models import Appearance, Event
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    DeclarationFactory,
    EventFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    VersionFactory,
)
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db

TODAY = date(2031, 5, 6)


def test_an_event_of_today_is_still_to_come():
    past = [EventFactory(held_on=date(2031, 5, day)) for day in (4, 5)]
    coming = [EventFactory(held_on=date(2031, 5, day)) for day in (6, 7)]
    assert list(Event.objects.upcoming(TODAY)) == coming
    assert list(Event.objects.past(TODAY)) == past[::-1]


def test_an_event_of_several_days_is_past_once_its_last_day_is():
    event = EventFactory(held_on=date(2031, 5, 4), ends_on=date(2031, 5, 6))
    assert list(Event.objects.upcoming(TODAY)) == [event]
    assert list(Event.objects.past(TODAY + timedelta(1))) == [event]
    assert not Event.objects.upcoming(TODAY + timedelta(1)) | Event.objects.past(TODAY)


def test_who_appears_is_public_as_far_as_person_body_post_and_event_are(django_assert_num_queries):
    item = AgendaItemFactory()
    person = PersonFactory()
    shown = [
        AppearanceFactory(item=item, person=person),
        AppearanceFactory(item=item, person=None, organisation=OrganisationFactory()),
        AppearanceFactory(item=item, person=(post := PostFactory()).person, post=post),
        AppearanceFactory(item=item, person=(post := PostFactory(organisation=None)).person, post=post),
    ]
    AppearanceFactory(item=item, person__state=State.DRAFT)
    AppearanceFactory(item=item, person=None, organisation=OrganisationFactory(state=State.DRAFT))
    hidden = PostFactory(organisation__state=State.DRAFT)
    AppearanceFactory(item=item, person=hidden.person, post=hidden)
    elsewhere = AppearanceFactory(item__event__state=State.DRAFT)
    assert list(Appearance.objects.public()) == shown
    assert elsewhere not in Appearance.objects.public()
    with django_assert_num_queries(2):
        row: Any
        (row,) = agenda_items(item.event)
        assert row.public_appearances == shown


def test_a_body_appears_itself_or_through_its_people():
    body = OrganisationFactory()
    own = AppearanceFactory(person=None, organisation=body)
    post = PostFactory(organisation=body)
    through = AppearanceFactory(person=post.person, post=post)
    AppearanceFactory()
    assert set(Appearance.objects.of_organisation(body)) == {own, through}
    assert list(Appearance.objects.of_person(post.person)) == [through]


def test_a_version_is_in_force_from_its_day_on_and_without_one_for_nobody():
    declaration = DeclarationFactory()
    versions = [VersionFactory(declaration=declaration) for _ in range(4)]
    hidden = VersionFactory(declaration__event=EventFactory(state=State.DRAFT))
    days = [TODAY - timedelta(1), TODAY, TODAY + timedelta(1), None, TODAY]
    for version, day in zip([*versions, hidden], days, strict=True):
        sha256 = version.fingerprint if day else ""
        DeclarationVersion.objects.filter(pk=version.pk).update(in_force_from=day, sha256=sha256)
    assert list(DeclarationVersion.objects.in_force(TODAY)) == [versions[1], versions[0]]


def test_a_declaration_shows_with_a_public_event_or_without_one():
    alone = DeclarationFactory()
    shown = DeclarationFactory(event=EventFactory())
    DeclarationFactory(event=EventFactory(state=State.DRAFT))
    assert set(Declaration.objects.public()) == {alone, shown}
