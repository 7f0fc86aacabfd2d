"""What other apps' pages say of money: what an initiative got and why, what a body gave, got and awarded."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django import template
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from funding.models import Allocation, Contributor, FinancialYear, FundingSource
from funding.querysets import total_of
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative

register = template.Library()

SHOWN = 5  # allocations of a year; the year's own page lists all


@dataclass
class Year:
    """What happened in one financial year: sums, and the first of the rows that make them up."""

    year: FinancialYear
    allocated: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    count: int = 0
    allocations: list[Allocation] = field(default_factory=list)
    sources: list[FundingSource] = field(default_factory=list)


@register.simple_tag
def awards_to(initiative: Initiative) -> list[Year]:
    """Return what is allocated to an initiative and paid on that, by year, latest first: one query."""
    in_year = partial(Window, partition_by=F("funding_source__year"))
    rows: QuerySet[Any] = (
        Allocation.objects.standing()
        .filter(initiative=initiative)
        .with_paid()
        .annotate(
            place=in_year(RowNumber(), order_by=("awarded_on", "pk")),
            year_count=in_year(Count("pk")),
            year_allocated=in_year(Sum("amount")),
            year_paid=in_year(Sum("paid")),
        )
        .filter(place__lte=SHOWN)
        .select_related("funding_source__year", "recipient")
        .order_by("-funding_source__year__first_year", "awarded_on", "pk")
    )
    years: dict[int, Year] = {}
    for row in rows:
        found = row.funding_source.year
        years.setdefault(found.pk, Year(found, row.year_allocated, row.year_paid, row.year_count))
        years[found.pk].allocations.append(row)
    return list(years.values())


@register.simple_tag
def assessment_of(initiative: Initiative) -> EvidenceAssessment | None:
    """Return the evidence assessment of an initiative that was approved last, with the decision's day and reasons."""
    approved: QuerySet[Any] = EvidenceAssessment.objects.approved().filter(initiative=initiative)
    return approved.annotate(decision_reasons=F("decisions__reasons")).first()


@dataclass(frozen=True)
class Money:
    """A body's money: what it contributes to, what it is given, and what it awards to others."""

    contributions: list[FundingSource]
    received: list[Year]
    awarded: list[Year]


@register.simple_tag
def money_of(organisation: Organisation) -> Money:
    """Return a body's money in every direction, in one query."""
    given = Q(organisation=organisation) | Q(post__organisation=organisation)
    contributors = Contributor.objects.filter(given, funding_source=OuterRef("pk"))
    standing = Allocation.objects.standing().filter(funding_source=OuterRef("pk"))
    rows: QuerySet[Any] = (
        FundingSource.objects.standing()
        .annotate(
            contributes=Exists(contributors),
            received=total_of(standing.filter(recipient=organisation)),
            awarded=total_of(standing.filter(awarded_by=organisation)),
        )
        .filter(Q(contributes=True) | Q(received__gt=0) | Q(awarded__gt=0))
        .select_related("year", "source")
    )
    sources = list(rows)
    return Money(
        [source for source in sources if source.contributes],
        by_year(sources, "received"),
        by_year(sources, "awarded"),
    )


def by_year(sources: list[FundingSource], name: str) -> list[Year]:
    """Return the years in which a body has a sum of this name, with the sources that it is from."""
    years: dict[int, Year] = {}
    for source in sources:
        if amount := getattr(source, name):
            year = years.setdefault(source.year_id, Year(source.year))
            year.allocated += amount
            year.sources.append(source)
    return list(years.values())
