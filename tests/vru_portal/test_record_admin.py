"""Staff edit what the public reads: drafts, changes that wait, previews, conflicts, history, the way back."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from events.models import AgendaItem, Event
from partners.models import LegalNotice, Organisation, Person, Post, Publication, Unit
from programmes.models import Initiative, Story
from tests.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    EventFactory,
    InitiativeFactory,
    LegalNoticeFactory,
    OrganisationFactory,
    PersonFactory,
    PictureFactory,
    PostFactory,
    StoryFactory,
    UnitFactory,
    furnish,
)
from tests.walk import Elements, text_of
from vru_portal import drafts
from vru_portal.models import Pending
from vru_portal.publishing import Publishable, State
from vru_portal.record_admin import RecordAdmin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def place(row, page="change"):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def filled(response) -> dict[str, object]:
    """Return what a browser would send of the form that a page shows, nothing changed."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, object] = {"seen": response.context.get("seen", "")}
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form[name].html_name] = value
    return data


@pytest.fixture
def unit():
    return UnitFactory()


@pytest.fixture
def staff(client, unit):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


def send(client, row, **changes):
    data = filled(client.get(place(row))) | changes
    return client.post(place(row), data, follow=True)


# Saving ---------------------------------------------------------------------------------------------------------------


def test_who_sees_a_record_is_no_field_of_its_form(staff):
    row = StoryFactory(state=State.DRAFT)
    response = send(staff, row, state="published", title="Snow")
    row.refresh_from_db()
    assert (row.title, row.state) == ("Snow", State.DRAFT)
    assert "saved as a draft" in text_of(response)


def test_a_public_record_stays_as_it_is_and_the_form_shows_the_change(staff):
    row = StoryFactory(title="Rain")
    response = send(staff, row, title="Snow")
    assert "The public still sees" in text_of(response)
    row.refresh_from_db()
    assert row.title == "Rain"
    page = staff.get(place(row))
    assert page.context["adminform"].form["title"].value() == "Snow"
    assert "saved by staff on" in text_of(page)
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message) == ("Rain", "Changes saved, to be published: title")
    send(staff, row, title="Rain")
    assert not Pending.objects.exists()


def test_the_list_says_who_sees_what(staff):
    row = StoryFactory(title="Rain")
    StoryFactory(title="Draft", state=State.DRAFT)
    send(staff, row, title="Snow")
    text = text_of(staff.get("/admin/programmes/story/"))
    assert "Everybody, a change waits" in text
    assert "Staff: a draft" in text
    assert staff.get("/admin/programmes/story/?waits=yes").context["cl"].result_count == 1
    assert "Rain" in text_of(staff.get("/admin/vru_portal/pending/"))


def test_parts_are_edited_with_their_record_also_those_that_are_new(staff):
    event = EventFactory()
    item = AgendaItemFactory(event=event, position=1, title="Opening")
    page = staff.get(place(event))
    data = filled(page)
    for name, value in {
        "title": "Song",
        "position": "2",
        "kind": "talk",
        "source": item.source_id,
        "as_at": "2031-01-01",
    }.items():
        data[f"items-1-{name}"] = value
    data |= {"items-TOTAL_FORMS": "2", "items-1-event": event.pk, "_continue": "1"}
    assert staff.post(place(event), data).status_code == 302
    assert [one.title for one in event.items.all()] == ["Opening"]
    ((key, _),) = Pending.objects.get().changes["new"]
    new = reverse("admin:events_agendaitem_change", args=[key.partition(":")[2]])
    assert new in staff.get(place(event)).text  # the link to what is new leads on
    page = staff.get(new)
    assert page.context["adminform"].form["title"].value() == "Song"
    assert staff.post(new, filled(page) | {"title": "Two songs"}).status_code == 302
    assert [one.title for one in event.items.all()] == ["Opening"]
    drafts.publish(event, by=None)
    assert [one.title for one in event.items.all()] == ["Opening", "Two songs"]


def test_a_part_has_no_state_of_its_own_and_is_added_with_its_owner(staff):
    post = PostFactory()
    page = staff.get(place(post))
    assert "Open" in text_of(page)
    assert "publish" not in [name for _, name in page.context["tools"]]
    assert staff.get(reverse("admin:partners_post_add")).status_code == 403
    assert staff.post(place(post, "delete"), {"post": "yes"}).status_code == 403
    assert send(staff, post, title="Warden").status_code == 200
    post.refresh_from_db()
    assert post.title != "Warden"
    assert Pending.objects.get().record == post.person


@pytest.mark.parametrize("make", [UnitFactory, LegalNoticeFactory])
def test_what_is_always_public_waits_too(staff, make):
    row = make() if make is LegalNoticeFactory else Unit.objects.get()
    name = "controller" if isinstance(row, LegalNotice) else "region"
    send(staff, row, **{name: "Elsewhere"})
    row.refresh_from_db()
    assert getattr(row, name) != "Elsewhere"
    assert "unpublish" not in str(staff.get(place(row)).context["tools"])
    drafts.publish(row, by=None)
    row.refresh_from_db()
    assert getattr(row, name) == "Elsewhere"


def test_a_public_record_is_not_removed_and_a_draft_is(staff):
    public, draft = StoryFactory(), StoryFactory(state=State.DRAFT)
    assert staff.post(place(public, "delete"), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [public.pk], "post": "yes"}
    staff.post("/admin/programmes/story/", action)
    assert Story.objects.filter(pk=public.pk).exists()
    assert staff.post(place(draft, "delete"), {"post": "yes"}).status_code == 302
    assert not Story.objects.filter(pk=draft.pk).exists()


def test_a_mistake_loses_nothing_and_keeps_nothing(staff):
    row = StoryFactory(title="Rain")
    response = send(staff, row, title="Snow", summary="")
    assert "This field is required" in text_of(response)
    assert response.context["adminform"].form["title"].value() == "Snow"
    assert not Pending.objects.exists()
    assert not LogEntry.objects.exists()


# Two people -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State.values)
def test_two_people_who_edit_the_same_record_see_both_versions(staff, state):
    row = StoryFactory(title="Rain", summary="Wet.", state=state)
    opened = filled(staff.get(place(row)))
    send(staff, row, title="Hail")
    response = staff.post(place(row), opened | {"title": "Snow", "summary": "White."})
    text = text_of(response)
    assert "staff saved this while you were editing" in text
    assert "Title Hail Snow" in text
    assert "Summary Wet. White." in text
    assert response.context["adminform"].form["title"].value() == "Snow"
    with drafts.viewing_proposed(row):
        row.refresh_from_db()
        assert row.title == "Hail"
    again = filled(response) | {"title": "Snow", "summary": "White."}
    assert staff.post(place(row), again).status_code == 302
    with drafts.viewing_proposed(row):
        row.refresh_from_db()
        assert (row.title, row.summary) == ("Snow", "White.")


def test_a_form_that_does_not_say_what_was_read_saves_nothing(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    data = filled(staff.get(place(row))) | {"title": "Snow"}
    del data["seen"]
    assert staff.post(place(row), data).status_code == 200
    row.refresh_from_db()
    assert row.title == "Rain"


def test_what_somebody_published_meanwhile_is_a_conflict_too(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    opened = filled(staff.get(place(row)))
    drafts.publish(row, by=None)
    assert "Somebody else saved this" in text_of(staff.post(place(row), opened | {"title": "Snow"}))


# Preview and publishing -----------------------------------------------------------------------------------------------


def test_the_preview_is_the_public_page_with_a_strip_and_is_kept_by_nobody(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    response = staff.get(place(row, "preview"))
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"
    page = Elements(response.text)
    assert "Preview. Only staff see this: Rain as it will be." in page.text
    assert ("h1", {"class": "long-name"}) in page.elements
    row.refresh_from_db()
    assert row.state == State.DRAFT
    assert row.history.count() == 1
    assert staff.get(row.get_absolute_url()).status_code == 404


def test_the_preview_shows_the_change_that_waits_where_the_public_will_see_it(client):
    furnish(1)
    staff = client
    staff.force_login(get_user_model().objects.create_superuser("staff"))
    fields: dict[Any, str] = {
        Unit: "slogan",
        Person: "biography",
        Initiative: "description",
        Organisation: "summary",
    }
    for model, name in fields.items():
        row = model.objects.filter(**({"state": State.PUBLISHED} if hasattr(model, "state") else {})).order_by("pk")[0]
        value = f"{row.slogan} SOON" if model is Unit else "SOON"
        send(staff, row, **{name: value})
        assert "SOON" in staff.get(place(row, "preview")).text, model
        assert "SOON" not in staff.get(row.public_address).text, model


def test_a_preview_that_would_be_no_page_says_what_is_missing(staff):
    row = InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice="", level__state=State.DRAFT)
    text = text_of(staff.get(place(row, "preview")))
    assert "No preview yet" in text
    assert "publish that level first" in text
    assert "safety notice" in text


def test_save_and_preview_leads_there(staff):
    row = StoryFactory()
    data = filled(staff.get(place(row))) | {"title": "Snow", "_preview": "1"}
    response = staff.post(place(row), data)
    assert response.headers["Location"] == place(row, "preview")
    data = filled(staff.get(place(row))) | {"title": "Hail", "_publish": "1"}
    assert staff.post(place(row), data).headers["Location"] == place(row, "publish")


def test_publishing_shows_what_changes_and_does_it_once(staff):
    row = StoryFactory(title="Rain")
    send(staff, row, title="Snow")
    page = staff.get(place(row, "publish"))
    assert "Title Rain Snow" in text_of(page)
    data = {"read": page.context["form"]["read"].value(), "publish_at_0": "", "publish_at_1": ""}
    assert "Published" in text_of(staff.post(place(row, "publish"), data, follow=True))
    row.refresh_from_db()
    assert row.title == "Snow"
    assert "there is nothing to publish" in text_of(staff.post(place(row, "publish"), data))
    assert row.history.count() == 2


def test_publishing_what_lacks_something_says_what_and_where(staff):
    row = InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice="")
    text = text_of(staff.get(place(row, "publish")))
    assert "This cannot be published yet." in text
    assert "A sensitive initiative needs a safety notice before it is published." in text


def test_publishing_is_a_permission_of_its_own(client, unit):
    row = StoryFactory(state=State.DRAFT)
    editor = get_user_model().objects.create_user("editor", is_staff=True)
    editor.user_permissions.add(*Permission.objects.filter(codename__in=["view_story", "change_story"]))
    client.force_login(editor)
    page = client.get(place(row))
    assert "Save, then publish" not in page.text
    assert [label for label, _ in page.context["tools"]] == ["Preview"]
    for step in ("publish", "unpublish"):
        assert client.post(place(row, step), {}).status_code == 403
    row.refresh_from_db()
    assert row.state == State.DRAFT


def test_changes_are_dropped_in_a_step_that_says_what_is_lost(staff):
    row = StoryFactory(title="Rain")
    send(staff, row, title="Snow")
    assert "Snow" in text_of(staff.get(place(row, "discard")))
    read = staff.get(place(row, "discard")).context["form"]["read"].value()
    assert "Changes dropped" in text_of(staff.post(place(row, "discard"), {"read": read}, follow=True))
    assert not Pending.objects.exists()
    assert staff.get(place(row)).context["adminform"].form["title"].value() == "Rain"


def test_unpublishing_takes_it_away(staff):
    row = StoryFactory()
    assert staff.get(row.get_absolute_url()).status_code == 200
    assert "Unpublished" in text_of(staff.post(place(row, "unpublish"), follow=True))
    assert staff.get(row.get_absolute_url()).status_code == 404


# History --------------------------------------------------------------------------------------------------------------


def test_the_history_says_who_changed_what_in_words(staff):
    body = OrganisationFactory(name="Rowers")
    row = InitiativeFactory(state=State.DRAFT, summary="Wet.", lead_organisation=None)
    send(staff, row, summary="White.", lead_organisation=body.pk, audiences=[])
    staff.post(place(row, "publish"), {"read": drafts.proposal_of(row).fingerprint})
    text = text_of(staff.get(place(row, "history")))
    assert "Changed by staff" in text
    assert "Summary Wet. White." in text
    assert "Delivered by nothing Rowers" in text
    assert "Published by staff" in text


def test_the_history_tells_of_parts_and_of_lists(staff):
    person = PersonFactory(state=State.DRAFT)
    post = PostFactory(person=person, title="Keeper")
    with time_machine.travel("2020-05-06", tick=False):
        row = InitiativeFactory(state=State.DRAFT)
    row.partners.add(OrganisationFactory(name="Rowers"))
    send(staff, person, **{"posts-0-title": "Warden"})
    text = text_of(staff.get(place(person, "history")))
    assert "post “Warden”: Changed" in text
    assert "Title Keeper Warden" in text
    assert Post.objects.get(pk=post.pk).title == "Warden"
    assert "Partners nothing Rowers" in text_of(staff.get(place(row, "history")))


@pytest.mark.parametrize("state", State.values)
def test_an_earlier_version_is_brought_back_through_the_same_rules(staff, state):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    send(staff, row, title="Snow")
    if state == State.PUBLISHED:
        drafts.publish(row, by=None)
    (address,) = re.findall(r'href="([^"]*/history/\d+/)"', staff.get(place(row, "history")).text)[-1:]
    assert "Title Snow Rain" in text_of(staff.get(address))
    response = staff.post(address, follow=True)
    row.refresh_from_db()
    if state == State.DRAFT:
        assert row.title == "Rain"
        assert row.state == State.DRAFT
    else:
        assert "It waits to be published" in text_of(response)
        assert row.title == "Snow"
        assert [one.after for one in drafts.differences(row)] == ["Rain"]


def test_a_version_that_no_rule_allows_any_more_stays_where_it_is(staff):
    row = OrganisationFactory(name="Rowers", state=State.DRAFT)
    first = row.history.get()
    send(staff, row, name="Sailors")
    OrganisationFactory(name="Rowers")
    response = staff.post(reverse("admin:partners_organisation_revert", args=[row.pk, first.history_id]))
    assert response.status_code == 422
    assert "already exists" in text_of(response)
    assert staff.get(reverse("admin:partners_organisation_revert", args=[row.pk, 987654])).status_code == 404


def test_an_event_with_its_items_and_appearances_tells_of_all(staff):
    event = EventFactory(state=State.DRAFT)
    item = AgendaItemFactory(event=event, title="Opening")
    AppearanceFactory(item=item, description="A song")
    assert Event.objects.filter(pk=event.pk).exists()
    text = text_of(staff.get(place(event, "history")))
    assert "agenda item “Opening”: Created" in text
    assert "appearance “A song”: Created" in text


def test_the_history_of_a_part_is_told_once_it_has_been_published(staff):
    item = AgendaItemFactory(title="Opening")
    send(staff, item, title="Song")
    drafts.publish(item.event, by=None)
    text = text_of(staff.get(place(item, "history")))
    assert "Title Opening Song" in text
    assert "Bring this version back" not in text  # which is done for the event as a whole


def test_who_may_not_publish_reads_what_waits_and_is_offered_nothing_more(client, unit):
    row = StoryFactory(title="Rain")
    drafts.propose(row, by=None, edit=lambda: Story.objects.filter(pk=row.pk).update(title="Snow"))
    reader = get_user_model().objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_story"))
    client.force_login(reader)
    page = client.get(place(row))
    assert "Title Rain Snow" in text_of(page)
    assert "/publish/" not in page.text
    preview = client.get(place(row, "preview"))
    assert "/publish/" not in preview.text


def test_saving_changes_no_end_of_a_line_that_nobody_touched(staff):
    row = StoryFactory(body="One.\n\nTwo.")
    send(staff, row, body="One.\r\n\r\nTwo.")  # as browsers send it
    assert not Pending.objects.exists()


def test_the_preview_of_a_picture_shows_it_with_its_words(staff):
    row = PictureFactory(alternative_text="A path in snow")
    page = staff.get(place(row, "preview"))
    assert 'alt="A path in snow"' in page.text
    assert staff.get(place(row, "preview") + "?file=1").headers["Content-Type"].startswith("image/")


def test_a_preview_says_what_must_be_mended_first(staff):
    row = StoryFactory(state=State.DRAFT, picture=PictureFactory(state=State.DRAFT))
    assert "publish that picture first" in text_of(staff.get(place(row, "preview")))


def test_a_change_that_cannot_be_made_any_more_is_dropped_before_others_are_saved(staff):
    row, body = InitiativeFactory(), OrganisationFactory()
    opened = filled(staff.get(place(row)))
    drafts.propose(row, by=None, edit=lambda: Initiative.objects.filter(pk=row.pk).update(lead_organisation=body))
    body.delete()
    assert "cannot be made any more" in text_of(staff.get(place(row)))
    again = staff.post(place(row), opened | {"summary": "Typed for long."})
    assert "cannot be made any more" in text_of(again)
    assert again.context["adminform"].form["summary"].value() == "Typed for long."
    page = staff.get(place(row, "discard"))
    assert "is not a valid choice" in text_of(page) or "is there no longer" in text_of(page)
    read = page.context["form"]["read"].value()
    assert staff.post(place(row, "discard"), {"read": read}).status_code == 302
    assert "cannot be made" not in text_of(staff.get(place(row)))


def test_no_form_of_any_record_asks_who_sees_it(staff):
    for model, records in admin.site._registry.items():
        if issubclass(model, Publishable):
            assert "state" not in staff.get(place_of(model, "add")).context["adminform"].form.fields, model
            assert isinstance(records, RecordAdmin), model


def place_of(model, page):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


def test_a_source_is_a_draft_until_somebody_publishes_it(staff):
    data = {"title": "A report", "slug": "a-report", "published_on": "2031-05-06", "state": "published"}
    assert staff.post(place_of(Publication, "add"), data).status_code == 302
    assert Publication.objects.get(slug="a-report").state == State.DRAFT


@pytest.mark.parametrize("change", ["form", "part removed", "bulk"])
def test_a_day_that_was_set_is_taken_back_by_any_later_change(staff, change):
    event = EventFactory(state=State.DRAFT)
    item = AgendaItemFactory(event=event)
    drafts.publish(event, by=None, at=timezone.now() + timedelta(days=1))
    if change == "form":
        send(staff, event, title="Later")
    elif change == "bulk":
        action = {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"}
        staff.post(place_of(AgendaItem, "changelist"), action)
    else:
        staff.post(place(item, "delete"), {"post": "yes"})
    assert not Pending.objects.exists()
    assert change == "form" or not AgendaItem.objects.exists()


def test_what_waits_for_a_draft_goes_with_it(staff):
    row = StoryFactory(state=State.DRAFT)
    drafts.publish(row, by=None, at=timezone.now() + timedelta(days=1))
    staff.post(place(row, "delete"), {"post": "yes"})
    assert not Pending.objects.exists()


def test_what_was_not_read_is_not_dropped(staff):
    row = StoryFactory(title="Rain")
    send(staff, row, title="Snow")
    read = staff.get(place(row, "discard")).context["form"]["read"].value()
    send(staff, row, title="Hail")
    assert "Somebody changed this" in text_of(staff.post(place(row, "discard"), {"read": read}))
    assert [one.after for one in drafts.differences(row)] == ["Hail"]


def test_the_history_says_which_part_was_added_and_which_removed(staff):
    person = PersonFactory()
    old = PostFactory(person=person, title="Keeper")
    kept = {"source": old.source, "organisation": None}

    def edit():
        old.delete()
        PostFactory(person=person, title="Warden", **kept)

    drafts.propose(person, by=None, edit=edit)
    drafts.publish(person, by=None)
    text = text_of(staff.get(place(person, "history")))
    assert "post “Keeper”: Removed. Published" in text
    assert "post “Warden”: Created. Published" in text
