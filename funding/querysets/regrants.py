from typing import TYPE_CHECKING, Self

from django.db import models

from vru_portal.ledger.cut_off import NOW, CutOff

if TYPE_CHECKING:
    from funding.models import OnwardGrant, Regranting  # noqa: F401 - bases name them as strings


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
