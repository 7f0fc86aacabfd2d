import re

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
