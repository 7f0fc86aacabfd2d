"""Two people who edit one row: whoever saves last is told, before their version replaces the other's.

Records, which also keep both versions to compare, do this themselves (`records.admin`).
"""

import hashlib
import json
from collections.abc import Callable, Collection
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.forms.models import _get_foreign_key, model_to_dict
from django.http import HttpRequest

from vru_portal.tabular.reading.sheets import join_texts

SEEN = "seen"  # the hidden field with the fingerprint of the row as it was when the form was opened
EDIT_CONFLICT = (
    "{} saved this while you were editing. Your changes are not saved yet, but they are not lost: they are below. "
    "Open this page in another window to read the other version. If you save again, yours replaces it{}."
)


class EditConflictMixin:
    """An admin that refuses a form once, if somebody has saved the row since it was opened."""

    checks_edit_conflicts = True

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        seen = request.POST.get(SEEN)
        if not (self.checks_edit_conflicts and change and obj is not None and seen):
            return form
        if seen == self.row_fingerprint(request, obj.pk, form.base_fields):
            return form
        who = last_logged_editor(obj)

        def conflict(form: Any) -> str:
            names = [str(form.fields[name].label or name) for name in form.changed_data if name in form.fields]
            return EDIT_CONFLICT.format(who, f" in: {join_texts(names)}" if names else "")

        return refused(form, conflict)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        if self.checks_edit_conflicts and row is not None and self.has_change_permission(request, row):  # type: ignore[attr-defined]
            context[SEEN] = self.row_fingerprint(request, row.pk, context["adminform"].form.base_fields)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def row_fingerprint(self, request: HttpRequest, key: Any, names: Collection[str]) -> str:
        """A hash that changes when one of these fields of the row does, or a row that is edited on the same page."""
        admin: Any = self
        row = admin.model._default_manager.get(pk=key)  # not the form's, which has what was typed
        values = {
            name: sorted(one.pk for one in value) if isinstance(value, list) else value
            for name, value in model_to_dict(row, fields=list(names)).items()
        }
        others = [
            list(inline.model._default_manager.filter(**{foreign_key.name: key}).order_by("pk").values())
            for inline in admin.get_inline_instances(request, row)
            if inline.has_change_permission(request, row)
            for foreign_key in [_get_foreign_key(admin.model, inline.model, fk_name=inline.fk_name)]
        ]
        return hashlib.sha256(json.dumps([values, others], sort_keys=True, default=str).encode()).hexdigest()[:32]


def refused(form: Any, error: Callable[[Any], str]) -> Any:
    """A form like this one that is never valid: it shows all input, and an error about it."""

    def clean(self: Any) -> Any:
        form.clean(self)
        raise ValidationError(error(self))

    # It is made for one request, and to everything else it is the form that it extends.
    return type(form)(form.__name__, (form,), {"__module__": form.__module__, "clean": clean})


def last_logged_editor(row: Any) -> str:
    """Who last changed a row that keeps no history, by the log of the admin."""
    kind = ContentType.objects.get_for_model(type(row))
    entries = LogEntry.objects.filter(content_type=kind, object_id=unquote(str(row.pk))).select_related("user")
    last = entries.order_by("-pk").first()
    return str(last.user) if last else "Somebody else"
