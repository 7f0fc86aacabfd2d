from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget, AdminURLFieldWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

LONGEST_SEARCH = 200  # characters: each word is a condition, and databases have only so many

WIDGETS: dict[Any, Any] = {
    models.CharField: {"widget": AdminTextInputWidget(attrs={"size": "80"})},
    models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": "5"})},
    models.URLField: {"widget": AdminURLFieldWidget(attrs={"size": "80"}), "assume_scheme": "https"},
}


def warn_of(request: HttpRequest, rule: Callable[..., None], **records: models.Model) -> None:
    """Say what a rule over several records finds, once they are saved.

    A warning, not a refusal: such a rule is often broken between two steps of one correction, of two sums for example.
    """
    try:
        rule(**records)
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))


class PortalAdmin(admin.ModelAdmin[Any]):
    """What every list and form of the admin has in common."""

    list_select_related: ClassVar[tuple[str, ...]] = ()
    formfield_overrides: ClassVar[dict[Any, Any]] = WIDGETS
    save_on_top = True
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch what a row names together with the rows."""
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return the record's address, unless the public cannot see it."""
        return super().get_view_on_site_url(obj) if getattr(obj, "is_public", True) else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search for the first words of what somebody pasted."""
        return super().get_search_results(request, queryset, search_term[:LONGEST_SEARCH])
