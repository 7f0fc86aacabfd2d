from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from funding.models import PublicationDuty
from funding.reconcile import omissions


class LackingFilter(admin.SimpleListFilter):
    """Rows that the publication duty asks more of than is published."""

    title = "what must be published"
    parameter_name = "lacking"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Not all of it is")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        if self.value() != "yes":
            return queryset
        duty = PublicationDuty.objects.current()
        return queryset.filter(pk__in=self.rows(duty).values("pk")) if duty else queryset.none()

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        """Return the rows that lack something."""
        raise NotImplementedError


class CopyFilter(LackingFilter):
    """Contracts without a copy."""

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        """Return them."""
        return omissions.contracts_without_copy(duty)


class ItemFilter(LackingFilter):
    """Items of expenditure that do not say all."""

    def rows(self, duty: PublicationDuty) -> QuerySet[Any]:
        """Return them."""
        return omissions.items_lacking(duty)
