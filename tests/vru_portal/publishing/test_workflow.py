"""The publishing workflow: what blocks publishing, publishing now and on a schedule, unpublishing."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone

from partners.models import Publication
from programmes.models import Story
from tests.support.editing import edit_values
from tests.support.factories import (
    InitiativeFactory,
    PersonFactory,
    PostFactory,
    PublicationFactory,
    StoryFactory,
    UnitFactory,
    make_everything,
)
from vru_portal.models import Pending
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.usefixtures("history"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StoryFactory(state=State.DRAFT, source=PublicationFactory(state=State.DRAFT)), "source: “"),
        (lambda: InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice=""), "safety notice"),
        (lambda: InitiativeFactory(state=State.DRAFT, level__state=State.DRAFT), "level: "),
    ],
)
def test_publishing_blockers_say_where_they_are(publisher, make, said):
    row = make()
    assert any(said in one for one in workflow.all_publishing_blockers(row)), workflow.all_publishing_blockers(row)
    with pytest.raises(ValidationError, match=said):
        workflow.publish(row, by=publisher)
    row.refresh_from_db()
    assert row.state == State.DRAFT


def test_the_source_of_something_public_cannot_be_unpublished(publisher):
    source = PublicationFactory()
    story = StoryFactory(source=source, state=State.DRAFT)
    workflow.unpublish(source, by=publisher)
    workflow.publish(source, by=publisher)
    workflow.publish(story, by=publisher)
    with pytest.raises(ValidationError, match="Give them another source first"):
        workflow.unpublish(source, by=publisher)


def test_a_part_can_block_publishing_its_record(publisher):
    person = PersonFactory(state=State.DRAFT)
    post = PostFactory(person=person, title="Keeper", organisation=None, source=PublicationFactory(state=State.DRAFT))
    (said,) = workflow.all_publishing_blockers(person)
    assert str(post) in said
    assert "Publish that source first" in said


def test_a_version_that_was_not_read_is_not_published(publisher):
    row = StoryFactory(title="Rain")
    workflow.propose(row, by=publisher, edit=edit_values(row, title="Snow"))
    read = workflow.review_record(row).fingerprint
    workflow.propose(row, by=publisher, edit=edit_values(row, title="Hail"))
    with pytest.raises(ValidationError, match="saved changes while you were reading"):
        workflow.publish(row, by=publisher, seen_fingerprint=read)
    workflow.publish(row, by=publisher, seen_fingerprint=workflow.review_record(row).fingerprint)


def test_the_timer_publishes_what_is_scheduled(client, publisher):
    make_everything(1)
    draft = StoryFactory(state=State.DRAFT, title="Tomorrow")
    public = Story.objects.exclude(pk=draft.pk).get()
    workflow.propose(public, by=publisher, edit=edit_values(public, title="Changed tomorrow"))
    at = timezone.now() + timedelta(days=1)
    workflow.publish(draft, by=publisher, at=at)
    workflow.publish(public, by=publisher, at=at)
    assert workflow.publish_due() == 0
    assert "omorrow" not in client.get("/news/").text
    with time_machine.travel(at + timedelta(seconds=1), tick=False):
        assert workflow.publish_due() == 2
        text = client.get("/news/").text
        assert workflow.publish_due() == 0
    assert "Tomorrow" in text
    assert "Changed tomorrow" in text
    assert not Pending.objects.exists()


def test_a_time_in_the_past_is_refused(publisher):
    with pytest.raises(ValidationError, match="a date and time in the future"):
        workflow.publish(StoryFactory(state=State.DRAFT), by=publisher, at=timezone.now())


def test_a_later_change_cancels_the_schedule(publisher):
    draft, public = StoryFactory(state=State.DRAFT), StoryFactory()
    workflow.propose(public, by=publisher, edit=edit_values(public, title="Snow"))
    at = timezone.now() + timedelta(days=1)
    for row in (draft, public):
        workflow.publish(row, by=publisher, at=at)
        workflow.propose(row, by=publisher, edit=edit_values(row, title="Never read by who set the day"))
    with time_machine.travel(at + timedelta(days=1), tick=False):
        assert workflow.publish_due() == 0


def test_a_failed_scheduled_publication_keeps_the_reason(publisher):
    draft = StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(days=1)
    workflow.publish(draft, by=publisher, at=at)
    Publication.objects.filter(pk=draft.source_id).update(state=State.DRAFT)
    with time_machine.travel(at, tick=False):
        assert workflow.publish_due() == 0
        assert workflow.publish_due() == 0
    assert "is a draft" in Pending.objects.get().fault


def test_the_timer_skips_what_was_changed_or_discarded_after_it_looked(publisher, monkeypatch):
    first, second, third = (StoryFactory(state=State.DRAFT) for _ in range(3))
    at = timezone.now() + timedelta(hours=1)
    for row in (first, second, third):
        workflow.publish(row, by=publisher, at=at)
    publish = workflow.publish

    def slowly(root, **options):
        publish(root, **options)
        workflow.propose(second, by=None, edit=edit_values(second, title="Unread"))
        workflow.discard(third)

    monkeypatch.setattr(workflow, "publish", slowly)
    with time_machine.travel(at, tick=False):
        workflow.publish_due()
    assert [Story.objects.get(pk=row.pk).state for row in (first, second, third)] == ["published", "draft", "draft"]


def test_a_schedule_counts_only_while_its_author_may_publish(publisher):
    row = StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(hours=1)
    workflow.publish(row, by=publisher, at=at)
    get_user_model().objects.filter(pk=publisher.pk).update(is_active=False)
    with time_machine.travel(at, tick=False):
        assert workflow.publish_due() == 0
    assert "can no longer publish" in Pending.objects.get().fault


def test_one_failing_record_does_not_stop_the_others(publisher, monkeypatch):
    first, second = StoryFactory(state=State.DRAFT), StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(hours=1)
    for row in (first, second):
        workflow.publish(row, by=publisher, at=at)
    publish = workflow.publish

    def failing(root, **options):
        if root.pk == first.pk:
            raise KeyError("a field that is gone")
        publish(root, **options)

    monkeypatch.setattr(workflow, "publish", failing)
    with time_machine.travel(at, tick=False):
        assert workflow.publish_due() == 1
    assert "Something went wrong" in Pending.objects.get().fault


def test_the_units_own_organisation_cannot_be_unpublished(publisher):
    unit = UnitFactory()
    with pytest.raises(ValidationError, match="shows its name"):
        workflow.unpublish(unit.organisation, by=publisher)
