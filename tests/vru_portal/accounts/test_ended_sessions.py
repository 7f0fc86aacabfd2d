"""Who has to sign in again is told why, and gets to the page that they asked for."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.support.factories import UnitFactory
from tests.support.second_factors import PASSWORD, sign_in
from vru_portal.accounts.ended_sessions import NO_SESSION, SENTENCES
from vru_portal.accounts.sessions import delete_ended_sessions, end_sessions

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGE = "/admin/partners/sector/add/?_popup=0"
TIME, ELSEWHERE = "12 hours have passed since you signed in", "You are no longer signed in"


@pytest.fixture
def ada():
    UnitFactory()
    cache.clear()
    return get_user_model().objects.create_superuser("ada", password=PASSWORD)


@pytest.fixture
def signed_in(client, ada):
    sign_in(client, ada)
    assert client.get(PAGE).status_code == 200
    return client


def told(client, address=PAGE, method="get"):
    """What the page for signing in says about why it is shown; and that it leads back."""
    answer = getattr(client, method)(address)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"])
    assert page.context["redirect_field_value"] == address
    sentences = [*SENTENCES.values(), NO_SESSION]
    return next((sentence for sentence in sentences if sentence in page.text), None)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", [PAGE, "/admin/account/password/"])
def test_after_twelve_hours_the_page_says_that_they_have_passed(signed_in, ada, method, address):
    with time_machine.travel(timezone.now() + timedelta(hours=12, minutes=1)):
        assert TIME in told(signed_in, address, method)
        answer = sign_in(signed_in, ada, then=address)
        assert answer.headers["Location"] == address
        assert told(Client(), address) == NO_SESSION  # the control: another browser never had a session


def end_elsewhere(client, ada):
    other = Client()
    other.cookies = client.cookies.copy()
    other.post("/admin/account/logout/")


def change_password(client, ada):
    ada.set_password("five-lanterns-on-a-moor")
    ada.save()


def deactivate(client, ada):
    ada.is_active = False
    ada.save()


def end_all(client, ada):
    end_sessions(ada)


@pytest.mark.parametrize("end", [end_elsewhere, change_password, deactivate, end_all])
def test_a_session_that_was_ended_elsewhere_says_so(signed_in, ada, end):
    end(signed_in, ada)
    assert ELSEWHERE in told(signed_in)
    assert told(signed_in) in (NO_SESSION, SENTENCES["elsewhere"])  # the browser may have forgotten it by now


def test_one_that_is_forgotten_is_explained_as_well(signed_in, ada):
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        delete_ended_sessions()
        assert "away for more than a day" in told(signed_in)


def test_only_people_who_ask_for_a_page_without_a_session_see_how_sessions_end(client, ada):
    assert told(client) == NO_SESSION
    assert told(client, "/admin/") is None
    assert "no longer signed in" not in client.get("/admin/account/login/").text
    assert told(client, "/admin/account/second-factor/") == NO_SESSION


def test_an_abandoned_attempt_to_sign_in_is_not_an_ended_session(client, ada, settings):
    client.post("/admin/account/login/", {"login": "ada", "password": "wrong"})
    session = client.session
    session["begun"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert told(client) == NO_SESSION


def test_an_invented_reason_reveals_nothing(client, ada):
    page = client.get(f"/admin/login/?next={PAGE}&ended=<b>gone</b>")
    assert "gone" not in page.text.replace("next=", "")
    assert NO_SESSION in page.text
