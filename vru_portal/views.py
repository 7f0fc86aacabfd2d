"""Pages that draw on several apps, and what machines ask for."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from events.choices import ItemKind
from events.declarations.models import DeclarationVersion
from events.models import AgendaItem
from funding.models import FundingSource
from partners.models import Organisation, Statement, Unit
from programmes.models import PreventionLevel
from vru_portal import old_addresses

MESSAGES_ON_HOME = 2


def home(request: HttpRequest) -> HttpResponse:
    """The programme at a glance."""
    unit = Unit.objects.current()
    levels = list(PreventionLevel.objects.public().select_related("source").with_counts().with_initiatives())
    sources = list(FundingSource.objects.of_latest_year().with_remainder().with_paid())
    agenda = list(AgendaItem.objects.of_latest_event().exclude(kind=ItemKind.CLOSED))
    return render(
        request,
        "home.html",
        {
            "unit": unit,
            "contact_points": unit.contact_list,
            "levels": levels,
            "initiatives": [initiative for level in levels for initiative in level.public_initiatives],
            "initiative_total": sum(level.initiative_count for level in levels),
            **figures(),
            "sources": sources,
            "year": sources[0].year if sources else None,
            "budget": sources[0].year.budget(sources) if sources else None,
            "allocated": sum(source.allocated for source in sources),
            "paid": sum(source.paid for source in sources),
            "carried": sum(source.carried for source in sources),
            "unallocated": sum(source.remainder for source in sources),
            "agenda": agenda,
            "event": agenda[0].event if agenda else None,
            "statements": Statement.objects.public().select_related("speaker", "source")[:MESSAGES_ON_HOME],
        },
    )


def figures() -> dict[str, Any]:
    """Return the number of lead organisations, and how far the declaration's wording in force has come: one query."""
    leads = Organisation.objects.public().leading().order_by().values(same=Value(1)).annotate(n=Count("pk"))
    in_force: Any = DeclarationVersion.objects.in_force(timezone.localdate()).with_progress()
    found = Unit.objects.values(
        lead_count=Coalesce(Subquery(leads.values("n")), 0),
        version_in_force=Subquery(in_force.values("number")[:1]),
        signed_count=Subquery(in_force.values("signed_count")[:1]),
        asked_count=Subquery(in_force.values("asked_count")[:1]),
    )
    return dict(found.get())


def brand(request: HttpRequest) -> HttpResponse:
    """The unit's own colours, as custom properties of the style sheet."""
    unit = Unit.objects.current()
    if not unit.has_colours:
        raise Http404("This unit wears the portal's colours.")
    css = f":root{{--brand-ink:{unit.colour_ink};--brand-accent:{unit.colour_accent}}}"
    return HttpResponse(css, content_type="text/css; charset=utf-8")


def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers may read, and where the list of pages is."""
    lines = ("User-agent: *", "Disallow: /admin/", f"Sitemap: {settings.PORTAL_URL}{reverse('sitemap')}", "")
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 403 page: that of staff for a colleague who is signed in, the public's for everybody else."""
    among_staff = request.path.startswith(reverse("admin:index")) and hasattr(request, "user")
    if among_staff and admin.site.has_permission(request):
        return admin.site.forbidden(request)  # type: ignore[attr-defined]
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page that moved; else the 404 page; where no unit is loaded yet, the page that says so."""
    if moved := old_addresses.redirect(request):
        return moved
    try:
        return render(request, "404.html", status=404)
    except Unit.DoesNotExist:
        return render(request, "no_unit.html", status=503)
