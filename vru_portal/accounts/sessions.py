"""Staff sessions, stored in the database. Each ends a fixed time after signing in, however active it is.

A request that only reads does not write to the database, not even its session. What it changes there (a message was
shown, a passkey challenge was issued) travels in an encrypted cookie until the next request that writes. The cookie is
valid only for the session as it was saved when the cookie was made: every save invalidates all earlier cookies. A
session that ends because its password was changed is deleted by whichever request notices that.
"""

import copy
import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY as TOTP_SEED
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac

from vru_portal.web.cookies import delete_cookie, read_cookie, set_cookie

SIGNED_IN_AT = "signed_in_at"
SAVE_ID = "save"  # the key of a random text that changes with every save of a session
CHANGES_COOKIE = "session_changes"
MAX_COOKIE_BYTES = 3500  # browsers keep up to 4,096, with the name and the attributes
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
KEEP_ENDED = timedelta(days=1)  # staff/interrupted_forms.py keeps what was typed in an ended session


class SessionStore(DatabaseStore):
    """A session that remembers when somebody signed in, and what of it is saved in the database."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.stored: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        data = super().load()
        if seed := data.pop(TOTP_SEED, None):
            with suppress(InvalidToken):  # another SECRET_KEY: the page offers another seed
                data[TOTP_SEED] = cookie_cipher().decrypt(seed).decode()
        self.stored = copy.deepcopy(data)
        return data

    @property
    def saved_version(self) -> list[str]:
        """What identifies this session at its last save."""
        return [self.session_key or "", self.stored.get(SAVE_ID, "")]

    def unsaved_changes(self) -> dict[str, Any]:
        """How the session differs from what is saved."""
        now, saved = dict(self.items()), self.stored
        return {
            "of": self.saved_version,
            "set": {name: value for name, value in now.items() if name not in saved or saved[name] != value},
            "gone": [name for name in saved if name not in now],
        }

    def apply_changes(self, changes: dict[str, Any]) -> bool:
        """Apply the changes from the cookie. Returns False, and changes nothing, if they belong to an earlier save."""
        self.keys()  # loads the session, which may have been deleted
        if self.session_key is None or changes.get("of") != self.saved_version:
            return False
        self.update(changes["set"])
        for name in changes["gone"]:
            self.pop(name, None)
        return True

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Note the time of signing in, give this save an id, and encrypt the seed of an app that is being set up."""
        if SESSION_KEY in data:
            data.setdefault(SIGNED_IN_AT, timezone.now().timestamp())
        data[SAVE_ID] = get_random_string(16)
        stored = dict(data)
        if seed := stored.get(TOTP_SEED):
            stored[TOTP_SEED] = cookie_cipher().encrypt(seed.encode()).decode()
        return super().create_model_instance(stored)

    def get_expiry_date(self, **options: Any) -> datetime:
        """Count from signing in, not from the last save."""
        if (signed_in_at := self.get(SIGNED_IN_AT)) is None:
            return super().get_expiry_date(**options)
        return datetime.fromtimestamp(signed_in_at, UTC) + timedelta(seconds=self.get_session_cookie_age())


class StaffSessionMiddleware(SessionMiddleware):
    """Django's, except that a request which only reads does not lock the database to save its session."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        session: Any = request.session
        cookie = read_cookie(request, CHANGES_COOKIE)
        if cookie and (changes := decrypt_changes(cookie)) and session.apply_changes(changes):
            session.modified = request.method not in SAFE_METHODS

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Put the changes of a reading request into the cookie; save them, and those of the cookie, after any other."""
        session: Any = request.session
        reads = request.method in SAFE_METHODS
        succeeds = response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR  # Django saves no session after an error
        is_known = session.session_key and session.session_key == request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if reads and succeeds and is_known and session.modified and not session.is_empty():
            cookie = encrypt_changes(session.unsaved_changes())
            if len(cookie) <= MAX_COOKIE_BYTES:  # browsers would drop a longer one: then the session is saved
                session.modified = False
                set_cookie(response, CHANGES_COOKIE, cookie)
        elif not reads and succeeds and read_cookie(request, CHANGES_COOKIE):
            delete_cookie(response, CHANGES_COOKIE)
        return super().process_response(request, response)


def cookie_cipher() -> Fernet:
    """Encrypts and authenticates the cookie, and the seed of an app in a session that is saved."""
    key = salted_hmac(CHANGES_COOKIE, settings.SECRET_KEY, secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(key))


def encrypt_changes(changes: dict[str, Any]) -> str:
    """Encrypted, since they may contain the secret of a second factor that is being set up."""
    return cookie_cipher().encrypt(json.dumps(changes).encode()).decode()


def decrypt_changes(cookie: str) -> dict[str, Any] | None:
    """The changes in a cookie; None where it is too old, or was not made by this portal."""
    try:
        changes: dict[str, Any] = json.loads(cookie_cipher().decrypt(cookie.encode(), ttl=settings.SESSION_COOKIE_AGE))
    except (InvalidToken, UnicodeEncodeError):
        return None
    return changes


def user_key_of(session: Session) -> int | None:
    """The key of the account that signed in, even where the session has ended; None where nobody did."""
    key = session.get_decoded().get(SESSION_KEY)
    return None if key is None else int(get_user_model()._meta.pk.to_python(key))


def end_sessions(user: Any) -> int:
    """End all sessions of an account at once. Returns how many.

    Django stores the account only inside the encoded session, so every session is read; only staff have any.
    """
    own = [session.pk for session in Session.objects.iterator() if user_key_of(session) == user.pk]
    Session.objects.filter(pk__in=own).delete()
    return len(own)


def delete_ended_sessions() -> int:
    """Delete the sessions that ended more than a day ago. Returns how many."""
    return Session.objects.filter(expire_date__lt=timezone.now() - KEEP_ENDED).delete()[0]
