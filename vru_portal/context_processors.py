from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from partners.models import Unit
from programmes.models import PreventionLevel


def portal(request: HttpRequest) -> dict[str, Any]:
    """Give every page the unit, its contact points and its levels: asked for only where a template does."""
    unit = SimpleLazyObject(Unit.objects.current)
    return {
        "unit": unit,
        "contact_points": SimpleLazyObject(lambda: unit.contact_list),
        "levels": SimpleLazyObject(lambda: list(PreventionLevel.objects.public().with_counts())),
        "canonical_url": f"{settings.PORTAL_URL}{request.path}",
        "exit_url": settings.EXIT_URL,
        "preview": getattr(request, "preview", None),
    }
