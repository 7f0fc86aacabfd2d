"""Editors hand over what is ready, Publishers decide on it, and nobody's date or words are undone without a word."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from programmes.models import Picture, Story
from tests.support.editing import edit_values
from tests.support.factories import (
    DocumentFactory,
    OrganisationFactory,
    PersonFactory,
    PictureFactory,
    PostFactory,
    PublicationFactory,
    StoryFactory,
    UserFactory,
)
from vru_portal.models import Pending, Submission
from vru_portal.publishing import submissions, workflow
from vru_portal.publishing.related_drafts import related_drafts
from vru_portal.publishing.snapshots import row_key
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.usefixtures("history"), pytest.mark.django_db]


@pytest.fixture
def ash():
    """An Editor, who may not publish."""
    user = UserFactory(username="ash")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["change_story", "view_story"]))
    return user


@pytest.fixture
def robin(publisher):
    """A Publisher."""
    publisher.username = "robin"
    publisher.save()
    return publisher


def said(root):
    row = Submission.objects.get()
    assert row.record == root
    return row.state, row.note, row.by, row.concerns


def together(*drafts):
    return dict.fromkeys(map(row_key, drafts), "")


def test_what_is_marked_ready_waits_with_its_note_until_it_is_published(ash, robin):
    story = StoryFactory(state=State.DRAFT)
    workflow.mark_ready(story, by=ash, note="Please before Friday.")
    workflow.mark_ready(story, by=ash, note="Please before Thursday.")
    assert said(story) == ("ready", "Please before Thursday.", ash, ash)
    workflow.publish(story, by=robin)
    assert not Submission.objects.exists()


def test_a_record_sent_back_goes_to_the_person_who_marked_it_ready_and_can_be_marked_again(ash, robin):
    story = StoryFactory(state=State.DRAFT)
    workflow.mark_ready(story, by=ash)
    workflow.send_back(story, by=robin, note="The date is wrong.")
    assert said(story) == ("sent_back", "The date is wrong.", robin, ash)
    workflow.send_back(story, by=robin, note="And the name.")
    assert said(story) == ("sent_back", "And the name.", robin, ash)
    workflow.mark_ready(story, by=ash, note="Done.")
    assert said(story) == ("ready", "Done.", ash, ash)


def test_a_record_that_nobody_marked_ready_is_sent_back_to_the_person_who_changed_it(ash, robin):
    story = StoryFactory()
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.send_back(story, by=robin, note="Not snow.")
    assert said(story)[3] == ash
    assert Pending.objects.get().changes


@pytest.mark.parametrize("note", ["", "  \n"])
def test_nothing_is_sent_back_without_a_reason(robin, note):
    story = StoryFactory(state=State.DRAFT)
    with pytest.raises(ValidationError, match="Say what must change"):
        workflow.send_back(story, by=robin, note=note)
    workflow.send_back(story, by=robin, note="A reason")
    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.update(note="")


def test_an_editor_decides_nothing_by_whatever_rule(ash):
    draft, public = StoryFactory(state=State.DRAFT), StoryFactory()
    workflow.propose(public, by=ash, edit=edit_values(public, title="Snow"))
    later = timezone.now() + timedelta(days=1)
    for attempt in (
        lambda: workflow.publish(draft, by=ash),
        lambda: workflow.publish(public, by=ash),
        lambda: workflow.publish(draft, by=ash, at=later),
        lambda: workflow.unpublish(public, by=ash),
        lambda: workflow.send_back(draft, by=ash, note="No."),
        lambda: workflow.cancel_date(draft, by=ash),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert Story.objects.get(pk=draft.pk).state == State.DRAFT
    assert Story.objects.get(pk=public.pk).title == public.title


def test_only_people_who_can_change_a_record_can_mark_it_ready(ash):
    with pytest.raises(PermissionDenied):
        workflow.mark_ready(PictureFactory(state=State.DRAFT), by=ash)


def test_what_cannot_be_published_is_not_ready(ash, robin):
    with pytest.raises(ValidationError, match="nothing to publish"):
        workflow.mark_ready(StoryFactory(), by=ash)
    unfinished = StoryFactory(state=State.DRAFT, picture=PictureFactory(state=State.DRAFT, alternative_text=""))
    with pytest.raises(ValidationError, match="Describe in one sentence"):
        workflow.mark_ready(unfinished, by=ash)
    scheduled = StoryFactory(state=State.DRAFT)
    workflow.publish(scheduled, by=robin, at=timezone.now() + timedelta(days=1))
    with pytest.raises(ValidationError, match="robin has already set a date"):
        workflow.mark_ready(scheduled, by=ash)


# Dates ----------------------------------------------------------------------------------------------------------------


def test_a_date_is_changed_and_cancelled(robin):
    story = StoryFactory(state=State.DRAFT)
    for days in (1, 2):
        workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=days))
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=1), tick=False):
        assert workflow.publish_due() == 0
    workflow.cancel_date(story, by=robin)
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert workflow.publish_due() == 0
    with pytest.raises(ValidationError, match="no date to cancel"):
        workflow.cancel_date(story, by=robin)


def test_cancelling_the_date_of_a_pending_change_keeps_the_change(ash, robin):
    story = StoryFactory()
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    workflow.cancel_date(story, by=robin)
    assert workflow.review_record(story).differences[0].after == "Snow"


@pytest.mark.parametrize(
    ("undo", "did", "is_told"),
    [
        (lambda story, kim: workflow.cancel_date(story, by=kim), "Cancelled the date", True),
        (lambda story, kim: workflow.unpublish(story, by=kim), "Unpublished the record", True),
        (lambda story, kim: workflow.discard(story, by=kim), "Discarded the pending changes", True),
        (lambda story, kim: workflow.send_back(story, by=kim, note="Which snow?"), "Sent the record back", False),
        (
            lambda story, kim: workflow.publish(story, by=kim, at=timezone.now() + timedelta(days=2)),
            "Replaced by another date",
            False,
        ),
    ],
    ids=["cancelled", "unpublished", "discarded", "sent back", "replaced"],
)
def test_the_person_who_set_a_date_learns_who_cancelled_it(ash, robin, undo, did, is_told):
    kim = UserFactory(username="kim", is_superuser=True)
    story = StoryFactory(title="Rain")
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    undo(story, kim)
    (entry,) = LogEntry.objects.filter(user=kim, object_id=str(story.pk), change_message__startswith=did)
    assert "the date that robin had set for “" in entry.change_message
    if is_told:
        row = Submission.objects.get()
        assert (row.state, row.by, row.concerns) == ("date_cancelled", kim, robin)
        assert submissions.describe(row).startswith(f"kim {did[0].lower()}{did[1:]} on ")
        assert "robin had set " in submissions.describe(row)


def test_a_notice_about_a_date_is_closed_where_nothing_is_left_to_publish(ash, robin):
    story = StoryFactory()
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    workflow.cancel_date(story, by=UserFactory(is_superuser=True))
    with pytest.raises(ValidationError):  # the change still waits for another date
        workflow.cancel_date(story, by=robin)
    workflow.discard(story, by=robin)
    assert not Submission.objects.exists()
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    workflow.discard(story, by=ash)
    with pytest.raises(PermissionDenied):
        workflow.cancel_date(story, by=ash)
    workflow.cancel_date(story, by=robin)
    assert not Submission.objects.exists()


def test_cancelling_your_own_date_sends_no_notice(ash, robin):
    story = StoryFactory()
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    workflow.cancel_date(story, by=robin)
    assert not Submission.objects.exists()


@pytest.mark.parametrize("published", [True, False])
def test_both_people_see_that_a_change_cancelled_a_date(ash, robin, published):
    story = StoryFactory(title="Rain", state=State.PUBLISHED if published else State.DRAFT)
    if published:
        workflow.propose(story, by=robin, edit=edit_values(story, summary="White."))
    at = timezone.now() + timedelta(days=1)
    workflow.publish(story, by=robin, at=at)
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    row = Submission.objects.get()
    assert (row.state, row.by, row.concerns, row.publish_at) == ("date_cancelled", ash, robin, at)
    logged = LogEntry.objects.get(user=ash).change_message
    assert logged.startswith("Cancelled by a change to “")
    assert "the date that robin had set for “" in logged
    workflow.publish(story, by=robin, at=at)
    assert not Submission.objects.exists()


def test_a_change_of_what_somebody_else_marked_ready_is_named(ash, robin):
    story = StoryFactory(state=State.DRAFT)
    workflow.mark_ready(story, by=ash)
    workflow.propose(story, by=ash, edit=edit_values(story, title="Snow"))
    assert Submission.objects.get().changed_by is None
    workflow.propose(story, by=robin, edit=edit_values(story, title="Hail"))
    assert submissions.describe(Submission.objects.get()).endswith(" robin has changed it since.")


# Together -------------------------------------------------------------------------------------------------------------


def test_the_drafts_that_a_record_names_are_found_in_the_order_to_publish_them():
    source = PublicationFactory(state=State.DRAFT)
    document = DocumentFactory(state=State.DRAFT, slug="plan")
    picture = PictureFactory(state=State.DRAFT)
    body = f"See [the plan]({document.public_address}), [it again](/documents/plan/) and [home](/)."
    story = StoryFactory(state=State.DRAFT, picture=picture, source=source, body=body)
    assert set(related_drafts(story)) == {source, picture, document}
    organisation = OrganisationFactory(state=State.DRAFT, source=source)
    person = PersonFactory(state=State.DRAFT)
    PostFactory(person=person, organisation=organisation)
    assert related_drafts(person) == [source, organisation]
    assert related_drafts(StoryFactory(picture=PictureFactory())) == []


@pytest.mark.parametrize(
    "link",
    [
        "[a](/news/hail)",
        "[a](/news/hail/#top)",
        "[a](/news/hail/?x=1)",
        "[a]\n\n[a]: /news/hail/",
        "[a](<{portal}/news/hail/>)",
        "{portal}/news/hail/",
        '[a](/news/hail/ "Hail")',
        "[a](/news/%68ail/)",
    ],
)
def test_a_draft_is_found_however_the_link_to_it_is_written(link):
    hail = StoryFactory(state=State.DRAFT, slug="hail")
    StoryFactory(state=State.DRAFT, slug="hailstones")
    story = StoryFactory(state=State.DRAFT, body=link.format(portal=settings.PORTAL_URL))
    assert related_drafts(story) == [hail]


def test_a_pending_change_can_name_a_draft(ash, robin):
    picture, story = PictureFactory(state=State.DRAFT), StoryFactory()
    workflow.propose(story, by=ash, edit=edit_values(story, picture=picture))
    assert related_drafts(story) == [picture]
    with pytest.raises(ValidationError, match="Publish that picture first"):
        workflow.publish(story, by=robin)
    workflow.publish(story, by=robin, together=together(picture))
    assert Story.objects.get().picture == picture
    assert Picture.objects.get().is_public


def test_a_record_and_its_drafts_are_published_together_all_or_none(robin):
    picture = PictureFactory(state=State.DRAFT)
    story = StoryFactory(state=State.DRAFT, picture=picture, source=PublicationFactory(state=State.DRAFT))
    with pytest.raises(ValidationError, match="Publish that source first"):
        workflow.publish(story, by=robin, together=together(picture))
    assert not Picture.objects.get().is_public
    workflow.publish(story, by=robin, together=together(picture, story.source))
    assert Picture.objects.get().is_public
    assert Story.objects.get().is_public
    assert f"Published together with “{story}”" in {entry.change_message for entry in LogEntry.objects.all()}


def test_a_draft_that_was_changed_after_it_was_read_or_is_not_named_is_not_published_along(robin):
    picture = PictureFactory(state=State.DRAFT)
    story = StoryFactory(state=State.DRAFT, picture=picture)
    (read,) = workflow.review_record(story).together
    workflow.propose(picture, by=None, edit=edit_values(picture, alternative_text="Something else"))
    stranger = StoryFactory(state=State.DRAFT)
    for chosen in (dict([read.split()]), together(picture, stranger)):
        with pytest.raises(ValidationError, match="Somebody else saved changes"):
            workflow.publish(story, by=robin, together=chosen)
    assert not Picture.objects.get().is_public


def test_a_date_holds_for_all_that_is_published_together_and_a_change_of_any_cancels_it(ash, robin):
    picture = PictureFactory(state=State.DRAFT)
    story = StoryFactory(state=State.DRAFT, picture=picture)
    at = timezone.now() + timedelta(days=1)
    workflow.publish(story, by=robin, at=at, together=together(picture))
    workflow.propose(picture, by=ash, edit=edit_values(picture, alternative_text="Something else"))
    row = Submission.objects.get()
    assert (row.record, row.state, row.concerns) == (story, "date_cancelled", robin)
    workflow.publish(story, by=robin, at=at, together=together(picture))
    with time_machine.travel(at, tick=False):
        assert workflow.publish_due() == 1
    assert Picture.objects.get().is_public
    assert Story.objects.get().is_public
