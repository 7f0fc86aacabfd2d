"""Why somebody has to sign in again: the sign-in page says so, and takes them back to where they were going."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from vru_portal.accounts.sessions import user_key_of

PARAMETER = "ended"
HOURS = settings.SESSION_COOKIE_AGE // 3_600
TIME_IS_UP, ELSEWHERE = "time", "elsewhere"
SENTENCES = {
    TIME_IS_UP: f"You have been signed out because {HOURS} hours have passed since you signed in.",
    ELSEWHERE: (
        "You are no longer signed in: you signed out in another window, your password was changed, somebody ended your "
        "sessions, or you were away for more than a day."
    ),
}
NO_SESSION = (
    f"You are not signed in. A session ends when you close the browser, and {HOURS} hours after you sign in. "
    "Once you sign in, you will go to the page you asked for."
)


def say_why_ended(view: Callable[..., Any]) -> Callable[..., Any]:
    """Pass on why the browser's session has ended, for the sign-in page to which a view redirects."""

    @wraps(view)
    def explained(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        reason = "" if request.user.is_authenticated else why_ended(request)  # before the view deletes what is left
        response = view(request, *args, **kwargs)
        if reason and isinstance(response, HttpResponseRedirect):
            response["Location"] += f"&{PARAMETER}={reason}"
        return response

    return explained


def why_ended(request: HttpRequest) -> str:
    """Why the session of a browser has ended; empty if it had none, or nobody had signed in with it."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return ""
    session = Session.objects.filter(pk=key).first()
    if session is None:
        return ELSEWHERE
    if user_key_of(session) is None:
        return ""
    return TIME_IS_UP if session.expire_date <= timezone.now() else ELSEWHERE


def sentence_for(request: HttpRequest) -> str:
    """What the sign-in page says to somebody who was redirected to it; empty if they were going to the start page."""
    if request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index")) == reverse("admin:index"):
        return SENTENCES.get(request.GET.get(PARAMETER, ""), "")
    return SENTENCES.get(request.GET.get(PARAMETER, ""), NO_SESSION)
