from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.safestring import SafeString

from events.declarations import rules
from events.declarations.admin.steps import DeclarationStepAdmin, closed_sentence
from events.declarations.comparison import compared
from events.declarations.models import Declaration, DeclarationVersion
from partners.admin import PROVENANCE
from vru_portal.history_admin import WithHistory
from vru_portal.record_files_admin import ListExport
from vru_portal.step_admin import Section, Step, day


@admin.register(Declaration)
class DeclarationAdmin(DeclarationStepAdmin):
    """Declarations, and the switch that pauses signing."""

    list_display = ("title", "event", "paused_because")
    list_select_related = ("event",)
    search_fields = ("title",)
    autocomplete_fields = ("event",)
    fieldsets = (
        (None, {"fields": ["title", "slug", "event"]}),
        ("Pause signing", {"fields": ["paused_because"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Declaration | None = None) -> tuple[str, ...]:
        """Every entry of the register names the address: once a wording was in force it stays."""
        return ("slug",) if obj and obj.versions.exclude(in_force_from=None).exists() else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Declaration | None = None) -> dict[str, Any]:
        """Make the address from the title, once."""
        return {} if obj else {"slug": ("title",)}

    def notice(self, request: HttpRequest, row: Declaration) -> str:
        """Say with every reason that signing is closed."""
        return closed_sentence()


class PublishStep(Step):
    """Put a wording in force."""

    name = "publish"
    label = "Put in force"
    permission = "declarations.publish_declarationversion"
    explanation = (
        "From now on this is the text that is signed, and not a letter of it can be changed. Signatures given before "
        "stay, shown with the text that they were given for."
    )

    def applies(self) -> bool:
        """Only a draft is put in force."""
        return not self.row.is_public

    def obstacle(self) -> str:
        """Say that it is in force already."""
        return "" if self.applies() else f"This wording is in force since {self.row.in_force_from:%-d %B %Y}."

    def facts(self) -> list[tuple[str, str]]:
        """Say what it sets off."""
        then = rules.consequences(self.row)
        facts = [
            ("Open invitations that are for this wording from then on; their bodies are told by mail", str(then.moved)),
            ("Bodies that have signed an earlier wording and are invited again by mail", str(then.again)),
        ]
        if then.unreachable:
            facts.append(
                ("Bodies that have signed and cannot be: on paper, or their mailbox is erased", str(then.unreachable))
            )
        if then.closed:
            facts.append(
                ("Signing stays closed, and nobody is invited again, until this is mended", "\n".join(then.closed))
            )
        return [*facts, ("The text", self.row.text), ("SHA-256 of its bytes", self.row.fingerprint)]

    def passage(self) -> tuple[str, SafeString] | None:
        """Show what differs from the wording in force."""
        before = latest(self.row.declaration)
        if before is None:
            return None
        return f"What it changes in version {before.number}", compared(before.text, self.row.text)

    def form(self, **data: Any) -> forms.Form:
        """Ask whether the text was read."""
        return PublishForm(initial={"text_sha256": self.row.fingerprint}, **data)

    def take(self, form: Any) -> str:
        """Publish it through the rule."""
        again = rules.publish(by=self.by, version=self.row, read=form.cleaned_data["text_sha256"])
        return f"In force. Invited again: {again}"


def latest(declaration: Declaration) -> DeclarationVersion | None:
    """Return the wording in force of a declaration."""
    return declaration.versions.exclude(in_force_from=None).order_by("number").last()


class PublishForm(forms.Form):
    """Whether the text was read."""

    read = forms.BooleanField(label="I have read the text above to its end, and the unit has agreed to it.")
    text_sha256 = forms.CharField(widget=forms.HiddenInput)  # of the text above: a colleague may change it meanwhile


@admin.register(DeclarationVersion)
class DeclarationVersionAdmin(ListExport, WithHistory, DeclarationStepAdmin):
    """Wordings: drafts are edited, published ones never change."""

    list_display = ("declaration", "number", "state", "in_force_from")
    list_select_related = ("declaration",)
    search_fields = ("text", "note")
    autocomplete_fields = ("declaration", "source")
    steps = (PublishStep,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["declaration", "number", "text", "note"]}),
        PROVENANCE,
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the next number and the wording in force, where there is one declaration."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        declarations = list(Declaration.objects.all()[:2])
        if len(declarations) != 1:
            return initial
        (declaration,) = declarations
        number = declaration.versions.aggregate(last=Max("number"))["last"] or 0
        before = latest(declaration)
        text = before.text if before else ""
        return {"declaration": declaration.pk, "number": number + 1, "text": text} | initial

    def get_fieldsets(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> Any:
        """Show the fingerprint of what is in force."""
        frozen = ("In force", {"fields": ["in_force_from", "sha256"]})
        return (*self.fieldsets, frozen) if obj and obj.is_public else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> Any:
        """Leave open only when it was last checked, once it is published."""
        if obj is None or not obj.is_public:
            return ()
        fields = [field.name for field in obj._meta.concrete_fields if field.name != "id"]
        return [name for name in fields if name not in obj.open_fields]

    def has_delete_permission(self, request: HttpRequest, obj: DeclarationVersion | None = None) -> bool:
        """A published wording stays; drafts are removed one by one."""
        return obj is not None and not obj.is_public and super().has_delete_permission(request, obj)

    def notice_before(self, request: HttpRequest) -> str:
        """Say that nobody sees it yet."""
        return "A draft, which only staff see until it is put in force."

    def notice(self, request: HttpRequest, row: DeclarationVersion) -> str:
        """Say whether it can still change."""
        if not row.is_public:
            return self.notice_before(request)
        return f"In force since {row.in_force_from:%-d %B %Y}: the text never changes. New words are a new version."

    def sections(self, request: HttpRequest, row: DeclarationVersion | None) -> list[Section]:
        """Return how many have signed it."""
        if row is None or not row.is_public:
            return []
        signed = row.live_signatures.count()
        recorded = row.entries.order_by("seq").last()
        last = f"The last entry is of {day(recorded.recorded_at)}." if recorded else "The register has no entry of it."
        return [Section("Signatures", empty=f"{signed} stand for this wording. {last}")]

    @admin.display(description="state", ordering="in_force_from")
    def state(self, row: DeclarationVersion) -> str:
        """Whether it is a draft."""
        return "Put in force" if row.is_public else "Draft"
