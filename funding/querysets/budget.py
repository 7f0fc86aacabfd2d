"""Budget headings, decisions, variations and conditions."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vru_portal.ledger.cut_off import NOW, CutOff
from vru_portal.publishing.state import PublishableQuerySet

if TYPE_CHECKING:
    from funding.models import (  # noqa: F401 - bases name them as strings
        BudgetHeading,
        Decision,
        Fulfilment,
        Overcommitment,
        SourceCondition,
        Variation,
    )


class HeadingQuerySet(PublishableQuerySet["BudgetHeading"]):
    """Budget headings."""


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Decisions about money."""

    def get_by_natural_key(self, first_year: int, reference: str) -> "Decision":
        return self.standing().get(year__first_year=first_year, reference__iexact=reference)

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The decisions that count and are not reversed."""
        return self.filter(cut_off.counted_rows("decided_on"), cut_off.standing_rows())


class VariationQuerySet(models.QuerySet["Variation"]):
    """Variations of allocations, and returns to funders."""

    def get_by_natural_key(self, public_id: str) -> "Variation":
        return self.get(public_id=public_id)

    def counted(self, cut_off: CutOff = NOW) -> Self:
        """Every row that counts, reversed variations and their reversals included: they add up to nothing."""
        return self.filter(cut_off.counted_rows("varied_on"))

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The variations that count and are not reversed."""
        return self.counted(cut_off).filter(cut_off.standing_rows())


class OvercommitmentQuerySet(models.QuerySet["Overcommitment"]):
    """Decisions that a source may be allocated beyond its amount."""

    def standing(self, cut_off: CutOff = NOW) -> Self:
        return self.filter(cut_off.counted_rows("allowed_on"), cut_off.standing_rows())


class SourceConditionQuerySet(models.QuerySet["SourceCondition"]):
    """What funders ask in return for their money."""

    def get_by_natural_key(self, first_year: int, source: str, kind: str) -> "SourceCondition":
        """The only condition of its kind of a source, such as its match funding."""
        of_source = {"funding_source__year__first_year": first_year, "funding_source__slug": source}
        return self.standing().get(kind=kind, **of_source)

    def standing(self, cut_off: CutOff = NOW) -> Self:
        """The conditions that count and are not reversed: like sources, from the publication that states them."""
        counted = cut_off.counted_rows("as_at")
        if cut_off.known_before:
            counted |= Q(source__published_on__lte=cut_off.day)
        return self.filter(counted, cut_off.standing_rows())


class FulfilmentQuerySet(models.QuerySet["Fulfilment"]):
    """What was done towards conditions."""

    def standing(self, cut_off: CutOff = NOW) -> Self:
        return self.filter(cut_off.counted_rows("happened_on"), cut_off.standing_rows())
