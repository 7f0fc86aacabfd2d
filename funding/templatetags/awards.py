"""Money on the pages of other apps: what an initiative got and why; what an organisation gave, got and awarded."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import template
from django.db.models import ExpressionWrapper, F, Q, QuerySet

from funding.models import Allocation, BudgetHeading, Contributor, FinancialYear, FundingSource, Payment, Regranting
from funding.regranting.sums import with_onward
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.money import Pence, PenceField, sum_of_pence, sum_of_pounds
from vru_portal.web.pagination import in_order
from vru_portal.web.prepared_queries import prepared

register = template.Library()

ALLOCATIONS_SHOWN = 5  # per year; the page of the year lists them all


@dataclass
class YearOfAwards:
    """Totals of one financial year, with the first of the allocations, or all of the sources, that make them up."""

    year: FinancialYear
    allocated: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    count: int = 0
    allocations: list[Allocation] = field(default_factory=list)
    sources: list[FundingSource] = field(default_factory=list)


@register.simple_tag
def awards_to(subject: Initiative | BudgetHeading) -> list[YearOfAwards]:
    """What is allocated to an initiative or heading and paid on these allocations, by year, latest first."""
    of_year: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for year, key, amount in amounts_by_year(subject, relation=relation_to(subject)):
        of_year[year][key] = amount
    if not of_year:
        return []
    payments = Payment.objects.filter(**{f"allocation__{relation_to(subject)}": subject})
    paid = sum_amounts_by(payments, "allocation")
    first = [key for amounts in of_year.values() for key in list(amounts)[:ALLOCATIONS_SHOWN]]
    years: dict[int, YearOfAwards] = {}
    for row in in_order(first, allocations_with_year(*first)):
        found = row.funding_source.year
        if found.pk not in years:
            amounts = of_year[found.pk]
            all_paid = sum((paid.get(key, Decimal(0)) for key in amounts), Decimal(0))
            years[found.pk] = YearOfAwards(found, sum(amounts.values(), Decimal(0)), all_paid, len(amounts))
        row.paid = paid.get(row.pk, Decimal(0))
        years[found.pk].allocations.append(row)
    return list(years.values())


def relation_to(subject: Initiative | BudgetHeading) -> str:
    return "initiative" if isinstance(subject, Initiative) else "heading"


@prepared
def amounts_by_year(
    subject: Initiative | BudgetHeading, *, relation: str
) -> QuerySet[Allocation, tuple[int, int, Decimal]]:
    rows = Allocation.objects.standing().filter(**{relation: subject}).with_varied()
    rows = rows.order_by("-funding_source__year__first_year", "awarded_on", "pk")
    left = ExpressionWrapper(Pence("amount") - F("varied"), PenceField())
    return rows.values_list("funding_source__year", "pk", left)


@prepared
def allocations_with_year(*keys: int) -> QuerySet[Allocation]:
    rows = Allocation.objects.filter(pk__in=keys).with_varied()
    return rows.select_related("funding_source__year", "recipient").order_by()


@register.simple_tag
def assessment_of(initiative: Initiative) -> EvidenceAssessment | None:
    """The latest approved evidence assessment of an initiative, with the date of the decision and its reasons."""
    return next(iter(approved_assessments(initiative)), None)


@prepared
def approved_assessments(initiative: Initiative) -> QuerySet[EvidenceAssessment]:
    approved: QuerySet[Any] = EvidenceAssessment.objects.approved().filter(initiative=initiative)
    return approved.select_related("approach").annotate(decision_reasons=F("decisions__reasons"))


@dataclass(frozen=True)
class OnwardPart:
    """An allocation whose recipient awards it on, and what it has reported of that. None of it is in a total."""

    allocation: Allocation
    reported: Decimal

    @property
    def unreported(self) -> Decimal:
        return max(self.allocation.allocated - self.reported, Decimal(0))


@dataclass(frozen=True)
class OrganisationMoney:
    """What an organisation contributes, what it is given, what of that it awards on, and what it awards to others."""

    contributions: list[FundingSource]
    received: list[YearOfAwards]
    awarded: list[YearOfAwards]
    awarded_on: list[OnwardPart]


@register.simple_tag
def money_of(organisation: Organisation) -> OrganisationMoney:
    contributed = set(sources_given_by(organisation))
    received = dict(allocated_by_source(organisation, role="recipient"))
    awarded = dict(allocated_by_source(organisation, role="awarded_by"))
    sources: list[Any] = sources_by_key(*contributed | received.keys() | awarded.keys())
    for source in sources:
        source.received, source.awarded = received.get(source.pk), awarded.get(source.pk)
    return OrganisationMoney(
        [source for source in sources if source.pk in contributed],
        years_with_sum(sources, "received"),
        years_with_sum(sources, "awarded"),
        awarded_on_by(organisation) if received else [],
    )


def awarded_on_by(organisation: Organisation) -> list[OnwardPart]:
    """What an organisation was given to award on, in the order of recording."""
    for_regranting = Regranting.objects.standing().values("allocation")
    rows = Allocation.objects.standing().filter(recipient=organisation, pk__in=for_regranting).with_varied()
    rows = with_onward(rows.select_related("initiative", "heading").order_by("pk"))
    return [OnwardPart(row, row.onward or Decimal(0)) for row in rows]


@prepared
def sources_by_key(*keys: int) -> QuerySet[FundingSource]:
    return FundingSource.objects.standing().filter(pk__in=keys).select_related("year", "source")


@prepared
def sources_given_by(organisation: Organisation) -> QuerySet[Contributor, int]:
    given = Q(organisation=organisation) | Q(post__organisation=organisation)
    return Contributor.objects.filter(given).order_by().values_list("funding_source", flat=True)


@prepared
def allocated_by_source(organisation: Organisation, *, role: str) -> QuerySet[Allocation, tuple[int, Decimal]]:
    """What an organisation was given or has awarded, less what was varied since, by the key of the source."""
    rows = Allocation.objects.standing().filter(**{role: organisation}).order_by().with_varied()
    left = ExpressionWrapper(Pence("amount") - F("varied"), PenceField())
    return rows.values_list("funding_source").annotate(total=sum_of_pence(left))


def sum_amounts_by(rows: QuerySet[Any], field_name: str) -> dict[int, Decimal]:
    """The total of rows of the ledger, by the key that this foreign key holds."""
    return dict(rows.order_by().values_list(field_name).annotate(total=sum_of_pounds("amount")))


def years_with_sum(sources: list[FundingSource], attribute: str) -> list[YearOfAwards]:
    """The years in which sources have an amount in this attribute, with these sources."""
    years: dict[int, YearOfAwards] = {}
    for source in sources:
        if amount := getattr(source, attribute):
            year = years.setdefault(source.year_id, YearOfAwards(source.year))
            year.allocated += amount
            year.sources.append(source)
    return list(years.values())
