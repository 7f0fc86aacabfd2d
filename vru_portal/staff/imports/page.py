"""Imports from files: the file is checked first, and recorded once its sender has confirmed what it would do."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from import_export.admin import ImportMixin
from import_export.formats.base_formats import Format
from import_export.forms import ConfirmImportForm, ImportForm

from vru_portal.staff.admin_links import change_url
from vru_portal.staff.imports import job_pages  # noqa: F401 - it registers its admin
from vru_portal.staff.imports.heading_mappings import MAPPING_PERMISSIONS, AskedHeadingsForm, mapping_link
from vru_portal.tabular import jobs
from vru_portal.tabular.downloads import table_response
from vru_portal.tabular.readers import CSV, ODS, XLSX, check_size, format_of
from vru_portal.tabular.refused_rows import refused_rows_table
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.unconfirmed_files import FILE_GONE, SECONDS_TO_CONFIRM, UnconfirmedFile
from vru_portal.tabular.writers import Column, Table

NO_ROWS = "This file has no rows below its headings."


class FileForm(ImportForm):
    """Asks for a file. Its content says in which of the formats it is."""

    def __init__(self, formats: list[type[Format]], resources: Any, **kwargs: Any) -> None:
        super().__init__(formats, resources, **kwargs)
        self.formats = formats
        self.fields["format"].required = False
        self.fields["format"].widget = forms.HiddenInput()

    def add_error(self, field: str | None, error: Any) -> None:
        """Say in the portal's own words that a file has no rows."""
        super().add_error(field, NO_ROWS if str(error).startswith("No valid data") else error)

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        check_size(file.size)
        return file

    def clean(self) -> dict[str, Any]:
        """Find out the format; raises ValidationError, with the way out, for a kind of file that is not read."""
        cleaned = super().clean() or {}
        if file := cleaned.get("import_file"):
            content = file.read()
            file.seek(0)
            try:
                cleaned["format"] = str(self.formats.index(format_of(content, self.formats)))
            except ValidationError as error:
                self.add_error("import_file", error)
        return cleaned


class ConfirmedFileForm(ConfirmImportForm):
    """Confirms a file that was checked. Its stored name is signed: another name could be any file on the server."""

    left_out = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_left_out(self) -> list[int] | None:
        """The rows that were refused when the file was checked, if its sender records the others without them."""
        signed = self.cleaned_data["left_out"]
        try:
            return signing.loads(signed, salt="left out", max_age=SECONDS_TO_CONFIRM) if signed else None
        except signing.BadSignature as error:
            raise ValidationError(FILE_GONE) from error

    def clean_import_file_name(self) -> str:
        try:
            return signing.loads(self.cleaned_data["import_file_name"], salt="import", max_age=SECONDS_TO_CONFIRM)
        except signing.BadSignature as error:
            raise ValidationError(FILE_GONE) from error


class FileImport(ImportMixin):
    """An admin that imports files, for those who may add rows by hand."""

    formats: ClassVar[list[Any]] = [CSV, XLSX, ODS]
    import_form_class = FileForm
    confirm_form_class = ConfirmedFileForm
    import_template_name: ClassVar[str]
    from_encoding = None
    max_rows_in_request = 500  # a longer file is left to the worker; 0 for no limit
    tmp_storage_class = UnconfirmedFile
    resource_classes: tuple[type[FileResource], ...]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.resource_classes[0].can_import(request.user)

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Only an upload can be passed on to the worker, not the confirmation of a file that was short enough."""
        data = getattr(kwargs.get("form"), "cleaned_data", {})
        name = data.get("original_file_name") or getattr(data.get("import_file"), "name", "")
        return {
            "by": request.user,
            "name": name,
            "max_rows_in_request": self.max_rows_in_request if "import_file" in data else 0,
        }

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        confirmed = getattr(kwargs.get("form"), "cleaned_data", {})
        return {"use_transactions": True, "left_out": confirmed.get("left_out")}

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        resource = self.resource_classes[0]()
        return {
            "resource": resource,
            "empty_file": reverse("admin:{}_{}_import_template".format(*self.get_model_info())),
            "columns": resource.named_columns(),
        }

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial = super().get_confirm_form_initial(request, import_form)
        return self.signed(initial) if import_form else initial

    def signed(self, initial: dict[str, Any]) -> dict[str, Any]:
        """The initial values of the confirmation form, with the signed name of the stored file."""
        return initial | {"import_file_name": signing.dumps(initial["import_file_name"], salt="import")}

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        if not isinstance(e, ValidationError):
            raise e  # ours say what is wrong with a file; anything else is a bug
        form.add_error("import_file", e)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Check a file. If there is nothing more to ask about it, it is deleted at once, not after a day."""
        asked = None
        if "kept" in request.POST and self.may_say_headings(request):
            asked = AskedHeadingsForm(request.POST, resource=self.resource_classes[0]())
            if asked.is_valid():
                asked.save_by(request.user)
            if "kept" in asked.errors:
                messages.error(request, FILE_GONE)
                return HttpResponseRedirect(self.import_url())
            request.FILES["import_file"] = asked.cleaned_data["kept"]
        response = super().import_action(request, **kwargs)
        context = response.context_data or {}
        result = context.get("result")
        if result is not None and result.deferred_rows:
            upload: Any = request.FILES["import_file"]
            job = jobs.enqueue_file(
                resource=self.resource_classes[0],
                stored=upload.tmp_storage_name,
                name=upload.name,
                form=int(context["form"].cleaned_data["format"]),
                rows=result.deferred_rows,
                by=request.user,
            )
            return HttpResponseRedirect(change_url(job))
        file = getattr(context["form"], "cleaned_data", {}).get("import_file")
        if result is None or file is None or response.context_data is None:
            return response
        response.context_data |= {"mapping": mapping_link(request, result.mapping)}
        if self.resource_classes[0].may_leave_out and result.can_leave_out:
            initial = self.get_confirm_form_initial(request, context["form"])
            initial["left_out"] = signing.dumps(result.refused_numbers, salt="left out")
            response.context_data |= {"confirm_form": self.confirm_form_class(initial=initial)}
        if result.refused_file:
            response.context_data |= {"refused_file": signing.dumps(result.refused_file, salt="refused rows")}
        if result.unclear.columns and self.may_say_headings(request):
            form = asked if asked and asked.errors else AskedHeadingsForm(resource=self.resource_classes[0]())
            form.ask(result.unclear, file)
            response.context_data |= {"headings_form": form}
        elif "confirm_form" not in response.context_data:
            UnconfirmedFile(name=file.tmp_storage_name).remove()
        return response

    def may_say_headings(self, request: HttpRequest) -> bool:
        """Whether a user may save what headings mean, besides sending such files."""
        return self.has_import_permission(request) and request.user.has_perms(MAPPING_PERMISSIONS)

    def get_urls(self) -> list[Any]:
        name, view = "{}_{}".format(*self.get_model_info()), self.admin_site.admin_view
        return [
            path("import/empty.csv", view(self.template_view), name=f"{name}_import_template"),
            path("import/refused.<str:form>", view(self.refused_rows_view), name=f"{name}_refused_rows"),
            *super().get_urls(),
        ]

    def template_columns(self) -> list[Column[Any]]:
        return [Column(name, "", lambda row: None) for name in self.resource_classes[0]().named_columns()]

    def template_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send a file with only the headings."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        name = f"{self.get_model_info()[1]}-empty.csv"
        return table_response(request, Table({}, self.template_columns(), []), "csv", name)

    def refused_rows_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Send the refused rows of a file that was checked, with the reasons beside them."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if form not in ("csv", "xlsx"):
            raise Http404("There is no such file.")
        try:
            stored = signing.loads(request.GET.get("file", ""), salt="refused rows", max_age=SECONDS_TO_CONFIRM)
            table = refused_rows_table(stored)
        except (signing.BadSignature, FileNotFoundError):
            messages.error(request, FILE_GONE)
            return HttpResponseRedirect(self.import_url())
        return table_response(request, table, form, f"{self.get_model_info()[1]}-refused.{form}")

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Record the confirmed file. A second click finds it gone."""
        try:
            return super().process_import(request, **kwargs)
        except (FileNotFoundError, IndexError, ValueError):  # gone, or a format that is not on the form
            messages.error(request, FILE_GONE)
            return HttpResponseRedirect(self.import_url())

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Say what was recorded; or that nothing was, because something had changed since the file was checked."""
        if result.is_refused:
            context = {
                **self.admin_site.each_context(request),
                **self.get_import_context_data(),
                "title": "Nothing was recorded",
                "opts": self.opts,
                "result": result,
                "mapping": mapping_link(request, result.mapping),
                "again": self.import_url(),
            }
            return TemplateResponse(request, self.import_template_name, context)
        return super().process_result(result, request)

    def generate_log_entries(self, result: Any, request: HttpRequest) -> None:
        result.log(request.user, request.POST.get("original_file_name", "a file"))

    def import_url(self) -> str:
        return reverse("admin:{}_{}_import".format(*self.get_model_info()))

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        messages.success(request, f"Recorded: {result.summary}. Already recorded: {result.unchanged}.")
