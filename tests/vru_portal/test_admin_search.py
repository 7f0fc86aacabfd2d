"""Search over everything that staff keep."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.factories import furnish
from vru_portal import drafts
from vru_portal.publishing import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    user = get_user_model().objects.create_superuser("boss")
    client.force_login(user)
    return user


def found(client, words):
    response = client.get("/admin/search/", {"q": words})
    assert response.status_code == 200
    return {group.title: group for group in response.context["groups"]}


def test_hits_come_by_kind_with_their_number_and_the_way_to_the_rest(client, boss):
    factories.UnitFactory()
    factories.StoryFactory.create_batch(7, summary="A heron by the weir.")
    level = factories.LevelFactory(definition="The heron's level")
    groups = found(client, "heron")
    assert set(groups) == {"stories", "prevention levels"}
    stories = groups["stories"]
    assert (stories.number, len(stories.hits), stories.has_more) == (7, 5, True)
    rest = client.get(stories.address)
    assert rest.context["cl"].result_count == 7
    assert [hit.address for hit in groups["prevention levels"].hits] == [
        f"/admin/programmes/preventionlevel/{level.pk}/change/"
    ]
    assert not groups["prevention levels"].has_more


def test_a_draft_and_a_change_that_waits_are_said(client, boss):
    factories.UnitFactory()
    factories.StoryFactory(title="Heron drafted", state=State.DRAFT)
    shown = factories.StoryFactory(title="Heron shown")

    def edit():
        shown.summary = "Changed."
        shown.save()

    drafts.propose(shown, by=boss, edit=edit)
    hits = {hit.name: (hit.is_draft, hit.waits) for hit in found(client, "heron")["stories"].hits}
    assert hits == {"Heron drafted": (True, False), "Heron shown": (False, True)}
    page = client.get("/admin/search/?q=heron").content.decode()
    assert (page.count(">Draft<"), page.count(">A change waits<")) == (1, 1)


def test_only_what_somebody_may_look_at_is_found(client):
    factories.UnitFactory()
    factories.StoryFactory(title="Heron")
    factories.PersonFactory(name="Heron Example")
    user = get_user_model().objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_person"))
    client.force_login(user)
    assert set(found(client, "heron")) == {"people"}


def test_nobody_but_staff_may_ask(client):
    assert client.get("/admin/search/?q=heron").status_code == 302


def test_an_empty_question_and_one_without_an_answer_help(client, boss):
    factories.UnitFactory()
    assert "Type a word" in client.get("/admin/search/?q=+").content.decode()
    assert "Try fewer words" in client.get("/admin/search/?q=zzznothing").content.decode()


def test_a_long_question_is_shortened_and_said_so_and_hostile_ones_do_no_harm(client, boss):
    furnish(1)
    response = client.get("/admin/search/", {"q": "x" * 500})
    assert response.context["query"] == "x" * 200
    assert "Only the first 200 characters" in response.content.decode()
    for words in ('"', "'", "%", "\\", "a" * 199 + " ' b", "<script>alert(1)</script>", "“ ”", " ".join("a" * 99)):
        assert client.get("/admin/search/", {"q": words}).status_code == 200
    assert "<script>alert" not in client.get("/admin/search/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert client.get("/admin/search/", {"q": "a\0b"}).status_code == 404
    assert client.post("/admin/search/", {"q": "a"}).status_code == 405


def test_it_asks_no_more_often_for_more_rows(client, boss):
    factories.UnitFactory()

    def asked():
        with CaptureQueriesContext(connection) as queries:
            found(client, "heron")
        return len(queries)

    factories.StoryFactory(title="Heron")
    asked()
    one = asked()
    factories.StoryFactory.create_batch(5, title="Heron")
    assert asked() == one
    assert one <= 11


def test_the_box_stands_on_every_page(client, boss):
    furnish(1)
    for address in ("/admin/", "/admin/programmes/story/", "/admin/programmes/story/add/"):
        assert 'action="/admin/search/"' in client.get(address).content.decode()
