from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from partners.models import Unit
from programmes.models import PreventionLevel
from vru_portal.public.social_cards import has_card
from vru_portal.web.addresses import full_url
from vru_portal.web.public_pages import declared_query


def portal(request: HttpRequest) -> dict[str, Any]:
    """The unit, its contact points and its levels, for every page; each is fetched only if a template uses it.

    Pages of the admin need less: a letterhead, and the shapes of the levels for the logo in it.
    """
    unit = SimpleLazyObject(Unit.objects.current)
    return {
        "unit": unit,
        "contact_points": SimpleLazyObject(lambda: unit.contact_list),
        "levels": SimpleLazyObject(PreventionLevel.objects.listed),
        "letterhead": SimpleLazyObject(Unit.objects.letterhead),
        "sign": SimpleLazyObject(lambda: list(PreventionLevel.objects.public().with_counts().only("mark"))),
        "canonical_url": full_url(request.path),
        "printed_url": full_url(request.path) + declared_query(request),
        "card_url": card_url(request),
        "exit_url": settings.EXIT_URL,
        "preview": getattr(request, "preview", None),
    }


def card_url(request: HttpRequest) -> str:
    """The address of the picture that is shown beside links to this page; empty for pages that nobody shares."""
    return f"{settings.PORTAL_URL}/cards{request.path}card.png" if has_card(request.resolver_match) else ""
