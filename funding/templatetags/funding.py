from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.template.defaultfilters import pluralize

from funding.accounts import Accounts
from funding.drawing import tall, wide
from funding.flow import Flow
from funding.lines import lacks_copy
from funding.models import Allocation, FinancialYear, FundingSource, PublicationDuty
from partners.models import Person
from programmes.choices import Slot
from programmes.models import Passage
from vru_portal.money import pounds

register = template.Library()

TONES = 6  # how many the style sheet has
NARROWEST = Decimal("0.6")  # percent: a source is never too small to be seen


@register.inclusion_tag("components/source_bar.html")
def source_bar(sources: Sequence[FundingSource]) -> dict[str, Any]:
    """Draw the sources as one bar, each as wide as its share, above a key that gives sums and shares in words."""
    total = sum((source.amount for source in sources), Decimal(0))
    places = side_by_side([source.amount for source in sources])
    rows = [
        {"source": source, "tone": i % TONES + 1, "share": percentage(source.amount / total), **place}
        for i, (source, place) in enumerate(zip(sources, places, strict=True))
    ]
    return {"rows": rows, "total": total}


@register.simple_tag
def lead_of(year: FinancialYear) -> Passage | None:
    """Return the unit's own words on its money, on the page of the year in which they were true."""
    lead = Passage.objects.in_slots(Slot.FUNDING_LEAD).get(Slot.FUNDING_LEAD)
    return lead if lead and year.starts_on <= lead.as_at <= year.ends_on else None


@register.inclusion_tag("components/spend_bar.html")
def spend_bar(accounts: Accounts) -> dict[str, Any]:
    """Draw what is paid, still to pay, not allocated and carried forward as one bar; what is nought is left out."""
    parts = [
        ("paid", "paid", accounts.paid),
        ("due", "allocated, still to pay", accounts.to_pay),
        ("left", "not yet allocated", accounts.unallocated),
        ("carried", "carried forward into the next year", accounts.carried),
    ]
    shown = [part for part in parts if part[2] > 0]
    places = side_by_side([amount for _, _, amount in shown], gap=Decimal("0.4"))
    return {
        "parts": [
            {"css": css, "name": name, "amount": amount, **place}
            for (css, name, amount), place in zip(shown, places, strict=True)
        ]
    }


def side_by_side(amounts: Sequence[Decimal], gap: Decimal = Decimal(0)) -> list[dict[str, str]]:
    """Return where each part of a bar begins and how wide it is, in per cent as text."""
    total = sum(amounts, Decimal(0))
    widths = [max(amount / total * 100, NARROWEST + gap) for amount in amounts]
    scale = 100 / sum(widths, Decimal(0)) if widths else Decimal(1)
    x, places = Decimal(0), []
    for number, width in enumerate(widths, start=1):
        shown = width * scale - (gap if number < len(widths) else 0)
        places.append({"x": f"{x:.2f}", "width": f"{shown:.2f}"})
        x += width * scale
    return places


@register.inclusion_tag("components/flow_picture.html")
def flow_picture(flow: Flow) -> dict[str, Any]:
    """Draw the year's money from its sources to the initiatives, for wide screens and for phones."""
    rest = " and ".join(f"{pounds(rest.amount)} is {rest.name.lower()}" for rest in flow.rest)
    sources, levels = len(flow.accounts.sources), len(flow.levels)
    title = (
        f"{sources} source{pluralize(sources)} flow{pluralize(sources, 's,')} to {levels} "
        f"level{pluralize(levels)} of prevention{f'; {rest}' if rest else ''}. The table has every sum."
    )
    return {"wide": wide(flow), "tall": tall(flow), "title": title}


@register.simple_tag
def copy_missing(allocation: Allocation, duty: PublicationDuty | None) -> bool:
    """Return whether the duty asks for a copy of a contract fetched `with_copy` that is not there."""
    return lacks_copy(allocation, duty, has_copy=bool(allocation.copy_url))


def percentage(share: Decimal) -> str:
    """Format a share with one place; a small one is never nought."""
    return f"{share:.1%}" if share >= Decimal("0.0005") else "under 0.1%"


@register.simple_tag
def contributions_of(person: Person) -> list[FundingSource]:
    """Return the sources that a person gives by their post."""
    return list(FundingSource.objects.from_person(person).select_related("year", "source"))
