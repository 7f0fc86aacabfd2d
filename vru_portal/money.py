"""Money: pounds sterling as Decimal with two places. The only module that parses or formats it."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

PENNY = Decimal("0.01")
# Commas only between thousands: 1,25 is a slip of the keyboard, not £125. Up to twelve digits, which MoneyField holds.
SUM = re.compile(r"-?£?(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,2}0*)?", re.ASCII)
MILLION = Decimal(1_000_000)


def parse(value: object) -> Decimal:
    """Return pounds as a Decimal with two places, from a Decimal, a whole number or text such as ``£1,250,000.00``.

    Raises ValidationError for a float (0.1 + 0.2 is not 0.3), for fractions of a penny and for anything else.
    """
    if isinstance(value, float):
        raise ValidationError(
            f"Write the sum {value!r} as text, such as '1234.50': a binary fraction cannot hold pennies."
        )
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    if not SUM.fullmatch(text):
        raise ValidationError(f"{value!r} is not a sum in pounds and whole pence, such as 1234.50.")
    return Decimal(text.replace("£", "").replace(",", "")).quantize(PENNY)


def pounds(amount: Decimal) -> str:
    """Format for tables: £1,250,000, with pence only where there are any: £12.50."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}£{size:,.0f}" if size == size.to_integral_value() else f"{sign}£{size:,.2f}"


def pounds_in_words(amount: Decimal) -> str:
    """Format for prose: £1.25 million from a million on, otherwise as in tables.

    A sum that thousandths of a million cannot express exactly stays in figures: prose does not round.
    """
    millions = amount / MILLION
    if abs(millions) < 1 or millions != round(millions, 3):
        return pounds(amount)
    return f"{'-' if millions < 0 else ''}£{format(abs(millions).normalize(), 'f')} million"


def validate_not_nought(amount: Decimal) -> None:
    """Raise ValidationError for a sum of nought."""
    if amount == 0:
        raise ValidationError("A sum must not be £0.00.")


class PoundsInput(forms.DecimalField):
    """Where staff type a sum, as they write it: £1,250.50 too."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> Any:
        """Return the sum; see `parse`."""
        return None if value in self.empty_values or not str(value).strip() else parse(value)


class PoundsField(models.DecimalField[Any, Any]):
    """A sum in pounds, to the penny: nought and less too. A float is refused before it can round."""

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        """Take the options of a DecimalField; digits and places are settled."""
        options |= {"max_digits": 14, "decimal_places": 2}
        super().__init__(verbose_name, **options)

    def to_python(self, value: Any) -> Decimal | None:
        """Return the value as pounds; see `parse`."""
        return None if value is None else parse(value)

    def from_db_value(self, value: Decimal | None, *_: Any) -> Decimal | None:
        """Return the sum to the penny: SQLite adds sums up as binary fractions, which hold no pennies."""
        return None if value is None else value.quantize(PENNY)

    def formfield(self, **options: Any) -> Any:
        """Return what staff type it into."""
        return super().formfield(**{"form_class": PoundsInput, **options})

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Refuse a float at the last door too: `save()` without `full_clean()` ends here."""
        return super().get_db_prep_save(self.to_python(value) if isinstance(value, float) else value, connection)


class MoneyField(PoundsField):
    """A sum in pounds, above nought."""

    default_validators = [MinValueValidator(PENNY, "A sum must be at least £0.01.")]


class SignedMoneyField(PoundsField):
    """A sum in pounds that can be negative, such as a refund or a reversal; never nought."""

    default_validators = [validate_not_nought]
