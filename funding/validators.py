import re
import secrets
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read as another
ID_LENGTH = 10  # of 31 characters: a hundred thousand ids meet by chance once in 160,000 portals
public_id_validator = RegexValidator(rf"^[{ALPHABET}]{{{ID_LENGTH}}}$", "This is no id of an allocation.")

FIRST_YEAR, LAST_YEAR = 2000, 2099


def first_year_of(label: str) -> int | None:
    """Return 2030 for ``2030-31``, or None for what is no financial year's label."""
    if not re.fullmatch(r"20\d\d-\d\d", label, re.ASCII):
        return None
    first = int(label[:4])
    return first if label == label_of(first) else None


def label_of(first_year: int) -> str:
    """Return the label of the year that begins on 1 April: ``2030-31`` for 2030."""
    return f"{first_year}-{(first_year + 1) % 100:02}"


def make_public_id() -> str:
    """Return a random name for an allocation: in its address, in the 360Giving file and in imports."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


def positive_unless_reversal(row: Any) -> None:
    """Raise ValidationError for a sum of nought or less, unless the row takes another back."""
    if isinstance(row.amount, Decimal) and row.reverses_id is None and row.amount <= 0:  # else its field has refused it
        raise ValidationError({"amount": "A sum must be at least £0.01."})
