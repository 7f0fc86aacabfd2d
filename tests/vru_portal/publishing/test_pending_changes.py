"""Pending changes: the public pages stay byte for byte as they are until a change is published."""

import re

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from events.models import AgendaItem, Appearance, Event
from partners.models import ContactPoint, LegalNotice, Organisation, Person, Post, Publication, Unit
from programmes.models import Initiative, PreventionLevel, Story
from tests.support.canaries import PARTS, RECORDS, insert_canaries, propose_canaries
from tests.support.crawler import crawl
from tests.support.editing import edit_values
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    ApproachFactory,
    AudienceFactory,
    EventFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    PublicationFactory,
    StoryFactory,
    make_everything,
)
from vru_portal.models import Pending
from vru_portal.publishing import changesets, pending_changes, snapshots, workflow
from vru_portal.publishing.state import Publishable, State

pytestmark = [pytest.mark.usefixtures("history"), pytest.mark.django_db, pytest.mark.xdist_group("crawls")]


def content(response) -> bytes:
    """Return an answer without the token, which each form gets afresh."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)


# What takes no canary: colours, an identifier on a list, the second of two voices.
REFUSED = {
    ("partners.organisation", "org_id"),
    ("partners.organisation", "charity_number"),
    ("partners.organisation", "company_number"),
    ("partners.organisation", "area_code"),
    ("partners.statement", "body_name"),
    ("partners.unit", "area_code"),
    ("partners.unit", "colour_ink"),
    ("partners.unit", "colour_accent"),
}


@pytest.mark.once
def test_a_pending_change_alters_no_byte_of_anything_public(client, publisher):
    make_everything(1)
    with time_machine.travel(timezone.now(), tick=False):  # files say when they were made
        before = crawl(client)
        found = propose_canaries(publisher)
        after = crawl(client)
    assert {label for label, fields in found.items() if not fields} == set()
    assert len(found) == len(RECORDS) + len(PARTS)
    taken = {(label, name) for label, names in found.items() for name in names}
    texts = {
        (model._meta.label_lower, field.name)
        for model in [*RECORDS, *PARTS]
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and not field.choices and field.editable
        and field.name != "state" and model._meta.label_lower in found
    }  # fmt: skip
    assert texts - taken == REFUSED
    assert Pending.objects.count() > 30
    assert before.keys() == after.keys()
    assert [address for address in before if content(before[address]) != content(after[address])] == []


@pytest.mark.once
def test_publishing_and_unpublishing_take_effect_immediately(client, publisher):
    make_everything(1)
    story = Story.objects.get()
    workflow.propose(story, by=publisher, edit=lambda: Story.objects.filter(pk=story.pk).update(title="CANARY title"))
    address = story.get_absolute_url()
    assert "CANARY" not in client.get(address).text
    workflow.publish(story, by=publisher)
    assert "CANARY title" in client.get(address).text
    assert "CANARY title" in client.get("/news/").text
    workflow.propose(story, by=publisher, edit=lambda: Story.objects.filter(pk=story.pk).update(title="CANARY later"))
    workflow.unpublish(story, by=publisher)
    answers = crawl(client, address)
    assert answers[address].status_code == 404
    assert [a for a, response in answers.items() if "CANARY" in response.text] == []
    story.refresh_from_db()
    assert (story.state, story.title) == (State.DRAFT, "CANARY later")  # nothing that was written is lost
    assert not Pending.objects.exists()


def could_be_unpublished(root) -> bool:
    try:
        with pending_changes.rolled_back():
            workflow.unpublish(root, by=None)
    except ValidationError:
        return False
    return True


@pytest.mark.once
def test_after_unpublishing_no_response_contains_a_word_of_the_record(client, publisher):
    make_everything(1)
    # ones from which nothing that is public is taken, and against which no money is recorded
    PublicationFactory()
    InitiativeFactory(level=LevelFactory())
    HeadingFactory()
    ApproachFactory()
    roots = [
        row
        for model in RECORDS
        if issubclass(model, Publishable)
        for row in model._default_manager.order_by("pk")
        if row.is_public and could_be_unpublished(row)
    ]
    assert {type(row) for row in roots} == {model for model in RECORDS if issubclass(model, Publishable)}
    for root in roots:

        def edit(root=root):
            for row in [*snapshots.record_and_parts(root)]:
                insert_canaries(row)
                row.save()

        workflow.propose(root, by=publisher, edit=edit)
        workflow.publish(root, by=publisher)
    shown = crawl(client)
    assert len([address for address, answer in shown.items() if "canary" in answer.text.lower()]) > 40
    for root in roots:
        workflow.unpublish(type(root)._default_manager.get(pk=root.pk), by=publisher)
    answers = crawl(client, *shown)
    found = []
    for address, answer in answers.items():
        asked = "canary" in address.partition("?")[2].lower()  # which a page says back
        if not asked and "canary" in answer.text.lower().replace(address.lower(), ""):
            found.append(address)
    assert found == []


def test_a_draft_is_changed_immediately_and_with_history(publisher):
    draft = StoryFactory(state=State.DRAFT)
    assert workflow.propose(draft, by=publisher, edit=edit_values(draft, title="Snow")) is False
    draft.refresh_from_db()
    assert draft.title == "Snow"
    assert draft.history.count() == 2
    assert not Pending.objects.exists()


def test_changes_add_up_and_an_undone_change_is_no_longer_pending(publisher):
    row = StoryFactory(title="Rain", summary="Wet.")
    workflow.propose(row, by=publisher, edit=edit_values(row, title="Snow"))
    workflow.propose(row, by=publisher, edit=edit_values(row, summary="White."))
    (pending,) = Pending.objects.all()
    assert pending.changes == {"set": [[f"programmes.story:{row.pk}", {"title": "Snow", "summary": "White."}]]}
    assert [(one.what, one.before, one.after) for one in pending_changes.pending_differences(row)] == [
        ("title", "Rain", "Snow"),
        ("summary", "Wet.", "White."),
    ]
    workflow.propose(row, by=publisher, edit=edit_values(row, title="Rain", summary="Wet."))
    assert not Pending.objects.exists()
    assert row.history.count() == 1


def test_only_differences_are_stored_so_that_a_change_of_another_field_is_kept(publisher):
    row = StoryFactory(title="Rain", summary="Wet.")
    workflow.propose(row, by=publisher, edit=edit_values(row, title="Snow"))
    edit_values(row, summary="Very wet.")()
    workflow.publish(row, by=publisher)
    row.refresh_from_db()
    assert (row.title, row.summary) == ("Snow", "Very wet.")
    last = row.history.first()
    assert (last.history_user, last.history_change_reason) == (publisher, "Published")


def test_many_to_many_fields_can_be_pending_too(publisher):
    row, audience = InitiativeFactory(), AudienceFactory(name="Swimmers")
    row.audiences.add(AudienceFactory(name="Walkers"))
    workflow.propose(row, by=publisher, edit=lambda: row.audiences.set([audience]))
    assert [str(one) for one in row.audiences.all()] == ["Walkers"]
    assert [(one.what, one.before, one.after) for one in pending_changes.pending_differences(row)] == [
        ("audiences", "Walkers", "Swimmers")
    ]
    workflow.publish(row, by=publisher)
    assert [str(one) for one in row.audiences.all()] == ["Swimmers"]


def test_parts_are_added_changed_and_removed_with_their_record(publisher):
    event = EventFactory()
    kept, gone = AgendaItemFactory(event=event, position=1), AgendaItemFactory(event=event, position=2)
    person = PersonFactory()
    post = PostFactory(person=person, organisation=None)
    numbers_before = [kept.pk, gone.pk]

    def edit():
        gone.delete()
        edit_values(kept, title="Opening")()
        new = AgendaItemFactory(event=event, position=5, title="Song", source=event.source)
        AppearanceFactory(item=new, person=person, post=post, source=event.source)

    workflow.propose(event, by=publisher, edit=edit)
    assert list(event.items.values_list("pk", flat=True)) == numbers_before
    # as the form of the same change sees it, and once more, so that what is new keeps its number
    with pending_changes.viewing_with_pending_change(event):
        numbers = list(event.items.values_list("pk", flat=True))
        assert list(event.items.values_list("title", flat=True)) == ["Opening", "Song"]
    assert numbers[1] >= changesets.FIRST_PLACEHOLDER_ID
    workflow.propose(event, by=publisher, edit=edit_values(AgendaItem(pk=numbers[1]), title="Two songs"))
    with pending_changes.viewing_with_pending_change(event):
        assert list(event.items.values_list("pk", flat=True)) == numbers
    workflow.publish(event, by=publisher)
    assert list(event.items.values_list("title", flat=True)) == ["Opening", "Two songs"]
    assert max(event.items.values_list("pk", flat=True)) < changesets.FIRST_PLACEHOLDER_ID
    assert [str(one.person) for one in event.items.last().appearances.all()] == [str(person)]


def test_a_proposal_that_breaks_a_rule_is_refused_and_not_stored(publisher):
    row = OrganisationFactory(name="Rowers")
    OrganisationFactory(name="Sailors")
    with pytest.raises(ValidationError, match="already exists"):
        workflow.propose(row, by=publisher, edit=edit_values(row, name="Sailors"))
    assert not Pending.objects.exists()


def test_a_value_that_another_record_took_in_the_meantime_blocks_publishing(publisher):
    row = OrganisationFactory(name="Rowers")
    workflow.propose(row, by=publisher, edit=edit_values(row, name="Sailors"))
    OrganisationFactory(name="Sailors")
    with pytest.raises(ValidationError, match="already exists"):
        workflow.publish(row, by=publisher)
    row.refresh_from_db()
    assert row.name == "Rowers"
    assert Pending.objects.count() == 1


def test_a_reference_to_a_deleted_record_blocks_publishing(publisher):
    row, body = InitiativeFactory(), OrganisationFactory()
    workflow.propose(row, by=publisher, edit=edit_values(row, lead_organisation=body))
    body.delete()
    assert workflow.all_publishing_blockers(row)
    with pytest.raises(ValidationError):
        workflow.publish(row, by=publisher)


def test_editing_with_the_pending_change_leaves_no_trace(publisher):
    row = StoryFactory(title="Rain")
    with transaction.atomic(), pending_changes.editing_with_pending_change(row):
        edit_values(row, title="Snow")()
    row.refresh_from_db()
    assert (row.title, row.history.count()) == ("Rain", 1)


def test_every_part_belongs_to_a_record():
    assert set(PARTS) == {Post, ContactPoint, AgendaItem, Appearance}
    assert {LegalNotice, Organisation, Initiative, PreventionLevel, Unit, Person, Event, Publication} <= set(RECORDS)
    owned = {model._meta.get_field(name).related_model for model in [*RECORDS, *PARTS] for name in model.parts}
    assert owned == set(PARTS)


def test_agenda_items_can_be_reordered_and_inserted(publisher):
    event = EventFactory()
    items = [AgendaItemFactory(event=event, position=n, title=f"Item {n}") for n in range(1, 7)]

    def insert():
        for item in reversed(items[2:]):
            item.position += 1
            item.full_clean()
            item.save()
        AgendaItemFactory(event=event, position=3, title="New", source=event.source)

    workflow.propose(event, by=publisher, edit=insert)
    workflow.publish(event, by=publisher)
    assert [one.title for one in event.items.all()] == [
        "Item 1", "Item 2", "New", "Item 3", "Item 4", "Item 5", "Item 6",
    ]  # fmt: skip


def test_two_items_swap_positions(publisher):
    event = EventFactory()
    one, two = AgendaItemFactory(event=event, position=1), AgendaItemFactory(event=event, position=2)

    def swap():
        for row, position in ((one, 99), (two, 1), (one, 2)):
            row.position = position
            row.full_clean()
            row.save()

    workflow.propose(event, by=publisher, edit=swap)
    workflow.publish(event, by=publisher)
    assert list(event.items.all()) == [two, one]


def test_new_parts_have_their_order_in_the_preview(publisher):
    person = PersonFactory()
    titles = [f"Post {letter}" for letter in "ABCDEF"]

    def edit():
        for title in titles:
            PostFactory(person=person, title=title, organisation=None, source=person.source)

    workflow.propose(person, by=publisher, edit=edit)
    workflow.propose(
        person,
        by=publisher,
        edit=lambda: PostFactory(person=person, title="Post G", organisation=None, source=person.source),
    )
    with pending_changes.viewing_with_pending_change(person):
        proposed = [one.title for one in person.posts.all()]
    workflow.publish(person, by=publisher)
    assert [one.title for one in person.posts.all()] == proposed == [*titles, "Post G"]
