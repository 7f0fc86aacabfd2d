from django.contrib import admin

from partners.admin import PROVENANCE, SourcedAdmin
from programmes.models import (
    Area,
    Audience,
    Initiative,
    Passage,
    Predecessor,
    PreventionLevel,
    Setting,
    Story,
    SuccessCondition,
    Term,
)
from vru_portal.admin import PortalAdmin


@admin.register(PreventionLevel)
class PreventionLevelAdmin(SourcedAdmin):
    """Levels of prevention."""

    list_display = ("name", "state", "position", "mark", "moment")
    list_filter = ("state",)
    search_fields = ("name", "definition")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ["state", "name", "slug", "position", "mark"]}),
        ("Words", {"fields": ["moment", "summary", "definition"]}),
        PROVENANCE,
    )


@admin.register(SuccessCondition)
class SuccessConditionAdmin(SourcedAdmin):
    """Conditions for success."""

    list_display = ("number", "title", "level", "state")
    list_display_links = ("number", "title")
    list_filter = ("state", "level")
    list_select_related = ("level",)
    search_fields = ("title", "text")
    autocomplete_fields = ("level", "source")
    fieldsets = ((None, {"fields": ["state", "number", "title", "text", "level"]}), PROVENANCE)


@admin.register(Audience, Setting, Area)
class VocabularyAdmin(PortalAdmin):
    """Words that visitors filter by."""

    list_display = ("name",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Initiative)
class InitiativeAdmin(SourcedAdmin):
    """Initiatives."""

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
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "state",
                    "name",
                    "slug",
                    "level",
                    "position",
                    "summary",
                    "description",
                    "funded_period",
                ]
            },
        ),
        (
            "For whom and where",
            {"fields": ["audience_text", "audiences", "setting_text", "settings", "area_text", "areas"]},
        ),
        ("Taking part", {"fields": ["eligibility", "referral", "contact"]}),
        ("Who delivers it", {"fields": ["lead_organisation", "partners"]}),
        ("Safety", {"fields": ["sensitive_topic", "safety_notice"]}),
        PROVENANCE,
    )


@admin.register(Predecessor)
class PredecessorAdmin(SourcedAdmin):
    """What the unit builds on."""

    list_display = ("title", "organisation", "publication", "state", "position")
    list_filter = ("state",)
    list_select_related = ("organisation", "publication")
    search_fields = ("title", "description")
    autocomplete_fields = ("organisation", "publication", "source")
    fieldsets = (
        (None, {"fields": ["state", "title", "description", "organisation", "publication", "position"]}),
        PROVENANCE,
    )


@admin.register(Term)
class TermAdmin(SourcedAdmin):
    """Words explained."""

    list_display = ("name", "defined_by", "level", "state")
    list_filter = ("state",)
    list_select_related = ("defined_by", "level")
    search_fields = ("name", "definition")
    autocomplete_fields = ("defined_by", "level", "source")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ["state", "name", "slug", "definition", "defined_by", "defines_violence", "level"]}),
        PROVENANCE,
    )


@admin.register(Passage)
class PassageAdmin(SourcedAdmin):
    """The unit's own words."""

    list_display = ("slot", "title", "state", "as_at")
    list_filter = ("state",)
    search_fields = ("slot", "title", "body")
    fieldsets = ((None, {"fields": ["state", "slot", "title", "body"]}), PROVENANCE)


@admin.register(Story)
class StoryAdmin(SourcedAdmin):
    """News."""

    list_display = ("title", "published_on", "state")
    list_filter = ("state",)
    search_fields = ("title", "summary", "body")
    date_hierarchy = "published_on"
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ["state", "title", "slug", "published_on", "summary", "body"]}),
        PROVENANCE,
    )
