"""`manage.py check_texts`: finds stored values that could not be entered today. It changes nothing."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import models

from vru_portal.ledger.money import PoundsField
from vru_portal.text.fields import (
    CalendarDateField,
    ClockTimeField,
    CountField,
    EmailAddressField,
    LineField,
    LongTextField,
    WebAddressField,
)

TEXTS = (LineField, LongTextField, EmailAddressField, WebAddressField)
TYPED = (*TEXTS, CalendarDateField, ClockTimeField, PoundsField, CountField)
MAX_CHARACTERS_SHOWN = 60


class Command(BaseCommand):
    """For each text, date, time or number that breaks a rule of its field: which record, which field, and why."""

    help = (
        "Lists stored texts, web addresses, dates, times, sums and counts that would now be refused, such as invisible "
        "characters. Changes nothing."
    )

    def handle(self, **options: Any) -> None:
        """Print a line for each; print that all is well if there is none."""
        count = 0
        for model in apps.get_models():
            for row, field, problem in broken_values(model):
                count += 1
                self.stdout.write(f"{model._meta.verbose_name} {row.pk}, {field.verbose_name}: {problem}")
        self.stdout.write(f"{count} to correct." if count else "All texts, dates, times and sums are valid.")


def broken_values(model: type[models.Model]) -> Iterator[tuple[models.Model, Any, str]]:
    """Each value of a model that its field would refuse or change, with what is wrong."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, TYPED)]
    if not fields or model._meta.proxy or hasattr(model, "instance_type"):  # history keeps what there was
        return
    for row in model._default_manager.only(*(field.name for field in fields)).iterator():
        for field in fields:
            if problem := problem_with(field, getattr(row, field.attname), row):
                yield row, field, problem


def problem_with(field: Any, value: Any, row: models.Model) -> str:
    """What is wrong with a stored value; empty if it could be entered as it is."""
    if value in field.empty_values:
        return ""
    try:
        # A time is read as it would be typed: fields take one with seconds from programs.
        cleaned = field.clean(str(value) if isinstance(field, ClockTimeField) else value, row)
    except ValidationError as error:
        return " ".join(error.messages)
    if cleaned == value or not isinstance(field, TEXTS):
        return ""
    shown = ascii(value) if len(value) <= MAX_CHARACTERS_SHOWN else f"{value[:MAX_CHARACTERS_SHOWN]!a}…"
    return f"{shown} has invisible characters, or spaces, line breaks or pasted lists that are not kept. Save it again."
