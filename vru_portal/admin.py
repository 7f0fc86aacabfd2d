from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import actions, helpers
from django.contrib.admin.widgets import (
    AdminTextInputWidget,
    AdminURLFieldWidget,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
    RelatedFieldWidgetWrapper,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse

from vru_portal.markdown_field import MarkdownWidget, TextArea, is_markdown
from vru_portal.opening import LinkedField

MOST_NAMED = 5  # of the rows that an action cannot be done to
LONGEST_SEARCH = 200  # characters: each word is a condition, and databases have only so many

helpers.AdminReadonlyField = LinkedField  # type: ignore[misc]  # Django has no other way to say which class its forms use

WIDGETS: dict[Any, Any] = {
    models.CharField: {"widget": AdminTextInputWidget(attrs={"size": "80"})},
    models.TextField: {"widget": TextArea(attrs={"rows": "5"})},
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

    known: models.Model | None = None  # what is chosen, where the form has it already: it need not be asked for

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Leave out what no row can have as its key."""
        if self.known is not None and [str(one) for one in value] == [str(self.known.pk)]:
            groups = super().optgroups(name, [], attr)  # type: ignore[misc]
            groups[0][1].append(self.create_option(name, self.known.pk, str(self.known), True, 0))  # type: ignore[attr-defined]
            return groups
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

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the button that deletes what is chosen: that is done on a page of its own, if at all."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False
        return field

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


class InlineFormSet(BaseInlineFormSet[Any, Any, Any]):
    """The rows of an inline: each field has a name of its own for those who hear it, and asks for nothing twice."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name the fields; hand over the records that came with the row."""
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            if not widget.is_hidden:
                widget.attrs.setdefault("aria-label", str(field.label or name).capitalize())
            if isinstance(widget, KnownKeys):
                widget.known = form.instance._state.fields_cache.get(name)


class InlineMixin(AutocompleteMixin):
    """Rows edited on the page of what they belong to."""

    formset: ClassVar[Any] = InlineFormSet
    autocomplete_fields: ClassVar[Any] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch what a row names together with the rows."""
        return super().get_queryset(request).select_related(*self.autocomplete_fields)  # type: ignore[misc]


class MarkdownMixin:
    """Forms whose Markdown fields have a guide and a preview."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choose the widget."""
        if is_markdown(db_field):
            kwargs.setdefault("widget", MarkdownWidget())
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class PortalAdmin(MarkdownMixin, AutocompleteMixin, admin.ModelAdmin[Any]):
    """What every list and form of the admin has in common."""

    list_select_related: ClassVar[tuple[str, ...]] = ()
    formfield_overrides: ClassVar[dict[Any, Any]] = WIDGETS
    save_on_top = True
    list_per_page = 50
    actions: Any = ("delete_selected",)

    @admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Delete what was chosen; where one of them has to stay, say which and why before anything is asked."""
        stay = [row for row in queryset if not self.has_delete_permission(request, row)]
        if not stay:
            return actions.delete_selected(self, request, queryset)
        for row in stay[:MOST_NAMED]:
            public = getattr(row, "is_public", False)
            why = "is published: unpublish it first" if public else "cannot be deleted"
            messages.error(request, f"“{row}” {why}.")
        more = len(stay) - MOST_NAMED
        messages.error(request, f"Nothing was deleted.{f' {more} more have to stay.' if more > 0 else ''}")
        return None

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        """Begin a new record with its first field: buttons above it would have the focus."""
        response: Any = super().render_change_form(request, context, add, change, form_url, obj)
        response.context_data["save_on_top"] = self.save_on_top and not add
        return response

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


class OnlySeenAdmin(PortalAdmin):
    """A table that staff only read: its rows come about elsewhere, and are changed there."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor removed."""
        return False
