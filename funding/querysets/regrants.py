from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.links.querysets import RequestQuerySet
from vru_portal.publishing.relations import related_manager

if TYPE_CHECKING:
    from funding.models import OnwardGrant, OnwardRequest, Regranting  # noqa: F401 - bases name them as strings


class RegrantingQuerySet(models.QuerySet["Regranting"]):
    """Which allocations are for regranting."""

    def standing(self, cut_off: CutOff = NOW) -> Self:
        return self.filter(cut_off.counted_rows("recorded_at__date"), cut_off.standing_rows())


class OnwardGrantQuerySet(models.QuerySet["OnwardGrant"]):
    """Onward grants. No total of the unit's money ever includes them."""

    def get_by_natural_key(self, reference: str) -> "OnwardGrant":
        return self.get(reference=reference)

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """Those that are not reversed, of allocations that are not reversed either."""
        return self.filter(
            cut_off.counted_rows("awarded_on"), cut_off.standing_rows(), cut_off.standing_rows("allocation__")
        )


class OnwardRequestQuerySet(RequestQuerySet["OnwardRequest"]):
    """Requests for onward grants."""

    def with_still_asked(self) -> Self:
        """Add `still_asked`: the grant was not reversed, and is recorded as one that is awarded on."""
        allocation: type[models.Model] = self.model._meta.get_field("allocation").related_model
        regrantings = related_manager(allocation, "regrantings").standing().filter(allocation=OuterRef("allocation"))
        return self.annotate(still_asked=Q(allocation__reversed_by=None) & Exists(regrantings))
