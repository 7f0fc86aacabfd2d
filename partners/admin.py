from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from partners.checked import CheckedFilter
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
from vru_portal.admin import WIDGETS, InlineMixin, PortalAdmin
from vru_portal.record_admin import RecordAdmin

PROVENANCE_FIELDS: tuple[Any, ...] = ("source", "source_location", ("as_at", "checked_on"))
PROVENANCE: tuple[str, Any] = ("Source", {"fields": [*PROVENANCE_FIELDS]})


class SourcedAdmin(RecordAdmin):
    """A record with its source below its facts, and its history."""

    autocomplete_fields: ClassVar[tuple[str, ...]] = ("source",)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Let every list of facts be asked for those that nobody has checked for a year."""
        return (*super().get_list_filter(request), CheckedFilter)


class SourcedInline(InlineMixin, admin.StackedInline[Any, Any]):
    """Facts that belong to a record, each with its source."""

    extra = 0
    formfield_overrides: ClassVar[dict[Any, Any]] = WIDGETS
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("source",)


class PostInline(SourcedInline):
    """A person's posts."""

    model = Post
    autocomplete_fields = ("organisation", "source")
    fields = ("title", "department", "organisation", ("seat", "position"), *PROVENANCE_FIELDS)


class ContactPointInline(SourcedInline):
    """The ways to reach the unit."""

    model = ContactPoint
    fields = (("kind", "label", "position"), "value", "url", "note", *PROVENANCE_FIELDS)


@admin.register(Unit)
class UnitAdmin(SourcedAdmin):
    """The one unit."""

    form = UnitForm
    list_display = ("organisation", "region", "slogan")
    list_select_related = ("organisation", "host")
    search_fields = ("organisation__name", "region")
    autocomplete_fields = ("organisation", "host", "source")
    inlines = (ContactPointInline,)
    fieldsets = (
        (None, {"fields": ["organisation", "host", "region"]}),
        ("Words", {"fields": ["slogan", "slogan_emphasis", "vision", "description"]}),
        ("Colours", {"fields": ["colour_ink", "colour_accent"]}),
        *PHRASE_FIELDSETS,
        PROVENANCE,
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """One installation serves one unit."""
        return super().has_add_permission(request) and not Unit.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every page needs it."""
        return False


@admin.register(LegalNotice)
class LegalNoticeAdmin(RecordAdmin):
    """What the law wants said of personal data and of the site: one row."""

    list_display = ("__str__", "controller", "closed")
    readonly_fields = ("closed",)
    fieldsets = (
        (None, {"fields": ["closed"]}),
        (
            "Personal data",
            {"fields": ["controller", "data_protection_contact", "lawful_basis", "retention_days"]},
        ),
        ("Complaints and accessibility", {"fields": ["complaints", "accessibility"]}),
        ("Weaknesses of the site", {"fields": ["security_contact"]}),
    )

    @admin.display(description="what stays closed")
    def closed(self, notice: LegalNotice) -> str:
        """Say what is missing, and what nobody can do because of it."""
        if missing := notice.missing:
            return (
                "Signing: nobody can be invited, ask to sign, sign, or be entered from paper. "
                f"Not stated: {', '.join(missing)}."
            )
        return "Nothing: all that must be said before personal data is taken is said."

    def has_add_permission(self, request: HttpRequest) -> bool:
        """One installation has one."""
        return super().has_add_permission(request) and not LegalNotice.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Emptying a field says that it is not stated."""
        return False


@admin.register(Sector)
class SectorAdmin(PortalAdmin):
    """Sectors."""

    list_display = ("name",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Publication)
class PublicationAdmin(RecordAdmin):
    """Sources."""

    list_display = ("title", "state", "published_on", "issued_by")
    list_filter = ("state",)
    list_select_related = ("issued_by",)
    search_fields = ("title", "note")
    date_hierarchy = "published_on"
    autocomplete_fields = ("issued_by", "authors")
    prepopulated_fields = {"slug": ("title",)}


@admin.register(Organisation)
class OrganisationAdmin(SourcedAdmin):
    """Bodies."""

    list_display = ("name", "state", "sector", "is_group", "as_at", "checked_on")
    list_filter = ("state", "sector", "is_group")
    list_select_related = ("sector",)
    search_fields = ("name", "other_names", "summary")
    autocomplete_fields = ("sector", "represents", "source")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ["name", "slug", "other_names", "sector", "is_group", "represents"]}),
        ("About it", {"fields": ["summary", "website", "org_id"]}),
        PROVENANCE,
    )


@admin.register(Person)
class PersonAdmin(SourcedAdmin):
    """People."""

    list_display = ("name", "honorific", "state", "as_at", "checked_on")
    list_filter = ("state", "posts__seat")
    search_fields = ("name", "other_names", "posts__title", "posts__organisation__name")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (PostInline,)
    fieldsets = (
        (None, {"fields": ["honorific", "name", "family_name", "slug", "other_names", "biography"]}),
        PROVENANCE,
    )


@admin.register(Post)
class PostAdmin(SourcedAdmin):
    """Posts, across people."""

    list_display = ("person", "title", "organisation", "seat", "as_at", "checked_on")
    list_filter = ("seat",)
    list_select_related = ("person", "organisation")
    search_fields = ("title", "department", "person__name", "organisation__name")
    autocomplete_fields = ("person", "organisation", "source")
    fieldsets = (
        (None, {"fields": ["person", "title", "department", "organisation", "seat", "position"]}),
        PROVENANCE,
    )


@admin.register(ContactPoint)
class ContactPointAdmin(SourcedAdmin):
    """Ways to reach the unit."""

    list_display = ("value", "kind", "label", "note", "checked_on")
    list_filter = ("kind",)
    search_fields = ("value", "label")
    fieldsets = (
        (None, {"fields": ["unit", "kind", "label", "value", "url", "note", "position"]}),
        PROVENANCE,
    )


@admin.register(Statement)
class StatementAdmin(SourcedAdmin):
    """Messages."""

    list_display = ("title", "speaker", "body_name", "state", "position")
    list_filter = ("state",)
    list_select_related = ("speaker",)
    search_fields = ("title", "quote", "text", "speaker__name", "body_name")
    autocomplete_fields = ("speaker", "source")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ["title", "slug", "position"]}),
        ("Whose words", {"fields": ["speaker", "body_name"]}),
        ("Words", {"fields": ["quote", "summary", "text"]}),
        PROVENANCE,
    )
