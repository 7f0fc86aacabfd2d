"""How bars of sums are divided: on pages and on paper."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from funding.models import FundingSource
from funding.year_accounts import YearAccounts
from vru_portal.ledger.money import format_pounds

MIN_WIDTH_PERCENT = Decimal("0.6")  # so that even the smallest part of a bar can be seen
GAP_PERCENT = Decimal("0.4")  # between the parts of a bar


def bar_segments(amounts: Sequence[Decimal], gap: Decimal = Decimal(0)) -> list[dict[str, str]]:
    """Where each part of a bar begins and how wide it is, in per cent.

    As text, because templates would write numbers with the decimal separator of the locale.
    """
    total = sum(amounts, Decimal(0))
    widths = [max(amount / total * 100, MIN_WIDTH_PERCENT + gap) for amount in amounts]
    scale = 100 / sum(widths, Decimal(0)) if widths else Decimal(1)
    x, places = Decimal(0), []
    for number, width in enumerate(widths, start=1):
        shown = width * scale - (gap if number < len(widths) else 0)
        places.append({"x": f"{x:.2f}", "width": f"{shown:.2f}"})
        x += width * scale
    return places


def percentage(share: Decimal) -> str:
    """Format a share with one decimal place; a small share is never shown as 0."""
    return f"{share:.1%}" if share >= Decimal("0.0005") else "under 0.1%"


def source_parts(sources: Sequence[FundingSource]) -> list[dict[str, Any]]:
    """The parts of a printed bar of sources, each with a width in per cent, and what its key says."""
    amounts = [source.amount for source in sources]
    total = sum(amounts, Decimal(0))
    return [
        {
            "x": float(place["x"]),
            "width": float(place["width"]),
            "amount": format_pounds(source.amount),
            "share": percentage(source.amount / total),
            "name": f"{source.name}, {source.nature}" if source.nature else source.name,
        }
        for source, place in zip(sources, bar_segments(amounts, gap=GAP_PERCENT), strict=True)
    ]


def bar_parts(accounts: YearAccounts) -> list[tuple[str, str, Decimal, dict[str, str]]]:
    """What is paid, still to pay, not allocated, carried forward and returned: kind, name, sum and place in a bar.

    Parts of £0 are left out.
    """
    parts = [
        ("paid", "paid", accounts.paid),
        ("due", "allocated, still to pay", accounts.to_pay),
        ("left", "not yet allocated", accounts.unallocated),
        ("carried", "carried forward into the next year", accounts.carried),
        ("returned", "returned to the funder", accounts.returned),
    ]
    shown = [part for part in parts if part[2] > 0]
    places = bar_segments([amount for _, _, amount in shown], gap=GAP_PERCENT)
    return [(*part, place) for part, place in zip(shown, places, strict=True)]
