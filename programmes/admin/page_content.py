from django.contrib import admin

from partners.admin import PROVENANCE, SourcedAdmin
from programmes.models import Passage, Predecessor, SuccessCondition, Term
from vru_portal.staff.ordering.page import OrderPageMixin


@admin.register(SuccessCondition)
class SuccessConditionAdmin(OrderPageMixin, SourcedAdmin):
    """Conditions for success."""

    order_field = "number"

    list_display = ("number", "title", "level", "state")
    list_display_links = ("number", "title")
    list_filter = ("state", "level")
    list_select_related = ("level",)
    search_fields = ("title", "text")
    autocomplete_fields = ("level", "source")
    fieldsets = ((None, {"fields": ["title", "text", "level"]}), PROVENANCE)


@admin.register(Predecessor)
class PredecessorAdmin(OrderPageMixin, SourcedAdmin):
    """What the unit builds on."""

    list_display = ("title", "organisation", "publication", "state", "position")
    list_filter = ("state",)
    list_select_related = ("organisation", "publication")
    search_fields = ("title", "description")
    autocomplete_fields = ("organisation", "publication", "source")
    fieldsets = (
        (None, {"fields": ["title", "description", "organisation", "publication"]}),
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
    fieldsets = (
        (None, {"fields": ["name", "slug", "definition", "defined_by", "defines_violence", "level"]}),
        PROVENANCE,
    )


@admin.register(Passage)
class PassageAdmin(SourcedAdmin):
    """The unit's own words."""

    list_display = ("slot", "title", "state", "as_at")
    list_filter = ("state",)
    search_fields = ("slot", "title", "body")
    fieldsets = ((None, {"fields": ["slot", "title", "body"]}), PROVENANCE)
