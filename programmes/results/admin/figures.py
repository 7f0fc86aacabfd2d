from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from programmes.results.models import ApprovedReturn
from programmes.results.quarters import Quarter
from vru_portal.staff.actions import Section
from vru_portal.staff.ledger_admin import RecordedElsewhereAdmin, RedactAction


class QuarterFilter(admin.SimpleListFilter):
    """Filters by quarter."""

    title = "quarter"
    parameter_name = "in"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        days = model_admin.model._default_manager.order_by("-quarter").values_list("quarter", flat=True).distinct()
        return [(Quarter(day).slug, Quarter(day).short) for day in days]

    def queryset(self, request: Any, queryset: Any) -> Any:
        quarter = Quarter.from_slug(self.value() or "")
        return queryset.filter(quarter=quarter.starts_on) if quarter else queryset


class RedactReturnAction(RedactAction):
    """Permanently removes text from an approved return."""

    permission = "results.approve_return"


@admin.register(ApprovedReturn)
class ApprovedReturnAdmin(RecordedElsewhereAdmin):
    """What was approved. A correction is a row of its own, with the next number."""

    list_display = ("initiative", "period_name", "organisation", "number", "recorded_at")
    list_select_related = ("initiative", "organisation")
    list_filter = (QuarterFilter,)
    search_fields = ("initiative__name", "organisation__name")
    row_actions = (RedactReturnAction,)
    fieldsets = (
        (None, {"fields": ["initiative", "organisation", "quarter", "number", "correction"]}),
        ("In their own words", {"fields": ["went_well", "went_badly", "spend"]}),
        ("Recorded", {"fields": ["recorded_at", "recorded_by", "redaction"]}),
    )

    @admin.display(description="quarter", ordering="quarter")
    def period_name(self, row: ApprovedReturn) -> str:
        return row.period.short

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        if row is None:
            return []
        figures = row.figures.select_related("measure").prefetch_related("parts__group__breakdown")
        rows: list[tuple[str, str, str]] = []
        for figure in figures:
            rows.append((str(figure.measure), f"{figure.count:,}", figure.shown))
            rows += [
                (f"{part.group.breakdown}: {part.group}", f"{part.count:,}", part.shown) for part in figure.parts.all()
            ]
        headings = ("What", "Reported", "Published")
        return [Section("Figures", headings, rows, figures=frozenset({1, 2}))]
