"""Canonical JSON (RFC 8785), limited to text, integers, booleans, null, and objects and lists of them."""

import json
from typing import Any


def canonical(value: Any) -> str:
    """The one way to write a value, so that equal values have equal hashes.

    Raises ValueError for a float, whose canonical form Python does not write, and for malformed Unicode.
    """
    _require_supported(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    text.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate
    return text


def _require_supported(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("Floats are not supported: write the number as text.")
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError("Keys must be ASCII: RFC 8785 orders others by UTF-16, Python by code point.")
            _require_supported(part)
    elif isinstance(value, list):
        for part in value:
            _require_supported(part)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        raise ValueError("Integers beyond 2**53 are not supported: JavaScript cannot read them exactly.")
