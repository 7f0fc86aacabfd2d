import re

from django.core.exceptions import ValidationError

WHITE = "#ffffff"


def is_colour(value: str) -> bool:
    """Return whether this is a colour written as #rrggbb."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None


def colour(value: str) -> None:
    """Refuse what is not a colour written as #rrggbb."""
    if not is_colour(value):
        raise ValidationError("Write the colour as # and six hexadecimal digits, such as #241748.")


def org_id(value: str) -> None:
    """Refuse what is no organisation identifier: a list's code, a hyphen, the body's number there (org-id.guide)."""
    if not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{2,10}-[A-Za-z0-9._-]+", value, re.ASCII):
        raise ValidationError("Write the list's code, a hyphen and the body's number there, such as GB-COH-12345678.")


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it (§ contrast ratio)."""

    def luminance(value: str) -> float:
        channels = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def ink(value: str) -> None:
    """Refuse an ink that is no colour, or too pale to be read on white: body text keeps 7:1 (WCAG 2.2, 1.4.6)."""
    colour(value)
    if (ratio := contrast(value, WHITE)) < 7:
        raise ValidationError(
            f"This colour's contrast with white is {ratio:.1f}:1. Text needs 7:1: choose a darker one."
        )
