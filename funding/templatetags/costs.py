from django import template

from funding.datasets.costs import Cost
from funding.datasets.costs import costs_of as costs_of_figures
from programmes.results.presenters.figures import InitiativeResults

register = template.Library()


@register.simple_tag
def costs_of(results: InitiativeResults) -> list[Cost]:
    """The cost of an initiative per person that it reached, by year."""
    return costs_of_figures(results.figures)
