"""Signing in to the admin: a password, a second factor, and no way round either."""

import re
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import timezone

from tests.support.factories import StoryFactory, UnitFactory
from tests.support.processes.portal_process import environment
from tests.support.second_factors import PASSWORD, code, give_app, sign_in
from vru_portal.accounts import sessions
from vru_portal.accounts.sessions import end_sessions

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SET_UP = "/admin/account/second-factor/"
AGAIN = "/admin/account/again/second-factor/"
SECRET_PAGES = (
    *("password/", "second-factor/app/remove/", "second-factor/codes/", "second-factor/codes/new/"),
    *("second-factor/codes/file/", "second-factor/passkeys/", "second-factor/passkeys/1/"),
    "second-factor/passkeys/1/remove/",
)


@pytest.fixture(autouse=True)
def _served(settings):
    """As it is served to others."""
    settings.SECOND_FACTOR_REQUIRED = True
    cache.clear()
    UnitFactory()


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def signed_in(client, ada):
    give_app(ada)
    assert sign_in(client, ada).headers["Location"] == "/admin/"
    return client


def refused(client, address="/admin/auth/user/"):
    """Return where somebody who may not enter is redirected to."""
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].partition("&")[0] == f"/admin/login/?next={address}"
    return client.get(answer.headers["Location"])


def test_nobody_enters_without_signing_in(client):
    answer = refused(client)
    assert answer.status_code == 200
    assert "You cannot reset it by email" in answer.text


def test_a_password_and_the_code_of_an_app_open_it_and_lead_where_somebody_was_going(client, ada):
    give_app(ada)
    answer = sign_in(client, ada, then="/admin/auth/user/")
    assert answer.headers["Location"] == "/admin/auth/user/"
    assert client.get("/admin/auth/user/").status_code == 200
    assert client.get("/admin/login/?next=/admin/auth/group/").headers["Location"] == "/admin/auth/group/"


def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(client, ada):
    give_app(ada)
    client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
    refused(client)
    assert "_auth_user_id" not in client.session


def test_who_has_no_second_factor_yet_gets_to_setting_one_up_and_to_nothing_else(client, ada):
    assert sign_in(client, ada).headers["Location"] == "/admin/"
    assert refused(client).headers["Location"] == f"{SET_UP}?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert "Set up an app" in client.get(SET_UP).text
    for page in SECRET_PAGES:
        answer = client.get(f"/admin/account/{page}")
        assert answer.headers["Location"].startswith(SET_UP), page
        assert client.post(f"/admin/account/{page}").headers["Location"].startswith(SET_UP), page


def test_an_app_is_set_up_with_recovery_codes_and_opens_the_session_immediately(client, ada, monkeypatch):
    monkeypatch.setattr(transaction, "on_commit", lambda run, **_: run())  # a test's transaction is never committed
    sign_in(client, ada)
    page = client.get(f"{SET_UP}app/")
    secret = re.findall(r"<code>(\w+)</code>", page.text)[0]
    assert 'src="data:image/svg+xml;base64,' in page.text
    assert "This code is wrong" in client.post(f"{SET_UP}app/", {"code": "000000"}).text
    answer = client.post(f"{SET_UP}app/", {"code": code(secret)})
    assert answer.headers["Location"] == f"{SET_UP}codes/"
    codes = client.get(f"{SET_UP}codes/")
    assert len(re.findall(r"^\d{8}$", codes.text.replace("<pre>", "\n"), re.M)) == 10
    assert client.get("/admin/auth/user/").status_code == 200


def test_a_recovery_code_works_once(client, ada):
    give_app(ada)
    one = RecoveryCodes.activate(ada).get_unused_codes()[0]
    for expected in (302, 200):
        client.logout()
        client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
        assert client.post("/admin/account/login/second-factor/", {"code": one}).status_code == expected


def test_a_code_works_once(client, ada):
    give_app(ada)
    assert sign_in(client, ada).status_code == 302
    client.post("/admin/account/logout/")
    assert sign_in(client, ada).status_code == 200


def test_a_session_from_before_the_second_factor_is_asked_for_it(client, ada):
    client.force_login(ada)
    give_app(ada)
    assert refused(client).headers["Location"] == f"{AGAIN}?next=%2Fadmin%2Fauth%2Fuser%2F"
    for page in (*SECRET_PAGES, "second-factor/", "second-factor/app/", "second-factor/passkeys/add/"):
        assert client.get(f"/admin/account/{page}").headers["Location"].startswith(AGAIN), page
    # the password is not enough to say that it is you
    answer = client.post("/admin/account/again/?next=/admin/", {"password": PASSWORD})
    assert answer.headers["Location"].startswith(AGAIN)
    assert client.post(f"{AGAIN}?next=/admin/auth/user/", {"code": code()}).headers["Location"] == "/admin/auth/user/"
    assert client.get("/admin/auth/user/").status_code == 200


def test_the_last_second_factor_stays(signed_in, ada):
    removal = f"{SET_UP}app/remove/"
    assert "You need a second factor, and this is your only one" in signed_in.get(removal).text
    assert "You need a second factor, and this is your only one" in signed_in.post(removal).text
    key = Authenticator.objects.create(user=ada, type="webauthn", data={"name": "Key", "credential": {}})
    assert signed_in.post(removal).status_code == 302
    assert list(Authenticator.objects.filter(user=ada)) == [key]
    answer = signed_in.post(f"{SET_UP}passkeys/{key.pk}/remove/", follow=True)
    assert "You need a second factor, and this is your only one" in answer.text
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_removing_the_rows_by_another_way_leads_back_to_setting_one_up(signed_in, ada):
    Authenticator.objects.filter(user=ada).delete()
    assert refused(signed_in).headers["Location"].startswith(SET_UP)


def test_the_second_factor_of_another_account_is_out_of_reach(signed_in, ada):
    other = get_user_model().objects.create_user("bea", is_staff=True)
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Key", "credential": {}})
    for page in (f"passkeys/{key.pk}/", f"passkeys/{key.pk}/remove/"):
        assert signed_in.get(f"{SET_UP}{page}").status_code == 404
        assert signed_in.post(f"{SET_UP}{page}", {"name": "Mine"}).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_djangos_own_doors_lead_to_ours(signed_in, client):
    assert signed_in.get("/admin/password_change/").headers["Location"] == "/admin/account/password/"
    assert signed_in.get("/admin/password_change/done/").headers["Location"] == "/admin/"
    answer = signed_in.post("/admin/logout/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/admin/account/logout/")
    assert signed_in.post("/admin/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
    signed_in.logout()
    answer = signed_in.post("/admin/login/", {"username": "ada", "password": PASSWORD})  # Django's own fields
    assert answer.status_code == 200
    assert "_auth_user_id" not in signed_in.session


def test_there_is_no_other_page_of_an_account():
    for name in ("account_signup", "account_email", "account_reset_password", "account_inactive", "mfa_login_webauthn"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    found = {str(p.pattern) for p in get_resolver("vru_portal.accounts.urls").url_patterns}
    assert len(found) == 18


@pytest.mark.parametrize("then", ["https://elsewhere.example.org/", "//elsewhere.example.org", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client, ada, then):
    give_app(ada)
    assert sign_in(client, ada, then=then).headers["Location"] == "/admin/"
    assert client.get("/admin/login/", {"next": then}).headers["Location"] == "/admin/"


# Guessing -------------------------------------------------------------------------------------------------------------


def answer_to(client, name, password):
    page = client.post("/admin/account/login/", {"login": name, "password": password})
    return page.status_code, re.findall(r'<div class="portal-errors".*?</div>', page.text, re.S)


def test_the_answer_does_not_tell_whether_an_account_exists_or_may_enter(client, ada):
    get_user_model().objects.create_user("gone", password=PASSWORD, is_staff=True, is_active=False)
    get_user_model().objects.create_user("visitor", password=PASSWORD)
    wrong = answer_to(client, "ada", "wrong")
    assert wrong[0] == 200
    assert "username or the password is wrong" in wrong[1][0]
    assert answer_to(client, "nobody", "wrong") == wrong
    assert answer_to(client, "gone", PASSWORD) == wrong
    assert answer_to(client, "visitor", PASSWORD) == wrong


def test_guessing_at_a_code_ends_too(client, ada):
    give_app(ada)
    client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
    for _ in range(5):
        assert "This code is wrong" in client.post("/admin/account/login/second-factor/", {"code": "1"}).text
    answer = client.post("/admin/account/login/second-factor/", {"code": code()})
    assert answer.status_code == 200
    assert "Too many attempts" in answer.text


# Sessions -------------------------------------------------------------------------------------------------------------


def test_no_count_of_guesses_is_lost_while_somebody_makes_up_names():
    cache.set("guesses", 4, 300)
    for number in range(700):  # the default keeps 300, and drops a third of what there is
        cache.set(f"made-up-{number}", 1, 300)
    assert cache.get("guesses") == 4
    assert len(cache.get_many([f"made-up-{number}" for number in range(700)])) == 700


def test_a_session_is_another_once_somebody_signs_in_and_ends_with_the_browser(client, ada):
    client.get("/admin/account/login/")
    give_app(ada)
    client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
    before = client.session.session_key
    answer = client.post("/admin/account/login/second-factor/", {"code": code()})
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()
    cookie = answer.cookies["sessionid"]
    assert (cookie["max-age"], cookie["expires"], bool(cookie["httponly"]), cookie["samesite"]) == ("", "", True, "Lax")


def test_a_session_ends_twelve_hours_after_it_was_begun_whatever_is_done_in_it(client, ada):
    began = timezone.now()
    give_app(ada)
    with time_machine.travel(began):
        sign_in(client, ada)
    for hours, status in ((6, 200), (11.9, 200), (12.1, 302)):
        with time_machine.travel(began + timedelta(hours=hours)):
            assert client.get("/admin/auth/user/").status_code == status
            session = client.session
            session["touched"] = hours
            if status == 200:
                session.save()


def test_a_changed_password_ends_the_other_sessions(signed_in, ada):
    other = Client()
    assert sign_in(other, ada, steps=1).headers["Location"] == "/admin/"
    new = "five-lanterns-on-a-moor"
    answer = signed_in.post(
        "/admin/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    assert answer.status_code == 200
    assert signed_in.get("/admin/auth/user/").status_code == 200
    refused(other)


def test_a_redirect_reveals_nothing_about_a_draft_to_people_who_cannot_open_it(client, settings):
    settings.SECOND_FACTOR_REQUIRED = False
    user = get_user_model().objects.create_user("newcomer", is_staff=True)
    client.force_login(user)
    draft, public = StoryFactory(state="draft", slug="secret-closure"), StoryFactory(slug="open-day")
    kind = ContentType.objects.get_for_model(draft).pk
    hidden = client.get(f"/admin/r/{kind}/{draft.pk}/")
    assert hidden.status_code == 404
    assert "secret" not in hidden.text + hidden.headers.get("Location", "")
    for address in (
        f"{kind}/999999",
        "999999/1",
        "x/1",
        f"{kind}/x",
        f"{ContentType.objects.get_for_model(user).pk}/1",
    ):
        assert client.get(f"/admin/r/{address}/").status_code == 404
    assert client.get(f"/admin/r/{kind}/{public.pk}/").headers["Location"].endswith("/news/open-day/")
    user.user_permissions.add(Permission.objects.get(codename="view_story"))
    assert client.get(f"/admin/r/{kind}/{draft.pk}/").headers["Location"].endswith("/news/secret-closure/")


def test_a_deactivated_account_is_signed_out_immediately(signed_in, ada):
    get_user_model().objects.filter(pk=ada.pk).update(is_active=False)
    refused(signed_in)


def test_signing_out_is_a_press_and_ends_the_session(signed_in):
    key = signed_in.session.session_key
    assert "Sign out" in signed_in.get("/admin/account/logout/").text
    assert Session.objects.filter(pk=key).exists()
    assert signed_in.post("/admin/account/logout/").headers["Location"] == "/admin/account/login/"
    assert not Session.objects.filter(pk=key).exists()
    refused(signed_in)


def test_all_sessions_of_an_account_end_and_those_of_others_do_not(signed_in):
    bea, other = get_user_model().objects.create_user("bea", is_staff=True), Client()
    other.force_login(bea)
    assert end_sessions(bea) == 1
    assert signed_in.get("/admin/auth/user/").status_code == 200


def test_ended_sessions_are_dropped_a_day_later(signed_in):
    key = signed_in.session.session_key
    for hours, left in ((35, 1), (37, 0)):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            sessions.delete_ended_sessions()
            assert Session.objects.filter(pk=key).count() == left


# The pages ------------------------------------------------------------------------------------------------------------


def test_every_page_of_the_account_answers_and_has_nothing_inline(signed_in, ada):
    for page in ("logout/", "password/", *(f"second-factor/{p}" for p in ("", "codes/new/", "passkeys/"))):
        answer = signed_in.get(f"/admin/account/{page}")
        assert answer.status_code == 200, page
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", answer.text)
        assert not inline, page
        assert not re.search(r'\sstyle="|\son\w+="', answer.text), page
        assert "no-store" in answer.headers["Cache-Control"], page


def test_a_passkey_is_offered_with_scripts_from_files_alone(signed_in, settings):
    settings.ALLOWED_HOSTS = ["*"]
    page = signed_in.get(f"{SET_UP}passkeys/add/", HTTP_HOST="localhost:8000")
    assert "mfa/js/webauthn.js" in page.text
    assert '"rp": {' in page.text
    assert "open it as “localhost”" not in page.text
    assert "open it as “localhost”" in signed_in.get(f"{SET_UP}passkeys/add/", HTTP_HOST="127.0.0.1:8000").text


def test_the_embedded_default_asks_for_none_and_says_so(client, ada, settings):
    settings.SECOND_FACTOR_REQUIRED = False
    assert sign_in(client, ada).headers["Location"] == "/admin/"
    answer = client.get("/admin/auth/user/")
    assert answer.status_code == 200
    assert "so it does not ask for a second factor" in answer.text
    settings.SECOND_FACTOR_REQUIRED = True
    give_app(ada)
    client.logout()
    sign_in(client, ada)
    assert "No second factor is asked for" not in client.get("/admin/auth/user/").text


def test_whether_one_is_required_depends_on_where_it_runs():
    question = "from vru_portal import settings as s; print(s.SECOND_FACTOR_REQUIRED)"
    for values, answer in (
        ({}, "False"),
        ({"PORTAL_URL": "https://vru.example.org"}, "True"),
        ({"DATABASE_URL": "postgres://u:p@localhost/x"}, "True"),
    ):
        found = subprocess.run(
            [sys.executable, "-c", question],
            env=environment(SECRET_KEY="k" * 50, **values),
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == answer
