"""A file sent by staff: first what it would do, then, confirmed, done."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from import_export.admin import ImportMixin
from import_export.forms import ConfirmImportForm, ImportForm

from vru_portal import file_jobs, file_jobs_admin  # noqa: F401 - registers the page of long files
from vru_portal.importing import GONE, LONGEST_WAIT, FileResource, LongFile, WaitingFile
from vru_portal.sheets import CSV, XLSX, check_size
from vru_portal.step_admin import row_url


class FileForm(ImportForm):
    """The file."""

    def clean_import_file(self) -> Any:
        """Refuse what is too large, unread."""
        check_size(self.cleaned_data["import_file"].size)
        return self.cleaned_data["import_file"]


class ConfirmedFileForm(ConfirmImportForm):
    """The file that was tried, by a name that only this portal can have given."""

    def clean_import_file_name(self) -> str:
        """Return the name of the stored file."""
        try:
            return signing.loads(self.cleaned_data["import_file_name"], salt="import", max_age=LONGEST_WAIT)
        except signing.BadSignature as error:
            raise ValidationError(GONE) from error


class FileImport(ImportMixin):
    """Import in an admin, for whoever may add rows by hand."""

    formats: ClassVar[list[Any]] = [CSV, XLSX]
    import_form_class = FileForm
    confirm_form_class = ConfirmedFileForm
    import_template_name: ClassVar[str]
    from_encoding = None
    longest = 500  # rows that are tried while their sender waits; 0 for any number
    tmp_storage_class = WaitingFile
    resource_classes: tuple[type[FileResource], ...]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may record one row may record many."""
        return self.resource_classes[0].permits(request.user)

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Say who records, and that a long file is for the worker, which has time."""
        data = getattr(kwargs.get("form"), "cleaned_data", {})
        name = data.get("original_file_name") or getattr(data.get("import_file"), "name", "")
        return {"by": request.user, "name": name, "longest": self.longest if "import_file" in data else 0}

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Record all or nothing."""
        return {"use_transactions": True, "rollback_on_validation_errors": True}

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Name the columns."""
        resource = self.resource_classes[0]()
        return {
            "resource": resource,
            "columns": [field.column_name for field in resource.get_import_fields()],
        }

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        """Sign the name of the stored file."""
        initial = super().get_confirm_form_initial(request, import_form)
        return self.signed(initial) if import_form else initial

    def signed(self, initial: dict[str, Any]) -> dict[str, Any]:
        """Return what a form to confirm begins with, its file named in a way that only this portal can."""
        return initial | {"import_file_name": signing.dumps(initial["import_file_name"], salt="import")}

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        """Say in plain words why a file cannot be read."""
        if not isinstance(e, ValidationError):
            raise e
        form.add_error("import_file", e)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Try a file; one that cannot be confirmed does not wait."""
        try:
            response = super().import_action(request, **kwargs)
        except LongFile as long:
            sent: Any = request.FILES["import_file"]
            job = file_jobs.send(
                resource=self.resource_classes[0],
                stored=sent.tmp_storage_name,
                name=sent.name,
                form=int(request.POST["format"]),
                rows=long.rows,
                by=request.user,
            )
            return HttpResponseRedirect(row_url(job))
        tried = response.context_data or {}
        file = getattr(tried["form"], "cleaned_data", {}).get("import_file")
        if file is not None and "confirm_form" not in tried and hasattr(file, "tmp_storage_name"):
            WaitingFile(name=file.tmp_storage_name).remove()
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Record the confirmed file; a second click finds it gone."""
        try:
            return super().process_import(request, **kwargs)
        except (FileNotFoundError, IndexError, ValueError):  # gone, or a format that this page never gave
            messages.error(request, GONE)
            return HttpResponseRedirect(self.import_url())

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Say what was recorded; or, where something came between trying and confirming, that nothing was, and why."""
        if result.problems:
            context = {
                **self.admin_site.each_context(request),
                **self.get_import_context_data(),
                "title": "Nothing was recorded",
                "opts": self.opts,
                "result": result,
                "again": self.import_url(),
            }
            return TemplateResponse(request, self.import_template_name, context)
        return super().process_result(result, request)

    def generate_log_entries(self, result: Any, request: HttpRequest) -> None:
        """Write into the log of each row which file it came from."""
        result.log(request.user, request.POST.get("original_file_name", "a file"))

    def import_url(self) -> str:
        """Return the address at which a file is sent."""
        return reverse("admin:{}_{}_import".format(*self.get_model_info()))

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Say how much was recorded."""
        messages.success(request, f"Recorded: {result.summary}. Recorded already: {result.unchanged}.")
