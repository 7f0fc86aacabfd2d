"""Sessions of staff, in the database: each ends a set time after it was begun, whatever is done in it meanwhile.

A request that only reads does not save its session either: what it changes there (a message that was shown, the
challenge of a passkey) travels in an encrypted cookie until the next request that writes. The cookie counts only for
the session as it was saved when the cookie was made: each save makes every earlier one worthless. A session that has
to end because its password was changed is deleted by whatever request finds that out.
"""

import copy
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac

BEGAN = "signed_in_at"
SAVE = "save"  # another text with each save of a session
COOKIE = "session_changes"
LONGEST_COOKIE = 3500  # bytes: browsers keep up to 4,096 with the name and the attributes
READING = ("GET", "HEAD", "OPTIONS", "TRACE")
KEEP_ENDED = timedelta(days=1)  # for as long, what is sent in one that is over is kept (see kept_text)


class SessionStore(DatabaseStore):
    """A session that remembers when it was begun, and what of it the database holds."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.stored: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        """Read it from the database."""
        found = super().load()
        self.stored = copy.deepcopy(found)
        return found

    @property
    def saved_as(self) -> list[str]:
        """What names the session as the database holds it."""
        return [self.session_key or "", self.stored.get(SAVE, "")]

    def changes(self) -> dict[str, Any]:
        """Return how the session differs from what the database holds."""
        now, before = dict(self.items()), self.stored
        return {
            "of": self.saved_as,
            "set": {name: value for name, value in now.items() if name not in before or before[name] != value},
            "gone": [name for name in before if name not in now],
        }

    def take_over(self, changes: dict[str, Any]) -> bool:
        """Make the changes that the browser carries; return whether they are of the session as it stands."""
        self.keys()  # loads it: the database may know no such session any more
        if self.session_key is None or changes.get("of") != self.saved_as:
            return False
        self.update(changes["set"])
        for name in changes["gone"]:
            self.pop(name, None)
        return True

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Note the moment at which somebody is first signed in by it, and that this is another save."""
        if SESSION_KEY in data:
            data.setdefault(BEGAN, timezone.now().timestamp())
        data[SAVE] = get_random_string(16)
        return super().create_model_instance(data)

    def get_expiry_date(self, **options: Any) -> datetime:
        """Return the end: counted from when it was begun, not from when it was last written."""
        if (began := self.get(BEGAN)) is None:
            return super().get_expiry_date(**options)
        return datetime.fromtimestamp(began, UTC) + timedelta(seconds=self.get_session_cookie_age())


class StaffSessionMiddleware(SessionMiddleware):
    """Django's, but that a request which only reads takes no lock to save its session."""

    def process_request(self, request: HttpRequest) -> None:
        """Begin with what the browser carries."""
        super().process_request(request)
        session: Any = request.session
        if (cookie := request.COOKIES.get(COOKIE)) and (changes := opened(cookie)) and session.take_over(changes):
            session.modified = request.method not in READING

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Let the browser carry what a reading request has changed; save it, and what was carried, after any other."""
        session: Any = request.session
        reads, keeps = request.method in READING, response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        begun = session.session_key and session.session_key == request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if reads and keeps and begun and session.modified and not session.is_empty():
            cookie = sealed(session.changes())
            if len(cookie) <= LONGEST_COOKIE:  # a longer one is not kept by browsers: then the session is saved
                session.modified = False
                response.set_cookie(COOKIE, cookie, secure=settings.SESSION_COOKIE_SECURE, httponly=True, **place())
        elif not reads and keeps and COOKIE in request.COOKIES:
            response.delete_cookie(COOKIE, **place())
        return super().process_response(request, response)


def place() -> dict[str, Any]:
    """Return where a browser sends the cookie: to staff's pages, which alone have a session."""
    return {"path": reverse("admin:index"), "samesite": settings.SESSION_COOKIE_SAMESITE}


def box() -> Fernet:
    """Return what encrypts the cookie, and shows that it is ours."""
    key = salted_hmac(COOKIE, settings.SECRET_KEY, secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(key))


def sealed(changes: dict[str, Any]) -> str:
    """Return changes as the cookie holds them: nobody reads a secret of a second factor there."""
    return box().encrypt(json.dumps(changes).encode()).decode()


def opened(cookie: str) -> dict[str, Any] | None:
    """Return the changes in a cookie; None for one that is too old, or not ours."""
    try:
        found: dict[str, Any] = json.loads(box().decrypt(cookie.encode(), ttl=settings.SESSION_COOKIE_AGE))
    except (InvalidToken, UnicodeEncodeError):
        return None
    return found


def whose(session: Session) -> int | None:
    """Return the key of the account that a session was begun with, also where it is over; None for nobody's."""
    key = session.get_decoded().get(SESSION_KEY)
    return None if key is None else int(get_user_model()._meta.pk.to_python(key))


def end_sessions(user: Any) -> int:
    """End whatever sessions somebody has, at once; return how many. Only staff have any, so they are few."""
    own = [session.pk for session in Session.objects.iterator() if whose(session) == user.pk]
    Session.objects.filter(pk__in=own).delete()
    return len(own)


def clear_away() -> int:
    """Drop sessions that ended more than a day ago; return how many."""
    return Session.objects.filter(expire_date__lt=timezone.now() - KEEP_ENDED).delete()[0]
