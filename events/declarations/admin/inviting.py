"""The doors by which bodies are invited: one by a form, many by a pasted list or a file."""

from io import BytesIO
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from import_export.formats import base_formats

from events.declarations import rules
from events.declarations.admin.steps import closed_sentence
from events.declarations.models import Invitation
from events.declarations.resources import InvitationResource, PastedList
from partners.models import Sector
from vru_portal.import_admin import FileForm, FileImport
from vru_portal.sheets import CSV, XLSX
from vru_portal.step_admin import RecordForm

PASTED = 2  # its place among the formats


class InvitationForm(RecordForm):
    """One body to be invited."""

    organisation = forms.CharField(
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="As the register will show it.",
    )
    sector = forms.ModelChoiceField(
        Sector.objects.all(), required=False, help_text="Of a body that is not known yet; of another it stays as it is."
    )

    class Meta:
        model = Invitation
        fields = ("email", "contact_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["email"].help_text = "The link to sign goes to this mailbox, and nowhere else."

    def record(self) -> None:
        """Invite it through the rule."""
        invitee = rules.Invitee(**{name: self.cleaned_data[name] for name in rules.Invitee.__dataclass_fields__})
        (outcome,) = rules.invite_all(by=self.by, invitees=[invitee])
        if outcome.error:
            raise outcome.error
        if outcome.invitation is None:
            raise ValidationError({"organisation": outcome.because})
        self.instance = outcome.invitation


class ListForm(forms.Form):
    """A list of bodies, typed or pasted."""

    bodies = forms.CharField(
        label="Bodies",
        strip=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 16, "class": "vLargeTextField"}),
        help_text="One a line: organisation, email; then, if you like, contact name and sector. Cells pasted from a "
        "spreadsheet do too.",
    )


class InvitationFileForm(FileForm):
    """A file of bodies; lists are pasted on a page of their own."""

    def _init_formats(self, formats: list[type[base_formats.Format]]) -> None:
        super()._init_formats(formats[:PASTED])


class InvitingMixin(FileImport):
    """Lists and files: first what they would do, then, confirmed, done."""

    resource_classes = (InvitationResource,)
    longest = 0  # all mail is queued at once
    formats: ClassVar[list[Any]] = [CSV, XLSX, PastedList]
    import_form_class = InvitationFileForm
    import_template_name = "admin/declarations/import.html"
    import_export_change_list_template = "admin/declarations/invitations.html"

    def get_urls(self) -> list[Any]:
        """Add the page for a pasted list."""
        view = self.admin_site.admin_view(self.paste_view)
        return [path("paste/", view, name="declarations_invitation_paste"), *super().get_urls()]

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say why nobody can be invited."""
        return super().get_import_context_data(**kwargs) | {"closed": closed_sentence()}

    def paste_view(self, request: HttpRequest) -> HttpResponse:
        """Take a list, and show what inviting it would do: from there on it is a file like any other."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ListForm(request.POST if request.method == "POST" else None)
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
            self.try_list(request, form, context)
        return TemplateResponse(request, self.import_template_name, context)

    def try_list(self, request: HttpRequest, form: ListForm, context: dict[str, Any]) -> None:
        """Put what a list would do into the page."""
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
        initial = {"import_file_name": waiting.name, "original_file_name": file.name, "format": PASTED, "resource": 0}
        context["confirm_form"] = self.confirm_form_class(initial=self.signed(initial))
