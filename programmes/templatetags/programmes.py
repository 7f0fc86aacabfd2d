from collections.abc import Sequence
from math import ceil
from typing import Any

from django import template

from partners.models import Organisation
from programmes.choices import Status
from programmes.models import Initiative, Passage, PreventionLevel

register = template.Library()

TALLEST = 12  # shapes in a stack; beyond it one shape stands for a stated number
MANY = 8  # shapes in a row; beyond it they are drawn smaller
STEPS = (1, 5, 10, 25, 50, 100, 250, 500, 1000)


@register.filter
def stage(status: str) -> Status:
    """Return how far an initiative has come, with what that is called and what it means."""
    return Status(status)


@register.inclusion_tag("components/mark.html")
def mark(level: PreventionLevel | str, *, outline: bool = False) -> dict[str, Any]:
    """Draw a level's shape in its colour; the word stands beside it."""
    return {"shape": level if isinstance(level, str) else level.mark, "outline": outline}


def stacks_of(levels: Sequence[PreventionLevel]) -> tuple[int, list[int]]:
    """Return how many initiatives one shape stands for, and how many shapes each level then has."""
    most = max((level.initiative_count for level in levels), default=0)
    per = next((step for step in STEPS if ceil(most / step) <= TALLEST), STEPS[-1])
    return per, [ceil(level.initiative_count / per) for level in levels]


@register.inclusion_tag("components/tally.html")
def tally(levels: Sequence[PreventionLevel]) -> dict[str, Any]:
    """Stack one shape for each initiative on its level, with ghosts up to the tallest stack, listed from the top."""
    per, stacks = stacks_of(levels)
    tallest = max([1, *stacks])
    return {
        "columns": [
            {"level": level, "shapes": ["ghost"] * (tallest - stack) + ["on"] * stack}
            for level, stack in zip(levels, stacks, strict=True)
        ],
        "per": per,
        "size": "large" if tallest <= 4 else "medium" if tallest <= 8 else "small",
    }


@register.inclusion_tag("components/locator.html")
def locator(levels: Sequence[PreventionLevel], initiative: Initiative) -> dict[str, Any]:
    """Show where an initiative stands in the story: its own shape filled, all others as outlines."""
    per, stacks = stacks_of(levels)
    rows = []
    for level, stack in zip(levels, stacks, strict=True):
        current = level == initiative.level
        shapes = ["on" if current and first == 0 else "off" for first in range(stack)]
        rows.append({"level": level, "current": current, "shapes": shapes, "per": per, "many": stack > MANY})
    return {"rows": rows}


@register.inclusion_tag("components/logo.html")
def logo(levels: Sequence[PreventionLevel]) -> dict[str, Any]:
    """Draw the unit's sign: up to three shapes a level, and a ghost where a level has no initiative."""
    shapes = []
    for column, level in enumerate(levels):
        count = min(level.initiative_count, 3)
        shapes += [
            {"shape": level.mark, "x": 24 * column, "y": 24 * (2 - row), "ghost": count == 0}
            for row in range(max(count, 1))
        ]
    return {"shapes": shapes, "width": max(20, 24 * len(levels) - 4), "height": 68}


@register.simple_tag
def initiatives_of(organisation: Organisation) -> list[Initiative]:
    """Return the public initiatives that an organisation delivers or supports."""
    return list(Initiative.objects.public().involving(organisation).select_related("level", "source"))


@register.simple_tag
def passages(*pages: str) -> dict[str, Passage]:
    """Return the unit's own words on these pages by slot; an empty slot is absent."""
    return Passage.objects.in_slots(*pages)
