from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events.models import AgendaItem, Appearance, Event
from events.rules import check_agenda
from partners.admin import PROVENANCE, PROVENANCE_FIELDS, SourcedAdmin, SourcedInline
from vru_portal.admin import InlineMixin, warn_of


class AgendaItemInline(InlineMixin, admin.TabularInline[AgendaItem, Event]):
    """An event's agenda at a glance; text, place in the source and who appears are behind each item's link."""

    model = AgendaItem
    extra = 0
    show_change_link = True
    autocomplete_fields = ("source",)
    fields = ("position", "title", "kind", "source", "as_at")


class AppearanceInline(SourcedInline):
    """Who appears in an item."""

    model = Appearance
    autocomplete_fields = ("person", "post", "organisation", "source")
    fields = ("person", "post", "organisation", "description", "position", *PROVENANCE_FIELDS)


@admin.register(Event)
class EventAdmin(SourcedAdmin):
    """Events."""

    list_display = ("title", "held_on", "venue", "place", "state")
    list_filter = ("state",)
    search_fields = ("title", "venue", "place")
    date_hierarchy = "held_on"
    prepopulated_fields = {"slug": ("short_title",)}
    inlines = (AgendaItemInline,)
    fieldsets = (
        (None, {"fields": ["title", "short_title", "slug", "summary"]}),
        ("When and where", {"fields": ["held_on", "times", "venue", "place"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then look for gaps in the agenda."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_agenda, event=form.instance)


@admin.register(AgendaItem)
class AgendaItemAdmin(SourcedAdmin):
    """Items of agendas, with who appears."""

    list_display = ("title", "event", "position", "kind")
    list_filter = ("kind", "event")
    list_select_related = ("event",)
    search_fields = ("title", "text", "event__title")
    autocomplete_fields = ("event", "source")
    inlines = (AppearanceInline,)
    fieldsets = ((None, {"fields": ["event", "position", "title", "kind", "text"]}), PROVENANCE)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then look for gaps in the agenda."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_agenda, event=form.instance.event)


@admin.register(Appearance)
class AppearanceAdmin(SourcedAdmin):
    """Appearances, across events."""

    list_display = ("__str__", "item", "post")
    list_select_related = ("person", "organisation", "item", "post__person", "post__organisation")
    search_fields = ("person__name", "organisation__name", "item__title")
    autocomplete_fields = ("item", "person", "post", "organisation", "source")
    fieldsets = (
        (None, {"fields": ["item", "person", "post", "organisation", "description", "position"]}),
        PROVENANCE,
    )
