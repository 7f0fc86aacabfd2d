"""Words put into every text of a record, so that a test can look for them where they must not be."""

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from tests.vru_portal.test_meta import APPS
from vru_portal import drafts
from vru_portal.publishing import Record

RECORDS: list[Any] = [
    model for label in APPS for model in apps.get_app_config(label).get_models()
    if issubclass(model, Record) and not model.__name__.startswith("Historical")
]  # fmt: skip


def canaries(row, canary="CANARY") -> list[str]:
    """Put a canary into each text of a row that takes one; return the names of those fields."""
    found = []
    for field in row._meta.concrete_fields:
        text = isinstance(field, models.CharField | models.TextField) and not isinstance(field, models.FileField)
        if not text or field.choices or not field.editable or field.name == "state":
            continue
        before = getattr(row, field.name)
        options = ("CANARY", "canary", "https://canary.example.org/", "canary@example.org", "07700 900123")
        for value in (f"{canary} {field.name}", f"{before} {canary}", *options):
            fitting = value[: field.max_length] if field.max_length else value
            setattr(row, field.name, fitting)
            try:
                row.full_clean()
            except ValidationError:
                setattr(row, field.name, before)
            else:
                if fitting == before:
                    continue
                found.append(field.name)
                break
    return found


def edit_everything(by, most: int | None = None) -> dict[str, list[str]]:
    """Propose canaries in every text of the public records of each kind, or of so many, and of their parts."""
    found: dict[str, list[str]] = {}
    for model in RECORDS:
        for root in [row for row in model._default_manager.order_by("pk") if row.is_public][:most]:

            def edit(root=root):
                for row in [*drafts.members(root)]:
                    found.setdefault(row._meta.label_lower, canaries(row))
                    canaries(row)
                    row.save()

            assert drafts.propose(root, by=by, edit=edit) is True
    return found
