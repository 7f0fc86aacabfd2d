from collections.abc import Sequence
from math import ceil
from typing import Any

from django import template
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from partners.models import Organisation, Publication
from programmes.choices import FileRole, InitiativeStatus, Mark
from programmes.models import Document, Initiative, Passage, PreventionLevel
from vru_portal.web.prepared_queries import prepared

register = template.Library()

MAX_SHAPES_IN_STACK = 12  # beyond that, one shape stands for several initiatives
MAX_LARGE_IN_ROW = 8  # beyond that, shapes are drawn smaller
INITIATIVES_PER_SHAPE = (1, 5, 10, 25, 50, 100, 250, 500, 1000)

# Strings, not templates: a page draws dozens of shapes, and rendering a template for each would be slow.
SHAPES = {
    Mark.CIRCLE: SafeString('<circle cx="10" cy="10" r="9.6"/>'),
    Mark.TRIANGLE: SafeString('<path d="M10 .9 20 19H0z"/>'),
    Mark.SQUARE: SafeString('<path d="M.9.9h18.2v18.2H.9z"/>'),
    Mark.DIAMOND: SafeString('<path d="m10-.4 10.4 10.4L10 20.4-.4 10z"/>'),
    Mark.HEXAGON: SafeString('<path d="M5 1.3h10L20 10l-5 8.7H5L0 10z"/>'),
    Mark.PENTAGON: SafeString('<path d="m10 .2 10 7.3-3.8 11.8H3.8L0 7.5z"/>'),
}
MARK = '<svg class="mark mark--{}{}" viewBox="0 0 20 20" aria-hidden="true" focusable="false">{}</svg>'


@register.filter
def initiative_status(status: str) -> InitiativeStatus:
    """The status as a choice, so that templates can show its label and its meaning."""
    return InitiativeStatus(status)


@register.filter
def within_sentence(name: str) -> str:
    """A name as it is written after other words: “Young people” as “young people”, but “GP patients” as it is."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


@register.filter
def shape(mark: str) -> SafeString:
    """The SVG of a level's shape, within a square of 20 by 20."""
    return SHAPES[Mark(mark)]


@register.simple_tag
def mark(level: PreventionLevel | str, *, outline: bool = False) -> SafeString:
    """Draw a level's shape in its colour. It is decorative: always show the name beside it."""
    found = Mark(level if isinstance(level, str) else level.mark)
    return format_html(MARK, found.value, " mark--outline" if outline else "", SHAPES[found])


def stacks_of(levels: Sequence[PreventionLevel]) -> tuple[int, list[int]]:
    """How many initiatives one shape stands for, and how many shapes each level then has."""
    most = max((level.initiative_count for level in levels), default=0)
    per = next(
        (step for step in INITIATIVES_PER_SHAPE if ceil(most / step) <= MAX_SHAPES_IN_STACK), INITIATIVES_PER_SHAPE[-1]
    )
    return per, [ceil(level.initiative_count / per) for level in levels]


@register.inclusion_tag("components/tally.html")
def tally(levels: Sequence[PreventionLevel]) -> dict[str, Any]:
    """Draw a stack of shapes for each level, and above it room for as many as the tallest stack has."""
    per, stacks = stacks_of(levels)
    tallest = max([1, *stacks])
    return {
        "columns": [
            {"level": level, "shapes": [False] * (tallest - stack) + [True] * stack}
            for level, stack in zip(levels, stacks, strict=True)
        ],
        "per": per,
        "size": "large" if tallest <= 4 else "medium" if tallest <= 8 else "small",
    }


@register.inclusion_tag("components/locator.html")
def locator(levels: Sequence[PreventionLevel], initiative: Initiative) -> dict[str, Any]:
    """Draw all levels, with the shape of this initiative filled and all other shapes as outlines."""
    per, stacks = stacks_of(levels)
    rows = []
    for level, stack in zip(levels, stacks, strict=True):
        current = level == initiative.level
        shapes = ["on" if current and first == 0 else "off" for first in range(stack)]
        rows.append(
            {"level": level, "current": current, "shapes": shapes, "per": per, "many": stack > MAX_LARGE_IN_ROW}
        )
    return {"rows": rows}


@register.inclusion_tag("components/logo.html")
def logo(levels: Sequence[PreventionLevel]) -> dict[str, Any]:
    """Draw the unit's logo: up to three shapes for each level, or a ghost if the level has no initiative."""
    shapes = []
    for column, level in enumerate(levels):
        count = min(level.initiative_count, 3)
        shapes += [
            {"shape": level.mark, "x": 24 * column, "y": 24 * (2 - row), "ghost": count == 0}
            for row in range(max(count, 1))
        ]
    return {"shapes": shapes, "width": max(20, 24 * len(levels) - 4), "height": 68}


@register.simple_tag
@prepared
def initiatives_of(organisation: Organisation) -> QuerySet[Initiative]:
    return Initiative.objects.public().involving(organisation).select_related("level", "source")


@register.simple_tag
def files_of(publication: Publication) -> list[Document]:
    """The files of a publication: itself first, then its accessible version, then data."""
    return sorted(
        documents_of(publication), key=lambda document: (FileRole.values.index(document.role), document.title)
    )


@prepared
def documents_of(publication: Publication) -> QuerySet[Document]:
    return Document.objects.public().filter(publication=publication)


@register.simple_tag
def passages(*pages: str) -> dict[str, Passage]:
    return Passage.objects.in_slots(*pages)
