"""The history page of a record, and reverting to an earlier version."""

import re

import pytest
import time_machine
from django.urls import reverse

from events.models import Event
from partners.models import Post
from tests.support.admin_forms import admin_url, submit_changes
from tests.support.crawler import text_of
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    EventFactory,
    InitiativeFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    StoryFactory,
)
from vru_portal.publishing import pending_changes, workflow
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def test_the_history_says_who_changed_what_in_words(staff):
    body = OrganisationFactory(name="Rowers")
    row = InitiativeFactory(state=State.DRAFT, summary="Wet.", lead_organisation=None)
    submit_changes(staff, row, summary="White.", lead_organisation=body.pk, audiences=[])
    staff.post(admin_url(row, "publish"), {"seen": workflow.review_record(row).fingerprint})
    text = text_of(staff.get(admin_url(row, "history")))
    assert "Changed by staff" in text
    assert "Summary Wet. White." in text
    assert "Delivered by nothing Rowers" in text
    assert "Published by staff" in text


def test_the_history_includes_parts_and_many_to_many_fields(staff):
    person = PersonFactory(state=State.DRAFT)
    post = PostFactory(person=person, title="Keeper")
    with time_machine.travel("2020-05-06", tick=False):
        row = InitiativeFactory(state=State.DRAFT)
    row.partners.add(OrganisationFactory(name="Rowers"))
    submit_changes(staff, person, **{"posts-0-title": "Warden"})
    text = text_of(staff.get(admin_url(person, "history")))
    assert "post “Warden”: Changed" in text
    assert "Title Keeper Warden" in text
    assert Post.objects.get(pk=post.pk).title == "Warden"
    assert "Partners nothing Rowers" in text_of(staff.get(admin_url(row, "history")))


@pytest.mark.parametrize("state", State.values)
def test_reverting_to_an_earlier_version_obeys_the_same_rules(staff, state):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    submit_changes(staff, row, title="Snow")
    if state == State.PUBLISHED:
        workflow.publish(row, by=None)
    (address,) = re.findall(r'href="([^"]*/history/\d+/)"', staff.get(admin_url(row, "history")).text)[-1:]
    assert "Title Snow Rain" in text_of(staff.get(address))
    response = staff.post(address, follow=True)
    row.refresh_from_db()
    if state == State.DRAFT:
        assert row.title == "Rain"
        assert row.state == State.DRAFT
    else:
        assert "The change is pending until it is published" in text_of(response)
        assert row.title == "Snow"
        assert [one.after for one in pending_changes.pending_differences(row)] == ["Rain"]


def test_a_version_that_breaks_a_rule_cannot_be_reverted_to(staff):
    row = OrganisationFactory(name="Rowers", state=State.DRAFT)
    first = row.history.get()
    submit_changes(staff, row, name="Sailors")
    OrganisationFactory(name="Rowers")
    response = staff.post(reverse("admin:partners_organisation_revert", args=[row.pk, first.history_id]))
    assert response.status_code == 422
    assert "already exists" in text_of(response)
    assert staff.get(reverse("admin:partners_organisation_revert", args=[row.pk, 987654])).status_code == 404


def test_the_history_of_an_event_includes_its_items_and_appearances(staff):
    event = EventFactory(state=State.DRAFT)
    item = AgendaItemFactory(event=event, title="Opening")
    AppearanceFactory(item=item, description="A song")
    assert Event.objects.filter(pk=event.pk).exists()
    text = text_of(staff.get(admin_url(event, "history")))
    assert "agenda item “Opening”: Created" in text
    assert "appearance “A song”: Created" in text


def test_the_history_of_a_part_shows_published_changes(staff):
    item = AgendaItemFactory(title="Opening")
    submit_changes(staff, item, title="Song")
    workflow.publish(item.event, by=None)
    text = text_of(staff.get(admin_url(item, "history")))
    assert "Title Opening Song" in text
    assert "Revert to this version" not in text  # which is done for the event as a whole


def test_the_history_says_which_part_was_added_and_which_removed(staff):
    person = PersonFactory()
    old = PostFactory(person=person, title="Keeper")
    kept = {"source": old.source, "organisation": None}

    def edit():
        old.delete()
        PostFactory(person=person, title="Warden", **kept)

    workflow.propose(person, by=None, edit=edit)
    workflow.publish(person, by=None)
    text = text_of(staff.get(admin_url(person, "history")))
    assert "post “Keeper”: Removed. Published" in text
    assert "post “Warden”: Created. Published" in text
