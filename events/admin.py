from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events.models import AgendaItem, Appearance, Event
from events.rules import check_agenda
from partners.admin import PROVENANCE, PROVENANCE_ROWS, SourcedAdmin, SourcedInline
from vru_portal.staff.base_admin import InlineMixin, warn_about_rule


class AgendaItemInline(InlineMixin, admin.TabularInline[AgendaItem, Event]):
    """A short list of an event's agenda items. Each links to its own page for the text, the source and appearances."""

    model = AgendaItem
    extra = 0
    show_change_link = True
    autocomplete_fields = ("source",)
    fields = ("position", "title", "kind", "starts_at", "ends_at", "source", "as_at")


class AppearanceInline(SourcedInline):
    """Who appears in an agenda item."""

    model = Appearance
    autocomplete_fields = ("person", "post", "organisation", "source")
    fields = ("person", "post", "organisation", "description", "position", *PROVENANCE_ROWS)


@admin.register(Event)
class EventAdmin(SourcedAdmin):
    """Events and their agendas."""

    list_display = ("title", "held_on", "status", "venue", "place", "state")
    list_filter = ("state", "status")
    search_fields = ("title", "venue", "place")
    date_hierarchy = "held_on"
    inlines = (AgendaItemInline,)
    fieldsets = (
        (None, {"fields": ["title", "short_title", "slug", "summary"]}),
        (
            "When and where",
            {
                "fields": [
                    ("held_on", "ends_on"),
                    "days",
                    ("starts_at", "ends_at"),
                    "times",
                    "venue",
                    "place",
                    "status",
                    "status_note",
                ]
            },
        ),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # A gap only warns: items are often entered in several sittings.
        warn_about_rule(request, check_agenda, event=form.instance)


@admin.register(AgendaItem)
class AgendaItemAdmin(SourcedAdmin):
    """Agenda items, with who appears in each."""

    list_display = ("title", "event", "position", "kind")
    list_filter = ("kind", "event")
    list_select_related = ("event",)
    search_fields = ("title", "text", "event__title")
    autocomplete_fields = ("event", "source")
    inlines = (AppearanceInline,)
    fieldsets = (
        (None, {"fields": ["event", "title", "kind", "day", ("starts_at", "ends_at"), "times", "text"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        warn_about_rule(request, check_agenda, event=form.instance.event)


@admin.register(Appearance)
class AppearanceAdmin(SourcedAdmin):
    """Appearances across all events."""

    list_display = ("__str__", "item", "post")
    list_select_related = ("person", "organisation", "item", "post__person", "post__organisation")
    search_fields = ("person__name", "organisation__name", "item__title")
    autocomplete_fields = ("item", "person", "post", "organisation", "source")
    fieldsets = (
        (None, {"fields": ["item", "person", "post", "organisation", "description"]}),
        PROVENANCE,
    )
