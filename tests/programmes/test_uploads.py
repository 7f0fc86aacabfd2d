"""Uploads in the admin, and the views that send them: to everybody only once they are published."""

import io
import os
import re
import time

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from PIL import Image

from programmes.models import Document, Picture
from programmes.schedule import delete_unused_uploads
from tests.programmes.sample_uploads import CANARY, DOCX, exif, image, sent
from tests.support.factories import StoryFactory, UnitFactory
from vru_portal.models import Pending
from vru_portal.publishing.workflow import all_publishing_blockers, publish, unpublish


@pytest.fixture(autouse=True)
def own_uploads(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def editor(db):
    user = get_user_model().objects.create_user("editor", is_staff=True)
    names = [f"{verb}_{model}" for verb in ("add", "change", "view") for model in ("picture", "document", "story")]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def upload(client, kind, content, address=None, **fields):
    data = {"title": "A walk", "slug": "a-walk", "file": sent(content, "IMG_0001.jpg"), "role": "itself", **fields}
    return client.post(address or f"/admin/programmes/{kind}/add/", data)


def seen_in(page):
    """Return which state of the record a form was opened on."""
    found = re.search(r'name="seen" value="(\w+)"', page.text)
    assert found
    return found[1]


def errors(response):
    return response.context["adminform"].form.errors


@pytest.fixture
def walk(editor):
    UnitFactory()
    assert (
        upload(editor, "picture", image((2000, 1000), exif=exif()), alternative_text="Two walkers").status_code == 302
    )
    return Picture.objects.get()


def test_an_editor_uploads_a_picture_which_begins_as_a_draft(walk, settings):
    assert walk.state == "draft"
    assert (walk.width, walk.height) == (1600, 800)
    files = [path for path in settings.UPLOADS.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [walk.file.name.removeprefix("pictures/")]
    assert files[0].stat().st_size == walk.size
    assert CANARY not in files[0].read_bytes()


def test_the_form_says_what_is_wrong_with_a_file_and_keeps_nothing(editor, settings):
    UnitFactory()
    assert errors(upload(editor, "picture", b"no picture"))["file"] == [
        "This file is not a picture that we can read. Choose a JPEG, PNG, WebP or GIF."
    ]
    assert errors(upload(editor, "document", b"MZ\0"))["file"][0].startswith("Choose a PDF, DOCX")
    assert errors(editor.post("/admin/programmes/picture/add/", {"title": "x", "slug": "x"}))["file"]
    assert not Picture.objects.exists()
    assert not list(settings.UPLOADS.rglob("*.*"))


def test_a_draft_looks_as_if_it_did_not_exist_except_to_staff_who_may_see_it(walk, editor, client):
    draft, never = client.get("/pictures/a-walk/"), client.get("/pictures/b-walk/")
    assert (draft.status_code, never.status_code) == (404, 404)
    assert draft.content.replace(b"a-walk", b"b-walk") == never.content
    seen = editor.get("/pictures/a-walk/")
    assert (seen.status_code, seen["Content-Type"], seen["Cache-Control"]) == (200, "image/jpeg", "no-store")
    other = get_user_model().objects.create_user("other", is_staff=True)
    client.force_login(other)
    assert client.get("/pictures/a-walk/").status_code == 404
    get_user_model().objects.filter(username="editor").update(is_active=False)
    assert editor.get("/pictures/a-walk/").status_code == 404


def test_who_has_not_used_a_second_factor_where_one_is_asked_for_sees_no_draft(walk, editor, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    assert editor.get("/pictures/a-walk/").status_code == 404
    publish(walk, by=None)
    assert editor.get("/pictures/a-walk/").status_code == 200


def test_a_published_picture_is_sent_with_strict_headers(walk, client):
    publish(walk, by=None)
    response = client.get("/pictures/a-walk/")
    assert response.status_code == 200
    assert {name: response[name] for name in ("Content-Type", "Content-Disposition", "Content-Security-Policy")} == {
        "Content-Type": "image/jpeg",
        "Content-Disposition": 'inline; filename="a-walk.jpg"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "public, max-age=300"
    assert Image.open(io.BytesIO(response.content)).size == (1600, 800)
    assert client.get("/pictures/a-walk/", headers={"if-none-match": response["ETag"]}).status_code == 304
    head = client.head("/pictures/a-walk/")
    assert (head.status_code, head.content) == (200, b"")
    assert client.post("/pictures/a-walk/").status_code == 405


def test_a_document_is_saved_not_shown(editor, client):
    UnitFactory()
    assert upload(editor, "document", DOCX).status_code == 302
    publish(Document.objects.get(), by=None)
    response = client.get("/documents/a-walk/")
    assert response["Content-Disposition"] == 'attachment; filename="a-walk.docx"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.content == DOCX


@pytest.mark.parametrize("slug", ["..%2f..%2fportal.sqlite3", "..", "a-walk%00", "a-walk/../x", "%2e%2e/%2e%2e"])
def test_no_path_comes_from_an_address(walk, editor, slug):
    assert editor.get(f"/pictures/{slug}/").status_code == 404


def test_a_picture_needs_an_alternative_text_to_be_published(editor):
    UnitFactory()
    upload(editor, "picture", image())
    walk = Picture.objects.get()
    assert "Describe in one sentence what the picture shows" in " ".join(all_publishing_blockers(walk))
    with pytest.raises(ValidationError):
        publish(walk, by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Picture.objects.update(state="published")


def test_a_new_file_of_a_published_picture_waits_and_the_old_one_stays(walk, editor, client):
    publish(walk, by=None)
    before = client.get("/pictures/a-walk/").content
    address = f"/admin/programmes/picture/{walk.pk}/change/"
    seen = seen_in(editor.get(address))
    response = upload(editor, "picture", image((60, 50), colour="red"), address, alternative_text="A path", seen=seen)
    assert response.status_code == 302
    assert client.get("/pictures/a-walk/").content == before
    publish(walk, by=None)
    after = client.get("/pictures/a-walk/")
    assert Image.open(io.BytesIO(after.content)).size == (60, 50)
    walk.refresh_from_db()
    assert (walk.width, walk.size) == (60, len(after.content))


def test_the_form_of_a_picture_shows_it_and_keeps_the_file_where_none_is_sent(walk, editor):
    address = f"/admin/programmes/picture/{walk.pk}/change/"
    page = editor.get(address)
    assert '<img src="/pictures/a-walk/" alt="Two walkers"' in page.text
    seen = seen_in(page)
    data = {"title": "A long walk", "slug": "a-walk", "alternative_text": "Two walkers", "seen": seen}
    assert editor.post(address, data).status_code == 302
    after = Picture.objects.get()
    assert (after.title, after.file.name, after.sha256) == ("A long walk", walk.file.name, walk.sha256)


def test_a_story_shows_its_picture_once_that_is_published(walk, client):
    story = StoryFactory(slug="walked")
    assert "<img" not in client.get("/news/walked/").text
    story.picture = walk
    assert "Publish that picture first" in story.publishing_blockers()["picture"]
    story.save()
    for address in ("/news/", "/news/walked/"):
        assert "a-walk" not in client.get(address).text
    walk.credit = "Robin Vale"
    walk.save()
    publish(walk, by=None)
    shown = '<img src="/pictures/a-walk/" alt="Two walkers" width="1600" height="800"'
    assert shown in client.get("/news/").text
    page = client.get("/news/walked/").text
    assert shown in page
    assert "Robin Vale" in page
    unpublish(walk, by=None)
    for address in ("/news/", "/news/walked/"):
        assert "a-walk" not in client.get(address).text


def test_the_preview_of_a_draft_is_the_file_and_is_not_kept(walk, editor, client):
    address = f"/admin/programmes/picture/{walk.pk}/preview/"
    assert "?file" in editor.get(address).text
    response = editor.get(f"{address}?file")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in response["Cache-Control"]
    assert client.get("/pictures/a-walk/").status_code == 404


def test_old_files_that_nothing_names_are_dropped_and_no_other(walk, settings):
    folder = settings.UPLOADS / "pictures"
    for name in ("stray.jpg", "young.jpg", "waiting.jpg"):
        (folder / name).write_bytes(b"x")
    Pending.objects.create(
        record=walk, changes={"set": {f"programmes.picture:{walk.pk}": {"file": "pictures/waiting.jpg"}}}
    )
    old = time.time() - 31 * 86_400
    for name in ("stray.jpg", "waiting.jpg", walk.file.name.removeprefix("pictures/")):
        os.utime(folder / name, (old, old))
    assert delete_unused_uploads() == 1
    assert not (folder / "stray.jpg").exists()
    assert len(list(folder.iterdir())) == 3


def test_a_file_that_is_gone_is_not_found(walk, client, settings):
    publish(walk, by=None)
    (settings.UPLOADS / walk.file.name).unlink()
    assert client.get("/pictures/a-walk/").status_code == 404
