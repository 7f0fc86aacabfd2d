"""Model fields for what people type. Their values are cleaned wherever they are set: by forms, files and commands.

For the database they are Django's own fields, so migrations do not know these classes.
"""

from datetime import date
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from vru_portal.text import form_fields
from vru_portal.text.characters import validate_characters
from vru_portal.text.cleaning import normalise_email, normalise_line, normalise_reference, normalise_text
from vru_portal.text.markdown import is_markdown, left_out_of, problem_of
from vru_portal.text.pasting import normalise_markdown
from vru_portal.text.sums import parse_count
from vru_portal.text.typed_dates import EARLIEST, LATEST, check_date_range, parse_date, parse_time
from vru_portal.text.web_addresses import normalise_web_address

MAX_PROBLEMS = 5  # of one text that are named

# What may be assigned to a field, and what is read from it: the types of django-stubs.
_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)


class LineField(models.CharField[_ST, _GT]):
    """Text in a single line, such as a name or a title."""

    default_error_messages = form_fields.TOO_LONG
    default_validators = [validate_characters]

    def to_python(self, value: Any) -> Any:
        return normalise_line(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.LineFormField, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "CharField")


class ReferenceField(LineField[_ST, _GT]):
    """A reference that another system gave. Kinds of dash and full-width characters make no other reference."""

    def to_python(self, value: Any) -> Any:
        return normalise_reference(value) if isinstance(value, str) else super().to_python(value)


class LongTextField(models.TextField[_ST, _GT]):
    """Text in any number of lines, plain or Markdown."""

    default_error_messages = form_fields.TOO_LONG
    default_validators = [validate_characters]

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return super().to_python(value)
        return normalise_markdown(normalise_text(value)) if is_markdown(self) else normalise_text(value)

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if is_markdown(self) and (problems := [problem] if (problem := problem_of(value)) else left_out_of(value)):
            raise ValidationError(problems[:MAX_PROBLEMS])

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.LongTextFormField, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "TextField")


class EmailAddressField(models.EmailField[_ST, _GT]):
    """An email address."""

    def to_python(self, value: Any) -> Any:
        return normalise_email(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.EmailAddressFormField, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "EmailField")


class WebAddressField(models.URLField[_ST, _GT]):
    """The address of a page or file on the web."""

    default_error_messages = form_fields.NOT_A_WEB_ADDRESS

    def to_python(self, value: Any) -> Any:
        return normalise_web_address(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.WebAddressFormField, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "URLField")


class CalendarDateField(models.DateField[_ST, _GT]):
    """A date that people type, within a range that catches slips such as the year 24."""

    def __init__(self, *args: Any, earliest: date = EARLIEST, latest: date = LATEST, **options: Any) -> None:
        self.earliest, self.latest = earliest, latest
        super().__init__(*args, **options)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            return parse_date(value, earliest=date.min, latest=date.max)  # `validate` has the range
        return super().to_python(value)

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if isinstance(value, date):
            check_date_range(value, earliest=self.earliest, latest=self.latest)

    def formfield(self, **options: Any) -> Any:
        bounds = {"earliest": self.earliest, "latest": self.latest}
        return super().formfield(**{"form_class": form_fields.CalendarDateFormField, **bounds, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "DateField")


class ClockTimeField(models.TimeField[_ST, _GT]):
    """A time of day that people type. It has no day and no zone: the record says on which day it is."""

    def to_python(self, value: Any) -> Any:
        return parse_time(value) if isinstance(value, str) and value else super().to_python(value)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.ClockTimeFormField, **options})

    def value_to_string(self, obj: Any) -> str:
        value: Any = self.value_from_object(obj)
        return "" if value is None else f"{value:%H:%M}"

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), "TimeField")


class CountField(models.PositiveIntegerField[_ST, _GT]):
    """A whole number that people type, such as 1,250."""

    def to_python(self, value: Any) -> Any:
        return parse_count(value) if isinstance(value, str) and value.strip() else super().to_python(value)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": form_fields.CountFormField, **options})

    def deconstruct(self) -> Any:
        return _as_django_field(super().deconstruct(), self.get_internal_type())


class SmallCountField(CountField[_ST, _GT]):
    """A count up to 32,767."""

    def get_internal_type(self) -> str:
        """Its type in the database, which also bounds it."""
        return "PositiveSmallIntegerField"


def _as_django_field(parts: tuple[str, str, Any, Any], name: str) -> tuple[str, str, Any, Any]:
    attribute, _, args, options = parts
    return attribute, f"django.db.models.{name}", args, options
