from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from partners.forms import PHRASE_FIELDSETS, UnitForm
from partners.models import (
    ContactPoint,
    LegalNotice,
    Organisation,
    Person,
    Post,
    Publication,
    Sector,
    Statement,
    Unit,
)
from partners.stale_facts import CheckedFilter
from vru_portal.staff.base_admin import WIDGETS, InlineMixin, PortalAdmin
from vru_portal.staff.help import help_link
from vru_portal.staff.ordering.page import OrderPageMixin
from vru_portal.staff.records.admin import RecordAdmin

PROVENANCE_ROWS: tuple[Any, ...] = ("source", "source_location", ("as_at", "checked_on"))
PROVENANCE: tuple[str, Any] = ("Source", {"description": help_link("sources"), "fields": [*PROVENANCE_ROWS]})


class SourcedAdmin(RecordAdmin):
    """The admin of records that state facts: with their source, and a filter for facts that need another check."""

    autocomplete_fields: ClassVar[tuple[str, ...]] = ("source",)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (*super().get_list_filter(request), CheckedFilter)


class SourcedInline(InlineMixin, admin.StackedInline[Any, Any]):
    """Parts of a record that state facts of their own, each with its source."""

    extra = 0
    formfield_overrides: ClassVar[dict[Any, Any]] = WIDGETS
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("source",)


class PostInline(SourcedInline):
    """The posts of a person."""

    model = Post
    autocomplete_fields = ("organisation", "source")
    fields = (
        "title",
        "department",
        "organisation",
        ("held_from", "held_until"),
        ("seat", "position"),
        ("seat_from", "seat_until"),
        *PROVENANCE_ROWS,
    )


class ContactPointInline(SourcedInline):
    """The ways to reach the unit."""

    model = ContactPoint
    fields = (("kind", "label", "position"), "value", "url", "note", *PROVENANCE_ROWS)


@admin.register(Unit)
class UnitAdmin(SourcedAdmin):
    """The one unit."""

    form = UnitForm
    list_display = ("organisation", "region", "slogan")
    list_select_related = ("organisation", "host")
    search_fields = ("organisation__name", "region", "slogan", "vision", "description")
    autocomplete_fields = ("organisation", "host", "source")
    inlines = (ContactPointInline,)
    fieldsets = (
        (None, {"fields": ["organisation", "host", "region", "area_code"]}),
        ("Words", {"fields": ["slogan", "slogan_emphasis", "vision", "description"]}),
        ("Safety", {"fields": ["help_lines"]}),
        ("Colours", {"fields": ["colour_ink", "colour_accent"]}),
        ("What is missing", {"fields": ["publishes_gaps"]}),
        *PHRASE_FIELDSETS,
        PROVENANCE,
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow one unit: an installation serves only one."""
        return super().has_add_permission(request) and not Unit.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: every page needs the unit."""
        return False


@admin.register(LegalNotice)
class LegalNoticeAdmin(RecordAdmin):
    """The legal notice: a single row."""

    list_display = ("__str__", "controller", "closed")
    search_fields = ("controller", "data_protection_contact", "complaints", "accessibility")
    readonly_fields = ("closed",)
    fieldsets = (
        (None, {"fields": ["closed"]}),
        (
            "Personal data",
            {
                "description": help_link("personal-data"),
                "fields": ["controller", "data_protection_contact", "lawful_basis", "retention_days"],
            },
        ),
        ("Complaints and accessibility", {"fields": ["complaints", "accessibility"]}),
        ("Security", {"fields": ["security_contact"]}),
    )

    @admin.display(description="closed until complete")
    def closed(self, notice: LegalNotice) -> str:
        if missing := notice.missing:
            return (
                "Signing is closed: nobody can be invited, ask to sign, sign, or be entered from paper. "
                f"Not stated: {', '.join(missing)}."
            )
        return "Nothing is closed. The notice states all that you need before you collect personal data."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not LegalNotice.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: to state something no longer, empty its field."""
        return False


@admin.register(Sector)
class SectorAdmin(PortalAdmin):
    """Sectors."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Publication)
class PublicationAdmin(RecordAdmin):
    """Sources."""

    list_display = ("title", "state", "kind", "published_on", "issued_by")
    list_filter = ("state", "kind")
    list_select_related = ("issued_by",)
    search_fields = ("title", "note")
    date_hierarchy = "published_on"
    autocomplete_fields = ("issued_by", "authors")
    fieldsets = (
        (
            None,
            {
                "description": help_link("publications"),
                "fields": ["title", "slug", "kind", "published_on", "issued_by", "authors"],
            },
        ),
        ("What it covers", {"fields": ["note", "period", "area"]}),
    )


@admin.register(Organisation)
class OrganisationAdmin(SourcedAdmin):
    """Organisations."""

    list_display = ("name", "state", "sector", "is_group", "as_at", "checked_on")
    list_filter = ("state", "sector", "is_group")
    list_select_related = ("sector",)
    search_fields = ("name", "other_names", "summary")
    autocomplete_fields = ("sector", "represents", "source")
    fieldsets = (
        (None, {"fields": ["name", "slug", "other_names", "sector", "is_group", "represents"]}),
        ("About it", {"fields": ["summary", "website", "org_id", "charity_number", "company_number"]}),
        ("Where it is based", {"fields": ["area", "area_code"]}),
        PROVENANCE,
    )


@admin.register(Person)
class PersonAdmin(SourcedAdmin):
    """People."""

    list_display = ("name", "honorific", "state", "as_at", "checked_on")
    list_filter = ("state", "posts__seat")
    search_fields = ("name", "other_names", "posts__title", "posts__organisation__name")
    inlines = (PostInline,)
    fieldsets = (
        (None, {"fields": ["honorific", "name", "family_name", "slug", "other_names", "biography"]}),
        PROVENANCE,
    )


@admin.register(Post)
class PostAdmin(SourcedAdmin):
    """The posts of all people."""

    list_display = ("person", "title", "organisation", "seat", "as_at", "checked_on")
    list_filter = ("seat",)
    list_select_related = ("person", "organisation")
    search_fields = ("title", "department", "person__name", "organisation__name")
    autocomplete_fields = ("person", "organisation", "source")
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "person",
                    "title",
                    "department",
                    "organisation",
                    ("held_from", "held_until"),
                    "seat",
                    ("seat_from", "seat_until"),
                ]
            },
        ),
        PROVENANCE,
    )


@admin.register(ContactPoint)
class ContactPointAdmin(SourcedAdmin):
    """Ways to reach the unit."""

    list_display = ("value", "kind", "label", "note", "checked_on")
    list_filter = ("kind",)
    search_fields = ("value", "label", "note")
    fieldsets = (
        (None, {"fields": ["unit", "kind", "label", "value", "url", "note"]}),
        PROVENANCE,
    )


@admin.register(Statement)
class StatementAdmin(OrderPageMixin, SourcedAdmin):
    """Messages."""

    list_display = ("title", "speaker", "body_name", "state", "position")
    list_filter = ("state",)
    list_select_related = ("speaker",)
    search_fields = ("title", "quote", "text", "speaker__name", "body_name")
    autocomplete_fields = ("speaker", "source")
    fieldsets = (
        (None, {"fields": ["title", "slug"]}),
        ("From", {"fields": ["speaker", "body_name"]}),
        ("Words", {"fields": ["quote", "summary", "text"]}),
        PROVENANCE,
    )
