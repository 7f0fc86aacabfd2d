"""Staff preview, publish, unpublish and discard changes on pages of their own."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection

from partners.models import Organisation, Person, Unit
from programmes.models import Initiative, Story
from tests.support.admin_forms import admin_url, form_data, submit_changes
from tests.support.crawler import Elements, text_of
from tests.support.factories import (
    InitiativeFactory,
    PictureFactory,
    StoryFactory,
    make_everything,
)
from vru_portal.models import Pending
from vru_portal.publishing import pending_changes, workflow
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def test_the_preview_is_the_public_page_with_a_strip_and_is_not_cached(staff):
    row = StoryFactory(title="Rain", state=State.DRAFT)
    response = staff.get(admin_url(row, "preview"))
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"
    page = Elements(response.text)
    assert "Preview. Only staff can see this page. It shows Rain as it will be published." in page.text
    assert any(tag == "h1" and attrs.get("class") == "long-name" for tag, attrs in page.elements)
    row.refresh_from_db()
    assert row.state == State.DRAFT
    assert row.history.count() == 1
    assert staff.get(row.get_absolute_url()).status_code == 404


def test_the_preview_shows_the_pending_change_where_the_public_will_see_it(client):
    make_everything(1)
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
        submit_changes(staff, row, **{name: value})
        assert "SOON" in staff.get(admin_url(row, "preview")).text, model
        assert "SOON" not in staff.get(row.public_address).text, model


def test_a_preview_says_what_is_missing_whether_or_not_the_database_can_show_the_page(staff):
    row = InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice="", level__state=State.DRAFT)
    text = text_of(staff.get(admin_url(row, "preview")))
    assert ("No preview yet" in text) is (connection.vendor == "sqlite")  # whose copies of tables keep constraints
    assert "safety notice" in text
    assert "Publish that level first" not in text  # it can be published together with this


def test_save_and_preview_leads_there(staff):
    row = StoryFactory()
    data = form_data(staff.get(admin_url(row))) | {"title": "Snow", "_preview": "1"}
    response = staff.post(admin_url(row), data)
    assert response.headers["Location"] == admin_url(row, "preview")
    data = form_data(staff.get(admin_url(row))) | {"title": "Hail", "_publish": "1"}
    assert staff.post(admin_url(row), data).headers["Location"] == admin_url(row, "publish")


def test_publishing_shows_what_changes_and_does_it_once(staff):
    row = StoryFactory(title="Rain")
    submit_changes(staff, row, title="Snow")
    page = staff.get(admin_url(row, "publish"))
    assert "Title Rain Snow" in text_of(page)
    data = {"seen": page.context["form"]["seen"].value(), "publish_at_0": "", "publish_at_1": ""}
    assert "Published" in text_of(staff.post(admin_url(row, "publish"), data, follow=True))
    row.refresh_from_db()
    assert row.title == "Snow"
    assert "There is nothing to publish." in text_of(staff.post(admin_url(row, "publish"), data))
    assert row.history.count() == 2


def test_publishing_says_what_blocks_it(staff):
    row = InitiativeFactory(state=State.DRAFT, sensitive_topic="Storms", safety_notice="")
    text = text_of(staff.get(admin_url(row, "publish")))
    assert "This cannot be published yet." in text
    assert "A sensitive initiative needs a safety notice before it is published." in text


def test_publishing_is_a_permission_of_its_own(client, unit):
    row = StoryFactory(state=State.DRAFT)
    editor = get_user_model().objects.create_user("editor", is_staff=True)
    editor.user_permissions.add(*Permission.objects.filter(codename__in=["view_story", "change_story"]))
    client.force_login(editor)
    page = client.get(admin_url(row))
    assert "Save, then publish" not in page.text
    assert [label for label, _ in page.context["tools"]] == ["Ready to publish", "Preview"]
    for action in ("publish", "unpublish", "send-back", "cancel-date"):
        assert client.post(admin_url(row, action), {}).status_code == 403
    row.refresh_from_db()
    assert row.state == State.DRAFT


def test_discarding_pending_changes_shows_what_is_lost(staff):
    row = StoryFactory(title="Rain")
    submit_changes(staff, row, title="Snow")
    assert "Snow" in text_of(staff.get(admin_url(row, "discard")))
    read = staff.get(admin_url(row, "discard")).context["form"]["seen"].value()
    assert "Pending changes discarded" in text_of(staff.post(admin_url(row, "discard"), {"seen": read}, follow=True))
    assert not Pending.objects.exists()
    assert staff.get(admin_url(row)).context["adminform"].form["title"].value() == "Rain"


def test_unpublishing_removes_the_public_page(staff):
    row = StoryFactory()
    assert staff.get(row.get_absolute_url()).status_code == 200
    assert "Unpublished" in text_of(staff.post(admin_url(row, "unpublish"), follow=True))
    assert staff.get(row.get_absolute_url()).status_code == 404


def test_a_reader_sees_pending_changes_but_no_way_to_publish_them(client, unit):
    row = StoryFactory(title="Rain")
    workflow.propose(row, by=None, edit=lambda: Story.objects.filter(pk=row.pk).update(title="Snow"))
    reader = get_user_model().objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_story"))
    client.force_login(reader)
    page = client.get(admin_url(row))
    assert "Title Rain Snow" in text_of(page)
    assert "/publish/" not in page.text
    preview = client.get(admin_url(row, "preview"))
    assert "/publish/" not in preview.text


def test_the_preview_of_a_picture_shows_its_alternative_text(staff):
    row = PictureFactory(alternative_text="A path in snow")
    page = staff.get(admin_url(row, "preview"))
    assert 'alt="A path in snow"' in page.text
    assert staff.get(admin_url(row, "preview") + "?file=1").headers["Content-Type"].startswith("image/")


def test_a_preview_says_what_blocks_publishing(staff):
    row = StoryFactory(state=State.DRAFT, picture=PictureFactory(state=State.DRAFT, alternative_text=""))
    assert "Describe in one sentence what the picture shows" in text_of(staff.get(admin_url(row, "preview")))


def test_pending_changes_that_were_not_read_are_not_discarded(staff):
    row = StoryFactory(title="Rain")
    submit_changes(staff, row, title="Snow")
    read = staff.get(admin_url(row, "discard")).context["form"]["seen"].value()
    submit_changes(staff, row, title="Hail")
    assert "Somebody else saved changes" in text_of(staff.post(admin_url(row, "discard"), {"seen": read}))
    assert [one.after for one in pending_changes.pending_differences(row)] == ["Hail"]
