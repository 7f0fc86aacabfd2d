"""The public's own page as it will be: made while this connection sees the record as if it were published."""

import copy
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import resolve

from vru_portal import drafts
from vru_portal.step_admin import step_url


def of(request: HttpRequest, root: Any) -> HttpResponse:
    """Return the page that shows a record, as the public would get it once it is published, with a strip that says so.

    Raises ValidationError, which says what is missing, where there would be no page.
    """
    try:
        with drafts.viewing_proposed(root, published=True):
            record = type(root)._default_manager.get(pk=root.pk)
            strip = {"record": root, "edit": step_url(root, "change"), "missing": drafts.obstacles_now(root)}
            if request.user.has_perm("vru_portal.publish"):
                strip["publish"] = step_url(root, "publish")
            response = page(request, record.public_address, strip)
    except (IntegrityError, Http404) as error:
        raise ValidationError(drafts.obstacles(root) or [f"There is no page that shows {root}."]) from error
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def page(request: HttpRequest, address: str, strip: dict[str, Any]) -> HttpResponse:
    """Return what the public gets at an address; follows the redirect to the latest year."""
    match = resolve(urlsplit(address).path)
    asked = copy.copy(request)
    asked.method, asked.user, asked.resolver_match = "GET", AnonymousUser(), match
    asked.GET = asked.POST = QueryDict()
    asked.path = asked.path_info = urlsplit(address).path
    asked.preview = strip  # type: ignore[attr-defined]
    response = match.func(asked, *match.args, **match.kwargs)
    if response.status_code in (301, 302):
        return page(request, response["Location"], strip)
    return response.render() if hasattr(response, "render") else response
