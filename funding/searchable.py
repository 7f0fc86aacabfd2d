"""What search finds about the money. Payments are found by the filters of their list."""

from django.db.models import Prefetch, QuerySet

from funding.models import Allocation, BudgetHeading, Decision, FinancialYear, FundingSource, OnwardGrant
from partners.searchable import joined
from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.ledger.money import format_pounds, pounds_for_prose
from vru_portal.search.documents import ResultKind, Searchable, SearchDocument
from vru_portal.text.dates import format_date

MONEY_WORDS = ("Money", "Budget", "Funding")


def years() -> QuerySet[FinancialYear]:
    sources = FundingSource.objects.standing()
    return FinancialYear.objects.with_money().prefetch_related(Prefetch("sources", sources, to_attr="standing_sources"))


def year(row: FinancialYear) -> SearchDocument:
    budget = row.budget(row.standing_sources)  # type: ignore[attr-defined]
    names = "; ".join(f"{one.name} {one.stated_as}" for one in row.standing_sources)  # type: ignore[attr-defined]
    spend_by = f"Must be spent {row.spend_by_stated}" if row.spend_by_stated else ""
    return SearchDocument(
        f"Funding {row.label}",
        row.get_absolute_url(),
        f"The budget is {pounds_for_prose(budget)}: where the money comes from and where it goes.",
        tuple(f"{word} {row.label}" for word in MONEY_WORDS),
        joined((row.stated_as, format_pounds(budget), spend_by, row.purpose, row.gate, names)),
    )


def source(row: FundingSource) -> SearchDocument:
    summary = f"{pounds_for_prose(row.amount)} for {row.year.label}{f', {row.nature}' if row.nature else ''}"
    text = joined((format_pounds(row.amount), row.stated_as, row.wording, row.note))
    return SearchDocument(f"{row.name}: funding", f"{row.year.get_absolute_url()}#in", summary, (row.name,), text)


def allocations() -> QuerySet[Allocation]:
    rows = (
        Allocation.objects.standing()
        .select_related("funding_source__year", "initiative", "heading", "recipient")
        .order_by("pk")
    )
    # Half the time of reading whole rows: there may be thousands.
    return rows.only(
        *("public_id", "amount", "kind", "purpose", "conditions", "reasons", "value_for_money", "reverses_id"),
        "awarded_on",
        *("funding_source__year__first_year", "initiative__name", "initiative__sensitive_topic", "recipient__name"),
        "heading__name",
    )


def allocation(row: Allocation) -> SearchDocument:
    return SearchDocument(
        f"{row.recipient.name}: {format_pounds(row.amount)} for {row.subject.name}",
        row.get_absolute_url(),
        f"{row.get_kind_display()}, {row.funding_source.year.label}",
        (),
        joined((row.purpose, row.conditions, row.reasons, row.value_for_money, format_date(row.awarded_on))),
        sensitive=row.is_sensitive,
    )


def onward_grants() -> QuerySet[OnwardGrant]:
    rows = OnwardGrant.objects.standing().exclude(recipient_name=REDACTED).order_by("pk")
    return rows.select_related("allocation__initiative", "allocation__recipient")


def onward_grant(row: OnwardGrant) -> SearchDocument:
    """An onward grant leads to the list on its allocation's page, which shows the first of them and has the files."""
    title, *others = ("" if text == REDACTED else text for text in (row.title, row.description, row.area))
    return SearchDocument(
        f"{row.recipient_name}: {format_pounds(row.amount)} awarded on by {row.allocation.recipient.name}",
        row.get_absolute_url(),
        f"Onward grant{f': {title}' if title else ''}",
        (),
        joined((*others, row.reference, format_date(row.awarded_on))),
        sensitive=row.allocation.is_sensitive,
    )


def heading(row: BudgetHeading) -> SearchDocument:
    summary = f"Budget heading, {row.get_kind_display().lower()}"
    return SearchDocument(row.name, row.get_absolute_url(), summary, (row.name,), row.summary)


def decisions() -> QuerySet[Decision]:
    return Decision.objects.standing().select_related("year").order_by("pk")


def decision(row: Decision) -> SearchDocument:
    summary = f"Decision {row.reference} of {format_date(row.decided_on)}"
    return SearchDocument(row.title, row.get_absolute_url(), summary, (row.reference,), row.reasons)


SEARCHABLES = (
    Searchable(ResultKind.MONEY, years, year),
    Searchable(
        ResultKind.MONEY,
        lambda: FundingSource.objects.standing().select_related("year").order_by("pk"),
        source,
        weight=0.6,
    ),
    Searchable(ResultKind.MONEY, BudgetHeading.objects.public, heading, weight=0.8),
    Searchable(ResultKind.MONEY, decisions, decision, weight=0.6),
    Searchable(
        ResultKind.MONEY,
        allocations,
        allocation,
        weight=0.6,
    ),
    Searchable(ResultKind.MONEY, onward_grants, onward_grant, weight=0.6),
)
