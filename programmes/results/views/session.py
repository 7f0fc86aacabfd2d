"""The pages behind the emailed link of a return: who may see them, and what to say where they cannot be used."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from partners.models import LegalNotice
from programmes.results.choices import LinkPurpose
from programmes.results.models import ReturnDraft, Token
from programmes.results.rules.reporting import InvalidLink, NotOpen, why_not_open
from programmes.results.tokens import find_usable_token
from programmes.results.views import limits
from vru_portal.links.session import LinkSession

SESSION = LinkSession(cookie="return", salt="programmes.results.link")
View = Callable[..., HttpResponse]
allow_form_methods = require_http_methods(["GET", "HEAD", "POST"])
# What was sent with a form and is not to be shown back.
NOT_TYPED = ("csrfmiddlewaretoken", "return_mark")


class FormForAnotherReturn(Exception):  # noqa: N818 - reads as the condition it reports
    """The form belongs to another return than the link that this browser opened last."""


def return_page(view: View) -> View:
    """Decorate a view of a return: each thing that stops a visitor gets a page that says what to do next."""

    @wraps(view)
    def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except InvalidLink:
            limits.count_invalid_link(request)
            return render(request, "results/return_no_link.html", {"typed": typed_texts(request)}, status=404)
        except FormForAnotherReturn:
            token = find_usable_token(SESSION.secret(request))
            draft = token.draft if token else None
            context = {"draft": draft, "typed": typed_texts(request)}
            return render(request, "results/return_another_link.html", context, status=409)
        except NotOpen as stopped:
            return render_not_open(request, stopped.draft, stopped.reason)

    return answer


def render_not_open(request: HttpRequest, draft: ReturnDraft, reason: str) -> HttpResponse:
    status = 409 if request.method == "POST" else 200
    context = {
        "draft": draft,
        "asked": draft.asked,
        "reason": reason,
        "typed": typed_texts(request),
        "mark": SESSION.mark(draft.pk),
    }
    return render(request, "results/return_not_open.html", context, status=status)


def typed_texts(request: HttpRequest) -> list[str]:
    """What was sent with a form that could not be saved, to be copied from the page."""
    texts = [
        str(text).strip()
        for name, text in request.POST.items()
        if name not in NOT_TYPED and not name.startswith("before-")
    ]
    return [text[:2000] for text in texts if text][:60]


def require_token(request: HttpRequest) -> Token:
    """The token of the link that this browser opened last. Raises InvalidLink or FormForAnotherReturn."""
    token = find_usable_token(SESSION.secret(request))
    if token is None:
        raise InvalidLink
    if request.method == "POST" and not SESSION.is_marked(request.POST.get("return_mark", ""), token.draft_id):
        raise FormForAnotherReturn
    return token


def require_open(request: HttpRequest) -> Token:
    """As `require_token`, and the answers can be changed now; raises NotOpen otherwise."""
    token = require_token(request)
    if reason := why_not_open(token.draft, token.purpose):
        raise NotOpen(reason, token.draft)
    return token


def page_context(token: Token, **page: Any) -> dict[str, Any]:
    return {
        "draft": token.draft,
        "asked": token.draft.asked,
        "mark": SESSION.mark(token.draft_id),
        "is_confirming": token.purpose == LinkPurpose.CONFIRM,
        "legal_notice": LegalNotice.current(),
        **page,
    }
