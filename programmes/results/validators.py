import re

from django.core.exceptions import ValidationError

from vru_portal.text.cleaning import plain_value, refuse_long_value

MOST = 100_000_000  # more than the people of any country that may use this portal
# Commas and spaces only between thousands: 1,25 is a typing error, not 125. Spreadsheets add the decimals.
COUNT = re.compile(r"(\d{1,9}|\d{1,3}(?:([, ])\d{3})(?:\2\d{3})?)(?:\.00?)?", re.ASCII)
ABOUT = re.compile(
    r"(?:[~≈<>]|ca?\.? ?(?=\d)|approx(?:\.|imately)?|about|around|roughly|circa|nearly|almost|over|under|up to|at least"
    r"|(?:more|less|fewer) than) ?(?P<after>\d[\d,]*)|(?P<before>\d[\d,]*) ?(?:\+|ish|or so|or more|approx\.?)",
    re.ASCII,
)
SEVERAL = re.compile(r"\d[\d,]* ?(?:-|to|or) ?\d[\d,]*", re.ASCII)
ENTER_A_COUNT = "Enter a whole number, such as 12. Enter 0 if there were none."


def parse_count(typed: str) -> int:
    """A whole number as people type it, such as 1,250. Raises ValidationError with what to type instead."""
    refuse_long_value(typed, "a number")
    text = plain_value(typed)
    if count := COUNT.fullmatch(text):
        number = int(re.sub("[, ]", "", count[1]))
        if number <= MOST:
            return number
        raise ValidationError(f"“{typed}” is too many. Check the number.")
    shown = typed.strip()[:40]
    if found := ABOUT.fullmatch(text):
        near = found["after"] or found["before"]
        raise ValidationError(
            f"“{shown}” is an estimate. If {near} were counted, enter {near}. If nobody counted, leave this empty."
        )
    if SEVERAL.fullmatch(text):
        raise ValidationError(f"“{shown}” is two numbers. Enter the one that was counted, such as 12.")
    if re.fullmatch(r"-\s?[\d, ]+", text):
        raise ValidationError(f"“{shown}” is below zero. {ENTER_A_COUNT}")
    if re.fullmatch(r"[\d, ]*\.\d+", text):
        raise ValidationError(f"“{shown}” is not a whole number. {ENTER_A_COUNT}")
    raise ValidationError(f"“{shown}” is not a number. {ENTER_A_COUNT}")
