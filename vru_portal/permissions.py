"""The permissions that Django makes for each model, checked in one place."""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.db import models


def has_model_permission(user: Any, action: str, model: type[models.Model]) -> bool:
    """Whether a user may "add", "change", "delete" or "view" records of a model."""
    return bool(user.has_perm(f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"))
