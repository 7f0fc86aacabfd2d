"""What all lists and forms of the admin have in common: widgets, autocompletion, inlines, filters, deletion."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin import actions, helpers
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.admin.widgets import (
    AdminTextInputWidget,
    AdminURLFieldWidget,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
    RelatedFieldWidgetWrapper,
)
from django.core.exceptions import BadRequest, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from vru_portal.staff.admin_links import LinkedField
from vru_portal.staff.markdown_field import MarkdownWidget, TextArea
from vru_portal.staff.ordering.rows import OrderedFormSet
from vru_portal.staff.records.edit_conflicts import EditConflictMixin
from vru_portal.text.fields import CountField
from vru_portal.text.markdown import is_markdown

MAX_ROWS_IN_MESSAGE = 5
MAX_SEARCH_CHARACTERS = 200  # each word becomes a condition, and databases limit how deeply these nest
# A list repeats its query in the link of every row, column and filter: enough for a search in any script, and filters.
MAX_QUERY_CHARACTERS = 2_500
MAX_FILTER_VALUES = 20  # of one parameter: each becomes a condition

# Django has no setting for the class of read-only fields in its forms.
helpers.AdminReadonlyField = LinkedField  # type: ignore[misc]

WIDGETS: dict[Any, Any] = {
    models.CharField: {"widget": AdminTextInputWidget(attrs={"size": "80"})},
    models.TextField: {"widget": TextArea(attrs={"rows": "5"})},
    models.URLField: {"widget": AdminURLFieldWidget(attrs={"size": "80"}), "assume_scheme": "https"},
    # Django's own is a box for numbers, which drops "1,250".
    CountField: {"widget": AdminTextInputWidget(attrs={"size": "10"})},
}


def warn_about_rule(request: HttpRequest, rule: Callable[..., None], **records: models.Model) -> None:
    """Warn if a rule about several records is broken, once they are saved.

    It does not refuse them: such a rule is often broken halfway through a correction, such as one of two amounts.
    """
    try:
        rule(**records)
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))


class SafeOptionsMixin:
    """An autocomplete widget that survives any value: Django's queries the database for text that is not a key."""

    loaded_choice: models.Model | None = None  # the chosen record, if the form has loaded it: this saves a query

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        if self.loaded_choice is not None and [str(one) for one in value] == [str(self.loaded_choice.pk)]:
            groups = super().optgroups(name, [], attr)  # type: ignore[misc]
            choice = self.loaded_choice
            groups[0][1].append(self.create_option(name, choice.pk, str(choice), True, 0))  # type: ignore[attr-defined]
            return groups
        related = self.field.remote_field  # type: ignore[attr-defined]
        key = related.model._meta.get_field(getattr(related, "field_name", None) or related.model._meta.pk.name)
        return super().optgroups(name, [text for text in value if is_valid_key(key, text)], attr)  # type: ignore[misc]


def is_valid_key(field: Any, text: object) -> bool:
    try:
        field.clean(text, None)
    except ValidationError:
        return False
    return True


class RecordSelect(SafeOptionsMixin, AutocompleteSelect):
    """Select one record by typing part of its name."""


class MultipleRecordSelect(SafeOptionsMixin, AutocompleteSelectMultiple):
    """Select several records by typing part of their names."""


class MultipleRecordField(forms.ModelMultipleChoiceField[Any]):
    """Several records. Text that is not a key at all is an error of the form, and not of the database."""

    def clean(self, value: Any) -> Any:
        for text in value or ():
            if self.queryset is not None and not is_valid_key(self.queryset.model._meta.pk, text):
                raise ValidationError(self.error_messages["invalid_pk_value"], "invalid_pk_value", {"pk": text})
        return super().clean(value)


class AutocompleteMixin:
    """A form whose related records are selected by typing."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False  # deleting has a page of its own
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", RecordSelect(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", MultipleRecordSelect(db_field, self.admin_site))  # type: ignore[attr-defined]
        kwargs.setdefault("form_class", MultipleRecordField)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


class InlineFormSet(OrderedFormSet):
    """The rows of an inline. Each field has an accessible name, as its visible label is only the column's heading."""

    proposed_fields = ("source", "as_at")  # what a new row most likely has in common with the record it belongs to

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            if not widget.is_hidden:
                widget.attrs.setdefault("aria-label", str(field.label or name).capitalize())
            if isinstance(widget, SafeOptionsMixin):
                widget.loaded_choice = form.instance._state.fields_cache.get(name)
            if name in self.proposed_fields and form.instance._state.adding:
                form.initial[name] = form.instance._meta.get_field(name).value_from_object(self.instance)


class InlineMixin(AutocompleteMixin):
    """Rows that are edited on the page of the record they belong to."""

    formset: ClassVar[Any] = InlineFormSet
    autocomplete_fields: ClassVar[Any] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.autocomplete_fields)  # type: ignore[misc]


class MarkdownMixin:
    """A form whose Markdown fields have a guide and a preview."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if is_markdown(db_field):
            kwargs.setdefault("widget", MarkdownWidget())
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class PortalAdmin(EditConflictMixin, MarkdownMixin, AutocompleteMixin, admin.ModelAdmin[Any]):
    """The base class of the portal's admins."""

    list_select_related: ClassVar[tuple[str, ...]] = ()
    formfield_overrides: ClassVar[dict[Any, Any]] = WIDGETS
    save_on_top = True
    list_per_page = 50
    actions: Any = ("delete_selected",)

    @admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Delete the selected rows, or none: if some have to stay, say which and why instead of asking to confirm."""
        undeletable = [row for row in queryset if not self.has_delete_permission(request, row)]
        if not undeletable:
            return actions.delete_selected(self, request, queryset)
        for row in undeletable[:MAX_ROWS_IN_MESSAGE]:
            public = getattr(row, "is_public", False)
            why = "is published: unpublish it first" if public else "cannot be deleted"
            messages.error(request, f"“{row}” {why}.")
        more = len(undeletable) - MAX_ROWS_IN_MESSAGE
        messages.error(request, f"Nothing was deleted.{f' {more} more cannot be deleted.' if more > 0 else ''}")
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
        """Show no buttons above the form of a new record: they would take the focus from its first field."""
        response: Any = super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)
        response.context_data["save_on_top"] = self.save_on_top and not add
        return response

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow the parameters that the list's own filters and dates use in their links, and no others.

        Django allows any lookup of any field of the model, such as ``name__regex``, which the database may work on for
        hours.
        """
        return lookup in self.filter_parameters(request) and len(request.GET.getlist(lookup)) <= MAX_FILTER_VALUES

    def filter_parameters(self, request: HttpRequest) -> set[str]:
        """The URL parameters of the filters and of the dates above the list."""
        dates = ("year", "month", "day") if self.date_hierarchy else ()
        names = {f"{self.date_hierarchy}__{part}" for part in dates}
        filters: Any = self.get_list_filter(request)
        for declared in filters:
            if isinstance(declared, type):
                names.add(str(declared.parameter_name))  # type: ignore[attr-defined]
                continue
            path = declared if isinstance(declared, str) else declared[0]
            field: Any = get_fields_from_path(self.model, path)[-1]
            exact = f"{path}__{field.target_field.name}__exact" if field.is_relation else f"{path}__exact"
            names |= {exact, f"{path}__isnull"}
        return names

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_CHARACTERS:
            raise BadRequest("The address of this list is too long.")
        if len(request.GET.get(SEARCH_VAR, "").strip()) > MAX_SEARCH_CHARACTERS:
            messages.warning(request, f"The search used only the first {MAX_SEARCH_CHARACTERS} characters.")
        return super().get_changelist_instance(request)

    def get_preserved_filters(self, request: HttpRequest) -> str:
        """The filters of the list from which somebody came, unless they are longer than those of any list."""
        filters = super().get_preserved_filters(request)
        return filters if len(filters) <= 2 * MAX_QUERY_CHARACTERS else ""  # they are encoded twice

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is deleted too, without the rows that only link two records: nobody has ever seen those."""
        to_delete, counts, permissions, protected = super().get_deleted_objects(objs, request)
        links = [model._meta for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]
        plurals = {str(opts.verbose_name_plural) for opts in links}
        names = {str(capfirst(opts.verbose_name)) for opts in links}
        seen = {name: count for name, count in counts.items() if str(name) not in plurals}
        return _without(names, to_delete), seen, permissions, protected

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return super().get_view_on_site_url(obj) if getattr(obj, "is_public", True) else None

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """The search fields, compared as in all lists: case, accents and kinds of apostrophe do not count."""
        return [with_folded_lookup(self.model, name) for name in super().get_search_fields(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, search_term[:MAX_SEARCH_CHARACTERS])


def with_folded_lookup(model: type[models.Model], name: str) -> str:
    """A search field with the lookup for text; one of a number, or with a lookup of its own, as it is."""
    if name.startswith(("=", "^", "@")):
        return name
    is_text = isinstance(get_fields_from_path(model, name)[-1], models.CharField | models.TextField)
    return f"{name}__folded_contains" if is_text else name


class OptionFilter(admin.SimpleListFilter):
    """A filter with a few fixed options: the value of each, its label, and the rows that it leaves."""

    options: ClassVar[Mapping[str, tuple[str, Callable[[Any], Any]]]]

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.options.items()]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        option = self.options.get(self.value() or "")
        return cast("QuerySet[Any]", option[1](queryset)) if option else queryset


def _without(names: set[str], tree: list[Any]) -> list[Any]:
    """The tree of what is deleted, without rows of the models with these names."""
    nodes = [_without(names, node) if isinstance(node, list) else node for node in tree]
    return [node for node in nodes if node and (isinstance(node, list) or str(node).partition(": ")[0] not in names)]


class ReadOnlyAdmin(PortalAdmin):
    """A list that staff only read: its rows are made and changed elsewhere."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
