"""The signing session: a signed cookie that holds the secret of the link that was mailed.

`views.signing.open_link` moves the secret from the address into this cookie, so that no page address, log or Referer
header contains it. Besides the secret, the cookie remembers which text was shown (``read``) and which answers were
confirmed (``checked``): both are fingerprints.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from events.declarations import tokens
from events.declarations.choices import SigningLinkPurpose
from events.declarations.models import Invitation, Token
from events.declarations.rules import availability
from events.declarations.views import limits
from partners.models import LegalNotice
from vru_portal.links.answering import InvalidLink
from vru_portal.links.session import LinkSession, redirect_see_other

SESSION = LinkSession(cookie="signing", salt="events.declarations.link")
RETRY_AFTER_MINUTES = 60  # sent as Retry-After while signing is closed

# Each kind of link leads to one page, whichever page of the signing session it is used on.
PAGE_FOR_PURPOSE = {
    SigningLinkPurpose.SIGN: "declarations:read",
    SigningLinkPurpose.CONFIRM: "declarations:read",
    SigningLinkPurpose.RECEIPT: "declarations:receipt",
    SigningLinkPurpose.WITHDRAW: "declarations:withdraw",
}

View = Callable[..., HttpResponse]


class LinkForAnotherPage(Exception):  # noqa: N818 - what it is, not what went wrong
    """The link works, but not on this page."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.page = PAGE_FOR_PURPOSE[SigningLinkPurpose(token.purpose)]


class FormForAnotherInvitation(Exception):  # noqa: N818
    """The form belongs to another invitation than the link that this browser opened last."""


def require_session_token(request: HttpRequest, *purposes: SigningLinkPurpose) -> Token:
    """The token of the link that this browser opened last, if it is for one of these purposes.

    Raises InvalidLink if the link opens nothing, LinkForAnotherPage if it is for another page, and
    FormForAnotherInvitation if the form that was sent belongs to another invitation.
    """
    token = tokens.find_usable_token(SESSION.secret(request), *PAGE_FOR_PURPOSE)
    if token is None:
        raise InvalidLink
    require_token_for_page(request, token, *purposes)
    return token


def require_token_for_page(request: HttpRequest, token: Token, *purposes: SigningLinkPurpose) -> None:
    """Raise FormForAnotherInvitation or LinkForAnotherPage if the token is not for this form or this page."""
    if request.method == "POST":
        require_form_for_invitation(request, token.invitation)
    if token.purpose not in purposes:
        raise LinkForAnotherPage(token)


def require_form_for_invitation(request: HttpRequest, invitation: Invitation) -> None:
    if not SESSION.is_marked(request.POST.get("invitation_mark", ""), invitation.pk):
        raise FormForAnotherInvitation


def signing_page(view: View) -> View:
    """Decorate a view of the signing session: each thing that stops a visitor gets a page that says what to do next."""

    @wraps(view)
    def _answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except InvalidLink:
            limits.count_invalid_link(request)
            return render(request, "events/declaration/sign_no_link.html", status=404)
        except LinkForAnotherPage as error:
            return redirect_see_other(error.page)
        except FormForAnotherInvitation:
            token = tokens.find_usable_token(SESSION.secret(request), *PAGE_FOR_PURPOSE)
            if token is None:  # the link was used to sign in the meantime
                return render(request, "events/declaration/sign_no_link.html", status=409)
            return render(request, "events/declaration/sign_another_link.html", {"token": token}, status=409)
        except (availability.SigningClosed, ImproperlyConfigured):
            return render_signing_closed(request)

    return _answer


def render_signing_closed(request: HttpRequest) -> HttpResponse:
    """Say that nobody can sign at the moment. If signing is paused, show the reason that staff wrote for visitors."""
    version = availability.version_in_force()
    context = {
        "paused_because": version.declaration.paused_because if version else "",
        "version": version,
        "is_request_to_sign": request.path == reverse("declarations:ask"),
    }
    response = render(request, "events/declaration/sign_closed.html", context, status=503)
    response["Retry-After"] = str(RETRY_AFTER_MINUTES * 60)
    return response


def signing_page_context(token: Token, **page_context: Any) -> dict[str, Any]:
    """The template context that all pages of the signing session share, with that of the page itself."""
    return {
        "invitation": token.invitation,
        "organisation": token.invitation.body,
        "invitation_mark": SESSION.mark(token.invitation.pk),
        "is_confirming": token.purpose == SigningLinkPurpose.CONFIRM,
        "legal_notice": LegalNotice.current(),
        **page_context,
    }
