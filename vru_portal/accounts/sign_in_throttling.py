"""How often passwords may be guessed.

Guesses are counted for an account's name and a network together, so that nobody can lock an account by guessing at it
from elsewhere. A device on which somebody has signed in to the account has a count of its own, so that they can sign in
while somebody in the same network guesses. All guesses of a network at any names have a limit that no office reaches.
"""

import unicodedata
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string, salted_hmac

from vru_portal.accounts.tasks import send_refusal_notice
from vru_portal.web.cookies import read_cookie, set_cookie
from vru_portal.web.limits import Limit, TooMany, client_network

GUESSES = Limit("password", most=5, seconds=5 * 60)  # at one name, from one network or known device
NETWORK_GUESSES = Limit("passwords", most=100, seconds=10 * 60)  # at any names, from one network
NOTICES = Limit("refusal-notice", most=1, seconds=24 * 60 * 60)  # to one account

DEVICE_COOKIE = "known_device"
DEVICE_SECONDS = 180 * 24 * 60 * 60
MAX_NAMES = 5  # of accounts that sign in on one device


def count_guess(request: HttpRequest, name: str) -> None:
    """Count an attempt to sign in. Raises TooMany if it must not be tried."""
    if (device := known_device(request, name)) is None:
        NETWORK_GUESSES.require(client_network(request))
    try:
        GUESSES.count(guesser(request, name, device))
    except TooMany:
        tell_owner(name)
        raise


def keep_guess(request: HttpRequest, name: str) -> None:
    """Note that the attempt was wrong."""
    if known_device(request, name) is None:
        NETWORK_GUESSES.add(client_network(request))


def forget_guesses(request: HttpRequest, name: str) -> None:
    """Note that the attempt was right."""
    GUESSES.clear(guesser(request, name, known_device(request, name)))


def guesser(request: HttpRequest, name: str, device: str | None) -> str:
    return f"{comparable(name)}\n{device or client_network(request)}"


def comparable(name: str) -> str:
    """A name as databases compare it when they ignore case: a dotless i, too, becomes “I” in upper case."""
    return unicodedata.normalize("NFKC", name).upper().casefold()


def tell_owner(name: str) -> None:
    """Have the worker mail the account's owner, at most once a day, that attempts were refused."""
    users = get_user_model()._default_manager.filter(username__iexact=name, is_active=True, is_staff=True)
    if (user := users.exclude(email="").first()) is None:
        return
    try:
        NOTICES.count(str(user.pk))
    except TooMany:
        return
    send_refusal_notice.enqueue(user.pk)


# Devices on which somebody has signed in ------------------------------------------------------------------------------


def remember_device(request: HttpRequest, response: HttpResponse, user: Any) -> None:
    """Set a cookie that says that this account has signed in on this device. It opens nothing by itself."""
    device = read_device(request) or {"id": get_random_string(22), "names": []}
    mark = name_mark(user.get_username())
    names = [mark, *(other for other in device["names"] if other != mark)][:MAX_NAMES]
    device = {"id": device["id"], "names": names}
    set_cookie(response, DEVICE_COOKIE, signing.dumps(device, salt=DEVICE_COOKIE), DEVICE_SECONDS)


def known_device(request: HttpRequest, name: str) -> str | None:
    """The device's identifier if an account of this name has signed in on it before."""
    device = read_device(request)
    return device["id"] if device and name_mark(name) in device["names"] else None


def read_device(request: HttpRequest) -> dict[str, Any] | None:
    try:
        device: dict[str, Any] = signing.loads(
            read_cookie(request, DEVICE_COOKIE), salt=DEVICE_COOKIE, max_age=DEVICE_SECONDS
        )
    except signing.BadSignature:
        return None
    return device


def name_mark(name: str) -> str:
    """What the cookie holds instead of a name, so that nobody who reads it learns who signs in on this device."""
    return salted_hmac(DEVICE_COOKIE, comparable(name), algorithm="sha256").hexdigest()[:32]
