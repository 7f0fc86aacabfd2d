import re
import secrets
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

PUBLIC_ID_ALPHABET = (
    "23456789abcdefghjkmnpqrstuvwxyz"  # no characters that are easily confused, such as 0 and o, or 1 and l
)
PUBLIC_ID_LENGTH = 10  # among a hundred thousand ids, the chance that any two are equal is 1 in 160,000
public_id_validator = RegexValidator(
    rf"^[{PUBLIC_ID_ALPHABET}]{{{PUBLIC_ID_LENGTH}}}$", "An allocation id has ten characters, such as 2b3c4d5e6f."
)

FIRST_YEAR, LAST_YEAR = 2000, 2099


def parse_year_label(label: str) -> int | None:
    """2030 for ``2030-31``; None for text that is not the label of a financial year."""
    if not re.fullmatch(r"20\d\d-\d\d", label, re.ASCII):
        return None
    first = int(label[:4])
    return first if label == year_label(first) else None


def year_label(first_year: int) -> str:
    """The label of the year that begins on 1 April: ``2030-31`` for 2030."""
    return f"{first_year}-{(first_year + 1) % 100:02}"


def make_public_id() -> str:
    """A random id for an allocation, used in its address, in the 360Giving file and in imports."""
    return "".join(secrets.choice(PUBLIC_ID_ALPHABET) for _ in range(PUBLIC_ID_LENGTH))


def positive_unless_reversal(row: Any) -> None:
    """Raise ValidationError for an amount of £0 or less, unless the row is a reversal."""
    # A value that is not a Decimal has been refused by its field already.
    if isinstance(row.amount, Decimal) and row.reverses_id is None and row.amount <= 0:
        raise ValidationError({"amount": "Enter an amount of at least £0.01."})
