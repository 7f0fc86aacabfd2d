from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils import formats
from django.utils.safestring import SafeString

from vru_portal import money
from vru_portal.markdown import render

register = template.Library()

register.filter("pounds", money.pounds)
register.filter("pounds_words", money.pounds_in_words)

# Each section of the main navigation: its phrase, its first page, and how the addresses of its other pages begin.
SECTIONS = (
    ("site_initiatives", "programmes:initiatives", ("/initiatives/", "/prevention/")),
    ("site_funding", "funding:latest", ("/funding/",)),
    ("site_partners", "partners:directory", ("/partners/", "/people/")),
    ("site_events", "events:events", ("/events/",)),
    ("site_declaration", "declarations:declaration", ("/declaration/",)),
    ("site_about", "about", ("/about/", "/messages/")),
)


@register.filter
def day(value: date) -> str:
    """Format a day such as 5 May 2031, with blanks at which no line ends."""
    return formats.date_format(value, "j F Y").replace(" ", "\u00a0")


@register.filter
def iso_day(value: str) -> str:
    """Format a day that JSON gives as text, such as 2031-05-05, likewise."""
    return day(date.fromisoformat(value))


@register.filter
def markdown(text: str) -> SafeString:
    """Render what staff wrote."""
    return render(text)


@register.simple_tag(takes_context=True)
def phrase(
    context: template.Context, key: str, count: int | None = None, instead: str | None = "", **values: Any
) -> str:
    """Write a phrase of partners/phrases.py in the unit's words, unless a record says something ``instead``."""
    return instead or context["unit"].phrase(key, count, **values)


@register.filter
def public(related: Any) -> Any:
    """Return what the public may see of what a record refers to: a draft is None, or left out of a list."""
    if hasattr(related, "is_public"):
        return related if related.is_public else None
    return [one for one in related or () if one.is_public]


@register.inclusion_tag("components/source_note.html")
def source_note(*facts: Any, note: str = "") -> dict[str, Any]:
    """Say where facts were stated and as at when: each day once, each publication once, each of its sections once.

    Takes facts and lists of facts; nothing is said of None and of an empty list.
    """
    days: dict[Any, dict[Any, list[str]]] = {}
    for fact in flattened(facts):
        publications = days.setdefault((fact.as_at, fact.checked_on), {})
        if fact.source is not None and fact.source.is_public:
            sections = publications.setdefault(fact.source, [])
            sections += [s for s in fact.source_location.split("; ") if s and s not in sections]
    return {
        "days": [
            {"as_at": as_at, "checked_on": checked_on, "publications": publications.items()}
            for (as_at, checked_on), publications in days.items()
        ],
        "note": note,
    }


def flattened(facts: Iterable[Any]) -> Iterator[Any]:
    """Yield each fact of facts and lists of facts, leaving out None."""
    for fact in facts:
        if hasattr(fact, "source_location"):
            yield fact
        else:
            yield from flattened(fact or ())


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: RequestContext) -> dict[str, Any]:
    """Link the main sections: `current` is "page" on that page, "true" on another page of its section."""
    here = context["request"].path
    items = []
    for key, name, beginnings in SECTIONS:
        url = reverse(name)
        items.append(
            {
                "label": context["unit"].phrase(key),
                "url": url,
                "current": "page" if here == url else "true" if here.startswith(beginnings) else "",
            }
        )
    return {"items": items}
