"""The API's own page, its description, and what surrounds every operation: who may read it, and how."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from vru_portal.public.api.document import openapi_document
from vru_portal.public.api.endpoints import MAX_PER_PAGE, PER_PAGE, api, not_found
from vru_portal.public.open_data.descriptions import describe_all
from vru_portal.public.open_data.views import json_response
from vru_portal.web.public_pages import public_page

METHODS = ("GET", "HEAD", "OPTIONS")
# Scripts on any site may call the API, and may say which answer they have already.
FROM_ANYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": "Accept, If-None-Match",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Access-Control-Max-Age": "86400",
}

View = Callable[..., HttpResponse]


def open_to_all(view: View) -> View:
    """Let scripts of other sites read what this view answers; refuse all but reading."""
    kept = public_page(view)

    @wraps(kept)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": ", ".join(METHODS)})
        elif request.method not in METHODS:
            response = HttpResponseNotAllowed(METHODS)
        else:
            asked, request.method = request.method, "GET"  # operations do not handle HEAD
            try:
                response = kept(request, *args, **kwargs)
            finally:
                request.method = asked
        for header, value in FROM_ANYWHERE.items():
            response.headers[header] = value
        return response

    answer.csrf_exempt = True  # type: ignore[attr-defined]
    answer.is_data = True  # type: ignore[attr-defined]
    return answer


@require_safe
@public_page
def documentation(request: HttpRequest) -> HttpResponse:
    """The API for people: its addresses, parameters and answers."""
    context = {"descriptions": describe_all(), "per_page": PER_PAGE, "most": MAX_PER_PAGE}
    return render(request, "open_data/api.html", context)


@open_to_all
def openapi(request: HttpRequest) -> HttpResponse:
    if request.GET:  # it takes no parameters and is expensive to build, so only the plain address is kept
        return redirect("api:openapi")
    return json_response(openapi_document())


OPERATIONS: dict[str, Any] = {str(pattern.pattern).removesuffix("/"): pattern.callback for pattern in api.urls[0]}


@open_to_all
def rows(request: HttpRequest, name: str) -> HttpResponse:
    """The operation of this name."""
    return OPERATIONS[name](request) if name in OPERATIONS else not_found(request)


@open_to_all
def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    return not_found(request)
