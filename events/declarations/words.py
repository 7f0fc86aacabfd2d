"""Words that people have typed, made fit for one line of a mail or a page of paper."""

import unicodedata

# They change the direction of what follows, so that a line can read as what it does not say (Unicode UAX 9).
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """Return text without line breaks, control characters and marks that turn the reading direction."""
    line = " ".join(text.split())
    return "".join(c for c in line if unicodedata.category(c) != "Cc" and c not in TURNING)


def shortened(text: str, most: int) -> str:
    """Return text, or its beginning and an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
