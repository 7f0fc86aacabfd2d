from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.safestring import SafeString

from vru_portal import money
from vru_portal.markdown import render

register = template.Library()

register.filter("pounds", money.pounds)
register.filter("pounds_words", money.pounds_in_words)

# Each section of the main navigation: its first page, and how the addresses of its other pages begin.
SECTIONS = (
    ("Initiatives", "programmes:initiatives", ("/initiatives/", "/prevention/")),
    ("Funding", "funding:latest", ("/funding/",)),
    ("Partners", "partners:directory", ("/partners/", "/people/")),
    ("Events", "events:events", ("/events/",)),
    ("Declaration", "declarations:declaration", ("/declaration/",)),
    ("About", "about", ("/about/", "/messages/")),
)


@register.filter
def markdown(text: str) -> SafeString:
    """Render what staff wrote."""
    return render(text)


@register.inclusion_tag("components/source_note.html")
def source_note(fact: Any, *, note: str = "") -> dict[str, Any]:
    """Say where a fact was stated and as at when; nothing where there is no fact."""
    return {"fact": fact, "note": note}


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: RequestContext) -> dict[str, Any]:
    """Link the main sections: `current` is "page" on that page, "true" on another page of its section."""
    here = context["request"].path
    items = []
    for label, name, beginnings in SECTIONS:
        url = reverse(name)
        items.append(
            {
                "label": label,
                "url": url,
                "current": "page" if here == url else "true" if here.startswith(beginnings) else "",
            }
        )
    return {"items": items}
