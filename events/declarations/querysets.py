from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vru_portal.publishing import published
from vru_portal.slugs import SlugQuerySet

if TYPE_CHECKING:
    from events.declarations.models import Declaration, DeclarationVersion  # noqa: F401 - bases name them as strings


class DeclarationQuerySet(SlugQuerySet["Declaration"]):
    """Declarations."""

    def public(self) -> Self:
        """Return declarations whose event, if there is one, the public sees."""
        return self.filter(Q(event=None) | Q(**published("event"))).select_related("event__source")


class VersionQuerySet(models.QuerySet["DeclarationVersion"]):
    """Wordings of declarations."""

    def in_force(self, today: date) -> Self:
        """Return the wordings of public declarations that are in force on this day, the latest first.

        A draft has no day.
        """
        public = Q(declaration__event=None) | Q(**published("declaration__event"))
        return self.filter(public, in_force_from__lte=today).order_by("declaration", "-number")
