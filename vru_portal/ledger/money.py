"""Money: pounds sterling as Decimal with two places. Texts are read by `text/sums`; no other module formats sums."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.expressions import Combinable

from vru_portal.text.sums import PENNY, parse_sum

MILLION = Decimal(1_000_000)


def parse_pounds(value: object) -> Decimal:
    """Parse pounds from a Decimal, a whole number or text in any of the forms of `parse_sum`.

    Raises ValidationError for a float (0.1 + 0.2 is not 0.3), for fractions of a penny and for anything else.
    """
    if isinstance(value, float):
        raise ValidationError(
            f"Write the sum {value!r} as text, such as '1234.50': a binary fraction cannot hold pennies."
        )
    return parse_sum(format(value, "f") if isinstance(value, Decimal) else str(value))


def format_pounds(amount: Decimal) -> str:
    """Format for tables: £1,250,000, with pence only where there are any: £12.50."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}£{size:,.0f}" if size == size.to_integral_value() else f"{sign}£{size:,.2f}"


def pounds_for_prose(amount: Decimal) -> str:
    """Format for prose: £1.25 million from a million on, otherwise as in tables.

    A sum that is not a whole number of thousands stays in figures, because prose does not round either.
    """
    millions = amount / MILLION
    if abs(millions) < 1 or millions != round(millions, 3):
        return format_pounds(amount)
    return f"{'-' if millions < 0 else ''}£{format(abs(millions).normalize(), 'f')} million"


def validate_not_zero(amount: Decimal) -> None:
    if amount == 0:
        raise ValidationError("A sum must not be £0.00.")


class PoundsFormField(forms.DecimalField):
    """A form field for a sum as people write it, such as £1,250.50."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> Any:
        return None if value in self.empty_values or not str(value).strip() else parse_pounds(value)


class PoundsField(models.DecimalField[Any, Any]):
    """A sum in pounds, to the penny; zero and negative sums too. Floats are refused before they can round."""

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        options |= {"max_digits": 14, "decimal_places": 2}
        super().__init__(verbose_name, **options)

    def to_python(self, value: Any) -> Decimal | None:
        return None if value is None else parse_pounds(value)

    def from_db_value(self, value: Decimal | None, *_: Any) -> Decimal | None:
        """SQLite adds sums up as binary fractions, so round to the penny."""
        return None if value is None else value.quantize(PENNY)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": PoundsFormField, **options})

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Refuse floats here too, since `save()` does not call `full_clean()`."""
        return super().get_db_prep_save(self.to_python(value) if isinstance(value, float) else value, connection)


class PenceField(models.BigIntegerField[Any, Any]):
    """Pounds that SQL has computed as whole pence, exact on every database. No column is of this type."""

    def from_db_value(self, value: Any, *_: Any) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-2)

    def get_prep_value(self, value: Any) -> int | None:
        return None if value is None else int(Decimal(value).scaleb(2))


class Pence(models.Func):
    """A sum in pounds as whole pence. SQLite would add and compare binary fractions of pounds."""

    template = "CAST(ROUND(%(expressions)s * 100) AS BIGINT)"
    output_field = PenceField()


def sum_of_pounds(name: str) -> models.Sum:
    """The sum of a column of pounds, to the penny; NULL if there are no rows."""
    return sum_of_pence(Pence(models.F(name)))


def sum_of_pence(pence: Combinable) -> models.Sum:
    """The sum of an expression that is pence already, in pounds, to the penny; NULL if there are no rows."""
    return models.Sum(pence, output_field=PenceField())


class MoneyField(PoundsField):
    """A sum in pounds, above zero."""

    default_validators = [MinValueValidator(PENNY, "Enter an amount of at least £0.01.")]


class SignedMoneyField(PoundsField):
    """A sum in pounds that can be negative, such as a refund or a reversal; never zero."""

    default_validators = [validate_not_zero]
