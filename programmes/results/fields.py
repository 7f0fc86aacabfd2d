"""Boxes for a quarter: it is typed as people write it, and stored as its first day."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from programmes.results.quarters import EXAMPLES, Quarter, parse_quarter, validate_quarter
from vru_portal.text.fields import CalendarDateField
from vru_portal.text.form_fields import CalendarDateFormField


class QuarterBox(forms.DateInput):
    """A box that says which months a quarter has. A calendar would have people look for its first day."""

    def format_value(self, value: Any) -> str | None:
        return Quarter.of(value).short if isinstance(value, date) else value


class QuarterFormField(CalendarDateFormField):
    """A form field for a quarter: “Apr to Jun 2031”, “2031-32 Q1”, or its first day."""

    widget = QuarterBox(attrs={"size": "24"})

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, str) and (quarter := parse_quarter(value)):
            return quarter.starts_on
        try:
            return super().to_python(value)
        except ValidationError as error:
            raise ValidationError(f"“{str(value).strip()[:40]}” is not a quarter. {EXAMPLES}") from error


class QuarterField(CalendarDateField[Any, Any]):
    """A model field for a quarter. For the database and for migrations it is a date with a validator."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("validators", [validate_quarter])
        super().__init__(*args, **options)

    def formfield(self, **options: Any) -> Any:
        """The box, also in the admin, which has calendars for dates."""
        return super().formfield(**{"form_class": QuarterFormField, **options, "widget": QuarterFormField.widget})
