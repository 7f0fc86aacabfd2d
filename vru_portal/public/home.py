"""What the home page shows from each app: the latest agenda and year of money, and who has signed the declaration."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet

from events.choices import ItemKind
from events.declarations.models import DeclarationVersion, Invitation, LiveSignature
from events.declarations.rules.availability import version_in_force
from events.models import AgendaItem, Event
from funding.choices import VariationKind
from funding.models import Allocation, FinancialYear, FundingSource, Payment
from funding.year_accounts import carried_by_source, variation_sums
from partners.models import Post, Statement
from vru_portal.ledger.cut_off import NOW
from vru_portal.ledger.money import sum_of_pounds
from vru_portal.web.prepared_queries import prepared

MAX_STATEMENTS = 2


def latest_event_with_agenda() -> Event | None:
    return next(iter(events_with_agenda()), None)


@prepared
def events_with_agenda() -> QuerySet[Event]:
    return Event.objects.public().with_agenda().select_related("source").order_by("-held_on", "title")[:1]


@prepared
def agenda_of(event: Event) -> QuerySet[AgendaItem]:
    rows = AgendaItem.objects.filter(event=event).exclude(kind=ItemKind.CLOSED)
    return rows.select_related("source").order_by("position")


@prepared
def lead_organisations(today: date) -> QuerySet[Post, int]:
    rows = Post.objects.public().executive(today).exclude(organisation=None).order_by()
    return rows.values_list("organisation", flat=True).distinct()


@prepared
def first_statements() -> QuerySet[Statement]:
    return Statement.objects.public().select_related("speaker")[:MAX_STATEMENTS]


def latest_year_money() -> dict[str, Any]:
    """The funding sources of the latest year with a budget, and what happened to their money."""
    sources = of_latest_budget(standing_sources())
    if not sources:
        return {}
    year = sources[0].year
    awarded, paid, carried = (
        sum((amounts.get(source.pk, Decimal(0)) for source in sources), Decimal(0))
        for amounts in (dict(awarded_by_source(year)), dict(paid_by_source(year)), dict(carried_by_source(year)))
    )
    shown, varied, returned = {source.pk for source in sources}, Decimal(0), Decimal(0)
    for source, allocation, kind, amount in variation_sums(year, cut_off=NOW):
        if source in shown:
            varied += amount if allocation else 0
            returned += amount if kind == VariationKind.RETURN else 0
    allocated = awarded - varied
    return {
        "year": year,
        "sources": sources,
        "budget": year.budget(sources),
        "allocated": allocated,
        "paid": paid,
        "carried": carried,
        "returned": returned,
        "unallocated": sum((source.amount for source in sources), Decimal(0)) - allocated - carried - returned,
    }


def of_latest_budget(sources: Sequence[FundingSource]) -> list[FundingSource]:
    """Those of the latest year with a budget: one that has more than money carried forward into it."""
    latest = next((source.year_id for source in sources if source.carried_from_id is None), None)
    return [source for source in sources if source.year_id == latest]


@prepared
def standing_sources() -> QuerySet[FundingSource]:
    """Every source that brings money, those of the latest year first: a few each year."""
    rows = FundingSource.objects.standing().select_related("year__source", "source")
    return rows.order_by("-year__first_year", "position", "id")


@prepared
def awarded_by_source(year: FinancialYear) -> QuerySet[Allocation, tuple[int, Decimal]]:
    rows = Allocation.objects.filter(funding_source__year=year).order_by()
    return rows.values_list("funding_source").annotate(total=sum_of_pounds("amount"))


@prepared
def paid_by_source(year: FinancialYear) -> QuerySet[Payment, tuple[int, Decimal]]:
    rows = Payment.objects.filter(allocation__funding_source__year=year).order_by()
    return rows.values_list("allocation__funding_source").annotate(total=sum_of_pounds("amount"))


def declaration_status() -> dict[str, Any]:
    """The version of the declaration in force, how many organisations were asked to sign it, and how many have."""
    version = version_in_force()
    if version is None:
        return {}
    # An organisation may have signed without an invitation, so it counts as asked once, either way.
    signed_count, unanswered_count = sum(signature_counts(version)), sum(unanswered_counts(version))
    return {
        "version_in_force": version.number,
        "signed_count": signed_count,
        "signatory_count": sum(signatory_counts(version.declaration_id)),
        "asked_count": signed_count + unanswered_count,
    }


@prepared
def signature_counts(version: DeclarationVersion) -> QuerySet[LiveSignature, int]:
    rows = LiveSignature.objects.filter(version=version).order_by()
    return rows.values("version").values_list(Count("pk"), flat=True)


@prepared
def signatory_counts(declaration: int) -> QuerySet[LiveSignature, int]:
    """How many organisations have signed any version."""
    rows = LiveSignature.objects.filter(version__declaration=declaration).order_by()
    return rows.values("version__declaration").values_list(Count("body", distinct=True), flat=True)


@prepared
def unanswered_counts(version: DeclarationVersion) -> QuerySet[Invitation, int]:
    signed = LiveSignature.objects.filter(version=version).values("body")
    rows = Invitation.objects.filter(version=version).asked().exclude(body__in=signed).order_by()
    return rows.values("version").values_list(Count("body", distinct=True), flat=True)
