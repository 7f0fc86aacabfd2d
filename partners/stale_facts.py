"""Facts that nobody has checked for a year."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils import timezone

DAYS_UNTIL_RECHECK = 365


def unchecked() -> Q:
    """The condition for facts that neither their source nor staff have confirmed within a year."""
    year_ago = timezone.localdate() - timedelta(days=DAYS_UNTIL_RECHECK)
    return Q(checked_on=None, as_at__lt=year_ago) | Q(checked_on__lt=year_ago)


class CheckedFilter(admin.SimpleListFilter):
    """Filters facts by whether their source or staff have confirmed them within a year."""

    title = "checked"
    parameter_name = "checked"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Within a year"), ("no", "Not for a year")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.exclude(unchecked())
        return queryset.filter(unchecked()) if self.value() == "no" else queryset
