"""Sources: their sum beside the stated budget, the lock that those who take from them share, and carrying forward."""

import itertools
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from funding.models import Contributor, FinancialYear, FundingSource
from vru_portal.ledger.append_only.recording import record
from vru_portal.ledger.money import format_pounds, sum_of_pounds
from vru_portal.text.sums import PENNY


def check_budget(*, year: FinancialYear) -> None:
    """Raise ValidationError unless the year's sources add up to its stated budget.

    Money carried forward into the year was not part of that budget, so it does not count.
    """
    own = year.sources.standing().filter(carried_from=None)
    total = own.aggregate(total=sum_of_pounds("amount"))["total"] or Decimal(0)
    if year.stated_total is not None and total != year.stated_total:
        raise ValidationError(
            f"The sources of {year} add up to {format_pounds(total)}, but the stated budget is "
            f"{format_pounds(year.stated_total)}. Correct one of them."
        )


def lock_sources(sources: list[int]) -> None:
    """Make other writers of these sources wait until this transaction ends.

    Always in the order of primary keys, so that two transactions with several sources cannot deadlock.
    """
    list(FundingSource.objects.select_for_update().filter(pk__in=sources).order_by("pk").values_list("pk"))


def allowance_of(source: FundingSource) -> Decimal:
    """What a decision allows to be allocated beyond the amount of the source, in whole pence, rounded down."""
    allowed = source.overcommitments.standing().first()
    return (source.amount * allowed.share / 100).quantize(PENNY, ROUND_DOWN) if allowed else Decimal(0)


@transaction.atomic
def carry_forward(*, by: Any, source: FundingSource, carried: FundingSource) -> FundingSource:
    """Record what is left of a source as a source of the next year.

    ``carried`` brings the amount and where that was stated; year, contributors and defaults come from ``source``.
    Raises ValidationError if the amount is more than is left.
    """
    lock_sources([source.pk])
    standing = FundingSource.objects.standing().with_remainder().select_related("year").filter(pk=source.pk).first()
    if standing is None:
        raise ValidationError("This source was reversed, so there is no money to carry forward.")
    source = standing
    carried.carried_from, carried.year = source, next_year(source)
    carried.name = carried.name or f"Carried forward: {source.name}"
    carried.slug = carried.slug or unused_slug(carried.year, f"carried-forward-{source.slug}")
    carried.nature = carried.nature or "carried forward"
    carried.clean_fields()
    if carried.amount > source.remainder:
        remainder = format_pounds(source.remainder)
        raise ValidationError(
            {
                "amount": f"{format_pounds(carried.amount)} is more than the {remainder} that is left in {source}. To "
                "carry forward money that is allocated but will not be spent, release it first."
            }
        )
    record(carried, by=by)
    for contributor in source.contributors.all():
        Contributor.objects.create(funding_source=carried, organisation=contributor.organisation, post=contributor.post)
    return carried


def unused_slug(year: FinancialYear, slug: str) -> str:
    """A slug that no source of the year has, reversed sources included."""
    taken = set(year.sources.values_list("slug", flat=True))
    names = (f"{slug[:76]}-{number}" for number in itertools.count(2))
    return slug[:80] if slug[:80] not in taken else next(name for name in names if name not in taken)


def next_year(source: FundingSource) -> FinancialYear:
    """The financial year after that of a source; raises ValidationError if it is not entered yet."""
    year = FinancialYear.objects.filter(first_year=source.year.first_year + 1).first()
    if year is None:
        raise ValidationError(f"Add the financial year after {source.year} first, then carry the money forward.")
    return year
