"""Which permissions a file needs: the ones that the forms of the admin need for the same records."""

from typing import Any

from django.db import models

from vru_portal.permissions import has_model_permission
from vru_portal.publishing.state import Part


def missing_permissions(user: Any, model: type[models.Model], *, is_new: bool) -> list[str]:
    """Sentences about the permissions that a user would need to add or change a record, and does not have."""
    needed = [("add", model)] if is_new else [("change", model)]
    if is_new and issubclass(model, Part):  # a form adds parts only on the page of the record that they belong to
        needed.append(("change", root_model_of(model)))
    return [
        f"You do not have permission to {action} {needed_model._meta.verbose_name_plural}."
        for action, needed_model in needed
        if not has_model_permission(user, action, needed_model)
    ]


def root_model_of(model: type[models.Model]) -> type[models.Model]:
    """The model of the record on whose page a part is edited; of any other model, the model itself."""
    while issubclass(model, Part):
        model = model._meta.get_field(model.owner_name).related_model  # type: ignore[assignment]
    return model
