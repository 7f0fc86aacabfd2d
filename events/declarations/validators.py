from django.core.exceptions import ValidationError

from vru_portal.text.characters import is_letter_or_number
from vru_portal.text.fonts import validate_drawable


def validate_readable(text: str) -> None:
    """Refuse a name without a letter or number, or one that a receipt cannot show.

    Its field has taken invisible characters out before.
    """
    if not any(map(is_letter_or_number, text)):
        raise ValidationError("Enter at least one letter or number.")
    validate_drawable(text)


def validate_no_link(text: str) -> None:
    """Refuse a link in a name: names are emailed to other people on the unit's behalf."""
    if "://" in text or "www." in text.casefold():
        raise ValidationError("Remove the link: enter only a name.")
