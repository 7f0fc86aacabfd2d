from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from funding.models import Contributor, FinancialYear, FundingSource
from funding.rules import check_budget
from partners.admin import PROVENANCE, SourcedAdmin
from vru_portal.admin import warn_of
from vru_portal.money import pounds


class ContributorInline(admin.TabularInline[Contributor, FundingSource]):
    """Who a source comes from."""

    model = Contributor
    extra = 0
    autocomplete_fields = ("organisation", "post")


@admin.register(FinancialYear)
class FinancialYearAdmin(SourcedAdmin):
    """Financial years, with the sum of their sources beside what was stated."""

    list_display = ("label", "stated", "sum_of_sources", "spend_by")
    search_fields = ("first_year",)
    fieldsets = (
        (None, {"fields": ["first_year", "stated_total", "stated_as", "label_note"]}),
        ("Rules", {"fields": ["spend_by", "spend_by_stated", "purpose", "gate"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the stated budget with the sources."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_budget, year=form.instance)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FinancialYear]:
        """Add the sum of the sources to each year."""
        return super().get_queryset(request).annotate(source_sum=Sum("sources__amount")).order_by("-first_year")

    @admin.display(description="stated", ordering="stated_total")
    def stated(self, year: FinancialYear) -> str | None:
        """The budget as stated."""
        return pounds(year.stated_total) if year.stated_total is not None else None

    @admin.display(description="sum of sources", ordering="source_sum")
    def sum_of_sources(self, year: FinancialYear) -> str | None:
        """What the sources add up to."""
        return pounds(year.source_sum) if year.source_sum is not None else None  # type: ignore[attr-defined]


@admin.register(FundingSource)
class FundingSourceAdmin(SourcedAdmin):
    """Sources of money."""

    list_display = ("name", "year", "sum", "stated_as", "nature")
    list_filter = ("year",)
    list_select_related = ("year",)
    search_fields = ("name", "wording")
    autocomplete_fields = ("year", "source")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (ContributorInline,)
    fieldsets = (
        (None, {"fields": ["year", "name", "slug", "nature", "position"]}),
        ("Sum", {"fields": ["amount", "stated_as", "wording", "note"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the year's sources with its stated budget."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_budget, year=form.instance.year)

    def delete_model(self, request: HttpRequest, obj: FundingSource) -> None:
        """Delete, then compare what is left with the stated budget."""
        super().delete_model(request, obj)
        warn_of(request, check_budget, year=obj.year)

    @admin.display(description="sum", ordering="amount")
    def sum(self, funding_source: FundingSource) -> str:
        """The sum in pounds."""
        return pounds(funding_source.amount)
