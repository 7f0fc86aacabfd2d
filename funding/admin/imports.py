from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from vru_portal.staff.imports.page import FileImport


class LedgerImport(FileImport):
    """Import in an admin of the ledger."""

    import_template_name = "admin/funding/import.html"

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Warn that exceptions among the payments are public."""
        super().add_success_message(result, request)
        if result.exceptions:
            messages.warning(
                request,
                f"{len(result.exceptions)} of them are shown in public as exceptions. To explain them, choose “Not "
                "explained yet” in the filters.",
            )
