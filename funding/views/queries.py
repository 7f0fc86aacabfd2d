"""The queries of pages about money."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Count, QuerySet

from funding.datasets.threesixtygiving import grants_awarded_by
from funding.models import (
    Allocation,
    Contributor,
    Decision,
    FinancialYear,
    FundingSource,
    Overcommitment,
    Payment,
    PublicationDuty,
    Variation,
)
from partners.models import Organisation
from vru_portal.ledger.cut_off import CutOff
from vru_portal.web.prepared_queries import prepared

VARIATIONS_SHOWN = 20


@prepared
def variations_of(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Variation]:
    """The latest variations of the year; the files have all of them."""
    rows = Variation.objects.standing(cut_off).filter(funding_source__year=year).order_by("-varied_on", "-pk")
    related = ("funding_source", "decision__year", "allocation__initiative", "allocation__heading")
    return rows.select_related(*related, "allocation__recipient", "allocation__reverses")[:VARIATIONS_SHOWN]


@prepared
def overcommitments_of(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Overcommitment]:
    rows = Overcommitment.objects.standing(cut_off).filter(funding_source__year=year).order_by("pk")
    return rows.select_related("funding_source", "decision__year")


@prepared
def first_decision_of(year: FinancialYear) -> QuerySet[Decision, int]:
    return Decision.objects.standing().filter(year=year).order_by().values_list("pk", flat=True)[:1]


def sources_of(year: FinancialYear, cut_off: CutOff) -> list[FundingSource]:
    """The sources of the year, each with its published contributors in `public_contributors`."""
    by_source = defaultdict(list)
    for contributor in contributors_of(year):
        if contributor.is_public:
            by_source[contributor.funding_source_id].append(contributor)
    sources = standing_sources_of(year, cut_off=cut_off)
    for source in sources:
        source.public_contributors = by_source[source.pk]
    return sources


@prepared
def standing_sources_of(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[FundingSource]:
    rows = FundingSource.objects.standing(cut_off).filter(year=year).select_related("source")
    return rows.order_by("position", "id")


@prepared
def contributors_of(year: FinancialYear) -> QuerySet[Contributor]:
    rows = Contributor.objects.filter(funding_source__year=year)
    return rows.select_related("organisation", "post__person", "post__organisation")


@prepared
def reversed_allocations_of(year: FinancialYear) -> QuerySet[Allocation]:
    return Allocation.objects.reversed_in(year)


@prepared
def publication_duty() -> QuerySet[PublicationDuty]:
    return PublicationDuty.objects.select_related("awarding_body")


@prepared
def first_grant_of(funder: Organisation) -> QuerySet[Allocation, int]:
    return grants_awarded_by(funder).order_by().values_list("pk", flat=True)[:1]


@prepared
def item_counts(year: FinancialYear, *, cut_off: CutOff, threshold: Decimal | None) -> QuerySet[Payment, int]:
    """The number of items on the duty's list, by year, for years that have any."""
    rows = Payment.objects.counted(cut_off).filter(allocation__funding_source__year=year)
    years = rows.non_grant_items(threshold).order_by().values("allocation__funding_source__year")
    return years.values_list(Count("pk"), flat=True)
