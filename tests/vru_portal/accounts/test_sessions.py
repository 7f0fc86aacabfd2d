"""A request that only reads saves no session: the browser carries what it changes until the next that writes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from vru_portal.accounts.sessions import CHANGES_COOKIE, MAX_COOKIE_BYTES, SessionStore, StaffSessionMiddleware

pytestmark = pytest.mark.django_db


class Browser:
    """A browser that holds one session, and asks with whatever a view does to it."""

    def __init__(self):
        store = SessionStore()
        store["kept"] = "as it was"
        store.save()
        self.cookies: dict[str, Any] = {"sessionid": store.session_key}

    def ask(self, method, change=lambda session: None, *, status=200, cookies=None):
        """Send a request; return what the session held before the change."""
        request = RequestFactory().generic(method, "/admin/")
        request.COOKIES = dict(self.cookies if cookies is None else cookies)
        seen = {}

        def view(request):
            seen.update(request.session.items())
            change(request.session)
            return HttpResponse(status=status)

        response: Any = StaffSessionMiddleware(view)(request)
        for name, morsel in response.cookies.items():
            self.cookies[name] = morsel.value
            if not morsel.value:
                del self.cookies[name]
        return {name: value for name, value in seen.items() if name != "save"}

    @property
    def saved(self):
        """What the database holds."""
        found = Session.objects.get(pk=self.cookies["sessionid"]).get_decoded()
        return {name: value for name, value in found.items() if name != "save"}


@pytest.fixture
def browser():
    return Browser()


def put(**values):
    return lambda session: session.update(values)


def test_what_a_get_changes_is_carried_to_the_next_and_saved_by_a_post(browser, django_assert_num_queries):
    with django_assert_num_queries(1) as queries:
        browser.ask("GET", lambda session: (session.update({"shown": "yes"}), session.pop("kept")))
    assert queries[0]["sql"].startswith("SELECT")
    assert browser.saved == {"kept": "as it was"}
    assert browser.ask("HEAD") == {"shown": "yes"}
    assert browser.ask("POST") == {"shown": "yes"}
    assert browser.saved == {"shown": "yes"}
    assert CHANGES_COOKIE not in browser.cookies


def test_nobody_reads_in_the_browser_what_is_carried(browser):
    browser.ask("GET", put(key="JBSWY3DPEHPK3PXP"))
    assert "JBSWY3DPEHPK3PXP" not in browser.cookies[CHANGES_COOKIE]
    assert browser.ask("GET")["key"] == "JBSWY3DPEHPK3PXP"


def test_a_challenge_that_was_used_never_comes_back(browser):
    browser.ask("GET", put(challenge="once"))
    before = dict(browser.cookies)
    assert browser.ask("POST", lambda session: session.pop("challenge"))["challenge"] == "once"
    assert "challenge" not in browser.ask("POST", cookies=before)


def test_an_answer_that_comes_late_undoes_nothing(browser):
    late = Browser()
    late.cookies = dict(browser.cookies)
    late.ask("GET", put(kept="read before the form was sent"))
    browser.ask("POST", put(kept="sent"))
    assert browser.ask("GET", cookies=late.cookies) == {"kept": "sent"}


def test_what_is_too_long_for_a_cookie_is_saved_and_outweighs_an_earlier_one(browser):
    browser.ask("GET", put(a="old"))
    browser.ask("GET", put(a="new", b="x" * MAX_COOKIE_BYTES))
    assert browser.saved["a"] == "new"
    assert browser.ask("GET")["a"] == "new"


@pytest.mark.parametrize("forge", [lambda cookie: cookie[:-4] + "AAAA", lambda cookie: "x", lambda cookie: "\u00e9"])
def test_a_cookie_that_is_not_ours_is_nothing(browser, forge):
    browser.ask("GET", put(shown="yes"))
    browser.cookies[CHANGES_COOKIE] = forge(browser.cookies[CHANGES_COOKIE])
    assert browser.ask("GET") == {"kept": "as it was"}


def test_a_cookie_of_another_session_is_nothing(browser):
    browser.ask("GET", put(shown="yes"))
    other = Browser()
    borrowed = other.cookies | {CHANGES_COOKIE: browser.cookies[CHANGES_COOKIE]}
    assert other.ask("GET", cookies=borrowed) == {"kept": "as it was"}


def test_a_cookie_ends_when_a_session_would(browser, settings):
    browser.ask("GET", put(shown="yes"))
    late = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE - 60)
    with time_machine.travel(late):
        assert "shown" in browser.ask("GET")
    Session.objects.update(expire_date=timezone.now() + timedelta(days=9))
    with time_machine.travel(late + timedelta(minutes=2)):
        assert browser.ask("GET") == {"kept": "as it was"}


def test_nothing_is_carried_from_a_fault(browser):
    browser.ask("GET", put(shown="yes"), status=500)
    assert CHANGES_COOKIE not in browser.cookies
    browser.ask("GET", put(shown="yes"))
    browser.ask("POST", status=500)
    assert browser.ask("GET")["shown"] == "yes"


def test_a_session_that_gets_another_key_is_saved_under_it(browser):
    before = browser.cookies["sessionid"]
    browser.ask("GET", lambda session: session.cycle_key())
    assert browser.cookies["sessionid"] != before
    assert browser.ask("GET") == {"kept": "as it was"}


def test_a_message_is_shown_once_without_a_save(client):
    client.force_login(get_user_model().objects.create_superuser("ada"))
    said = "was added successfully"
    client.post("/admin/partners/sector/add/", {"name": "Rangers", "slug": "rangers"})
    assert said in client.get("/admin/partners/sector/").text
    assert said not in client.get("/admin/partners/sector/").text
    client.post("/admin/partners/sector/add/", {"name": "Wardens", "slug": "wardens"})
    assert client.get("/admin/partners/sector/").text.count(said) == 1


def test_head_counts_for_no_guess_at_a_password(client):
    for _ in range(40):
        assert client.head("/admin/account/login/").status_code == 200
    assert client.get("/admin/account/login/").status_code == 200
