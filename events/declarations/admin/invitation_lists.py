"""How staff invite organisations: one by a form, many by a pasted list or a file."""

from io import BytesIO
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from import_export.formats import base_formats

from events.declarations.admin.base import signing_closed_notice
from events.declarations.models import Invitation
from events.declarations.resources import InvitationResource, PastedList
from events.declarations.rules import invitations
from partners.models import Sector
from vru_portal.staff.actions import RecordingForm
from vru_portal.staff.imports.page import FileForm, FileImport
from vru_portal.tabular.readers import CSV, ODS, XLSX
from vru_portal.text.form_fields import LineFormField

PASTED_LIST_FORMAT = 3  # the index of PastedList in InvitationImportMixin.formats


class InvitationRecordingForm(RecordingForm):
    """Invites one organisation."""

    organisation = LineFormField(
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="As the register will show it.",
    )
    sector = forms.ModelChoiceField(
        Sector.objects.all(),
        required=False,
        help_text="Used for a new organisation only. It does not change that of an existing one.",
    )

    class Meta:
        model = Invitation
        fields = ("email", "contact_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["email"].help_text = "We will send the link to sign to this email address only."

    def record(self) -> None:
        invitee = invitations.Invitee(
            **{name: self.cleaned_data[name] for name in invitations.Invitee.__dataclass_fields__}
        )
        (outcome,) = invitations.invite_all(by=self.by, invitees=[invitee])
        if outcome.error:
            raise outcome.error
        if outcome.invitation is None:
            raise ValidationError({"organisation": outcome.skipped_reason})
        self.instance = outcome.invitation


class PastedListForm(forms.Form):
    """A list of organisations, typed or pasted."""

    bodies = forms.CharField(
        label="Organisations",
        strip=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 16, "class": "vLargeTextField"}),
        help_text="Enter one organisation on each line: its name, an email address and, if you wish, a contact name "
        "and a sector, separated by commas. You can also paste cells from a spreadsheet.",
    )


class InvitationFileForm(FileForm):
    """A file of organisations. It does not offer the pasted list as a format: that has a page of its own."""

    def _init_formats(self, formats: list[type[base_formats.Format]]) -> None:
        super()._init_formats(formats[:PASTED_LIST_FORMAT])


class InvitationImportMixin(FileImport):
    """Import of lists and files: first a dry run that shows what would be sent, then, once confirmed, the import."""

    resource_classes = (InvitationResource,)
    max_rows_in_request = 0  # all mail is queued at once
    formats: ClassVar[list[Any]] = [CSV, XLSX, ODS, PastedList]
    import_form_class = InvitationFileForm
    import_template_name = "admin/declarations/import.html"
    import_export_change_list_template = "admin/declarations/invitations.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.paste_view)
        return [path("paste/", view, name="declarations_invitation_paste"), *super().get_urls()]

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_import_context_data(**kwargs) | {"closed": signing_closed_notice()}

    def paste_view(self, request: HttpRequest) -> HttpResponse:
        """Take a pasted list and show what it would do. It is confirmed in the same way as an uploaded file."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = PastedListForm(request.POST if request.method == "POST" else None)
        context = {
            **self.admin_site.each_context(request),
            **self.get_import_context_data(),
            "title": "Paste a list",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "pasted": True,
        }
        if form.is_valid():
            self.add_dry_run(request, form, context)
        return TemplateResponse(request, self.import_template_name, context)

    def add_dry_run(self, request: HttpRequest, form: PastedListForm, context: dict[str, Any]) -> None:
        """Add what the list would do, and the form that confirms it, to the page's context."""
        content = form.cleaned_data["bodies"].encode()
        try:
            dataset = PastedList().create_dataset(content)
        except ValidationError as error:
            form.add_error("bodies", error)
            return
        result = InvitationResource(by=request.user).run(dataset, dry_run=True)
        context["result"] = result
        if result.problems:
            return
        file = InMemoryUploadedFile(BytesIO(content), None, "a pasted list", None, len(content), None)
        waiting = self.write_to_tmp_storage(file, PastedList())
        initial = {
            "import_file_name": waiting.name,
            "original_file_name": file.name,
            "format": PASTED_LIST_FORMAT,
            "resource": 0,
        }
        context["confirm_form"] = self.confirm_form_class(initial=self.signed(initial))
