"""Canaries: words put into every text field of a record, so that a test can look for them where they must not be."""

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from tests.vru_portal.test_meta import APPS
from vru_portal.publishing import snapshots, workflow
from vru_portal.publishing.state import Part, Record

RECORDS: list[Any] = [
    model for label in APPS for model in apps.get_app_config(label).get_models()
    if issubclass(model, Record) and not model.__name__.startswith("Historical")
]  # fmt: skip
PARTS: list[Any] = [
    model for label in APPS for model in apps.get_app_config(label).get_models()
    if issubclass(model, Part) and not model.__name__.startswith("Historical")
]  # fmt: skip


def insert_canaries(row, canary="CANARY") -> list[str]:
    """Put a canary into each text field that accepts one; return the names of these fields."""
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


def propose_canaries(by, most: int | None = None) -> dict[str, list[str]]:
    """Propose canaries in all texts of the public records of each kind, or of the first ``most``, and of their parts.

    Returns the fields that accepted one, by model.
    """
    found: dict[str, list[str]] = {}
    for model in RECORDS:
        for root in [row for row in model._default_manager.order_by("pk") if row.is_public][:most]:

            def edit(root=root):
                for row in [*snapshots.record_and_parts(root)]:
                    names = insert_canaries(row)
                    found.setdefault(row._meta.label_lower, names)
                    row.save()

            assert workflow.propose(root, by=by, edit=edit) is True
    return found
