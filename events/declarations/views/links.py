"""What a browser holds of a link that was mailed: a signed cookie, so that no address of a page contains the secret."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from events.declarations import limits, rules, tokens
from events.declarations.choices import Purpose
from events.declarations.models import Invitation, Token
from partners.models import LegalNotice

COOKIE = "signing"
SALT = "events.declarations.link"
MINUTES_TO_WAIT = 60  # what a browser is told when signing is closed

# The page to which a link leads, whatever address it is used at.
HOMES = {
    Purpose.SIGN: "declarations:read",
    Purpose.CONFIRM: "declarations:read",
    Purpose.RECEIPT: "declarations:receipt",
    Purpose.WITHDRAW: "declarations:withdraw",
}

View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    """A redirect that is always followed by GET."""

    status_code = 303


class LeadsElsewhere(Exception):  # noqa: N818 - what it is, not what went wrong
    """A link that is good, but not for this page."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.home = HOMES[Purpose(token.purpose)]


class AnotherLink(Exception):  # noqa: N818
    """A form of one link, sent after another was opened in the same browser."""


def held(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser holds; nothing where it holds none, or something that this portal did not sign."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def secret_of(request: HttpRequest) -> str:
    """Return the secret of the link that this browser has opened; an empty one, which opens nothing, if none."""
    return str(held(request).get("secret", ""))


def hold(response: HttpResponse, **values: Any) -> HttpResponse:
    """Let the browser hold these values, and no others, until it is closed; it sends them to the journey only."""
    response.set_cookie(
        COOKIE,
        signing.dumps(values, salt=SALT),
        path=reverse("declarations:read"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def see_other(name: str, question: str = "") -> HttpResponse:
    """Lead to a page."""
    return SeeOther(resolve_url(name) + question)


def token_of(request: HttpRequest, *purposes: Purpose) -> Token:
    """Return the token of the link that this browser holds.

    Raises InvalidLink where it opens nothing, LeadsElsewhere where it is for another page, and AnotherLink where a form
    comes from a page of another invitation: who fills in one for a first body must not sign with it for a second.
    """
    token = tokens.find(secret_of(request), *HOMES)
    if token is None:
        raise rules.InvalidLink
    require_fit(request, token, *purposes)
    return token


def require_fit(request: HttpRequest, token: Token, *purposes: Purpose) -> None:
    """Raise AnotherLink or LeadsElsewhere where a token is not for this form or this page."""
    if request.method == "POST":
        require_mark(request, token.invitation)
    if token.purpose not in purposes:
        raise LeadsElsewhere(token)


def require_mark(request: HttpRequest, invitation: Invitation) -> None:
    """Raise AnotherLink where a form comes from a page of another invitation."""
    if not constant_time_compare(request.POST.get("of", ""), mark_of(invitation)):
        raise AnotherLink


def mark_of(invitation: Invitation) -> str:
    """Return what a form says of the invitation that it belongs to: worth nothing to anybody else."""
    return salted_hmac(SALT, str(invitation.pk)).hexdigest()[:16]


def journey(view: View) -> View:
    """Answer what stops somebody on the journey with a page that says what to do next."""

    @wraps(view)
    def _answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except rules.InvalidLink:
            limits.wrong_link(request)
            return render(request, "events/declaration/sign_no_link.html", status=404)
        except LeadsElsewhere as other:
            return see_other(other.home)
        except AnotherLink:
            token = tokens.find(secret_of(request), *HOMES)
            if token is None:  # it has signed meanwhile
                return render(request, "events/declaration/sign_no_link.html", status=409)
            return render(request, "events/declaration/sign_another_link.html", {"token": token}, status=409)
        except (rules.SigningClosed, ImproperlyConfigured):
            return closed(request)

    return _answer


def closed(request: HttpRequest) -> HttpResponse:
    """Say that nobody can sign at the moment: why, where it is paused, since staff write that for visitors."""
    version = rules.in_force()
    context = {
        "because": version.declaration.paused_because if version else "",
        "version": version,
        "asks": request.path == reverse("declarations:ask"),
    }
    response = render(request, "events/declaration/sign_closed.html", context, status=503)
    response["Retry-After"] = str(MINUTES_TO_WAIT * 60)
    return response


def shown_to(request: HttpRequest, token: Token, **more: Any) -> dict[str, Any]:
    """Return what every page of the journey shows: the body, the wording that would be signed, who keeps the data."""
    return {
        "invitation": token.invitation,
        "body": token.invitation.body,
        "of": mark_of(token.invitation),
        "confirms": token.purpose == Purpose.CONFIRM,
        "notice": LegalNotice.current(),
        **more,
    }
