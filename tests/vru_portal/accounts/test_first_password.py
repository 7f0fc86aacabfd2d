"""A password that somebody else has set opens nothing but the page on which its owner chooses another."""

import re
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from tests.support.factories import UnitFactory
from tests.support.second_factors import PASSWORD, code, give_app
from vru_portal.accounts.first_password import PasswordForm
from vru_portal.models import FirstPassword

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CHOOSE = "/admin/account/password/"
SET_UP = "/admin/account/second-factor/"
OWN = "five-lanterns-on-a-moor"
ELSEWHERE = ("/admin/auth/user/", "/admin/changes/", "/admin/markdown/", "/admin/partners/sector/add/")


@pytest.fixture(autouse=True, params=[True, False], ids=["second factor required", "embedded"])
def required(request, settings):
    settings.SECOND_FACTOR_REQUIRED = request.param
    cache.clear()
    UnitFactory()
    return request.param


def staff(*arguments):
    """The password that the command prints."""
    out = StringIO()
    call_command("staff", *arguments, stdout=out)
    return re.findall(r"Password: (\S+)", out.getvalue())[0]


def enter(client, name, password, *, with_code=False):
    answer = client.post("/admin/account/login/?next=/admin/auth/user/", {"login": name, "password": password})
    if with_code:
        answer = client.post(answer.headers["Location"], {"code": code()})
    return answer


def next_step(client):
    """Where somebody who has given a password is led to from any other page; None if it opens."""
    steps = set()
    for address in ELSEWHERE:
        answer = client.get(address)
        if answer.headers.get("Location", "").startswith("/admin/login/"):
            answer = client.get(answer.headers["Location"])
        steps.add(answer.headers.get("Location", "").partition("?")[0] or None)
    (step,) = steps
    return step


def choose(client, old, new=OWN):
    page = client.get(f"{CHOOSE}?next=/admin/auth/user/")
    assert "Somebody else set the password you signed in with" in page.text
    return client.post(CHOOSE, {"oldpassword": old, "password1": new, "password2": new, "next": "/admin/auth/user/"})


@pytest.fixture
def ada(required):
    """An Administrator by the command, and their first password."""
    return staff("add", "ada", "--role", "Administrator", "--role", "Editor")


def test_the_first_password_leads_to_choosing_another_and_then_to_the_second_factor(client, ada, required):
    enter(client, "ada", ada)
    assert next_step(client) == CHOOSE
    for page in ("", "app/", "passkeys/add/", "codes/"):
        assert client.get(f"{SET_UP}{page}").headers["Location"].startswith(CHOOSE), page
        assert client.post(f"{SET_UP}{page}").headers["Location"].startswith(CHOOSE), page
    assert choose(client, ada).headers["Location"] == "/admin/auth/user/"
    assert next_step(client) == (SET_UP if required else None)
    assert not FirstPassword.objects.exists()
    other = Client()
    enter(other, "ada", OWN)
    assert next_step(other) == (SET_UP if required else None)


def test_signing_out_and_in_again_does_not_get_around_it(client, ada):
    for _ in range(2):
        enter(client, "ada", ada)
        assert next_step(client) == CHOOSE
        client.post("/admin/account/logout/")


@pytest.mark.parametrize("new", [None, "short"])
def test_it_cannot_be_chosen_again_and_neither_can_a_weak_one(client, ada, new):
    enter(client, "ada", ada)
    assert choose(client, ada, new or ada).status_code == 200
    assert ("This is the password you have now" in choose(client, ada, new or ada).text) is (new is None)
    assert next_step(client) == CHOOSE
    assert FirstPassword.objects.exists()


def test_after_a_reset_it_is_the_same(client, ada, required):
    enter(client, "ada", ada)
    choose(client, ada)
    again = staff("reset", "ada")
    assert client.get("/admin/auth/user/").status_code == 302
    enter(client, "ada", again)
    assert next_step(client) == CHOOSE


def test_a_password_that_an_administrator_sets_is_to_be_changed_and_ones_own_is_not(client, required):
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    give_app(root)
    enter(client, "root", PASSWORD, with_code=True)
    new = {"username": "bea", "password1": OWN, "password2": OWN, "usable_password": "true"}
    client.post("/admin/auth/user/add/", new | {"groups": [Group.objects.get(name="Administrator").pk]})
    bea = get_user_model().objects.get(username="bea")
    theirs = Client()
    enter(theirs, "bea", OWN)
    assert next_step(theirs) == CHOOSE
    choose(theirs, OWN, PASSWORD)
    give_app(bea)
    client.post(f"/admin/auth/user/{bea.pk}/password/", {"password1": OWN, "password2": "another"})
    assert not FirstPassword.objects.exists()
    set_own = {"password1": OWN, "password2": OWN, "usable_password": "true"}
    client.post(f"/admin/auth/user/{bea.pk}/password/", set_own)
    theirs = Client()
    enter(theirs, "bea", OWN, with_code=True)
    assert next_step(theirs) == CHOOSE  # after the second factor: it proves who is choosing
    client.post(
        f"/admin/auth/user/{root.pk}/password/", {"password1": OWN, "password2": OWN, "usable_password": "true"}
    )
    assert not FirstPassword.objects.filter(user=root).exists()
    assert next_step(client) is None


def test_people_who_chose_their_own_password_are_not_redirected_and_can_change_it(client):
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    give_app(root)
    enter(client, "root", PASSWORD, with_code=True)
    assert next_step(client) is None
    assert "Somebody else set" not in client.get(CHOOSE).text
    assert isinstance(client.get(CHOOSE).context["form"], PasswordForm)
