"""Search over everything that staff keep."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support import factories
from tests.support.factories import make_everything
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

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


def test_hits_are_grouped_by_model_with_their_count_and_a_link_to_the_rest(client, boss):
    factories.UnitFactory()
    factories.StoryFactory.create_batch(7, summary="A heron by the weir.")
    level = factories.LevelFactory(definition="The heron's level")
    groups = found(client, "heron")
    assert set(groups) == {"stories", "prevention levels"}
    stories = groups["stories"]
    assert (stories.count, len(stories.hits), stories.has_more) == (7, 5, True)
    rest = client.get(stories.url)
    assert rest.context["cl"].result_count == 7
    assert [hit.url for hit in groups["prevention levels"].hits] == [
        f"/admin/programmes/preventionlevel/{level.pk}/change/"
    ]
    assert not groups["prevention levels"].has_more


def test_drafts_and_pending_changes_are_marked(client, boss):
    factories.UnitFactory()
    factories.StoryFactory(title="Heron drafted", state=State.DRAFT)
    shown = factories.StoryFactory(title="Heron shown")

    def edit():
        shown.summary = "Changed."
        shown.save()

    workflow.propose(shown, by=boss, edit=edit)
    hits = {hit.name: (hit.is_draft, hit.has_pending_change) for hit in found(client, "heron")["stories"].hits}
    assert hits == {"Heron drafted": (True, False), "Heron shown": (False, True)}
    page = client.get("/admin/search/?q=heron").content.decode()
    assert (page.count('staff-tag">Draft<'), page.count('staff-tag">Pending changes<')) == (1, 1)


def test_only_viewable_records_are_found(client):
    factories.UnitFactory()
    factories.StoryFactory(title="Heron")
    factories.PersonFactory(name="Heron Example")
    user = get_user_model().objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_person"))
    client.force_login(user)
    assert set(found(client, "heron")) == {"people"}


def test_only_staff_can_search(client):
    assert client.get("/admin/search/?q=heron").status_code == 302


def test_an_empty_search_and_one_without_results_give_advice(client, boss):
    factories.UnitFactory()
    assert "Enter all or part of a name" in client.get("/admin/search/?q=+").content.decode()
    assert "Try fewer words" in client.get("/admin/search/?q=zzznothing").content.decode()


def test_a_long_search_is_cut_with_a_notice_and_hostile_ones_do_no_harm(client, boss):
    make_everything(1)
    response = client.get("/admin/search/", {"q": "x" * 500})
    assert response.context["query"] == "x" * 200
    assert "only the first 200 characters" in response.content.decode()
    for words in ('"', "'", "%", "\\", "a" * 199 + " ' b", "<script>alert(1)</script>", "“ ”", " ".join("a" * 99)):
        assert client.get("/admin/search/", {"q": words}).status_code == 200
    assert "<script>alert" not in client.get("/admin/search/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert client.get("/admin/search/", {"q": "a\0b"}).status_code == 404
    assert client.post("/admin/search/", {"q": "a"}).status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_rows(client, boss):
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


def test_the_search_box_is_on_every_page(client, boss):
    make_everything(1)
    for address in ("/admin/", "/admin/programmes/story/", "/admin/programmes/story/add/"):
        assert 'action="/admin/search/"' in client.get(address).content.decode()
