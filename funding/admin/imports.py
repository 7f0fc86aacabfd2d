"""A file of allocations or payments sent by staff: first what it would do, then, confirmed, done."""

from pathlib import Path
from time import time
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from import_export.admin import ImportMixin
from import_export.forms import ConfirmImportForm, ImportForm
from import_export.tmp_storages import BaseStorage

from funding.formats import CSV, XLSX, check_size
from funding.resources import LedgerResource
from vru_portal.money import pounds

GONE = (
    "This file was recorded already, or sent too long ago. Look at the list; if it is not there, send the file again."
)

LONGEST_WAIT = 86_400  # seconds


class LedgerImportForm(ImportForm):
    """The file."""

    def clean_import_file(self) -> Any:
        """Refuse what is too large, unread."""
        check_size(self.cleaned_data["import_file"].size)
        return self.cleaned_data["import_file"]


class LedgerConfirmForm(ConfirmImportForm):
    """The file that was tried, by a name that only this portal can have given."""

    def clean_import_file_name(self) -> str:
        """Return the name of the stored file."""
        try:
            return signing.loads(self.cleaned_data["import_file_name"], salt="import", max_age=LONGEST_WAIT)
        except signing.BadSignature as error:
            raise ValidationError(GONE) from error


class WaitingFile(BaseStorage):
    """A file that waits for its confirmation, for a day: readable by the portal alone, in a folder of its own."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(settings.VAR_DIR, "imports", self.name)

    def save(self, data: bytes) -> None:
        """Keep it, and clear away what nobody confirmed."""
        self.name = uuid4().hex
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for other in self.path.parent.iterdir():
            if other.stat().st_mtime < time() - LONGEST_WAIT:
                other.unlink(missing_ok=True)
        self.path.touch(mode=0o600)
        self.path.write_bytes(data)

    def read(self) -> bytes:
        """Return it; raises FileNotFoundError once it is recorded or cleared away."""
        return self.path.read_bytes()

    def remove(self) -> None:
        """Clear it away."""
        self.path.unlink(missing_ok=True)


class LedgerImport(ImportMixin):
    """Import in an admin of the ledger, for whoever may add to it by hand."""

    formats: ClassVar[list[Any]] = [CSV, XLSX]
    import_form_class = LedgerImportForm
    confirm_form_class = LedgerConfirmForm
    import_template_name = "admin/append_only/import.html"
    from_encoding = None
    tmp_storage_class = WaitingFile
    resource_classes: tuple[type[LedgerResource], ...]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may record one row may record many."""
        return request.user.has_perm(self.resource_classes[0].permission)

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Say who records."""
        return {"by": request.user}

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Record all or nothing."""
        return {"use_transactions": True, "rollback_on_validation_errors": True}

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Name the columns."""
        resource = self.resource_classes[0]
        return {
            "resource": resource,
            "columns": [field.column_name for field in resource().get_import_fields()],
        }

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        """Sign the name of the stored file."""
        initial = super().get_confirm_form_initial(request, import_form)
        if import_form:
            initial["import_file_name"] = signing.dumps(initial["import_file_name"], salt="import")
        return initial

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        """Say in plain words why a file cannot be read."""
        if not isinstance(e, ValidationError):
            raise e
        form.add_error("import_file", e)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Record the confirmed file; a second click finds it gone."""
        try:
            return super().process_import(request, **kwargs)
        except FileNotFoundError:
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
        name = request.POST.get("original_file_name", "a file")[:200]
        rows = [row.instance for row in result.new]
        if rows:
            LogEntry.objects.log_actions(int(str(request.user.pk)), rows, ADDITION, f"Recorded from {name}.")

    def import_url(self) -> str:
        """Return the address at which a file is sent."""
        return reverse("admin:{}_{}_import".format(*self.get_model_info()))

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Say how much was recorded."""
        what = self.resource_classes[0].what
        messages.success(
            request,
            f"Recorded: {len(result.new)} {what}, {pounds(result.total)} together. "
            f"Recorded already: {result.unchanged}.",
        )
        if result.exceptions:
            messages.warning(
                request,
                f"{len(result.exceptions)} of them are shown in public as exceptions. Explain them: choose “Not "
                "explained yet” among the filters.",
            )
