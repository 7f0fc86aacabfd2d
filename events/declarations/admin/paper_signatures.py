from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html

from events.declarations.admin.base import DeclarationWriteOnceAdmin, FilledFilter, VersionFilter, next_entry_fact
from events.declarations.choices import EntryKind
from events.declarations.models import PaperSignature
from events.declarations.rules import paper_signatures
from vru_portal.staff.actions import Action, RecordingForm
from vru_portal.staff.admin_links import admin_link
from vru_portal.text.dates import format_date

PAPER_FIELDS = (
    "body",
    "version",
    "signatory_name",
    "signatory_role",
    "authority",
    "authority_reference",
    "authority_date",
    "signed_on",
    "name_is_public",
    "scan",
)


class PaperSignatureForm(RecordingForm):
    """Records a signature on paper, with its scan."""

    class Meta:
        model = PaperSignature
        fields = PAPER_FIELDS
        widgets: ClassVar[dict[str, Any]] = {
            "authority": forms.RadioSelect,
            "authority_date": AdminDateWidget,
            "signed_on": AdminDateWidget,
            "scan": forms.FileInput(attrs={"accept": "application/pdf,image/jpeg,image/png"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("signatory_name", "signatory_role", "scan"):
            self.fields[name].required = True
        versions: Any = self.fields["version"]
        versions.queryset = versions.queryset.exclude(in_force_from=None).select_related("declaration")

    def record(self) -> None:
        paper_signatures.record_paper_signature(by=self.by, paper=self.instance)


class ConfirmPaperSignatureAction(Action):
    """Confirms a paper signature against its scan. Two members of staff are needed: one enters it, another confirms."""

    name = "confirm"
    label = "Confirm"
    confirmation = "I have compared all of this with the scan."
    permission = "declarations.confirm_papersignature"
    explanation = (
        "Open the scan and compare it with every line below. The signature counts only after you confirm it. If "
        "anything is wrong, do not confirm: discard it and ask for it to be entered again."
    )

    def applies(self) -> bool:
        return self.row.entry_id is None

    def blocked_reason(self) -> str:
        if not self.applies():
            return "This signature is already confirmed."
        if self.row.recorded_by == self.by:
            return "You entered this signature, so a colleague must confirm it."
        return "" if self.row.scan else "The scan was deleted, so there is nothing to compare. Discard this signature."

    def facts(self) -> list[tuple[str, str]]:
        row = self.row
        publicity = "Shown in public: the signatory agreed" if row.name_is_public else "Not shown in public"
        return [
            ("Scan", format_html('<a href="{}">Download the scan</a>', scan_url(row))),
            ("Organisation", str(row.body)),
            ("Version", str(row.version)),
            ("Signed by", f"{row.signatory_name}, {row.signatory_role}. {publicity}."),
            ("Authority to sign", paper_signatures.paper_signatory(row).basis),
            ("Signed on", format_date(row.signed_on)),
            ("Entered by", f"{row.recorded_by}, on {format_date(row.recorded_at)}"),
            next_entry_fact(EntryKind.SIGNED, subject=f"{row.body}, marked as signed on paper"),
        ]

    def perform(self, form: Any) -> str:
        entry = paper_signatures.confirm_paper_signature(by=self.by, paper=self.row)
        return f"Confirmed: it is entry {entry.pk} of the register"


class DiscardPaperSignatureAction(Action):
    """Deletes a paper signature that was entered by mistake."""

    name = "discard"
    label = "Discard"
    permission = "declarations.delete_papersignature"
    explanation = (
        "Use this for a signature that was entered by mistake. It deletes the record and its scan permanently. The "
        "register does not change."
    )
    removes = True

    def applies(self) -> bool:
        return self.row.entry_id is None

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This signature is confirmed. Withdraw it on the page of its entry."

    def perform(self, form: Any) -> str:
        paper_signatures.discard_paper_signature(by=self.by, paper=self.row)
        return "Discarded"


class ConfirmedPaperSignatureFilter(FilledFilter):
    """Filters paper signatures by whether they are confirmed."""

    title = "confirmation"
    parameter_name = "confirmed"
    field_name = "entry"
    labels = ("To confirm", "Confirmed")


def scan_url(row: PaperSignature) -> str:
    return reverse("admin:declarations_papersignature_scan", args=[row.pk])


@admin.register(PaperSignature)
class PaperSignatureAdmin(DeclarationWriteOnceAdmin):
    """Signatures on paper: entered by one member of staff, confirmed by another."""

    list_display = ("body", "version", "signed_on", "state", "recorded_by", "confirmed_by")
    list_filter = (ConfirmedPaperSignatureFilter, ("version", VersionFilter))
    list_select_related = ("body", "version__declaration", "recorded_by", "confirmed_by", "entry")
    search_fields = ("body__name", "signatory_name")
    autocomplete_fields = ("body",)
    row_actions = (ConfirmPaperSignatureAction, DiscardPaperSignatureAction)
    record_form = PaperSignatureForm
    record_fieldsets = (
        (
            None,
            {
                "fields": [*PAPER_FIELDS],
                "description": "A colleague must compare what you enter with the scan and confirm it. Only then does "
                "the signature count. If the organisation is not in the list of signatory bodies, add it there first.",
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["body", "version", "signed_on", "state", "entry_link"]}),
        (
            "Who signed",
            {
                "fields": [
                    "signatory_name",
                    "signatory_role",
                    "authority",
                    "authority_reference",
                    "authority_date",
                    "name_is_public",
                ]
            },
        ),
        ("Scan", {"fields": ["scan_link", "scan_sha256"]}),
        ("Entered and confirmed by", {"fields": ["recorded_by", "recorded_at", "confirmed_by"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: PaperSignature | None = None) -> tuple[str, ...]:
        return ("state", "entry_link", "scan_link") if obj else ()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.scan_view)
        return [path("<int:pk>/scan/", view, name="declarations_papersignature_scan"), *super().get_urls()]

    def scan_view(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        """Send the scan as a download.

        Staff uploaded the file, so the browser must never show it as a page of this site: hence the headers.
        """
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
        return "Confirmed" if row.entry_id else "Needs a colleague to confirm it"

    @admin.display(description="entry of the register")
    def entry_link(self, row: PaperSignature) -> str:
        return admin_link(row.entry) or "-"

    @admin.display(description="scan")
    def scan_link(self, row: PaperSignature) -> str:
        return format_html('<a href="{}">Download the scan</a>', scan_url(row)) if row.scan else "Deleted"
