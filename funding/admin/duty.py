from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from funding.models import DutyColumn, PublicationDuty
from vru_portal.staff.base_admin import InlineFormSet, InlineMixin, PortalAdmin


class DutyColumnFormSet(InlineFormSet):
    """The fields of each list have an order of their own."""

    order_within = "list"


class DutyColumnInline(InlineMixin, admin.TabularInline[DutyColumn, PublicationDuty]):
    """The fields that each list must state."""

    model = DutyColumn
    formset: ClassVar[Any] = DutyColumnFormSet  # type: ignore[misc]
    extra = 0


@admin.register(PublicationDuty)
class PublicationDutyAdmin(PortalAdmin):
    """The law or code that this unit publishes under."""

    list_display = ("name", "awarding_body", "licence_name")
    list_select_related = ("awarding_body",)
    search_fields = ("name", "awarding_body__name")
    autocomplete_fields = ("awarding_body",)
    inlines = (DutyColumnInline,)
    fieldsets = (
        (None, {"fields": ["name", "url", "awarding_body"]}),
        ("Amounts above which something is listed", {"fields": ["grants_over", "items_over", "contracts_over"]}),
        ("Licence of the data", {"fields": ["licence_name", "licence_url", "licence_covers_all"]}),
    )

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/staff.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There can be only one."""
        return super().has_add_permission(request) and not PublicationDuty.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: PublicationDuty | None = None) -> bool:
        """Never: allocations are checked against it."""
        return False
