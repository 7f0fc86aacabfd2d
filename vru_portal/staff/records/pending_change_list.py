"""Staff's list of pending changes across all records. They are opened and published on the pages of their records."""

from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from vru_portal.models import Pending
from vru_portal.staff.admin_links import admin_link, model_label
from vru_portal.staff.base_admin import OptionFilter, ReadOnlyAdmin


class ScheduleFilter(OptionFilter):
    """Whether a change is scheduled, and whether its scheduled publication failed."""

    title = "schedule"
    parameter_name = "due"
    options = {
        "set": ("Scheduled", lambda rows: rows.filter(publish_at__isnull=False)),
        "open": ("Not scheduled", lambda rows: rows.filter(publish_at=None)),
        "failed": ("Could not be published", lambda rows: rows.exclude(fault="")),
    }


class RecordKindFilter(admin.SimpleListFilter):
    """The kinds of record that have pending changes."""

    title = "kind of record"
    parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        kinds = ContentType.objects.filter(pk__in=Pending.objects.order_by().values("content_type"))
        return sorted(((str(kind.pk), model_label(kind)) for kind in kinds), key=lambda choice: choice[1])

    def queryset(self, request: Any, queryset: Any) -> Any:
        # A value that is not a choice, typed into the address, filters nothing: it is not queried.
        choices = {str(value) for value, _ in self.lookup_choices}
        return queryset.filter(content_type=self.value()) if self.value() in choices else queryset


@admin.register(Pending)
class PendingAdmin(ReadOnlyAdmin):
    """Pending changes, with who saved them and when they are to be published."""

    list_display = ("record_link", "kind", "by", "saved_at", "publish_at", "fault")
    list_display_links = None
    list_filter = (ScheduleFilter, RecordKindFilter)
    list_select_related = ("content_type", "by")
    search_fields = ("by__username", "fault")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("record")

    @admin.display(description="record")
    def record_link(self, pending: Pending) -> str:
        return admin_link(pending.record)

    @admin.display(description="kind of record", ordering="content_type")
    def kind(self, pending: Pending) -> str:
        return model_label(pending.content_type)
