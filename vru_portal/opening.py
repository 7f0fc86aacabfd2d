"""Links between staff's pages: only to pages that whoever is reading may open, and in words that people use."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.text import capfirst
from simple_history.models import HistoricalRecords


def may_open(model: type[models.Model]) -> bool:
    """Return whether whoever is reading may view the rows of a model. Where nobody reads, a file say, it is so."""
    request = getattr(HistoricalRecords.context, "request", None)  # of this thread: simple_history keeps it
    if request is None or not hasattr(request, "user") or model not in admin.site._registry:
        return True
    return admin.site.get_model_admin(model).has_view_permission(request)


def kind_in_words(kind: ContentType) -> str:
    """Return a kind of record as people call it."""
    model = kind.model_class()
    return capfirst(str(model._meta.verbose_name)) if model else kind.model


class LinkedField(AdminReadonlyField):
    """A field that is only read."""

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        """Link what it names; Django asks nobody's permission."""
        return super().get_admin_url(remote_field, remote_obj) if may_open(remote_field.model) else str(remote_obj)
