from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest

from partners.admin import PROVENANCE
from programmes.results.models import (
    AreaPopulation,
    Breakdown,
    BreakdownGroup,
    Measure,
    ReportingRules,
    Target,
    WorkbookColumn,
)
from programmes.results.rules.earlier import published_together
from vru_portal.staff.base_admin import InlineMixin, PortalAdmin
from vru_portal.staff.help import help_link
from vru_portal.staff.history import HistoryMixin
from vru_portal.staff.ordering.page import OrderPageMixin
from vru_portal.staff.records.files import RecordFiles

STYLES: dict[str, list[str]] = {"all": ["css/staff.css"]}


class BreakdownGroupInline(InlineMixin, admin.TabularInline[BreakdownGroup, Breakdown]):
    """The groups of a breakdown."""

    model = BreakdownGroup
    extra = 0


@admin.register(Breakdown)
class BreakdownAdmin(OrderPageMixin, PortalAdmin):
    """Ways to divide the people a measure counts."""

    list_display = ("name",)
    search_fields = ("name", "groups__name")
    inlines = (BreakdownGroupInline,)
    fieldsets = ((None, {"fields": ["name", "slug"]}),)

    class Media:
        css: ClassVar[dict[str, list[str]]] = STYLES


@admin.register(Measure)
class MeasureAdmin(RecordFiles, HistoryMixin, OrderPageMixin, PortalAdmin):
    """What is counted."""

    list_display = ("name", "kind", "unit", "counts_people")
    list_filter = ("kind",)
    search_fields = ("name", "counts")
    autocomplete_fields = ("part_of", "breakdowns", "initiatives")
    fieldsets = (
        (None, {"description": help_link("results"), "fields": ["name", "slug", "kind", "unit", "counts"]}),
        ("Who reports it, and how", {"fields": ["counts_people", "part_of", "breakdowns", "initiatives"]}),
    )

    class Media:
        css: ClassVar[dict[str, list[str]]] = STYLES

    def save_model(self, request: HttpRequest, obj: Measure, form: Any, change: Any) -> None:
        """Warn staff that figures already published are not suppressed retrospectively."""
        super().save_model(request, obj, form, change)
        if "part_of" in form.changed_data and obj.part_of_id and (count := published_together(obj)):
            messages.warning(
                request,
                f"Both “{obj}” and “{obj.part_of}” are published already ({count:,} times, corrections included). "
                "Those figures stay as they are. Only figures that are approved from now on are compared.",
            )


@admin.register(Target)
class TargetAdmin(HistoryMixin, PortalAdmin):
    """What initiatives are to reach."""

    list_display = ("initiative", "measure", "count", "first_quarter", "last_quarter")
    list_select_related = ("initiative", "measure")
    list_filter = ("measure",)
    search_fields = ("initiative__name", "measure__name")
    autocomplete_fields = ("initiative", "measure", "source")
    fieldsets = (
        (None, {"fields": ["initiative", "measure", "count", ("first_quarter", "last_quarter")]}),
        PROVENANCE,
    )


@admin.register(AreaPopulation)
class AreaPopulationAdmin(HistoryMixin, PortalAdmin):
    """How many people live in areas."""

    list_display = ("area", "people")
    list_select_related = ("area",)
    search_fields = ("area__name",)
    autocomplete_fields = ("area", "source")
    fieldsets = ((None, {"fields": ["area", "people"]}), PROVENANCE)


class WorkbookColumnInline(InlineMixin, admin.TabularInline[WorkbookColumn, ReportingRules]):
    """The columns of the grant's own form."""

    model = WorkbookColumn
    extra = 0
    autocomplete_fields = ("measure",)


@admin.register(ReportingRules)
class ReportingRulesAdmin(PortalAdmin):
    """When figures are due, which are too small to publish, and the columns of the grant's own form."""

    list_display = ("__str__", "threshold", "days_to_report", "days_open")
    search_fields = ("columns__heading",)
    inlines = (WorkbookColumnInline,)
    fieldsets = (
        (None, {"description": help_link("results"), "fields": ["threshold"]}),
        ("When figures are due", {"fields": ["days_to_report", "days_open"]}),
    )

    class Media:
        css: ClassVar[dict[str, list[str]]] = STYLES

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There can be only one."""
        return super().has_add_permission(request) and not ReportingRules.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: without it the default rules would apply, perhaps unnoticed."""
        return False
