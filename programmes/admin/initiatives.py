from django.contrib import admin

from partners.admin import PROVENANCE, SourcedAdmin
from programmes.models import Area, Audience, Initiative, PreventionLevel, Setting
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.staff.ordering.page import OrderPageMixin


@admin.register(PreventionLevel)
class PreventionLevelAdmin(OrderPageMixin, SourcedAdmin):
    """Levels of prevention."""

    list_display = ("name", "state", "position", "mark", "moment")
    list_filter = ("state",)
    search_fields = ("name", "definition")
    fieldsets = (
        (None, {"fields": ["name", "slug", "mark"]}),
        ("Words", {"fields": ["moment", "summary", "definition"]}),
        PROVENANCE,
    )


@admin.register(Audience, Setting)
class VocabularyAdmin(PortalAdmin):
    """Words that visitors filter by."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Area)
class AreaAdmin(PortalAdmin):
    """Places that initiatives serve."""

    list_display = ("name", "gss_code", "kind")
    search_fields = ("name", "gss_code")


@admin.register(Initiative)
class InitiativeAdmin(OrderPageMixin, SourcedAdmin):
    """Initiatives."""

    order_within = "level"

    list_display = ("name", "level", "state", "lead_organisation", "sensitive_topic", "as_at", "checked_on")
    list_filter = ("state", "level", "audiences", "settings", "areas")
    list_select_related = ("level", "lead_organisation")
    search_fields = ("name", "summary", "description")
    autocomplete_fields = (
        "level",
        "audiences",
        "settings",
        "areas",
        "lead_organisation",
        "partners",
        "source",
    )
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "name",
                    "slug",
                    "level",
                    "summary",
                    "description",
                    "funded_period",
                ]
            },
        ),
        (
            "Who it is for and where",
            {"fields": ["audience_text", "audiences", "setting_text", "settings", "area_text", "areas"]},
        ),
        ("Taking part", {"fields": ["eligibility", "referral", "contact"]}),
        ("Who delivers it", {"fields": ["lead_organisation", "partners"]}),
        ("Safety", {"fields": ["sensitive_topic", "safety_notice"]}),
        PROVENANCE,
    )
