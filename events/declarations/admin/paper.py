from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html

from events.declarations import rules
from events.declarations.admin.steps import DeclarationRecordedAdmin, VersionFilter, next_entry
from events.declarations.choices import Kind
from events.declarations.models import PaperSignature
from vru_portal.step_admin import RecordForm, Step, day, link


class PaperForm(RecordForm):
    """A signature that was given on paper, with its scan."""

    class Meta:
        model = PaperSignature
        fields = ("body", "version", "signatory_name", "signatory_role", "signed_on", "name_is_public", "scan")
        widgets: ClassVar[dict[str, Any]] = {
            "signed_on": AdminDateWidget,
            "scan": forms.FileInput(attrs={"accept": "application/pdf,image/jpeg,image/png"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("signatory_name", "signatory_role", "scan"):
            self.fields[name].required = True
        versions: Any = self.fields["version"]
        versions.queryset = versions.queryset.exclude(in_force_from=None).select_related("declaration")

    def clean_scan(self) -> Any:
        """Refuse what is too large, unread."""
        scan = self.cleaned_data["scan"]
        if scan and scan.size > rules.LARGEST_SCAN:
            raise ValidationError(f"This file has {scan.size / 1_000_000:.1f} MB; a scan has at most 10 MB.")
        return scan

    def record(self) -> None:
        """Record it through the rule."""
        rules.record_paper(by=self.by, paper=self.instance)


class ConfirmStep(Step):
    """Confirm it against the scan."""

    name = "confirm"
    label = "Confirm"
    permission = "declarations.confirm_papersignature"
    explanation = (
        "Open the scan and compare it with every line below. Only then does the signature count. If anything is wrong, "
        "do not confirm: discard it, and have it entered anew."
    )

    def applies(self) -> bool:
        """It is confirmed once."""
        return self.row.entry_id is None

    def obstacle(self) -> str:
        """Say that it is confirmed, or that somebody else must."""
        if not self.applies():
            return "This signature is confirmed already."
        if self.row.recorded_by == self.by:
            return "You entered this signature, so a colleague confirms it."
        return "" if self.row.scan else "Its scan was dropped, so there is nothing to compare it with. Discard it."

    def facts(self) -> list[tuple[str, str]]:
        """Say what is compared, and what it makes."""
        row = self.row
        named = "Shown in public: the signatory agreed" if row.name_is_public else "Not shown in public"
        return [
            ("Scan", format_html('<a href="{}">Download the scan</a>', scan_url(row))),
            ("Body", str(row.body)),
            ("Wording", str(row.version)),
            ("Signed by", f"{row.signatory_name}, {row.signatory_role}. {named}."),
            ("Signed on", f"{row.signed_on:%-d %B %Y}"),
            ("Entered by", f"{row.recorded_by}, on {day(row.recorded_at)}"),
            next_entry(Kind.SIGNED, body=f"{row.body}, marked as signed on paper"),
        ]

    def form(self, **data: Any) -> forms.Form:
        """Ask whether it was compared."""
        return ComparedForm(**data)

    def take(self, form: Any) -> str:
        """Confirm it through the rule."""
        entry = rules.confirm_paper(by=self.by, paper=self.row)
        return f"Confirmed: it is entry {entry.pk} of the register"


class ComparedForm(forms.Form):
    """Whether the scan was compared."""

    compared = forms.BooleanField(label="I have compared all of this with the scan.")


class DiscardStep(Step):
    """Take back what was entered by mistake."""

    name = "discard"
    label = "Discard"
    permission = "declarations.delete_papersignature"
    explanation = "For what was entered by mistake. The row and its scan go for good; the register is not touched."
    removes = True

    def applies(self) -> bool:
        """Only what is not confirmed."""
        return self.row.entry_id is None

    def obstacle(self) -> str:
        """Say that it is in the register."""
        return "" if self.applies() else "This signature is confirmed: it is withdrawn on the page of its entry."

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing."""
        return forms.Form(**data)

    def take(self, form: Any) -> str:
        """Discard it through the rule."""
        rules.discard_paper(by=self.by, paper=self.row)
        return "Discarded"


class ConfirmedFilter(admin.SimpleListFilter):
    """Whether signatures are confirmed."""

    title = "confirmation"
    parameter_name = "confirmed"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("no", "To confirm"), ("yes", "Confirmed")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        chosen = {"no": True, "yes": False}.get(str(self.value()))
        return queryset if chosen is None else queryset.filter(entry__isnull=chosen)


def scan_url(row: PaperSignature) -> str:
    """Return the address at which staff get the scan."""
    return reverse("admin:declarations_papersignature_scan", args=[row.pk])


@admin.register(PaperSignature)
class PaperSignatureAdmin(DeclarationRecordedAdmin):
    """Signatures on paper: entered by one member of staff, confirmed by another."""

    list_display = ("body", "version", "signed_on", "state", "recorded_by", "confirmed_by")
    list_filter = (ConfirmedFilter, ("version", VersionFilter))
    list_select_related = ("body", "version__declaration", "recorded_by", "confirmed_by", "entry")
    search_fields = ("body__name", "signatory_name")
    autocomplete_fields = ("body",)
    steps = (ConfirmStep, DiscardStep)
    record_form = PaperForm
    record_fieldsets = (
        (
            None,
            {
                "fields": [
                    "body",
                    "version",
                    "signatory_name",
                    "signatory_role",
                    "signed_on",
                    "name_is_public",
                    "scan",
                ],
                "description": "A colleague compares what you enter with the scan and confirms it: only then does it "
                "count. The body must be among the signatory bodies first.",
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["body", "version", "signed_on", "state", "the_entry"]}),
        ("Who signed", {"fields": ["signatory_name", "signatory_role", "name_is_public"]}),
        ("Scan", {"fields": ["the_scan", "scan_sha256"]}),
        ("Four eyes", {"fields": ["recorded_by", "recorded_at", "confirmed_by"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: PaperSignature | None = None) -> tuple[str, ...]:
        """The facts are read."""
        return ("state", "the_entry", "the_scan") if obj else ()

    def get_urls(self) -> list[Any]:
        """Add the scan."""
        view = self.admin_site.admin_view(self.scan_view)
        return [path("<int:pk>/scan/", view, name="declarations_papersignature_scan"), *super().get_urls()]

    def scan_view(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        """Hand the scan to staff, as a file to keep and never as a page of this site."""
        row = PaperSignature.objects.filter(pk=pk).first()
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        name = row.scan.name if row else ""
        if row is None or not name or not row.scan.storage.exists(name):
            raise Http404
        response = FileResponse(row.scan.open("rb"), as_attachment=True, filename=f"scan-{pk}{Path(name).suffix}")
        response["Content-Type"] = "application/octet-stream"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "sandbox"
        response["Cache-Control"] = "no-store"
        return response

    @admin.display(description="state")
    def state(self, row: PaperSignature) -> str:
        """Whether it counts."""
        return "Confirmed" if row.entry_id else "Waits for a colleague to confirm it"

    @admin.display(description="entry of the register")
    def the_entry(self, row: PaperSignature) -> str:
        """The entry that it became."""
        return link(row.entry) or "-"

    @admin.display(description="scan")
    def the_scan(self, row: PaperSignature) -> str:
        """The scan, to download."""
        return format_html('<a href="{}">Download the scan</a>', scan_url(row)) if row.scan else "Dropped"
