"""Descriptions of pages for search engines: JSON-LD in the vocabulary of schema.org."""

import json
from html import unescape
from typing import Any

from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from vru_portal.text.markdown import render
from vru_portal.web.addresses import full_url

# As in django.utils.html.json_script: nothing may end the script element in which the JSON is. If a text is not ASCII,
# a `replace` for each takes far less time than one `translate`.
ESCAPES = (("<", "\\u003C"), (">", "\\u003E"), ("&", "\\u0026"))


def reference(kind: str, record: Any) -> dict[str, Any]:
    """What other pages say about a record that has a page of its own."""
    return {"@type": kind, "name": record.name, "url": full_url(record.get_absolute_url())}


def plain_text(markdown: str) -> str:
    """The words of a Markdown text in one line."""
    return " ".join(unescape(strip_tags(render(markdown))).split())


def without_unstated(facts: Any) -> Any:
    """These facts without those that are None or empty, at any depth."""
    if isinstance(facts, dict):
        return {name: found for name, value in facts.items() if (found := without_unstated(value))}
    if isinstance(facts, list | tuple):
        return [found for value in facts if (found := without_unstated(value))]
    return facts


def json_ld(kind: str, **facts: object) -> SafeString:
    """Describe something of a schema.org type; facts that are None or empty are left out."""
    data = {"@context": "https://schema.org", "@type": kind, **without_unstated(facts)}
    text = json.dumps(data, ensure_ascii=False)
    for character, escaped in ESCAPES:
        text = text.replace(character, escaped)
    return mark_safe(text)  # noqa: S308 - escaped just now
