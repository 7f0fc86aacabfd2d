from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Prefetch, Q

from partners.models import Organisation, Person

if TYPE_CHECKING:
    from funding.models import FinancialYear, FundingSource


class YearQuerySet(models.QuerySet["FinancialYear"]):
    """Financial years."""

    def get_by_natural_key(self, first_year: int) -> "FinancialYear":
        """Return the financial year that begins in April of this year."""
        return self.get(first_year=first_year)

    def with_money(self) -> Self:
        """Return the years that have a source: the only ones with a page, latest first."""
        return self.filter(sources__isnull=False).distinct().order_by("-first_year")


class SourceQuerySet(models.QuerySet["FundingSource"]):
    """Sources of money."""

    def get_by_natural_key(self, first_year: int, slug: str) -> "FundingSource":
        """Return this source of the financial year that begins in April of this year."""
        return self.get(year__first_year=first_year, slug=slug)

    def of_latest_year(self) -> Self:
        """Return the sources of the latest year that has any, with that year."""
        latest = self.order_by("-year__first_year").values("year")[:1]
        return self.filter(year__in=latest).select_related("year__source", "source").order_by("position", "id")

    def from_organisation(self, organisation: Organisation) -> Self:
        """Return the sources that this body contributes to, or that a post of this body gives."""
        given = Q(contributors__organisation=organisation) | Q(contributors__post__organisation=organisation)
        return self.filter(given).distinct()

    def from_person(self, person: Person) -> Self:
        """Return the sources that a post of this person gives."""
        return self.filter(contributors__post__person=person).distinct()

    def with_contributors(self) -> Self:
        """Add the contributors with their names."""
        from funding.models import Contributor

        rows = Contributor.objects.select_related("organisation", "post__person", "post__organisation")
        return self.prefetch_related(Prefetch("contributors", queryset=rows))
