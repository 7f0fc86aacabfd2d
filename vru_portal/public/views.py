"""Pages that draw on several apps, error pages, and files for browsers and crawlers."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import IO, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap as sitemap_response
from django.db import InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    UnreadablePostError,
)
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from partners.models import Unit
from programmes.presenters.levels import levels_with_initiatives
from vru_portal.public.api.views import unknown as api_not_found
from vru_portal.public.brochure import read_brochure, write_brochure_pdf
from vru_portal.public.gaps import GAPS, GAPS_BY_SLUG, found_gap
from vru_portal.public.home import (
    agenda_of,
    declaration_status,
    first_statements,
    latest_event_with_agenda,
    latest_year_money,
    lead_organisations,
)
from vru_portal.public.sitemaps import PublicPages
from vru_portal.publishing.redirects import redirect_from_old_address
from vru_portal.web.limits import COSTLY_FILES, limit_filtered_file
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import public_page
from vru_portal.web.shared_files import file_state, shared_file_response

SECONDS_UNTIL_RETRY = 10
GAPS_PER_PAGE = 50


@public_page
def home(request: HttpRequest) -> HttpResponse:
    """The programme at a glance."""
    unit = Unit.objects.current()
    levels = levels_with_initiatives()
    event = latest_event_with_agenda()
    agenda = agenda_of(event) if event else []
    return render(
        request,
        "home.html",
        {
            "unit": unit,
            "contact_points": unit.contact_list,
            "levels": levels,
            "initiatives": [initiative for level in levels for initiative in level.public_initiatives],
            "initiative_total": sum(level.initiative_count for level in levels),
            "lead_count": len(lead_organisations(timezone.localdate())),
            **latest_year_money(),
            "agenda": agenda,
            "event": event if agenda else None,
            **declaration_status(),
            "statements": first_statements(),
        },
    )


@public_page
def brochure(request: HttpRequest) -> HttpResponse:
    """The unit's brochure as a page, which offers the same as a PDF."""
    return render(request, "brochure.html", {"brochure": read_brochure()})


@require_safe
def brochure_pdf(request: HttpRequest) -> HttpResponseBase:
    """The unit's brochure to print."""
    state, unit = file_state(), Unit.objects.current()

    def make(file: IO[bytes]) -> None:
        limit_filtered_file(request, COSTLY_FILES)
        write_brochure_pdf(file)

    name = f"{'example-' if unit.is_example else ''}brochure.pdf"
    return shared_file_response(request, name, state, "brochure", make, inline=True)


def page_of_gaps(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a page of what is missing: for staff alone, unless the unit publishes it."""

    @wraps(view)
    def _view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_published = Unit.objects.filter(publishes_gaps=True).exists()
        if not is_published and not admin.site.has_permission(request):
            raise Http404("This page is for staff only.")
        response = view(request, *args, **kwargs)
        if not is_published:
            response["Cache-Control"] = "no-store"
        return response

    return _view


@require_safe
@public_page
@page_of_gaps
def gaps(request: HttpRequest) -> HttpResponse:
    """What the golden thread lacks: how much of each kind, and the first of it."""
    found = [found_gap(gap, gap.find()) for gap in GAPS]
    return render(request, "gaps.html", {"gaps": found})


@require_safe
@public_page
@page_of_gaps
def gap(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that lacks one thing."""
    if slug not in GAPS_BY_SLUG:
        raise Http404("There is no such list.")
    kind = GAPS_BY_SLUG[slug]
    page = get_page_or_404(request, kind.find(), GAPS_PER_PAGE)
    return render(request, "gap.html", {"gap": kind, "page": page, "rows": [kind.describe(row) for row in page]})


@public_page
def brand_stylesheet(request: HttpRequest) -> HttpResponse:
    """The unit's own colours, as custom properties that the style sheet uses."""
    unit = Unit.objects.get()
    if not unit.has_colours:
        raise Http404("This unit uses the colours of the portal.")
    css = f":root{{--brand-ink:{unit.colour_ink};--brand-accent:{unit.colour_accent}}}"
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@public_page
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers may read, and where the sitemap is."""
    lines = ("User-agent: *", "Disallow: /admin/", f"Sitemap: {settings.PORTAL_URL}{reverse('sitemap')}", "")
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@public_page
def sitemap(request: HttpRequest) -> HttpResponse:
    """The address of every public page, for search engines."""
    return sitemap_response(request, {"pages": PublicPages}).render()


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 403 page: the one of the admin for staff who are signed in there, the public one for everybody else."""
    in_admin = request.path.startswith(reverse("admin:index")) and hasattr(request, "user")
    if in_admin and admin.site.has_permission(request):
        return admin.site.forbidden(request)  # type: ignore[attr-defined]
    return render(request, "403.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A redirect if the page has moved, else the 404 page; until a unit is loaded, the page that says so."""
    if request.path.startswith(reverse("api:root")):
        return api_not_found(request, "")
    if moved := redirect_from_old_address(request):
        return moved
    try:
        return render(request, "404.html", status=404)
    except Unit.DoesNotExist:
        return render(request, "no_unit.html", status=503)


def server_failed(request: HttpRequest) -> HttpResponse:
    """The 500 page; a 503 that says to try again where the database is busy, full, restarting or gone.

    Django calls this while it handles the exception. Neither page needs the database.
    A body that breaks off while a view reads it is a 400: no fault of the portal.
    """
    error = sys.exc_info()[1]
    if isinstance(error, UnreadablePostError):
        return HttpResponseBadRequest("The request broke off.\n", content_type="text/plain; charset=utf-8")
    if isinstance(error, OperationalError | InterfaceError):
        response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(SECONDS_UNTIL_RETRY)
        response["Cache-Control"] = "no-store"
        return response
    return server_error(request)
