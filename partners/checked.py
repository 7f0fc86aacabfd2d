"""Facts that nobody has looked at for a year."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils import timezone

DAYS = 365


def unchecked() -> Q:
    """Return the condition for facts that neither their source nor staff have confirmed within a year."""
    ago = timezone.localdate() - timedelta(days=DAYS)
    return Q(checked_on=None, as_at__lt=ago) | Q(checked_on__lt=ago)


class CheckedFilter(admin.SimpleListFilter):
    """Whether a fact was confirmed within a year, by its source or by staff."""

    title = "checked"
    parameter_name = "checked"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Within a year"), ("no", "Not for a year")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        if self.value() == "yes":
            return queryset.exclude(unchecked())
        return queryset.filter(unchecked()) if self.value() == "no" else queryset
