from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from funding import missing_disclosures
from funding.models import PublicationDuty


class MissingFactsFilter(admin.SimpleListFilter):
    """Filters rows that do not yet publish everything that the publication duty requires."""

    title = "required by the publication duty"
    parameter_name = "lacking"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Something is missing")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "yes":
            return queryset
        duty = PublicationDuty.objects.current()
        return queryset.filter(pk__in=self.rows(duty).values("pk")) if duty else queryset.none()

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        """The rows with something missing."""
        raise NotImplementedError


class CopyFilter(MissingFactsFilter):
    """Contracts without a copy."""

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        return missing_disclosures.contracts_without_copy(duty)


class ItemFilter(MissingFactsFilter):
    """Items of expenditure with blank required fields."""

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        return missing_disclosures.incomplete_items(duty)
