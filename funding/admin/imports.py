from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from vru_portal.staff.imports.page import FileImport

KEYS_JUST_RECORDED = ("id__gte", "id__lte")


class LedgerImport(FileImport):
    """Import in an admin of the ledger."""

    import_template_name = "admin/funding/import.html"

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Lead to the rows just recorded: one transaction has recorded them, so their keys are side by side."""
        response = super().process_result(result, request)
        keys = [row.instance.pk for row in result.new]
        if result.is_refused or not keys:
            return response
        first, last = KEYS_JUST_RECORDED
        return HttpResponseRedirect(f"{response.headers['Location']}?{first}={min(keys)}&{last}={max(keys)}")

    def filter_parameters(self, request: HttpRequest) -> set[str]:
        return super().filter_parameters(request) | {*KEYS_JUST_RECORDED}

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Warn that exceptions among the payments are public."""
        super().add_success_message(result, request)
        if result.exceptions:
            messages.warning(
                request,
                f"{len(result.exceptions)} of them are shown in public as exceptions. To explain them, choose “Not "
                "explained yet” in the filters.",
            )
