"""Sessions of staff, in the database: each ends a set time after it was begun, whatever is done in it meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

BEGAN = "signed_in_at"
KEEP_ENDED = timedelta(days=1)  # for as long, what is sent in one that is over is kept (see kept_text)


class SessionStore(DatabaseStore):
    """A session that remembers when it was begun."""

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
