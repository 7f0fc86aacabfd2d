"""Guessing passwords: it is stopped, and locks out only the person who guesses."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import mail, signing
from django.test import Client, RequestFactory
from django.utils import timezone
from django_smart_ratelimit.models import RateLimitCounter
from django_tasks_db.models import DBTaskResult

from tests.support.factories import UnitFactory
from tests.support.second_factors import PASSWORD, code, give_app
from vru_portal.accounts import sign_in_throttling
from vru_portal.accounts.tasks import send_refusal_notice
from vru_portal.web.limits import TooMany, database_backend

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LOGIN = "/admin/account/login/"
OFFICE, STRANGER = "192.0.2.7", "198.51.100.66"


@pytest.fixture(autouse=True)
def _unit():
    UnitFactory()


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password=PASSWORD, is_staff=True, email="ada@moor.example.org")


def attempt(name, password="wrong", network=OFFICE, client=None):  # noqa: S107
    """Try to sign in, and return the result."""
    client = client or Client()
    answer = client.post(LOGIN, {"login": name, "password": password}, REMOTE_ADDR=network)
    if answer.status_code == 302:
        return "in"
    assert answer.status_code == 200
    return "refused" if "Too many attempts" in answer.text else "wrong"


@pytest.mark.both
@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_it_ends_after_five_tries_at_a_name_from_one_network(ada, name):
    assert [attempt(name) for _ in range(6)] == ["wrong"] * 5 + ["refused"]
    assert attempt(name, PASSWORD) == "refused"
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert attempt(name, PASSWORD) == ("in" if name == "ada" else "wrong")


@pytest.mark.parametrize("spelling", ["ADA", " Ada ", "\uff21da"])
def test_another_spelling_of_a_name_does_not_give_more_guesses(ada, spelling):
    for _ in range(5):
        attempt("ada")
    assert attempt(spelling) == "refused"


def test_a_dotless_i_is_one_to_a_database_and_to_the_count():
    assert (
        sign_in_throttling.comparable("adm\u0131n")
        == sign_in_throttling.comparable("ADMIN")
        != sign_in_throttling.comparable("admon")
    )


def test_a_stranger_locks_out_nobody(ada):
    assert [attempt("ada", network=STRANGER) for _ in range(6)][-1] == "refused"
    assert attempt("ada", PASSWORD) == "in"
    assert attempt("ada", PASSWORD, network=STRANGER) == "refused"


def test_an_ipv6_network_guesses_as_one(ada):
    for number in range(5):
        attempt("ada", network=f"2001:db8::{number}")
    assert attempt("ada", PASSWORD, network="2001:db8::ffff") == "refused"
    assert attempt("ada", PASSWORD, network="2001:db8:0:1::1") == "in"


def test_a_right_password_resets_the_count(ada):
    assert [attempt("ada", password) for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 5] == (
        ["wrong"] * 4 + ["in"] + ["wrong"] * 5
    )


@pytest.fixture
def few(monkeypatch):
    """A network may make ten guesses."""
    monkeypatch.setattr(sign_in_throttling, "NETWORK_GUESSES", replace(sign_in_throttling.NETWORK_GUESSES, most=10))


def test_a_network_tries_so_many_names_and_no_more(ada, few):
    assert {attempt(f"name-{number}") for number in range(10)} == {"wrong"}
    assert attempt("another") == "refused"
    assert attempt("ada", PASSWORD) == "refused"
    assert attempt("another", network=STRANGER) == "wrong"


def test_a_network_is_that_of_the_outermost_trusted_proxys_client(few, settings):
    settings.TRUSTED_PROXIES = 1
    asked = {"login": "x", "password": "y"}
    for number in range(10):
        asked["login"] = f"name-{number}"
        Client().post(LOGIN, asked, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, {OFFICE}")
    asked["login"] = "another"
    assert "Too many attempts" in Client().post(LOGIN, asked, HTTP_X_FORWARDED_FOR=f"10.9.9.9, {OFFICE}").text
    assert "Too many attempts" not in Client().post(LOGIN, asked, HTTP_X_FORWARDED_FOR=STRANGER).text


def test_a_refused_guess_costs_no_hash(ada, monkeypatch):
    for _ in range(5):
        attempt("ada")

    def fail(*arguments, **options):
        pytest.fail("the password was hashed")

    monkeypatch.setattr("django.contrib.auth.hashers.check_password", fail)
    monkeypatch.setattr("django.contrib.auth.base_user.check_password", fail)
    assert attempt("ada") == "refused"


def test_what_is_counted_names_nobody(ada):
    attempt("ada")
    kept = repr(list(RateLimitCounter.objects.values()))
    assert RateLimitCounter.objects.count() == 2
    assert "ada" not in kept
    assert OFFICE not in kept


# Known devices --------------------------------------------------------------------------------------------------------


def test_a_known_device_signs_in_while_its_network_is_refused(ada, few):
    laptop = Client()
    assert attempt("ada", PASSWORD, client=laptop) == "in"
    for number in range(12):
        attempt("ada" if number < 6 else f"name-{number}")
    assert attempt("ada", PASSWORD) == "refused"
    laptop.post("/admin/account/logout/")
    assert attempt("ada", PASSWORD, client=laptop) == "in"


def test_a_known_device_has_five_guesses_too(ada):
    laptop = Client()
    attempt("ada", PASSWORD, client=laptop)
    laptop.post("/admin/account/logout/")
    assert [attempt("ada", client=laptop) for _ in range(6)] == ["wrong"] * 5 + ["refused"]
    assert attempt("ada", PASSWORD, client=laptop) == "refused"
    assert attempt("ada", PASSWORD) == "in"


def test_a_device_is_known_to_the_accounts_that_signed_in_on_it_alone(ada):
    get_user_model().objects.create_user("bea", password=PASSWORD, is_staff=True)
    shared = Client()
    for name in ("ada", "bea"):
        attempt(name, PASSWORD, client=shared)
        shared.post("/admin/account/logout/")
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in shared.cookies.items()}
    assert (
        sign_in_throttling.known_device(request, "ADA") == sign_in_throttling.known_device(request, "bea") is not None
    )
    assert sign_in_throttling.known_device(request, "cy") is None
    assert "ada" not in shared.cookies[sign_in_throttling.DEVICE_COOKIE].value


def test_a_device_is_known_only_after_the_second_factor(ada, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    give_app(ada)
    client = Client()
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    assert sign_in_throttling.DEVICE_COOKIE not in client.cookies
    client.post("/admin/account/login/second-factor/", {"code": code()})
    cookie = client.cookies[sign_in_throttling.DEVICE_COOKIE]
    assert (bool(cookie["httponly"]), cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_nobody_makes_up_a_known_device(ada):
    for value in (
        "",
        "x",
        "a:b:c",
        signing.dumps({"id": "x", "names": [sign_in_throttling.name_mark("ada")]}, salt="another"),
    ):
        request = RequestFactory().get("/")
        request.COOKIES = {sign_in_throttling.DEVICE_COOKIE: value}
        assert sign_in_throttling.known_device(request, "ada") is None
    client = Client()
    attempt("ada", PASSWORD, client=client)
    request.COOKIES = {sign_in_throttling.DEVICE_COOKIE: client.cookies[sign_in_throttling.DEVICE_COOKIE].value}
    assert sign_in_throttling.known_device(request, "ada")
    with time_machine.travel(timezone.now() + timedelta(days=181)):
        assert sign_in_throttling.known_device(request, "ada") is None


# What the owner hears -------------------------------------------------------------------------------------------------


def queued():
    return [row.args_kwargs["args"] for row in DBTaskResult.objects.filter(task_path__endswith="send_refusal_notice")]


def test_the_owner_gets_one_email_a_day_about_refused_attempts(ada):
    with time_machine.travel("2031-05-06T10:00:00Z"):
        for _ in range(5):
            attempt("ada", network=STRANGER)
        assert queued() == []
        for _ in range(3):
            attempt("ADA", network=STRANGER)
        assert queued() == [[ada.pk]]
    with time_machine.travel("2031-05-07T10:00:00Z"):
        for _ in range(6):
            attempt("ada", network=STRANGER)
        assert queued() == [[ada.pk]] * 2


def test_no_email_is_sent_for_an_account_that_has_no_address_or_does_not_exist(ada):
    ada.email = ""
    ada.save()
    get_user_model().objects.create_user("gone", is_staff=True, is_active=False, email="gone@moor.example.org")
    for name in ("ada", "gone", "nobody"):
        assert [attempt(name) for _ in range(6)][-1] == "refused"
    assert queued() == []


def test_the_email_says_what_happened_and_what_to_do(ada, settings):
    send_refusal_notice.func(ada.pk)
    (sent,) = mail.outbox
    assert sent.to == ["ada@moor.example.org"]
    assert sent.subject == "Somebody tried to sign in to your account at localhost"
    assert "\u201cada\u201d" in sent.body
    assert f"{settings.PORTAL_URL}/admin/account/password/" in sent.body


# The second factor ----------------------------------------------------------------------------------------------------


def test_a_passkey_works_however_many_codes_were_wrong(ada, settings, monkeypatch):
    settings.SECOND_FACTOR_REQUIRED = True
    app = give_app(ada)
    client = Client()
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    for _ in range(6):
        answer = client.post("/admin/account/login/second-factor/", {"code": "1"})
    assert "Too many attempts" in answer.text
    for name, made in (("parse_authentication_response", None), ("complete_authentication", app)):
        monkeypatch.setattr(f"allauth.mfa.webauthn.internal.auth.{name}", lambda *_, made=made: made)
    answer = client.post("/admin/account/login/second-factor/", {"credential": '{"id": "x"}'})
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/admin/")


def test_the_page_to_sign_in_repeats_no_endless_address(client, quiet):
    for page in (LOGIN, "/admin/login/"):
        assert client.get(page, {"next": "/admin/?q=" + "x" * 4_000}).status_code == 200
        assert client.get(page, {"next": "/admin/?q=" + "x" * 5_000}).status_code == 400


def test_the_count_is_the_databases_own(ada, monkeypatch):
    """What several guesses at the same moment have in common is one row."""
    counted = sign_in_throttling.GUESSES
    for _ in range(counted.most):
        database_backend().incr(counted.key("x"), counted.seconds)
    monkeypatch.setattr(type(counted), "require", lambda *_: None)  # asked before the others were counted
    with pytest.raises(TooMany):
        counted.count("x")
