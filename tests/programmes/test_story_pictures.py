"""A picture is uploaded from the form of its story, which asks what the picture shows."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from programmes.models import Picture, Story
from tests.programmes.sample_uploads import image, sent
from tests.support.admin_forms import admin_list_url, admin_url, form_data
from tests.support.crawler import text_of
from tests.support.factories import StoryFactory, UnitFactory
from vru_portal.publishing.pending_changes import pending_change
from vru_portal.publishing.workflow import publish

pytestmark = pytest.mark.django_db
ADD = "/admin/programmes/story/add/"
TEXTS = {"title": "Rain", "summary": "It rained.", "body": "All day."}
STORY = TEXTS | {"published_on": "2026-11-20", "as_at": "2026-11-20"}


@pytest.fixture(autouse=True)
def own_uploads(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def ash():
    UnitFactory()
    user = get_user_model().objects.create_user("ash", is_staff=True)
    user.groups.add(Group.objects.get(name="Editor"))
    return user


@pytest.fixture
def editor(client, ash):
    client.force_login(ash)
    return client


def picture(content=None, **fields):
    return {"new_picture": sent(content or image(), "IMG_1.jpg"), "alternative_text": "A wet street", **fields}


def errors(response):
    return response.context["adminform"].form.errors


def test_a_story_is_saved_with_the_picture_that_is_sent_with_it(editor, ash):
    page = editor.post(ADD, STORY | picture(credit="Robin Vale"), follow=True)
    story, stored = Story.objects.get(), Picture.objects.get()
    assert story.picture == stored
    assert (stored.title, stored.slug, stored.state) == ("Rain", "rain", "draft")
    assert (stored.alternative_text, stored.credit, stored.width) == ("A wet street", "Robin Vale", 40)
    assert stored.history.get().history_user == ash
    assert "The picture is saved as a draft" in text_of(page)
    assert editor.get(admin_url(story, "ready")).context["blocked_reason"] == ""


def test_a_picture_without_a_description_is_asked_for_one(editor):
    found = errors(editor.post(ADD, STORY | picture(alternative_text=" ")))
    assert found["alternative_text"] == [
        "Describe in one sentence what the picture shows, for people who cannot see it."
    ]
    assert found["new_picture"] == ["Choose the file again, because the browser does not keep it."]
    assert found.keys() == {"alternative_text", "new_picture"}
    assert not Picture.objects.exists()
    assert not Story.objects.exists()


def test_a_description_without_a_file_is_not_dropped_unseen(editor):
    found = errors(editor.post(ADD, STORY | {"alternative_text": "A wet street"}))
    assert found == {"new_picture": ["Choose the file of the picture that you have described."]}


@pytest.mark.parametrize("content", [b"no picture", b""])
def test_a_refused_file_is_named_beside_its_field_once(editor, content):
    found = errors(editor.post(ADD, STORY | picture() | {"new_picture": sent(content, "IMG_1.jpg")}))
    assert [*found] == ["new_picture"]
    assert len(found["new_picture"]) == 1
    assert not Picture.objects.exists()


def test_a_picture_stays_where_its_story_is_refused(editor):
    page = editor.post(ADD, STORY | picture() | {"summary": ""})
    assert [*errors(page)] == ["summary"]
    stored = Picture.objects.get()
    assert page.context["adminform"].form["picture"].value() == str(stored.pk)
    editor.post(ADD, form_data(page) | {"summary": "It rained."})
    assert Story.objects.get().picture == stored


def test_a_new_picture_of_a_published_story_waits_with_it(editor):
    story = StoryFactory(title="Rain")
    data = form_data(editor.get(admin_url(story))) | picture()
    assert editor.post(admin_url(story), data).status_code == 302
    story.refresh_from_db()
    assert story.picture is None
    stored = Picture.objects.get()
    publish(stored, by=None)
    assert pending_change(story)
    publish(story, by=None)
    story.refresh_from_db()
    assert story.picture == stored


def test_a_second_picture_of_the_same_title_has_an_address_of_its_own(editor):
    editor.post(ADD, STORY | picture())
    editor.post(ADD, STORY | picture() | {"slug": "more-rain"})
    assert sorted(Picture.objects.values_list("slug", flat=True)) == ["rain", "rain-2"]


def test_only_those_are_asked_for_a_picture_who_may_upload_one(client):
    UnitFactory()
    user = get_user_model().objects.create_user("robin", is_staff=True)
    names = ("add_story", "change_story", "view_story")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    assert 'name="new_picture"' not in client.get(ADD).text
    client.post(ADD, STORY | picture())
    assert not Picture.objects.exists()
    for page in (admin_url(StoryFactory()), admin_list_url(Story)):
        assert client.get(page).status_code == 200
    user.user_permissions.set(Permission.objects.filter(codename="view_story"))
    assert client.get(admin_url(StoryFactory())).status_code == 200


class Walk:
    """Somebody's way through the staff pages, which counts what they click on."""

    def __init__(self, client, user):
        client.force_login(user)
        self.client, self.clicks = client, 0
        self.page = client.get("/admin/")

    def follow(self, address):
        assert f'href="{address}"' in self.page.text
        self.clicks += 1
        self.page = self.client.get(address)

    def fill(self, **fields):
        """A click into each box; choosing a file takes a second one, in the browser's window."""
        form = self.page.context["adminform"].form
        assert fields.keys() <= form.fields.keys()
        self.clicks += len(fields) + ("new_picture" in fields)
        self.data = {name: form[name].value() for name in form.fields if form[name].value()} | fields

    def press(self, label, name=""):
        assert f'value="{label}"' in self.page.text
        self.clicks += 1
        action = {name: label} if name else {}
        self.page = self.client.post(self.page.request["PATH_INFO"], self.data | action, follow=True)


def test_a_story_with_a_picture_takes_its_author_14_clicks_and_its_publisher_3(client, ash):
    robin = get_user_model().objects.create_user("robin", is_staff=True)
    robin.groups.add(Group.objects.get(name="Publisher"))
    author = Walk(client, ash)
    author.follow(ADD)
    author.fill(**TEXTS, **picture())
    author.press("Save, then mark ready", "_ready")
    author.fill(note="Before Friday, please.")
    author.press("Ready to publish")
    assert "Marked ready to publish" in text_of(author.page)
    assert author.clicks <= 14
    publisher = Walk(client, robin)
    publisher.follow(admin_url(Story.objects.get(), "publish"))
    publisher.fill()
    publisher.press("Publish")
    assert Story.objects.get().is_public
    assert Picture.objects.get().is_public
    publisher.follow("/news/rain/")
    assert 'alt="A wet street"' in publisher.page.text
    assert publisher.clicks <= 3
