"""Staff's list of the changes that wait, across all records."""

from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from vru_portal.admin import OnlySeenAdmin
from vru_portal.models import Pending
from vru_portal.opening import kind_in_words
from vru_portal.step_admin import link


class DueFilter(admin.SimpleListFilter):
    """How far a change has come."""

    title = "day"
    parameter_name = "due"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("set", "A day is set"), ("open", "No day is set"), ("failed", "Could not be published")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Apply the choice."""
        match self.value():
            case "set":
                return queryset.filter(publish_at__isnull=False)
            case "open":
                return queryset.filter(publish_at=None)
            case "failed":
                return queryset.exclude(fault="")
        return queryset


class KindFilter(admin.SimpleListFilter):
    """The kinds of record of which a change waits."""

    title = "kind of record"
    parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        kinds = ContentType.objects.filter(pk__in=Pending.objects.order_by().values("content_type"))
        return sorted(((str(kind.pk), kind_in_words(kind)) for kind in kinds), key=lambda choice: choice[1])

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Apply the choice."""
        return queryset.filter(content_type=self.value()) if self.value() in self.known() else queryset

    def known(self) -> set[str]:
        """Return the values of the choices."""
        return {str(value) for value, _ in self.lookup_choices}


@admin.register(Pending)
class PendingAdmin(OnlySeenAdmin):
    """What waits to be published: opened, previewed and published on the page of its record."""

    list_display = ("of", "kind", "by", "saved_at", "publish_at", "fault")
    list_display_links = None
    list_filter = (DueFilter, KindFilter)
    list_select_related = ("content_type", "by")
    search_fields = ("by__username", "fault")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Fetch the records of each kind at once."""
        return super().get_queryset(request).prefetch_related("record")

    @admin.display(description="record")
    def of(self, waiting: Pending) -> str:
        """The record, to go there."""
        return link(waiting.record)

    @admin.display(description="kind of record", ordering="content_type")
    def kind(self, waiting: Pending) -> str:
        """What it is a change of."""
        return kind_in_words(waiting.content_type)
