from django.contrib import admin

from funding.models import BudgetHeading
from partners.admin import PROVENANCE, SourcedAdmin
from vru_portal.staff.ordering.page import OrderPageMixin


@admin.register(BudgetHeading)
class BudgetHeadingAdmin(OrderPageMixin, SourcedAdmin):
    """What the budget pays for besides initiatives."""

    list_display = ("name", "kind", "state", "position")
    list_filter = ("state", "kind")
    search_fields = ("name", "summary")
    fieldsets = ((None, {"fields": ["name", "slug", "kind", "summary"]}), PROVENANCE)
