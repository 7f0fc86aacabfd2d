"""Sessions of staff, in the database: each ends a set time after it was begun, whatever is done in it meanwhile.

A request that only reads does not write its session either: what it changes there (a message that was shown, the
challenge of a passkey) travels in a signed cookie until the next request that writes.
"""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

BEGAN = "signed_in_at"
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

    def changes(self) -> dict[str, Any]:
        """Return how the session differs from what the database holds, and of which session that is said."""
        now, before = dict(self.items()), self.stored
        return {
            "of": self.session_key or "",
            "set": {name: value for name, value in now.items() if name not in before or before[name] != value},
            "gone": [name for name in before if name not in now],
        }

    def take_over(self, changes: dict[str, Any]) -> None:
        """Make the changes that the browser carries, unless they are of another session."""
        self.keys()  # loads it: the database may know no such session any more
        if changes.get("of") == (self.session_key or ""):
            self.update(changes["set"])
            for name in changes["gone"]:
                self.pop(name, None)

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The table is Django's own."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Note the moment at which somebody is first signed in by it."""
        if SESSION_KEY in data:
            data.setdefault(BEGAN, timezone.now().timestamp())
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
        if cookie := request.COOKIES.get(COOKIE):
            try:
                session.take_over(signing.loads(cookie, salt=COOKIE, max_age=settings.SESSION_COOKIE_AGE))
            except signing.BadSignature:
                return
            session.modified = request.method not in READING

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Let the browser carry what a reading request has changed; save it, and what was carried, after any other."""
        session: Any = request.session
        if request.method in READING and session.modified and not session.is_empty():
            cookie = signing.dumps(session.changes(), salt=COOKIE, compress=True)
            if len(cookie) <= LONGEST_COOKIE:
                session.modified = False
                response.set_cookie(
                    COOKIE,
                    cookie,
                    path=reverse("admin:index"),
                    secure=settings.SESSION_COOKIE_SECURE,
                    httponly=True,
                    samesite=settings.SESSION_COOKIE_SAMESITE,
                )
        elif request.method not in READING and COOKIE in request.COOKIES and response.status_code < 500:
            response.delete_cookie(COOKIE, path=reverse("admin:index"), samesite=settings.SESSION_COOKIE_SAMESITE)
        return super().process_response(request, response)


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
