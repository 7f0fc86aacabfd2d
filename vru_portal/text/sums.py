"""Sums of money and counts as people and finance systems write them: read in many forms, and never guessed."""

import re
from decimal import Decimal

from django.core.exceptions import ValidationError

from vru_portal.text.cleaning import plain_value, refuse_long_value

PENNY = Decimal("0.01")
EXAMPLE = "1234.50"
OTHER_CURRENCY = re.compile(
    r"[$\u00a2\u00a5\u20a0-\u20c0]|\b(?:eur|usd|chf|aud|cad|inr|pkr|pln|sek|nok|dkk|jpy|zar|czk|huf|ron|cny)\b|\b(?:euro|dollar)s?\b"
    r"|kč|zł|\brs\.?(?= ?\d)"
)
# Commas, spaces and, in Switzerland, apostrophes only between thousands: 1,25 is a typing error, not £125. A sum has up
# to twelve digits of pounds.
NUMBER = re.compile(r"(?:\d{1,12}|\d{1,3}(?:([, '])\d{3})(?:\1\d{3}){0,2})(?:\.\d+)?|\.\d+", re.ASCII)
POUNDS = re.compile(
    r"(?P<before>[-+])? ?(?:£|gbp|stg)? ?(?P<inside>- ?)?(?P<number>[\d., ']*\d)\.?"
    r"(?: ?(?:£|gbp|pounds))?(?P<after> ?[-+])?",
    re.ASCII,
)
CONTINENTAL = re.compile(r"\d{1,3}(?:[. ]?\d{3})*,\d{2}|\d{1,3}(?:\.\d{3}){2,}", re.ASCII)
SEVERAL = re.compile(r"£?[\d,.]*\d(?: ?(?:-|to|and|or|;) ?| / )£?\d[\d,.]*", re.ASCII)
PENCE = re.compile(r"(?P<pence>\d{1,2})p", re.ASCII)
NO_FIGURE = ("-", "--", "nil", "none", "n/a", "na", "n/k", "tbc", "tba", "tbd", "unknown", "not known", "?")
# Credits are money coming back: finance systems write them in brackets, with a minus sign on either side, or with CR.
IN_BRACKETS = re.compile(r"(?:£|gbp|stg)? ?\((?P<sum>.*)\)")
CREDIT, DEBIT = (re.compile(rf"^(?:{word})\.? ?| ?(?:{word})\.?$") for word in ("cr(?:edit)?", "d[rb]|debit"))
HIGHEST_COUNT = 100_000_000  # more than the people of any country that may use this portal
# Commas and spaces only between thousands: 1,25 is a typing error, not 125. Spreadsheets add the decimals.
COUNT = re.compile(r"(\d{1,9}|\d{1,3}(?:([, ])\d{3})(?:\2\d{3})?)(?:\.00?)?", re.ASCII)
ABOUT = re.compile(
    r"(?:[~≈<>]|ca?\.? ?(?=\d)|approx(?:\.|imately)?|about|around|roughly|circa|nearly|almost|over|under|up to|at least"
    r"|(?:more|less|fewer) than) ?(?P<after>\d[\d,]*)|(?P<before>\d[\d,]*) ?(?:\+|ish|or so|or more|approx\.?)",
    re.ASCII,
)
SEVERAL_COUNTS = re.compile(r"\d[\d,]* ?(?:-|to|or) ?\d[\d,]*", re.ASCII)
ENTER_A_COUNT = "Enter a whole number, such as 12. Enter 0 if there were none."
DIGITS_OF_A_SPREADSHEET = 15  # Excel stores binary fractions and shows this many digits of them


def parse_sum(typed: str) -> Decimal:
    """Pounds, to the penny: ``£1,234.56``, ``(978.00)``, ``-1,234.56``, ``1234.56 CR``, ``1234.5600000000002``.

    Brackets, CR and a minus sign on either side make a sum negative; a plus sign changes nothing. More than two
    decimals are accepted only as what a binary fraction leaves behind a sum that has two. Raises ValidationError,
    with what to type instead, for fractions of a penny, other currencies, shortened numbers and anything else.
    """
    refuse_long_value(typed, "a sum")
    text = plain_value(typed)
    if OTHER_CURRENCY.search(text):
        raise ValidationError(f"“{typed}” is in another currency. Enter the sum in pounds, such as {EXAMPLE}.")
    credit = bool(CREDIT.search(text))
    text = DEBIT.sub("", CREDIT.sub("", text))
    if bracketed := IN_BRACKETS.fullmatch(text):
        text = bracketed["sum"].strip()
    found = POUNDS.fullmatch(text)
    signs = (
        0 if found is None else sum(map(bool, (credit, bracketed, found["before"], found["inside"], found["after"])))
    )
    if signs > 1 and found and NUMBER.fullmatch(found["number"]):
        raise ValidationError(
            f"“{typed}” has more than one sign. Enter one minus sign, brackets or CR for money coming back."
        )
    if found is None or not NUMBER.fullmatch(found["number"]):
        raise ValidationError(_refusal(typed, text))
    amount = _whole_pence(Decimal(re.sub("[, ']", "", found["number"])), typed)
    negative = signs and "+" not in (found["before"], (found["after"] or "").strip())
    return -amount if negative and amount else amount


def _whole_pence(amount: Decimal, typed: str) -> Decimal:
    pence = amount.quantize(PENNY)
    if amount != pence and Decimal(f"{float(amount):.{DIGITS_OF_A_SPREADSHEET}g}") != pence:
        raise ValidationError(f"“{typed}” has fractions of a penny. Enter pounds and whole pence, such as {EXAMPLE}.")
    return pence


def _refusal(typed: str, text: str) -> str:
    if re.search(r"\de[+-]?\d", text):
        return f"“{typed}” was shortened by a spreadsheet. Format the cell as a number with two decimals and try again."
    if re.search(r"\d ?(?:m|mn|million|k|bn|billion|thousand)$", text):
        return f"Enter the whole sum in figures, such as 1250000, instead of “{typed}”."
    if pence := PENCE.fullmatch(text):
        return f"Enter the sum in pounds: 0.{int(pence['pence']):02} instead of “{typed}”."
    if text.removeprefix("£").strip() in NO_FIGURE:
        return f"“{typed}” could mean zero or “not known”. Enter 0, or leave it empty."
    if SEVERAL.fullmatch(text):
        return f"“{typed}” is more than one sum. Enter one sum, such as {EXAMPLE}."
    figures = re.sub(r"^[-+£ ]+|[-+£ ]+$|gbp", "", text)
    if CONTINENTAL.fullmatch(figures):
        return f"Enter a full stop before the pence of “{typed}”, and commas only between thousands."
    if re.fullmatch(r"\d{13,}(?:\.\d*)?|\d{1,3}(?:,\d{3}){4,}(?:\.\d*)?", figures, re.ASCII):
        return f"“{typed}” is too large. Enter no more than 12 digits before the pence."
    if re.fullmatch(r"[\d, ]*,[\d, ]*(?:\.\d*)?", figures, re.ASCII):
        return f"Check the commas of “{typed}”. Use them only between thousands, as in 1,234,567.50."
    return f"“{typed}” is not a sum in pounds and whole pence. Enter a sum such as {EXAMPLE}."


def parse_count(typed: str) -> int:
    """A whole number as people type it, such as 1,250. Raises ValidationError with what to type instead."""
    refuse_long_value(typed, "a number")
    text = plain_value(typed)
    if count := COUNT.fullmatch(text):
        number = int(re.sub("[, ]", "", count[1]))
        if number <= HIGHEST_COUNT:
            return number
        raise ValidationError(f"“{typed}” is too many. Check the number.")
    shown = typed.strip()[:40]
    if found := ABOUT.fullmatch(text):
        near = found["after"] or found["before"]
        raise ValidationError(
            f"“{shown}” is an estimate. If {near} were counted, enter {near}. If nobody counted, leave this empty."
        )
    if SEVERAL_COUNTS.fullmatch(text):
        raise ValidationError(f"“{shown}” is two numbers. Enter the one that was counted, such as 12.")
    if re.fullmatch(r"-\s?[\d, ]+", text):
        raise ValidationError(f"“{shown}” is below zero. {ENTER_A_COUNT}")
    if re.fullmatch(r"[\d, ]*\.\d+", text):
        raise ValidationError(f"“{shown}” is not a whole number. {ENTER_A_COUNT}")
    raise ValidationError(f"“{shown}” is not a number. {ENTER_A_COUNT}")
