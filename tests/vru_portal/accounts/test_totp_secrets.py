"""Second factors in the database: of no use in a copy of it, and readable after a rotation however that ends."""

import os
import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import transaction

from tests.support.factories import UnitFactory
from tests.support.second_factors import KEY, PASSWORD, code, give_app, sign_in
from vru_portal.accounts import totp_secrets

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CODE_PAGE = "/admin/account/login/second-factor/"


@pytest.fixture(autouse=True)
def _served(settings):
    settings.SECOND_FACTOR_REQUIRED = True
    cache.clear()
    UnitFactory()


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password=PASSWORD, is_staff=True, is_superuser=True)


def stored():
    return " ".join(str(data) for data in Authenticator.objects.values_list("data", flat=True))


def can_sign_in(client, user, steps=0):
    client.logout()
    cache.clear()
    return sign_in(client, user, steps=steps).headers.get("Location") == "/admin/"


def test_no_secret_is_readable_in_the_database_and_each_works(client, ada):
    give_app(ada)
    codes = RecoveryCodes.activate(ada)
    assert KEY not in stored()
    assert stored().count(f"'{totp_secrets.ENCRYPTED}") == 2
    assert can_sign_in(client, ada)
    client.logout()
    client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
    assert client.post(CODE_PAGE, {"code": codes.get_unused_codes()[0]}).headers["Location"] == "/admin/"


def test_a_secret_that_is_being_set_up_is_not_readable_in_the_database_either(client, ada, monkeypatch):
    monkeypatch.setattr(transaction, "on_commit", lambda run, **_: run())
    sign_in(client, ada)
    page = "/admin/account/second-factor/app/"
    secret = re.findall(r"<code>(\w+)</code>", client.get(page).text)[0]
    assert secret in client.post(page, {"code": "000000"}).text  # which saves the session
    saved = str([session.get_decoded() for session in Session.objects.all()])
    assert "mfa.totp.secret" in saved
    assert secret not in saved
    assert client.post(page, {"code": code(secret)}).status_code == 302
    assert secret not in stored()


def test_the_keys_are_a_file_for_its_owner_alone(ada):
    give_app(ada)
    assert totp_secrets.keys_file().stat().st_mode & 0o777 == 0o600
    assert len(totp_secrets.read_keys()) == 1
    totp_secrets.rotate_key()
    assert totp_secrets.keys_file().stat().st_mode & 0o777 == 0o600


def test_a_rotation_encrypts_every_secret_with_the_new_key_and_forgets_the_oldest(client, ada):
    give_app(ada)
    RecoveryCodes.activate(ada)
    first, before = totp_secrets.read_keys(), stored()
    output = StringIO()
    call_command("staff", "rotate-key", stdout=output)
    assert output.getvalue() == (
        f"Encrypted 2 secrets of second factors with a new key. Back up {totp_secrets.keys_file()}.\n"
    )
    assert stored() != before
    newest = totp_secrets.read_keys()[:1]
    totp_secrets.write_keys(newest)  # nothing needs the old one any more
    assert can_sign_in(client, ada)
    for _ in range(3):
        call_command("staff", "rotate-key", stdout=output)
    assert len(totp_secrets.read_keys()) == totp_secrets.KEPT_KEYS
    assert not {*first, *newest} & {*totp_secrets.read_keys()}


@pytest.mark.parametrize("rows_done", [0, 1, 2])
def test_a_rotation_that_is_interrupted_leaves_everything_readable(client, ada, monkeypatch, rows_done):
    give_app(ada)
    RecoveryCodes.activate(ada)
    give_app(get_user_model().objects.create_user("bea"))
    encrypt_again, left = totp_secrets.encrypt_again, [*range(rows_done)]

    def until_the_power_fails(pk):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return encrypt_again(pk)

    monkeypatch.setattr(totp_secrets, "encrypt_again", until_the_power_fails)
    with pytest.raises(KeyboardInterrupt):
        totp_secrets.rotate_key()
    assert totp_secrets.unreadable_accounts() == []
    assert can_sign_in(client, ada)
    monkeypatch.setattr(totp_secrets, "encrypt_again", encrypt_again)
    assert totp_secrets.rotate_key() == 3
    totp_secrets.write_keys(totp_secrets.read_keys()[:1])
    assert totp_secrets.unreadable_accounts() == []


def test_a_file_of_keys_that_cannot_be_replaced_stays_as_it_was(ada, monkeypatch):
    give_app(ada)
    before = totp_secrets.read_keys()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        totp_secrets.rotate_key()
    assert totp_secrets.read_keys() == before
    assert totp_secrets.unreadable_accounts() == []


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_text(totp_secrets.new_key())])
def test_a_lost_key_is_a_sentence_on_each_page_and_a_reset_helps(client, ada, lose):
    give_app(ada)
    lost = totp_secrets.read_keys()[0]
    lose(totp_secrets.keys_file())
    client.post("/admin/account/login/", {"login": "ada", "password": PASSWORD})
    page = client.post(CODE_PAGE, {"code": code()})
    assert page.status_code == 200
    assert "manage.py staff reset" in page.text
    assert totp_secrets.unreadable_accounts() == ["ada"]
    output = StringIO()
    call_command("staff", "rotate-key", stdout=output)
    assert "The second factor of ada cannot be read. Reset it: manage.py staff reset ada" in output.getvalue()
    call_command("staff", "reset", "ada", stdout=output)
    assert totp_secrets.unreadable_accounts() == []
    give_app(ada)
    assert lost not in totp_secrets.read_keys()


def test_no_key_is_made_in_the_place_of_one_that_is_lost(client, ada):
    """It would come back with a backup, and what was encrypted meanwhile could not be read."""
    give_app(get_user_model().objects.create_user("bea"))
    totp_secrets.keys_file().unlink()
    sign_in(client, ada)
    page = "/admin/account/second-factor/app/"
    secret = re.findall(r"<code>(\w+)</code>", client.get(page).text)[0]
    answer = client.post(page, {"code": code(secret)}, follow=True)
    assert "the portal&#x27;s key for it is missing" in answer.text
    assert not totp_secrets.keys_file().exists()
    assert not Authenticator.objects.filter(user=ada).exists()
