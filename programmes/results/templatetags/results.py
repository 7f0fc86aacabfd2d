from typing import Any

from django import template

from programmes.models import Initiative
from programmes.results.models import Return
from programmes.results.presenters import figures as presenters

register = template.Library()


@register.simple_tag
def results_of(initiative: Initiative) -> presenters.InitiativeResults | None:
    """The published results of an initiative, and what was asked for and is not published."""
    return presenters.results_of(initiative)


@register.inclusion_tag("components/level_results.html")
def level_results(level: Any) -> dict[str, Any]:
    """What the initiatives of a level have reported in the latest year with published figures."""
    return {"found": presenters.level_totals(level), "level": level}


@register.filter
def return_sentence(row: Return) -> str:
    return presenters.return_sentence(row)
