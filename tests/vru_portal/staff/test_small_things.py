"""What staff see: things are named, linked and counted, and no sentence is left unfinished."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.formats import time_format

from tests.support.admin_forms import admin_list_url, admin_url
from tests.support.crawler import text_of
from tests.support.factories import AudienceFactory, InitiativeFactory, StoryFactory, UserFactory
from vru_portal.publishing import workflow
from vru_portal.publishing.state import Part, Record, State
from vru_portal.text.fields import CountField, SmallCountField

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_no_plural_is_chosen_from_words_with_a_comma():
    wrong = [
        f"{path.relative_to(settings.BASE_DIR)}: {words}"
        for folder in ("templates", "vru_portal", "partners", "programmes", "funding", "events")
        for path in (settings.BASE_DIR / folder).rglob("*")
        if path.suffix in (".html", ".txt", ".py")
        for words in re.findall(r"pluralize:\s*[\"']([^\"']*)[\"']", path.read_text())
        if words.count(",") > 1
    ]
    assert wrong == []


def test_a_list_names_the_day_on_which_a_draft_is_to_be_published(staff):
    story = StoryFactory(state=State.DRAFT)
    by = get_user_model().objects.get()
    workflow.publish(story, by=by, at=timezone.now() + timedelta(days=3))
    assert "Staff only: a draft, to be published on " in staff.get(admin_list_url(type(story))).text


def test_who_has_published_something_is_led_to_its_page(staff):
    story = StoryFactory(state=State.DRAFT)
    address = admin_url(story, "publish")
    seen = staff.get(address).context["form"]["seen"].value()
    page = staff.post(address, {"seen": seen, "publish_at_0": "", "publish_at_1": ""}, follow=True)
    (message,) = page.context["messages"]
    assert f'href="{story.get_absolute_url()}"' in str(message)


def test_the_page_that_deletes_names_no_rows_that_only_link_records(staff):
    initiative = InitiativeFactory(state=State.DRAFT)
    initiative.audiences.add(AudienceFactory())
    page = staff.get(admin_url(initiative, "delete"))
    assert page.status_code == 200
    assert "object (" not in page.text
    assert "relationship" not in page.text


def test_every_record_is_found_by_the_search_over_everything():
    unsearchable = [
        model._meta.label
        for model, own in admin.site._registry.items()
        if issubclass(model, Record | Part) and not own.search_fields
    ]
    assert unsearchable == []


def test_changes_are_filtered_by_person_and_week(staff):
    one, other = get_user_model().objects.get(), get_user_model().objects.create_user("other", is_staff=True)
    for user, title, days in ((one, "Rain", 1), (other, "Snow", 1), (one, "Fog", 9)):
        story = StoryFactory(title=title)
        story._history_user = user
        story.save()
        story.history.all().update(history_user=user, history_date=timezone.now() - timedelta(days=days))

    def shown(**query):
        changes = staff.get("/admin/changes/", query).context["changes"]
        return {change.record_name for change in changes if change.record_name in ("Rain", "Snow", "Fog")}

    assert shown() == {"Rain", "Snow", "Fog"}
    assert shown(who=other.pk) == {"Snow"}
    assert shown(week=2) == {"Fog"}
    assert shown(who=one.pk, week=1) == {"Rain"}
    assert shown(who="x", week="y") == {"Rain", "Snow", "Fog"}


def test_the_menu_starts_with_what_staff_use_every_day(staff):
    apps = {app["app_label"]: app["models"] for app in staff.get("/admin/").context["app_list"]}
    assert [models[0]["object_name"] for models in apps.values()][:5] == [
        "Story", "Return", "Person", "Event", "Payment"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "opened"), [("Editor", "programmes"), ("Finance", "funding"), ("Auditor", "programmes")]
)
def test_the_menu_opens_at_what_somebody_works_on(role, opened, client, unit):
    user = get_user_model().objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    apps = client.get("/admin/").context["app_list"]
    assert [app["app_label"] for app in apps if app["opened"]] == [opened]


def test_times_are_written_by_the_24_hour_clock_and_days_as_everywhere_else(unit):
    at = datetime(2031, 7, 10, 11, 58, tzinfo=UTC)
    assert [display_for_value(moment, "-") for moment in (at, at + timedelta(minutes=2))] == [
        "10 July 2031, 12:58",
        "10 July 2031, 13:00",
    ]
    assert display_for_value(at.date(), "-") == "10 July 2031"
    assert time_format(time(12)) == "12:00"


@pytest.mark.parametrize(("role", "told"), [("Editor", True), ("Publisher", False)])
def test_only_those_who_can_change_a_record_are_told_what_happens_to_their_changes(client, unit, role, told):
    story = StoryFactory(state=State.PUBLISHED)
    user = UserFactory()
    user.groups.set(Group.objects.filter(name=role))
    client.force_login(user)
    page = text_of(client.get(admin_url(story)))
    assert "The public sees this." in page
    assert ("Your changes stay pending until they are published." in page) is told


def test_a_count_is_typed_into_a_box_that_keeps_its_commas(rf):
    request = rf.get("/")
    request.user = UserFactory(is_superuser=True)
    fields = [
        staff.formfield_for_dbfield(field, request)
        for model, staff in admin.site._registry.items()
        for field in model._meta.fields
        if isinstance(field, CountField | SmallCountField) and field.editable
    ]
    assert len(fields) > 3
    assert {field.widget.input_type for field in fields if field} == {"text"}
