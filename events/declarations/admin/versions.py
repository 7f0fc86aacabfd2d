from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.safestring import SafeString

from events.declarations.admin.base import DeclarationActionAdmin, signing_closed_notice
from events.declarations.documents.comparison import comparison_html
from events.declarations.models import Declaration, DeclarationVersion
from events.declarations.rules import versions
from partners.admin import PROVENANCE
from vru_portal.publishing.dead_links import problems_with_links
from vru_portal.staff.actions import Action, Section
from vru_portal.staff.history import HistoryMixin
from vru_portal.staff.records.files import ListExport
from vru_portal.staff.records.publishing_actions import as_sentence
from vru_portal.text.dates import format_date


@admin.register(Declaration)
class DeclarationAdmin(DeclarationActionAdmin):
    """Declarations, with the field that pauses signing."""

    list_display = ("title", "event", "paused_because")
    list_select_related = ("event",)
    search_fields = ("title",)
    autocomplete_fields = ("event",)
    fieldsets = (
        (None, {"fields": ["title", "slug", "event"]}),
        ("Pause signing", {"fields": ["paused_because"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Declaration | None = None) -> tuple[str, ...]:
        # Entries of the register name the slug, so it stays once a text has been in force.
        return ("slug",) if obj and obj.versions.exclude(in_force_from=None).exists() else ()

    def notice(self, request: HttpRequest, row: Declaration) -> str:
        return signing_closed_notice()


class PublishVersionAction(Action):
    """Puts a version of the text in force."""

    name = "publish"
    label = "Put in force"
    permission = "declarations.publish_declarationversion"
    explanation = (
        "This becomes the text that organisations sign. It can never be changed. Earlier signatures stay in "
        "the register with the text they were given for."
    )

    def applies(self) -> bool:
        return not self.row.is_public

    def blocked_reason(self) -> str:
        return "" if self.applies() else f"This version has been in force since {format_date(self.row.in_force_from)}."

    def facts(self) -> list[tuple[str, str]]:
        effects = versions.publishing_consequences(self.row)
        facts = [
            ("Open invitations that will move to this version (we will email these organisations)", str(effects.moved)),
            ("Organisations that signed an earlier version and will be invited again by email", str(effects.again)),
        ]
        if effects.unreachable:
            facts.append(
                (
                    "Organisations that signed but have no email address to invite (paper signature or erased data)",
                    str(effects.unreachable),
                )
            )
        if effects.closed:
            facts.append(
                ("Signing stays closed, and nobody is invited again, until you fix this", "\n".join(effects.closed))
            )
        if links := problems_with_links(self.row):
            facts.append(("Links that do not work for visitors", "\n".join(map(as_sentence, links))))
        return [*facts, ("The text", self.row.text), ("SHA-256 of its bytes", self.row.fingerprint)]

    def passage(self) -> tuple[str, SafeString] | None:
        before = version_in_force_of(self.row.declaration)
        if before is None:
            return None
        return f"What it changes in version {before.number}", comparison_html(before.text, self.row.text)

    def form(self, **data: Any) -> forms.Form:
        return PublishVersionForm(initial={"text_sha256": self.row.fingerprint}, **data)

    def perform(self, form: Any) -> str:
        again = versions.publish_version(by=self.by, version=self.row, read=form.cleaned_data["text_sha256"])
        return f"In force. Invited again: {again}"


def version_in_force_of(declaration: Declaration) -> DeclarationVersion | None:
    """The version of a declaration that was put in force last."""
    return declaration.versions.exclude(in_force_from=None).order_by("number").last()


class PublishVersionForm(forms.Form):
    """Confirms that the text was read."""

    read = forms.BooleanField(label="I have read all of the text above, and the unit has agreed to it.")
    text_sha256 = forms.CharField(widget=forms.HiddenInput)  # of the text that was shown: a colleague may change it


@admin.register(DeclarationVersion)
class DeclarationVersionAdmin(ListExport, HistoryMixin, DeclarationActionAdmin):
    """Versions of the text. Drafts can be edited; versions that were in force never change."""

    list_display = ("declaration", "number", "state", "in_force_from")
    list_select_related = ("declaration",)
    search_fields = ("text", "note")
    autocomplete_fields = ("declaration", "source")
    row_actions = (PublishVersionAction,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["declaration", "number", "text", "note"]}),
        PROVENANCE,
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # If there is only one declaration, a new version starts with the next number and the text in force.
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        declarations = list(Declaration.objects.all()[:2])
        if len(declarations) != 1:
            return initial
        (declaration,) = declarations
        number = declaration.versions.aggregate(last=Max("number"))["last"] or 0
        before = version_in_force_of(declaration)
        text = before.text if before else ""
        return {"declaration": declaration.pk, "number": number + 1, "text": text} | initial

    def get_fieldsets(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> Any:
        frozen = ("In force", {"fields": ["in_force_from", "sha256"]})
        return (*self.fieldsets, frozen) if obj and obj.is_public else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> Any:
        # Once it is published, only the date of the last check can change (changeable_fields).
        if obj is None or not obj.is_public:
            return ()
        fields = [field.name for field in obj._meta.concrete_fields if field.name != "id"]
        return [name for name in fields if name not in obj.changeable_fields]

    def has_delete_permission(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> bool:
        # Without an object, Django asks whether rows may be deleted in bulk: drafts are deleted one by one.
        return obj is not None and not obj.is_public and super().has_delete_permission(request, obj)

    def notice_before(self, request: HttpRequest) -> str:
        return "This is a draft. Only staff can see it until it is put in force."

    def notice(self, request: HttpRequest, row: DeclarationVersion) -> str:
        if row.in_force_from is None:
            return self.notice_before(request)
        return (
            f"In force since {format_date(row.in_force_from)}. You cannot change this text. Add a new version instead."
        )

    def sections(self, request: HttpRequest, row: DeclarationVersion | None) -> list[Section]:
        if row is None or not row.is_public:
            return []
        live_count = row.live_signatures.count()
        sentences = [f"Signatures in force: {live_count}."]
        last_entry = row.entries.order_by("seq").last()
        if last_entry:
            sentences.append(f"The last entry in the register was added on {format_date(last_entry.recorded_at)}.")
        else:
            sentences.append("The register has no entries for it.")
        return [Section("Signatures", empty=" ".join(sentences))]

    @admin.display(description="state", ordering="in_force_from")
    def state(self, row: DeclarationVersion) -> str:
        return "Put in force" if row.is_public else "Draft"
