"""Links between staff pages. A link is offered only to somebody who may open the page that it leads to."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from simple_history.models import HistoricalRecords

# Addresses ------------------------------------------------------------------------------------------------------------


def action_url(row: models.Model, name: str) -> str:
    """The page on which staff perform the action ``name`` (see `staff.actions`) on a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[quote(row.pk)])


def change_url(row: models.Model) -> str:
    return action_url(row, "change")


def changelist_url(model: type[models.Model], **filters: str | int) -> str:
    """The list of a model's rows, filtered by these parameters of its address."""
    query = f"?{urlencode(filters)}" if filters else ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


# Links, for those who may follow them ---------------------------------------------------------------------------------


def can_view(request: HttpRequest, model: type[models.Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


def reader_can_view(model: type[models.Model]) -> bool:
    """Whether the person whose request this thread is answering may view a model's rows.

    For code that has no request at hand, such as `__str__`-like columns and Django's own widgets. Outside a request
    (in a command or a file export) nobody has to be protected, so the answer is yes.
    """
    request = getattr(HistoricalRecords.context, "request", None)  # simple_history's middleware keeps it per thread
    if request is None or not hasattr(request, "user") or model not in admin.site._registry:
        return True
    return can_view(request, model)


def admin_link(row: models.Model | None, text: object = None) -> SafeString | str:
    """A link to the row's page, or only its name for a reader who may not open that page."""
    if row is None:
        return ""
    if not reader_can_view(type(row)):
        return str(text or row)
    return format_html('<a href="{}">{}</a>', change_url(row), text or row)


class LinkedField(AdminReadonlyField):
    """A read-only field that links to the row it names. Django's own links even where the reader has no access."""

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        if not reader_can_view(remote_field.model):
            return str(remote_obj)
        return super().get_admin_url(remote_field, remote_obj)


def model_label(content_type: ContentType) -> str:
    """What people call this kind of record, such as "Financial year"."""
    model = content_type.model_class()
    return capfirst(str(model._meta.verbose_name)) if model else content_type.model
