from collections.abc import Iterable, Iterator
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal.ledger import money
from vru_portal.text.dates import format_unbreakable_date
from vru_portal.text.markdown import render
from vru_portal.web.addresses import address_of, full_url
from vru_portal.web.structured_data import json_ld

register = template.Library()

DESCRIPTION_LENGTH = 200  # characters: search engines show no more

register.filter("pounds", money.format_pounds)
register.filter("pounds_words", money.pounds_for_prose)
register.filter("day", format_unbreakable_date)
register.filter("markdown", render)

# Each section of the main navigation: its phrase, its first page, and how the addresses of its pages begin.
SECTIONS = (
    ("site_initiatives", "programmes:initiatives", ("/initiatives/", "/prevention/")),
    ("site_funding", "funding:latest", ("/funding/", "/payments/")),
    ("site_partners", "partners:directory", ("/partners/", "/people/")),
    ("site_events", "events:events", ("/events/",)),
    ("site_declaration", "declarations:declaration", ("/declaration/",)),
    ("site_about", "about", ("/about/", "/messages/")),
)


@register.filter
def as_descriptions(text: str) -> SafeString:
    """What a page is about, for search engines and for shared links, from what a template has written."""
    line = " ".join(unescape(text).split())
    if len(line) > DESCRIPTION_LENGTH:
        line = f"{line[:DESCRIPTION_LENGTH].rsplit(' ', 1)[0].rstrip(' .,;:')}…"
    return format_html(
        '<meta name="description" content="{}">\n<meta property="og:description" content="{}">', line, line
    )


@register.filter
def dated_from(fact: Any, day: date) -> Any:
    """The fact if it was stated on this day or later, else None: what was said before an event is not about it."""
    return fact if fact and fact.as_at >= day else None


@register.simple_tag
def breadcrumb_data(section: str, section_url: str, current_page: str) -> SafeString:
    """Where the page is, for search engines: the same as the breadcrumbs that people see."""
    crumbs = [("Home", address_of("home"))]
    if section_url:
        crumbs.append((section, section_url))
    places = [
        {"@type": "ListItem", "position": position, "name": name, "item": full_url(url) if url else None}
        for position, (name, url) in enumerate([*crumbs, (current_page, "")], start=1)
    ]
    return format_html(
        '<script type="application/ld+json">{}</script>', json_ld("BreadcrumbList", itemListElement=places)
    )


@register.filter
def iso_day(value: str) -> str:
    """Write a date that JSON has as "2031-05-05" like the filter `day`."""
    return format_unbreakable_date(date.fromisoformat(value))


@register.simple_tag(takes_context=True)
def phrase(
    context: template.Context, key: str, count: int | None = None, instead: str | None = "", **values: Any
) -> str:
    """A phrase of partners/phrases.py in the unit's own wording, unless a record has something to say ``instead``."""
    return instead or context["unit"].phrase(key, count, **values)


@register.simple_tag(takes_context=True)
def mistake_email(context: RequestContext) -> str:
    """The address of an email to the unit about the page, which names it; empty if the unit has stated no email."""
    page = context.get("canonical_url")
    to = next((point.value for point in context["contact_points"] if point.kind == "email"), "") if page else ""
    facts = {"subject": f"Something wrong on {page}", "body": f"Page: {page}\n\n"}
    return f"mailto:{to}?{urlencode(facts, safe='/:', quote_via=quote)}" if to else ""


@register.filter
def public(related: Any) -> Any:
    """What the public may see of related records: instead of a draft None, and a list without the drafts."""
    if hasattr(related, "is_public"):
        return related if related.is_public else None
    return [one for one in related or () if one.is_public]


@register.inclusion_tag("components/source_note.html")
def source_note(*facts: Any, note: str = "") -> dict[str, Any]:
    """The sources of facts and the dates on which they were true, each day, publication and section only once.

    Takes facts and lists of facts; None and empty lists have no source and are left out.
    """
    days: dict[Any, dict[Any, list[str]]] = {}
    for fact in flatten(facts):
        publications = days.setdefault((fact.as_at, fact.checked_on), {})
        if fact.source is not None and fact.source.is_public:
            sections = publications.setdefault(fact.source, [])
            sections += [s for s in fact.source_location.split("; ") if s and s not in sections]
    return {
        "days": [
            {
                "as_at": as_at,
                "checked_on": checked_on,
                "publications": [(one, section_links(one, sections)) for one, sections in publications.items()],
            }
            for (as_at, checked_on), publications in days.items()
        ],
        "note": note,
    }


def section_links(publication: Any, sections: list[str]) -> list[tuple[str, str]]:
    """The text and address of a link to each section of a publication, the first with its title; or to it alone."""
    if not sections:
        return [(publication.title, publication.get_absolute_url())]
    links = [(f"“{section}”", publication.address_of_section(section)) for section in sections]
    (first, address), *others = links
    return [(f"{publication.title}, {first}", address), *others]


def flatten(facts: Iterable[Any]) -> Iterator[Any]:
    """Yield the facts in nested lists of facts, without None."""
    for fact in facts:
        if hasattr(fact, "source_location"):
            yield fact
        else:
            yield from flatten(fact or ())


@register.inclusion_tag("components/navigation.html", takes_context=True)
def navigation(context: RequestContext) -> dict[str, Any]:
    """The main navigation. `current` is a value of `aria-current`: "page" on the page itself, "true" in its section."""
    here = context["request"].path
    items = []
    for key, name, beginnings in SECTIONS:
        url = address_of(name)
        items.append(
            {
                "label": context["unit"].phrase(key),
                "url": url,
                "current": "page" if here == url else "true" if here.startswith(beginnings) else "",
            }
        )
    return {"items": items}
