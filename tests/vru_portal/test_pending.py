"""Changes that wait: the public's pages stay byte for byte as they are until they are published, then swap at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from events.models import AgendaItem, Appearance, Event
from partners.models import ContactPoint, LegalNotice, Organisation, Person, Post, Publication, Unit
from programmes.models import Initiative, PreventionLevel, Story
from tests.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    AudienceFactory,
    EventFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    PublicationFactory,
    StoryFactory,
    UnitFactory,
    UserFactory,
    furnish,
)
from tests.vru_portal.canaries import RECORDS, canaries, edit_everything
from tests.vru_portal.test_meta import APPS
from tests.walk import walk
from vru_portal import drafts
from vru_portal.models import Pending
from vru_portal.publishing import Part, Publishable, State

pytestmark = [pytest.mark.usefixtures("history"), pytest.mark.django_db, pytest.mark.xdist_group("walks")]

PARTS: list[Any] = [
    model for label in APPS for model in apps.get_app_config(label).get_models()
    if issubclass(model, Part) and not model.__name__.startswith("Historical")
]  # fmt: skip


@pytest.fixture
def editor():
    return UserFactory()


@pytest.fixture
def publisher(editor):
    editor.user_permissions.add(Permission.objects.get(codename="publish"))
    return get_user_model().objects.get(pk=editor.pk)


def content(response) -> bytes:
    """Return all of an answer but the token that each form has anew."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)


# What takes no canary: colours, an identifier on a list, the second of two voices.
REFUSED = {
    ("partners.organisation", "org_id"),
    ("partners.statement", "body_name"),
    ("partners.unit", "colour_ink"),
    ("partners.unit", "colour_accent"),
}


@pytest.mark.once
def test_a_change_that_waits_alters_no_byte_of_anything_public(client, editor):
    furnish(2)
    with time_machine.travel(timezone.now(), tick=False):  # files say when they were made
        before = walk(client)
        found = edit_everything(editor)
        after = walk(client)
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
def test_published_it_swaps_at_once_and_unpublished_it_is_gone_at_once(client, editor):
    furnish(1)
    story = Story.objects.get()
    drafts.propose(story, by=editor, edit=lambda: Story.objects.filter(pk=story.pk).update(title="CANARY title"))
    address = story.get_absolute_url()
    assert "CANARY" not in client.get(address).text
    drafts.publish(story, by=editor)
    assert "CANARY title" in client.get(address).text
    assert "CANARY title" in client.get("/news/").text
    drafts.propose(story, by=editor, edit=lambda: Story.objects.filter(pk=story.pk).update(title="CANARY later"))
    drafts.unpublish(story, by=editor)
    answers = walk(client, address)
    assert answers[address].status_code == 404
    assert [a for a, response in answers.items() if "CANARY" in response.text] == []
    story.refresh_from_db()
    assert (story.state, story.title) == (State.DRAFT, "CANARY later")  # nothing that was written is lost
    assert not Pending.objects.exists()


def could_be_unpublished(root) -> bool:
    try:
        with drafts.undone():
            drafts.unpublish(root, by=None)
    except ValidationError:
        return False
    return True


@pytest.mark.once
def test_a_second_after_unpublishing_no_answer_holds_a_word_of_it(client, editor):
    furnish(2)
    # ones from which nothing that is public is taken, and against which no money is recorded
    PublicationFactory()
    InitiativeFactory(level=LevelFactory())
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
            for row in [*drafts.members(root)]:
                canaries(row)
                row.save()

        drafts.propose(root, by=editor, edit=edit)
        drafts.publish(root, by=editor)
    shown = walk(client)
    assert len([address for address, answer in shown.items() if "canary" in answer.text.lower()]) > 40
    for root in roots:
        drafts.unpublish(type(root)._default_manager.get(pk=root.pk), by=editor)
    answers = walk(client, *shown)
    found = []
    for address, answer in answers.items():
        asked = "canary" in address.partition("?")[2].lower()  # which a page says back
        if not asked and "canary" in answer.text.lower().replace(address.lower(), ""):
            found.append(address)
    assert found == []


# What is kept ---------------------------------------------------------------------------------------------------------


def set_title(row, **values):
    """Return what changes a record's values, as a form does."""

    def edit():
        fresh = type(row)._default_manager.get(pk=row.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        fresh.full_clean()
        fresh.save()

    return edit


def test_a_draft_is_changed_at_once_and_with_history(editor):
    draft = StoryFactory(state=State.DRAFT)
    assert drafts.propose(draft, by=editor, edit=set_title(draft, title="Snow")) is False
    draft.refresh_from_db()
    assert draft.title == "Snow"
    assert draft.history.count() == 2
    assert not Pending.objects.exists()


def test_changes_add_up_and_what_is_put_back_waits_no_more(editor):
    row = StoryFactory(title="Rain", summary="Wet.")
    drafts.propose(row, by=editor, edit=set_title(row, title="Snow"))
    drafts.propose(row, by=editor, edit=set_title(row, summary="White."))
    (waiting,) = Pending.objects.all()
    assert waiting.changes == {"set": [[f"programmes.story:{row.pk}", {"title": "Snow", "summary": "White."}]]}
    assert [(one.what, one.before, one.after) for one in drafts.differences(row)] == [
        ("title", "Rain", "Snow"),
        ("summary", "Wet.", "White."),
    ]
    drafts.propose(row, by=editor, edit=set_title(row, title="Rain", summary="Wet."))
    assert not Pending.objects.exists()
    assert row.history.count() == 1


def test_only_what_differs_is_kept_so_another_change_of_another_field_stands(editor):
    row = StoryFactory(title="Rain", summary="Wet.")
    drafts.propose(row, by=editor, edit=set_title(row, title="Snow"))
    set_title(row, summary="Very wet.")()
    drafts.publish(row, by=editor)
    row.refresh_from_db()
    assert (row.title, row.summary) == ("Snow", "Very wet.")
    last = row.history.first()
    assert (last.history_user, last.history_change_reason) == (editor, "Published")


def test_lists_of_relations_wait_too(editor):
    row, audience = InitiativeFactory(), AudienceFactory(name="Swimmers")
    row.audiences.add(AudienceFactory(name="Walkers"))
    drafts.propose(row, by=editor, edit=lambda: row.audiences.set([audience]))
    assert [str(one) for one in row.audiences.all()] == ["Walkers"]
    assert [(one.what, one.before, one.after) for one in drafts.differences(row)] == [
        ("audiences", "Walkers", "Swimmers")
    ]
    drafts.publish(row, by=editor)
    assert [str(one) for one in row.audiences.all()] == ["Swimmers"]


def test_parts_are_added_changed_and_removed_with_their_record(editor):
    event = EventFactory()
    kept, gone = AgendaItemFactory(event=event, position=1), AgendaItemFactory(event=event, position=2)
    person = PersonFactory()
    post = PostFactory(person=person, organisation=None)
    numbers_before = [kept.pk, gone.pk]

    def edit():
        gone.delete()
        set_title(kept, title="Opening")()
        new = AgendaItemFactory(event=event, position=5, title="Song", source=event.source)
        AppearanceFactory(item=new, person=person, post=post, source=event.source)

    drafts.propose(event, by=editor, edit=edit)
    assert list(event.items.values_list("pk", flat=True)) == numbers_before
    # as the form of the same change sees it, and once more, so that what is new keeps its number
    with drafts.viewing_proposed(event):
        numbers = list(event.items.values_list("pk", flat=True))
        assert list(event.items.values_list("title", flat=True)) == ["Opening", "Song"]
    assert numbers[1] >= drafts.PLACEHOLDERS
    drafts.propose(event, by=editor, edit=set_title(AgendaItem(pk=numbers[1]), title="Two songs"))
    with drafts.viewing_proposed(event):
        assert list(event.items.values_list("pk", flat=True)) == numbers
    drafts.publish(event, by=editor)
    assert list(event.items.values_list("title", flat=True)) == ["Opening", "Two songs"]
    assert max(event.items.values_list("pk", flat=True)) < drafts.PLACEHOLDERS
    assert [str(one.person) for one in event.items.last().appearances.all()] == [str(person)]


def test_what_is_proposed_obeys_every_rule_and_nothing_is_kept_of_what_does_not(editor):
    row = OrganisationFactory(name="Rowers")
    OrganisationFactory(name="Sailors")
    with pytest.raises(ValidationError, match="already exists"):
        drafts.propose(row, by=editor, edit=set_title(row, name="Sailors"))
    assert not Pending.objects.exists()


def test_what_somebody_took_meanwhile_is_said_when_it_is_published(editor):
    row = OrganisationFactory(name="Rowers")
    drafts.propose(row, by=editor, edit=set_title(row, name="Sailors"))
    OrganisationFactory(name="Sailors")
    with pytest.raises(ValidationError, match="already exists"):
        drafts.publish(row, by=editor)
    row.refresh_from_db()
    assert row.name == "Rowers"
    assert Pending.objects.count() == 1


def test_what_a_change_names_and_is_gone_is_said(editor):
    row, body = InitiativeFactory(), OrganisationFactory()
    drafts.propose(row, by=editor, edit=set_title(row, lead_organisation=body))
    body.delete()
    assert drafts.obstacles(row)
    with pytest.raises(ValidationError):
        drafts.publish(row, by=editor)


# Publishing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StoryFactory(state=State.DRAFT, source=PublicationFactory(state=State.DRAFT)), "source: “"),
        (lambda: InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice=""), "safety notice"),
        (lambda: InitiativeFactory(state=State.DRAFT, level__state=State.DRAFT), "level: "),
    ],
)
def test_what_is_missing_is_said_with_its_place(editor, make, said):
    row = make()
    assert any(said in one for one in drafts.obstacles(row)), drafts.obstacles(row)
    with pytest.raises(ValidationError, match=said):
        drafts.publish(row, by=editor)
    row.refresh_from_db()
    assert row.state == State.DRAFT


def test_a_source_of_what_is_public_is_not_unpublished(editor):
    source = PublicationFactory()
    story = StoryFactory(source=source, state=State.DRAFT)
    drafts.unpublish(source, by=editor)
    drafts.publish(source, by=editor)
    drafts.publish(story, by=editor)
    with pytest.raises(ValidationError, match="give them another source first"):
        drafts.unpublish(source, by=editor)


def test_a_part_that_lacks_something_keeps_its_record_back(editor):
    person = PersonFactory(state=State.DRAFT)
    post = PostFactory(person=person, title="Keeper", organisation=None, source=PublicationFactory(state=State.DRAFT))
    (said,) = drafts.obstacles(person)
    assert str(post) in said
    assert "publish that source first" in said


def test_what_was_read_is_what_is_published(editor):
    row = StoryFactory(title="Rain")
    drafts.propose(row, by=editor, edit=set_title(row, title="Snow"))
    read = drafts.proposal_of(row).fingerprint
    drafts.propose(row, by=editor, edit=set_title(row, title="Hail"))
    with pytest.raises(ValidationError, match="changed this while you read"):
        drafts.publish(row, by=editor, read=read)
    drafts.publish(row, by=editor, read=drafts.proposal_of(row).fingerprint)


def test_on_a_day_that_was_set_it_is_published_by_the_timer(client, publisher):
    editor = publisher
    furnish(1)
    draft = StoryFactory(state=State.DRAFT, title="Tomorrow")
    public = Story.objects.exclude(pk=draft.pk).get()
    drafts.propose(public, by=editor, edit=set_title(public, title="Changed tomorrow"))
    at = timezone.now() + timedelta(days=1)
    drafts.publish(draft, by=editor, at=at)
    drafts.publish(public, by=editor, at=at)
    assert drafts.publish_due() == 0
    assert "omorrow" not in client.get("/news/").text
    with time_machine.travel(at + timedelta(seconds=1), tick=False):
        assert drafts.publish_due() == 2
        text = client.get("/news/").text
        assert drafts.publish_due() == 0
    assert "Tomorrow" in text
    assert "Changed tomorrow" in text
    assert not Pending.objects.exists()


def test_a_day_that_is_over_is_refused(editor):
    with pytest.raises(ValidationError, match="This moment is over"):
        drafts.publish(StoryFactory(state=State.DRAFT), by=editor, at=timezone.now())


def test_what_is_changed_after_a_day_was_set_is_decided_anew(editor):
    draft, public = StoryFactory(state=State.DRAFT), StoryFactory()
    drafts.propose(public, by=editor, edit=set_title(public, title="Snow"))
    at = timezone.now() + timedelta(days=1)
    for row in (draft, public):
        drafts.publish(row, by=editor, at=at)
        drafts.propose(row, by=editor, edit=set_title(row, title="Never read by who set the day"))
    with time_machine.travel(at + timedelta(days=1), tick=False):
        assert drafts.publish_due() == 0


def test_what_cannot_be_published_on_its_day_keeps_its_reason(publisher):
    editor = publisher
    draft = StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(days=1)
    drafts.publish(draft, by=editor, at=at)
    Publication.objects.filter(pk=draft.source_id).update(state=State.DRAFT)
    with time_machine.travel(at, tick=False):
        assert drafts.publish_due() == 0
        assert drafts.publish_due() == 0
    assert "is a draft" in Pending.objects.get().fault


def test_a_preview_or_a_proposal_leaves_no_trace_when_the_transaction_ends(editor):
    row = StoryFactory(title="Rain")
    with transaction.atomic(), drafts.editing_proposed(row):
        set_title(row, title="Snow")()
    row.refresh_from_db()
    assert (row.title, row.history.count()) == ("Rain", 1)


def test_parts_belong_to_the_record_that_is_published():
    assert set(PARTS) == {Post, ContactPoint, AgendaItem, Appearance}
    assert {LegalNotice, Organisation, Initiative, PreventionLevel, Unit, Person, Event, Publication} <= set(RECORDS)
    owned = {model._meta.get_field(name).related_model for model in [*RECORDS, *PARTS] for name in model.parts}
    assert owned == set(PARTS)


# Places, order, and the timer ----------------------------------------------------------------------------------------


def test_an_agenda_is_reordered_and_added_to_in_the_middle(editor):
    event = EventFactory()
    items = [AgendaItemFactory(event=event, position=n, title=f"Item {n}") for n in range(1, 7)]

    def insert():
        for item in reversed(items[2:]):
            item.position += 1
            item.full_clean()
            item.save()
        AgendaItemFactory(event=event, position=3, title="New", source=event.source)

    drafts.propose(event, by=editor, edit=insert)
    drafts.publish(event, by=editor)
    assert [one.title for one in event.items.all()] == [
        "Item 1", "Item 2", "New", "Item 3", "Item 4", "Item 5", "Item 6",
    ]  # fmt: skip


def test_two_items_swap_places(editor):
    event = EventFactory()
    one, two = AgendaItemFactory(event=event, position=1), AgendaItemFactory(event=event, position=2)

    def swap():
        for row, position in ((one, 99), (two, 1), (one, 2)):
            row.position = position
            row.full_clean()
            row.save()

    drafts.propose(event, by=editor, edit=swap)
    drafts.publish(event, by=editor)
    assert list(event.items.all()) == [two, one]


def test_new_parts_stand_in_the_preview_as_they_will_stand(editor):
    person = PersonFactory()
    titles = [f"Post {letter}" for letter in "ABCDEF"]

    def edit():
        for title in titles:
            PostFactory(person=person, title=title, organisation=None, source=person.source)

    drafts.propose(person, by=editor, edit=edit)
    drafts.propose(
        person,
        by=editor,
        edit=lambda: PostFactory(person=person, title="Post G", organisation=None, source=person.source),
    )
    with drafts.viewing_proposed(person):
        proposed = [one.title for one in person.posts.all()]
    drafts.publish(person, by=editor)
    assert [one.title for one in person.posts.all()] == proposed == [*titles, "Post G"]


def test_the_timer_publishes_nothing_that_was_changed_or_dropped_after_it_looked(publisher, monkeypatch):
    first, second, third = (StoryFactory(state=State.DRAFT) for _ in range(3))
    at = timezone.now() + timedelta(hours=1)
    for row in (first, second, third):
        drafts.publish(row, by=publisher, at=at)
    publish = drafts.publish

    def slowly(root, **options):
        publish(root, **options)
        drafts.propose(second, by=None, edit=set_title(second, title="Unread"))
        drafts.discard(third)

    monkeypatch.setattr(drafts, "publish", slowly)
    with time_machine.travel(at, tick=False):
        drafts.publish_due()
    assert [Story.objects.get(pk=row.pk).state for row in (first, second, third)] == ["published", "draft", "draft"]


def test_a_day_that_was_set_by_somebody_who_may_publish_no_more_does_not_count(publisher):
    row = StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(hours=1)
    drafts.publish(row, by=publisher, at=at)
    get_user_model().objects.filter(pk=publisher.pk).update(is_active=False)
    with time_machine.travel(at, tick=False):
        assert drafts.publish_due() == 0
    assert "may not publish any more" in Pending.objects.get().fault


def test_one_record_that_fails_keeps_no_other_from_being_published(publisher, monkeypatch):
    first, second = StoryFactory(state=State.DRAFT), StoryFactory(state=State.DRAFT)
    at = timezone.now() + timedelta(hours=1)
    for row in (first, second):
        drafts.publish(row, by=publisher, at=at)
    publish = drafts.publish

    def failing(root, **options):
        if root.pk == first.pk:
            raise KeyError("a field that is gone")
        publish(root, **options)

    monkeypatch.setattr(drafts, "publish", failing)
    with time_machine.travel(at, tick=False):
        assert drafts.publish_due() == 1
    assert "by hand" in Pending.objects.get().fault


def test_the_units_own_body_is_not_unpublished(editor):
    unit = UnitFactory()
    with pytest.raises(ValidationError, match="bears its name"):
        drafts.unpublish(unit.organisation, by=editor)
