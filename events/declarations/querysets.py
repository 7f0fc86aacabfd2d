from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vru_portal.publishing import published
from vru_portal.slugs import SlugQuerySet

if TYPE_CHECKING:
    from events.declarations.models import Declaration, DeclarationVersion  # noqa: F401 - bases name them as strings


class DeclarationQuerySet(SlugQuerySet["Declaration"]):
    """Declarations."""

    def with_public_event(self) -> Self:
        """Return declarations whose event, if there is one, the public sees."""
        return self.filter(Q(event=None) | Q(**published("event"))).select_related("event__source")


class VersionQuerySet(models.QuerySet["DeclarationVersion"]):
    """Wordings of declarations."""

    def in_force(self) -> Self:
        """Return published wordings, the latest first: a draft has no day."""
        return self.filter(in_force_from__isnull=False).order_by("-number")
