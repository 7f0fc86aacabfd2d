"""Canonical JSON (RFC 8785), for values that are text, whole numbers, booleans, null, and objects and lists of them."""

import json
from typing import Any


def canonical(value: Any) -> str:
    """Return the one way to write this value; raises ValueError for a float and for text that is not Unicode."""
    _refuse(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    text.encode()  # a lone surrogate is no Unicode text
    return text


def _refuse(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("A fraction has no canonical form here: write it as text.")
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError("Keys are ASCII text: others would be ordered by UTF-16.")
            _refuse(part)
    elif isinstance(value, list):
        for part in value:
            _refuse(part)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        raise ValueError("A number beyond 2**53 has no canonical form.")
