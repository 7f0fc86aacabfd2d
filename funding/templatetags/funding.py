from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template

from funding.models import FundingSource
from partners.models import Organisation, Person

register = template.Library()

TONES = 6  # how many the style sheet has
NARROWEST = Decimal("0.6")  # percent: a source is never too small to be seen


@register.inclusion_tag("components/source_bar.html")
def source_bar(sources: Sequence[FundingSource]) -> dict[str, Any]:
    """Draw the sources as one bar, each as wide as its share, above a key that gives sums and shares in words."""
    total = sum((source.amount for source in sources), Decimal(0))
    rows = [
        {"source": source, "tone": i % TONES + 1, "share": percentage(source.amount / total)}
        for i, source in enumerate(sources)
    ]
    widths = [max(source.amount / total * 100, NARROWEST) for source in sources]
    scale = 100 / sum(widths, Decimal(0)) if widths else Decimal(1)
    x = Decimal(0)
    for row, width in zip(rows, widths, strict=True):
        row |= {"x": f"{x:.2f}", "width": f"{width * scale:.2f}"}
        x += width * scale
    return {"rows": rows, "total": total}


def percentage(share: Decimal) -> str:
    """Format a share with one place; a small one is never nought."""
    return f"{share:.1%}" if share >= Decimal("0.0005") else "under 0.1%"


@register.simple_tag
def contributions_of(who: Organisation | Person) -> list[FundingSource]:
    """Return the sources that an organisation contributes to, or that a person gives by their post."""
    rows = FundingSource.objects.select_related("year", "source")
    return list(rows.from_person(who) if isinstance(who, Person) else rows.from_organisation(who))
