from django.contrib import admin

from programmes.models import ToolkitApproach
from vru_portal.staff.help import help_link
from vru_portal.staff.records.admin import RecordAdmin


@admin.register(ToolkitApproach)
class ToolkitApproachAdmin(RecordAdmin):
    """Approaches as public toolkits rate them."""

    list_display = ("title", "toolkit", "state", "impact", "evidence", "cost", "read_on")
    list_filter = ("state",)
    search_fields = ("title", "toolkit")
    fieldsets = (
        (
            None,
            {"description": help_link("evidence"), "fields": ["toolkit", "title", "slug", "url", "read_on"]},
        ),
        ("Ratings", {"fields": ["impact", "evidence", "cost"]}),
    )
