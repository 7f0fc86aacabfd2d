"""The headers of pages: who may cache them, for how long, and on which parameters they depend."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from partners.models import Unit
from tests.support.factories import InitiativeFactory, StoryFactory, make_everything
from tests.vru_portal.test_queries import PAGES, slugs
from vru_portal.publishing.state import State
from vru_portal.web.public_pages import (
    CACHE_NO_STORE,
    CACHE_PRIVATE,
    CACHE_PUBLIC,
    QUICK_EXIT,
    READ_STATE,
    STATE,
    cached_per_content_version,
    page_state,
    present_state,
    read_before,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SEEN = ("version", "2032-05-06", 1)


def kept(path, state=SEEN, **environ: Any):
    """Request a page as the page cache does."""
    environ.setdefault(READ_STATE, lambda: state)
    response = Client().get(path, **environ)
    response.getvalue()  # files too are read, and so closed
    return response


def state_of(path, **environ):
    """Return the state that a page may be kept under, if any."""
    return kept(path, **environ).wsgi_request.META.get(STATE)


@pytest.fixture(autouse=True)
def nothing_read():
    read_before.clear()


@pytest.fixture(scope="module")
def everything(standing):
    with standing():
        make_everything(2)
        yield slugs()


def test_every_public_page_may_be_kept(everything):
    paths = [path.format(**everything) for path in PAGES]
    not_kept = [path for path in paths if state_of(path) != SEEN]
    # The calendar is a file on disk, which is shared in another way.
    assert not_kept == ["/funding/", "/events.ics", "/nope/", "/healthz", "/readyz"]


def test_who_is_known_sees_what_has_just_changed_and_a_sensitive_page_stays_nowhere(client, everything):
    InitiativeFactory(slug="harmless")
    InitiativeFactory(slug="sensitive", sensitive_topic="Storms", safety_notice="Stay inside.")
    said = {path: client.get(path) for path in ("/contact/", "/initiatives/harmless/", "/initiatives/sensitive/")}
    for path, response in said.items():
        assert (QUICK_EXIT in response.content) is (path == "/initiatives/sensitive/"), path
    assert said["/contact/"]["Cache-Control"] == CACHE_PUBLIC
    assert said["/initiatives/sensitive/"]["Cache-Control"] == CACHE_NO_STORE
    assert client.get("/contact/", headers={"authorization": "Basic eA=="})["Cache-Control"] == CACHE_PRIVATE
    client.force_login(get_user_model().objects.create_user("known"))
    assert client.get("/contact/")["Cache-Control"] == CACHE_PRIVATE
    assert client.get("/initiatives/sensitive/")["Cache-Control"] == CACHE_NO_STORE


def test_errors_and_redirects_say_nothing_of_the_kind(client, everything):
    StoryFactory(slug="draft", state=State.DRAFT)
    for path in ("/news/draft/", "/initiatives/?page=nine", "/funding/1999-00/"):
        response = client.get(path)
        assert response.status_code == 404
        assert not response.has_header("Cache-Control"), path
        assert state_of(path) is None
    response = client.get("/initiatives/?page=9")
    assert (response.status_code, response.has_header("Cache-Control")) == (302, False)


@pytest.mark.parametrize(
    ("query", "is_kept"),
    [
        ("", True),
        ("level=first", True),
        ("level=first&q=walk&sort=name", True),
        ("q=&level=first&sort=", True),  # what a form sends of which nothing was filled in
        ("page=1", True),
        ("page=01", False),
        ("page=1&page=1", False),
        ("level=made-up", False),
        ("level=first&level=first", False),
        ("level= first", False),
        ("utm_source=x", False),
        ("level=first&x", True),
        ("level=first&x=1", False),
        ("LEVEL=first", False),
    ],
)
def test_an_address_with_anything_that_its_page_does_not_know_is_kept_by_nobody(everything, query, is_kept):
    assert (state_of(f"/initiatives/?{query}") == SEEN) is is_kept


@pytest.mark.parametrize(
    ("path", "is_kept"),
    [
        ("/funding/2031-32/?kind=grant&page=1", True),
        ("/funding/2031-32/?kind=bribe", False),
        ("/funding/2031-32/?month=2031-05", False),  # which the list of payments knows
        ("/funding/2031-32/payments/?month=2031-05&basis=dated", True),
        ("/declaration/register/?status=signed", True),
        ("/declaration/register/?status=x", False),
        ("/partners/?z=x", False),
        ("/sitemap.xml?p=1", False),
    ],
)
def test_so_it_is_on_the_other_lists(everything, path, is_kept):
    assert (state_of(path) == SEEN) is is_kept


def test_a_page_asks_for_the_state_before_anything_else(everything):
    """What is read after the state can only be newer than it."""
    reads = []

    def read_state():
        reads.append(len(connection.queries_log))
        return SEEN

    connection.force_debug_cursor = True
    try:
        connection.queries_log.clear()
        state_of("/about/", **{READ_STATE: read_state})
    finally:
        connection.force_debug_cursor = False
    assert reads == [0]
    assert len(connection.queries_log) > 5


def test_a_form_has_the_process_look_once_it_is_answered(admin_client, everything):
    """So somebody who unpublishes something finds it gone at once."""
    story = StoryFactory(state=State.PUBLISHED)
    before, seen = page_state(), []
    environ: dict[str, Any] = {READ_STATE: lambda: seen.append(page_state())}
    admin_client.get(f"/admin/programmes/story/{story.pk}/unpublish/", **environ)
    assert seen == []
    admin_client.post(f"/admin/programmes/story/{story.pk}/unpublish/", **environ)
    assert admin_client.get(story.get_absolute_url()).status_code == 404
    assert [state != before for state in seen] == [True]


def test_the_state_is_another_on_another_day_and_when_the_registers_files_change(settings, time_machine):
    time_machine.move_to("2032-05-06 22:59+00:00")
    before = page_state()
    assert page_state() == before
    time_machine.move_to("2032-05-06 23:01+00:00")
    later = page_state()
    assert later != before
    settings.REGISTER_KEYS.mkdir(exist_ok=True)
    assert page_state() != later


def test_a_preview_shares_nothing_however_it_is_asked_for(admin_client, everything):
    """A form brings what reads the state, too, and a preview is made by the public page's own view."""
    story = StoryFactory(state=State.DRAFT)
    environ: dict[str, Any] = {READ_STATE: lambda: SEEN}
    assert admin_client.post(f"/admin/programmes/story/{story.pk}/preview/", **environ).status_code == 200
    assert read_before == {}


def queries_of(ask, path):
    with CaptureQueriesContext(connection) as asked:
        assert ask(path).status_code == 200
    return len(asked)


def test_what_hardly_changes_is_read_once_for_each_state_and_only_for_pages_that_are_kept(everything):
    """A preview sees what is not committed; its page is shared with nobody, and so is what it has read."""
    alone = queries_of(Client().get, "/")
    assert queries_of(kept, "/") == alone
    assert queries_of(kept, "/") < alone
    Unit.objects.update(slogan="Another slogan", slogan_emphasis="")
    assert queries_of(Client().get, "/") == alone
    assert "Another slogan" in Client().get("/").text
    assert "Another slogan" not in kept("/").text  # the control: the state is the same
    assert "Another slogan" in kept("/", ("another", "2032-05-06", 1)).text


def test_pages_that_are_kept_leave_what_they_share_as_it_is(everything):
    paths = [path.format(**everything) for path in PAGES]
    for path in paths:
        kept(path)
    shared = {name: repr(vars_of(value)) for name, (_, value) in read_before.items()}
    for path in paths:
        kept(path)
    assert {name: repr(vars_of(value)) for name, (_, value) in read_before.items()} == shared
    assert {"unit", "levels"} <= shared.keys()


def vars_of(value):
    """Return what there is in a record, or in several."""
    if isinstance(value, dict):
        return {key: vars_of(one) for key, one in value.items()}
    if isinstance(value, list):
        return [vars_of(one) for one in value]
    return sorted(vars(value)) if isinstance(value, Model) else value


def test_an_error_is_not_remembered():
    token = present_state.set(SEEN)
    try:
        with pytest.raises(Unit.DoesNotExist):
            cached_per_content_version("x", lambda: Unit.objects.get(pk=99))
        values = iter((1, 2))
        assert [cached_per_content_version("x", values.__next__) for _ in range(2)] == [1, 1]
    finally:
        present_state.reset(token)
