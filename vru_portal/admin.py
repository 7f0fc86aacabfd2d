from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import (
    AdminTextareaWidget,
    AdminTextInputWidget,
    AdminURLFieldWidget,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
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


class KnownKeys:
    """Offers nothing for what is no key at all: Django would ask the database for it, which raises."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Leave out what no row can have as its key."""
        related = self.field.remote_field  # type: ignore[attr-defined]
        key = related.model._meta.get_field(getattr(related, "field_name", None) or related.model._meta.pk.name)
        return super().optgroups(name, [text for text in value if is_key(key, text)], attr)  # type: ignore[misc]


def is_key(field: Any, text: object) -> bool:
    """Return whether a field could hold this."""
    try:
        field.clean(text, None)
    except ValidationError:
        return False
    return True


class Choice(KnownKeys, AutocompleteSelect):
    """One record, found by typing."""


class Choices(KnownKeys, AutocompleteSelectMultiple):
    """Several records, found by typing."""


class KnownRecords(forms.ModelMultipleChoiceField[Any]):
    """Several records; what no row can have as its key is an error of the form."""

    def clean(self, value: Any) -> Any:
        """Refuse it before the database is asked."""
        for text in value or ():
            if self.queryset is not None and not is_key(self.queryset.model._meta.pk, text):
                raise ValidationError(self.error_messages["invalid_pk_value"], "invalid_pk_value", {"pk": text})
        return super().clean(value)


class AutocompleteMixin:
    """Forms whose records, found by typing, may be sent as anything: what is none is an error of the form."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choose the widget."""
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", Choice(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choose the widget."""
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", Choices(db_field, self.admin_site))  # type: ignore[attr-defined]
        kwargs.setdefault("form_class", KnownRecords)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


class PortalAdmin(AutocompleteMixin, admin.ModelAdmin[Any]):
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
