from typing import TYPE_CHECKING, Self

from django.db import models

from vru_portal.ledger.as_at import NOW, AsAt

if TYPE_CHECKING:
    from funding.models import OnwardGrant, Regranting  # noqa: F401 - bases name them as strings


class RegrantingQuerySet(models.QuerySet["Regranting"]):
    """Which allocations are for regranting."""

    def standing(self, as_at: AsAt = NOW) -> Self:
        return self.filter(as_at.counted_rows("recorded_at__date"), as_at.standing_rows())


class OnwardGrantQuerySet(models.QuerySet["OnwardGrant"]):
    """Onward grants. No total of the unit's money ever includes them."""

    def get_by_natural_key(self, reference: str) -> "OnwardGrant":
        return self.get(reference=reference)

    def standing(self, as_at: AsAt = NOW) -> Self:
        """Those that are not reversed, of allocations that are not reversed either."""
        return self.filter(as_at.counted_rows("awarded_on"), as_at.standing_rows(), as_at.standing_rows("allocation__"))
