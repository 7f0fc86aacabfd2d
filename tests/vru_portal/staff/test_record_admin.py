"""The forms and lists in which staff edit records: drafts, pending changes, conflicts."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from events.models import AgendaItem
from partners.models import LegalNotice, Publication, Unit
from programmes.models import Initiative, Story
from tests.support.admin_forms import admin_list_url, admin_url, form_data, submit_changes
from tests.support.crawler import text_of
from tests.support.factories import (
    AgendaItemFactory,
    EventFactory,
    InitiativeFactory,
    LegalNoticeFactory,
    OrganisationFactory,
    PostFactory,
    StoryFactory,
    UnitFactory,
)
from vru_portal.models import Pending
from vru_portal.publishing import pending_changes, workflow
from vru_portal.publishing.state import Publishable, State
from vru_portal.staff.records.admin import RecordAdmin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def test_the_state_of_a_record_is_not_in_its_form(staff):
    row = StoryFactory(state=State.DRAFT)
    response = submit_changes(staff, row, state="published", title="Snow")
    row.refresh_from_db()
    assert (row.title, row.state) == ("Snow", State.DRAFT)
    assert "saved as a draft" in text_of(response)


def test_an_edit_of_a_public_record_is_pending_and_shown_in_its_form(staff):
    row = StoryFactory(title="Rain")
    response = submit_changes(staff, row, title="Snow")
    assert "The public still sees" in text_of(response)
    row.refresh_from_db()
    assert row.title == "Rain"
    page = staff.get(admin_url(row))
    assert page.context["adminform"].form["title"].value() == "Snow"
    assert "saved by staff on" in text_of(page)
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message) == ("Rain", "Changes saved, to be published: title")
    submit_changes(staff, row, title="Rain")
    assert not Pending.objects.exists()


def test_the_list_shows_drafts_and_pending_changes(staff):
    row = StoryFactory(title="Rain")
    StoryFactory(title="Draft", state=State.DRAFT)
    submit_changes(staff, row, title="Snow")
    text = text_of(staff.get("/admin/programmes/story/"))
    assert "Everybody, with pending changes" in text
    assert "Staff only: a draft" in text
    assert staff.get("/admin/programmes/story/?waits=yes").context["cl"].result_count == 1
    assert "Rain" in text_of(staff.get("/admin/vru_portal/pending/"))


def test_parts_are_edited_with_their_record_also_those_that_are_new(staff):
    event = EventFactory()
    item = AgendaItemFactory(event=event, position=1, title="Opening")
    page = staff.get(admin_url(event))
    data = form_data(page)
    for name, value in {
        "title": "Song",
        "position": "2",
        "kind": "talk",
        "source": item.source_id,
        "as_at": "2031-01-01",
    }.items():
        data[f"items-1-{name}"] = value
    data |= {"items-TOTAL_FORMS": "2", "items-1-event": event.pk, "_continue": "1"}
    assert staff.post(admin_url(event), data).status_code == 302
    assert [one.title for one in event.items.all()] == ["Opening"]
    ((key, _),) = Pending.objects.get().changes["new"]
    new = reverse("admin:events_agendaitem_change", args=[key.partition(":")[2]])
    assert new in staff.get(admin_url(event)).text  # the link to what is new leads on
    page = staff.get(new)
    assert page.context["adminform"].form["title"].value() == "Song"
    assert staff.post(new, form_data(page) | {"title": "Two songs"}).status_code == 302
    assert [one.title for one in event.items.all()] == ["Opening"]
    workflow.publish(event, by=None)
    assert [one.title for one in event.items.all()] == ["Opening", "Two songs"]


def test_a_part_has_no_state_of_its_own_and_is_added_with_its_owner(staff):
    post = PostFactory()
    page = staff.get(admin_url(post))
    assert "Open" in text_of(page)
    assert "publish" not in [name for _, name in page.context["tools"]]
    assert staff.get(reverse("admin:partners_post_add")).status_code == 403
    assert staff.post(admin_url(post, "delete"), {"post": "yes"}).status_code == 403
    assert submit_changes(staff, post, title="Warden").status_code == 200
    post.refresh_from_db()
    assert post.title != "Warden"
    assert Pending.objects.get().record == post.person


@pytest.mark.parametrize("make", [UnitFactory, LegalNoticeFactory])
def test_edits_of_records_that_are_always_public_are_pending_too(staff, make):
    row = make() if make is LegalNoticeFactory else Unit.objects.get()
    name = "controller" if isinstance(row, LegalNotice) else "region"
    submit_changes(staff, row, **{name: "Elsewhere"})
    row.refresh_from_db()
    assert getattr(row, name) != "Elsewhere"
    assert "unpublish" not in str(staff.get(admin_url(row)).context["tools"])
    workflow.publish(row, by=None)
    row.refresh_from_db()
    assert getattr(row, name) == "Elsewhere"


def test_a_public_record_is_not_removed_and_a_draft_is(staff):
    public, draft = StoryFactory(), StoryFactory(state=State.DRAFT)
    assert staff.post(admin_url(public, "delete"), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [public.pk], "post": "yes"}
    staff.post("/admin/programmes/story/", action)
    assert Story.objects.filter(pk=public.pk).exists()
    assert staff.post(admin_url(draft, "delete"), {"post": "yes"}).status_code == 302
    assert not Story.objects.filter(pk=draft.pk).exists()


def test_an_invalid_form_keeps_its_input_and_saves_nothing(staff):
    row = StoryFactory(title="Rain")
    response = submit_changes(staff, row, title="Snow", summary="")
    assert "This field is required" in text_of(response)
    assert response.context["adminform"].form["title"].value() == "Snow"
    assert not Pending.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("state", State.values)
def test_two_people_who_edit_the_same_record_see_both_versions(staff, state):
    row = StoryFactory(title="Rain", summary="Wet.", state=state)
    opened = form_data(staff.get(admin_url(row)))
    submit_changes(staff, row, title="Hail")
    response = staff.post(admin_url(row), opened | {"title": "Snow", "summary": "White."})
    text = text_of(response)
    assert "staff saved this while you were editing" in text
    assert "Title Hail Snow" in text
    assert "Summary Wet. White." in text
    assert response.context["adminform"].form["title"].value() == "Snow"
    with pending_changes.viewing_with_pending_change(row):
        row.refresh_from_db()
        assert row.title == "Hail"
    again = form_data(response) | {"title": "Snow", "summary": "White."}
    assert staff.post(admin_url(row), again).status_code == 302
    with pending_changes.viewing_with_pending_change(row):
        row.refresh_from_db()
        assert (row.title, row.summary) == ("Snow", "White.")


def test_a_form_without_the_fingerprint_it_was_opened_with_saves_nothing(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    data = form_data(staff.get(admin_url(row))) | {"title": "Snow"}
    del data["seen"]
    assert staff.post(admin_url(row), data).status_code == 200
    row.refresh_from_db()
    assert row.title == "Rain"


def test_a_publication_in_the_meantime_is_a_conflict_too(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    opened = form_data(staff.get(admin_url(row)))
    workflow.publish(row, by=None)
    assert "Somebody else saved this" in text_of(staff.post(admin_url(row), opened | {"title": "Snow"}))


def test_saving_does_not_change_line_breaks(staff):
    row = StoryFactory(body="One.\n\nTwo.")
    submit_changes(staff, row, body="One.\r\n\r\nTwo.")  # as browsers send it
    assert not Pending.objects.exists()


def test_pending_changes_that_no_longer_apply_must_be_discarded_first(staff):
    row, body = InitiativeFactory(), OrganisationFactory()
    opened = form_data(staff.get(admin_url(row)))
    workflow.propose(row, by=None, edit=lambda: Initiative.objects.filter(pk=row.pk).update(lead_organisation=body))
    body.delete()
    assert "can no longer be applied" in text_of(staff.get(admin_url(row)))
    again = staff.post(admin_url(row), opened | {"summary": "Typed for long."})
    assert "can no longer be applied" in text_of(again)
    assert again.context["adminform"].form["summary"].value() == "Typed for long."
    page = staff.get(admin_url(row, "discard"))
    assert "is not a valid choice" in text_of(page) or "has been deleted" in text_of(page)
    read = page.context["form"]["seen"].value()
    assert staff.post(admin_url(row, "discard"), {"seen": read}).status_code == 302
    assert "can no longer be applied" not in text_of(staff.get(admin_url(row)))


def test_no_form_of_any_record_asks_for_its_state(staff):
    for model, records in admin.site._registry.items():
        if issubclass(model, Publishable):
            assert "state" not in staff.get(admin_list_url(model, "add")).context["adminform"].form.fields, model
            assert isinstance(records, RecordAdmin), model


def test_a_source_is_a_draft_until_somebody_publishes_it(staff):
    data = {"title": "A report", "slug": "a-report", "kind": "other", "published_on": "2031-05-06"}
    data["state"] = "published"
    assert staff.post(admin_list_url(Publication, "add"), data).status_code == 302
    assert Publication.objects.get(slug="a-report").state == State.DRAFT


@pytest.mark.parametrize("change", ["form", "part removed", "bulk"])
def test_any_later_change_cancels_a_scheduled_publication(staff, change):
    event = EventFactory(state=State.DRAFT)
    item = AgendaItemFactory(event=event)
    workflow.publish(event, by=None, at=timezone.now() + timedelta(days=1))
    if change == "form":
        submit_changes(staff, event, title="Later")
    elif change == "bulk":
        action = {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"}
        staff.post(admin_list_url(AgendaItem, "changelist"), action)
    else:
        staff.post(admin_url(item, "delete"), {"post": "yes"})
    assert not Pending.objects.exists()
    assert change == "form" or not AgendaItem.objects.exists()


def test_deleting_a_draft_cancels_its_scheduled_publication(staff):
    row = StoryFactory(state=State.DRAFT)
    workflow.publish(row, by=None, at=timezone.now() + timedelta(days=1))
    staff.post(admin_url(row, "delete"), {"post": "yes"})
    assert not Pending.objects.exists()
