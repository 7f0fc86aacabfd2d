from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from funding.models import DutyColumn, PublicationDuty
from vru_portal.admin import InlineMixin, PortalAdmin


class DutyColumnInline(InlineMixin, admin.TabularInline[DutyColumn, PublicationDuty]):
    """What each list has to state."""

    model = DutyColumn
    extra = 0


@admin.register(PublicationDuty)
class PublicationDutyAdmin(PortalAdmin):
    """The one regime that this unit publishes under."""

    list_display = ("name", "awarding_body", "licence_name")
    list_select_related = ("awarding_body",)
    autocomplete_fields = ("awarding_body",)
    inlines = (DutyColumnInline,)
    fieldsets = (
        (None, {"fields": ["name", "url", "awarding_body"]}),
        ("Sums above which something is listed", {"fields": ["grants_over", "items_over", "contracts_over"]}),
        ("Licence of the data", {"fields": ["licence_name", "licence_url"]}),
    )

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/staff.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A unit publishes under one regime."""
        return super().has_add_permission(request) and not PublicationDuty.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: PublicationDuty | None = None) -> bool:
        """Allocations are held to it."""
        return False
