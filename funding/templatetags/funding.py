from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.db.models import QuerySet
from django.template.defaultfilters import pluralize

from funding.bars import bar_parts, bar_segments, percentage
from funding.models import FinancialYear, FundingSource
from funding.sankey.drawing import draw_tall, draw_wide
from funding.sankey.flows import TONES, MoneyFlow
from funding.year_accounts import YearAccounts
from partners.models import Person
from programmes.choices import PassagePlace
from programmes.models import Passage
from vru_portal.ledger.money import format_pounds
from vru_portal.web.prepared_queries import prepared

register = template.Library()


@register.inclusion_tag("components/source_bar.html")
def source_bar(sources: Sequence[FundingSource]) -> dict[str, Any]:
    """Draw the sources as one bar, each as wide as its share, above a key with amounts and shares."""
    total = sum((source.amount for source in sources), Decimal(0))
    places = bar_segments([source.amount for source in sources])
    rows = [
        {"source": source, "tone": i % TONES + 1, "share": percentage(source.amount / total), **place}
        for i, (source, place) in enumerate(zip(sources, places, strict=True))
    ]
    return {"rows": rows, "total": total}


@register.simple_tag
def lead_of(year: FinancialYear) -> Passage | None:
    """The unit's introduction to its funding, only on the page of the year in which it was written."""
    lead = Passage.objects.in_slots(PassagePlace.FUNDING_LEAD).get(PassagePlace.FUNDING_LEAD)
    return lead if lead and year.starts_on <= lead.as_at <= year.ends_on else None


@register.inclusion_tag("components/spend_bar.html")
def spend_bar(accounts: YearAccounts) -> dict[str, Any]:
    """Draw what is paid, still to pay, not allocated, carried forward and returned as one bar, without parts of £0."""
    return {
        "year": accounts.year,
        "parts": [
            {"css": css, "name": name, "amount": amount, **place} for css, name, amount, place in bar_parts(accounts)
        ],
    }


@register.inclusion_tag("components/sankey.html")
def sankey(flow: MoneyFlow) -> dict[str, Any]:
    """Draw the Sankey diagram of a year's money, once for wide screens and once for phones."""
    rest = " and ".join(f"{format_pounds(row.amount)} is {row.name.lower()}" for row in flow.unallocated)
    sources, levels = len(flow.accounts.sources), sum(group.level is not None for group in flow.groups)
    headings = " and to budget headings" if len(flow.groups) > levels else ""
    title = (
        f"{sources} source{pluralize(sources)} flow{pluralize(sources, 's,')} to {levels} "
        f"level{pluralize(levels)} of prevention{headings}{f'; {rest}' if rest else ''}. The table has every amount."
    )
    return {"wide": draw_wide(flow), "tall": draw_tall(flow), "title": title}


@register.simple_tag
@prepared
def contributions_of(person: Person) -> QuerySet[FundingSource]:
    """The sources contributed by posts that a person holds."""
    return FundingSource.objects.from_person(person).select_related("year", "source")
