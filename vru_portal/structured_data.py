"""What a page is about, for search engines: JSON-LD in the vocabulary of schema.org."""

import json

from django.utils.safestring import SafeString, mark_safe

# As in django.utils.html.json_script: nothing that could end the script element.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


def json_ld(kind: str, **facts: object) -> SafeString:
    """Return a description of this schema.org type; facts that are not stated (None, empty) are left out."""
    stated = {name: value for name, value in facts.items() if value}
    data = {"@context": "https://schema.org", "@type": kind, **stated}
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(_ESCAPES))  # noqa: S308 - escaped just now
