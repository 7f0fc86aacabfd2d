"""The rows of the test database, and the texts in them."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from tests.unit_content.files import APPS


def portal_models() -> list[type[models.Model]]:
    """The portal's models, without the tables of their history."""
    return [m for label in APPS for m in apps.get_app_config(label).get_models() if not hasattr(m, "instance_type")]


def all_rows() -> Iterator[models.Model]:
    """Every row of content."""
    for model in portal_models():
        yield from model._default_manager.all()


def texts_of(row: models.Model) -> Iterator[tuple[str, str]]:
    """The names and values of a row's text fields."""
    for field in row._meta.concrete_fields:
        if isinstance(field, models.CharField | models.TextField) and (text := getattr(row, field.attname)):
            yield field.name, text
