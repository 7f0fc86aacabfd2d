from django.contrib import admin

from events.declarations.models import Declaration, DeclarationVersion
from partners.admin import PROVENANCE, SourcedAdmin
from vru_portal.admin import PortalAdmin


@admin.register(Declaration)
class DeclarationAdmin(PortalAdmin):
    """Declarations."""

    list_display = ("title", "event")
    list_select_related = ("event",)
    search_fields = ("title",)
    autocomplete_fields = ("event",)
    prepopulated_fields = {"slug": ("title",)}


@admin.register(DeclarationVersion)
class DeclarationVersionAdmin(SourcedAdmin):
    """Wordings of declarations, prepared here as drafts."""

    list_display = ("declaration", "number", "in_force_from")
    list_select_related = ("declaration",)
    search_fields = ("text", "note")
    autocomplete_fields = ("declaration", "source")
    fieldsets = (
        (
            None,
            {
                "fields": ["declaration", "number", "text", "note"],
                "description": "A draft that only staff see. Putting a wording in force is not possible yet.",
            },
        ),
        PROVENANCE,
    )
