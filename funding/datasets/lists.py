"""Sources, allocations and payments as open data: the rows of the pages, with everything public about them.

The names of columns are part of a published format: do not change them.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Prefetch
from django.http import QueryDict
from django.utils import timezone

from funding.datasets.payment_rows import PaymentRow, PaymentRows
from funding.filters import AllocationFilters, MoneyFilters, PaymentFilters, SourceFilters
from funding.models import Allocation, ContractCopy, Explanation, FinancialYear, FundingSource, Payment, Variation
from funding.year_accounts import SourceAccount, YearAccounts, prefetch_contributors, year_accounts
from partners.models import Organisation
from vru_portal.ledger.money import sum_of_pounds
from vru_portal.tabular.datasets import Dataset, QueryRows, join_values, last_recorded, page_column
from vru_portal.tabular.writers import Column, Type

# Sources --------------------------------------------------------------------------------------------------------------


class SourceRow(NamedTuple):
    """A source with the accounts of its year."""

    source: FundingSource
    account: SourceAccount
    accounts: YearAccounts


def once_allocated(attribute: str) -> Any:
    """What happened to a source's money. If nothing is recorded about that in its year, it is left empty, not 0."""
    return lambda row: getattr(row.account, attribute) if row.accounts.has_uses else None


def outcome_column(name: str, about: str, attribute: str) -> Column[SourceRow]:
    """What happened to a source's money, in pounds."""
    return Column(
        name,
        about,
        once_allocated(attribute),
        Type.POUNDS,
        derived="the allocations, payments and amounts carried forward",
    )


SOURCE_COLUMNS: tuple[Column[SourceRow], ...] = (
    Column("financial_year", "The year that the money is for", lambda r: r.source.year.label),
    Column(
        "year_note",
        "What this site has worked out about the year and its deadline",
        lambda r: r.source.year.label_note,
    ),
    Column("source", "Where the money comes from", lambda r: r.source.name),
    Column("nature", "What it is, as stated", lambda r: r.source.nature),
    Column("contributors", "Who gives it", lambda r: join_values(public_contributors(r.source))),
    Column(
        "contributor_org_ids",
        "Their identifiers on org-id.guide, where known",
        lambda r: join_values(contributor_org_ids(r.source)),
        title="Contributors' identifiers",
    ),
    Column("amount", "Pounds", lambda r: r.source.amount, Type.POUNDS),
    Column("amount_as_stated", "The amount as published", lambda r: r.source.stated_as),
    Column("wording", "The words of the publication", lambda r: r.source.wording),
    Column("note", "What is not stated about it", lambda r: r.source.note),
    Column(
        "spend_by",
        "The last day on which it may be spent",
        lambda r: r.source.year.spend_by,
        Type.DATE,
        derived="spend_by_as_stated, where that names no day",
    ),
    Column(
        "spend_by_as_stated", "The deadline in the words of the publication", lambda r: r.source.year.spend_by_stated
    ),
    Column(
        "carried_from",
        "The source of the previous year that the money was carried forward from",
        lambda r: str(r.source.carried_from or ""),
    ),
    outcome_column("allocated", "Set aside for initiatives and budget headings", "allocated"),
    outcome_column("paid", "Paid, net of refunds", "paid"),
    outcome_column("still_to_pay", "Allocated and not yet paid", "to_pay"),
    outcome_column("paid_over_allocations", "Paid beyond what was allocated", "over"),
    outcome_column("paid_back_beyond_payments", "Paid back beyond what had been paid", "refunded_beyond_paid"),
    outcome_column("carried_forward", "Carried forward into the next year", "carried"),
    outcome_column("returned_to_funder", "Returned to the funder", "returned"),
    outcome_column("not_allocated", "Not allocated, carried forward or returned", "unallocated"),
    Column("stated_in", "The publication that states it", lambda r: stating_publication(r.source)),
    Column(
        "stated_as_at",
        "The date on which this was true, according to the publication",
        lambda r: r.source.as_at,
        Type.DATE,
    ),
    Column("slug", "Its slug, unique within a year: the last part of its web address", lambda r: r.source.slug),
)


class SourceRows:
    """The sources that filters leave, a handful a year. What happened to each depends on all the rows of its year."""

    def __init__(self, filters: SourceFilters) -> None:
        self.filters = filters

    @property
    def count(self) -> int:
        return self.filters.rows.count()

    @property
    def total(self) -> Decimal:
        return self.filters.rows.aggregate(total=sum_of_pounds("amount"))["total"] or Decimal(0)

    def some(self, start: int, stop: int) -> list[SourceRow]:
        return list(islice(self, start, stop))

    def __iter__(self) -> Iterator[SourceRow]:
        chosen = set(self.filters.rows.order_by().values_list("pk", flat=True))
        years = FinancialYear.objects.filter(sources__in=chosen).distinct().order_by("first_year")
        for year in years if chosen else ():
            sources = year.sources.standing(self.filters.cut_off).select_related("source", "carried_from__year")
            ordered = sources.order_by("position", "id").prefetch_related(prefetch_contributors())
            accounts = year_accounts(year, ordered, self.filters.cut_off)
            for account in accounts.sources:
                if account.source.pk in chosen:
                    account.source.year = year
                    yield SourceRow(account.source, account, accounts)


def public_contributors(source: FundingSource) -> list[Any]:
    """The contributors that are published."""
    return [contributor for contributor in source.contributors.all() if contributor.is_public]


def stating_publication(source: FundingSource) -> str:
    """The title of the publication that states the source, if that is published."""
    publication = source.source
    return publication.title if publication.is_public else ""


def contributor_org_ids(source: FundingSource) -> list[str]:
    """The org-id.guide identifiers of the contributing organisations."""
    contributors = public_contributors(source)
    organisations = (contributor.organisation or contributor.post.organisation for contributor in contributors)
    return [organisation.identifier for organisation in organisations if organisation]


# Allocations ----------------------------------------------------------------------------------------------------------


def recorded_column() -> Column[Any]:
    """When a row was entered, as opposed to the date it carries."""
    here = timezone.get_current_timezone()
    return Column(
        "recorded_on",
        "The day on which it was recorded here",
        lambda row: row.recorded_at.astimezone(here).date(),
        Type.DATE,
    )


def organisation_columns(name: str, about: str) -> list[Column[Any]]:
    """The name of an organisation that a row refers to, and its identifier if known."""

    def organisation(row: Any) -> Organisation:
        return getattr(row, name)

    return [
        Column(name, about, lambda row: organisation(row).name),
        Column(
            f"{name}_org_id",
            "Its identifier on org-id.guide, where known",
            lambda row: organisation(row).identifier,
            title=f"Identifier: {about.lower()}",
        ),
    ]


def first_of_award(allocation: Allocation) -> str:
    """The id of the allocation that this one continues, if any."""
    return allocation.continues.public_id if allocation.continues else ""


ALLOCATION_COLUMNS: tuple[Column[Allocation], ...] = (
    Column("id", "The allocation's id, in web addresses and in the 360Giving file", lambda a: a.public_id, title="Id"),
    Column("awarded_on", "The day on which it was decided", lambda a: a.awarded_on, Type.DATE),
    Column("financial_year", "The year of its source", lambda a: a.funding_source.year.label),
    Column("source", "Where the money comes from", lambda a: a.funding_source.name),
    Column("kind", "Grant, contract or service, or own costs", lambda a: a.get_kind_display()),
    Column("initiative", "The initiative that it is for", lambda a: str(a.initiative or "")),
    Column("level", "The level of prevention", lambda a: a.initiative.level.name if a.initiative else ""),
    Column("heading", "The budget heading that it is for, instead of an initiative", lambda a: str(a.heading or ""),
           title="Budget heading"),
    *organisation_columns("recipient", "Who receives it"),
    *organisation_columns("awarded_by", "The organisation that awards it"),
    Column("amount", "Pounds awarded", lambda a: a.amount, Type.POUNDS),
    Column(
        "varied",
        "Pounds released, moved or returned since",
        lambda a: a.varied,
        Type.POUNDS,
        derived="its variations",
    ),
    Column(
        "allocated",
        "Pounds still set aside: amount less varied",
        lambda a: a.allocated,
        Type.POUNDS,
        derived="its amount and variations",
    ),
    Column("paid", "Pounds paid from it, net of refunds", lambda a: a.paid, Type.POUNDS, derived="its payments"),
    Column("award_total", "Total award in pounds, over all its years", lambda a: a.award_total, Type.POUNDS),
    Column("continues", "The first allocation of an award over several years", first_of_award),
    Column("starts_on", "First day of the funded work", lambda a: a.starts_on, Type.DATE),
    Column("ends_on", "Last day of the funded work", lambda a: a.ends_on, Type.DATE),
    Column(
        "assessment_approved_on", "When its evidence assessment was approved", lambda a: a.approved_on, Type.DATE
    ),
    Column(
        "decision",
        "The reference of the decision that it was made by",
        lambda a: a.decision.reference if a.decision else "",
    ),
    Column(
        "moved_from",
        "The id of the variation that moved the money here",
        lambda a: a.moved_from.public_id if a.moved_from else "",
    ),
    recorded_column(),
    Column("purpose", "What the money is for", lambda a: a.purpose),
    Column("conditions", "Conditions of the award", lambda a: a.conditions),
    Column("reasons", "Why it was awarded, and why to this recipient", lambda a: a.reasons),
    Column("value_for_money", "Why it is value for money", lambda a: a.value_for_money),
    Column("department", "Department", lambda a: a.department),
    Column("merchant_category", "Merchant category", lambda a: a.merchant_category),
    Column(
        "contract_copies",
        "Where the contract can be read",
        lambda a: join_values(copy.url for copy in a.contract_copies.all()),
    ),
    page_column("Its page"),
)  # fmt: skip


def allocation_rows(filters: AllocationFilters) -> QueryRows[Allocation]:
    related = (
        *("funding_source__year", "initiative__level", "heading", "recipient", "awarded_by", "reverses", "continues"),
        *("decision", "moved_from"),
    )
    copies = ContractCopy.objects.all()
    if filters.cut_off.known_before:
        copies = copies.filter(recorded_at__lt=filters.cut_off.known_before)
    rows = filters.rows.with_paid(filters.cut_off).with_varied(filters.cut_off).with_award_total(filters.cut_off)
    rows = rows.with_approval()
    prefetched = rows.select_related(*related).prefetch_related(Prefetch("contract_copies", queryset=copies))
    return QueryRows(prefetched, total_of="amount")


# Payments -------------------------------------------------------------------------------------------------------------


def is_reversed(payment: PaymentRow) -> bool:
    """Whether it was reversed by the cut-off date."""
    return payment.reversed_at is not None and payment.cut_off.includes(payment.reversed_at)


def state(payment: PaymentRow) -> str:
    if payment.reverses:
        return f"Reversal of {payment.reverses}"
    if is_reversed(payment):
        return "Reversed"
    return "Refund" if payment.amount < 0 else "Payment"


def reversal_reason(payment: PaymentRow) -> str | None:
    return payment.reversed_because if is_reversed(payment) else payment.reason


PAYMENT_COLUMNS: tuple[Column[PaymentRow], ...] = (
    Column("reference", "The reference in the finance system", lambda p: p.reference),
    Column("paid_on", "The day of the payment", lambda p: p.paid_on, Type.DATE),
    recorded_column(),
    Column("financial_year", "The year of the source", lambda p: p.allocation.year.label),
    *organisation_columns("payee", "Who was paid"),
    Column(
        "amount", "Cost to the budget in pounds; negative for a refund", lambda p: p.amount, Type.POUNDS
    ),
    Column("net", "Pounds without VAT that cannot be recovered, where that is stated", lambda p: p.net, Type.POUNDS),
    Column(
        "irrecoverable_vat",
        "Pounds of VAT that cannot be recovered",
        lambda p: p.irrecoverable_vat,
        Type.POUNDS,
        "VAT that cannot be recovered",
    ),
    Column(
        "state",
        "Payment, refund, reversed payment, or reversal",
        state,
        derived="the amount, and the rows that reverse others",
    ),
    Column("reversal_reason", "Why it was reversed", reversal_reason),
    Column(
        "exceptions",
        "Why it is an exception",
        lambda p: " ".join(p.irregularities),
        derived="the dates and amounts of the payment, its allocation and its year",
    ),
    Column("explanation", "The unit's explanation of the exception", lambda p: join_values(p.explanations)),
    Column("purpose", "What it paid for", lambda p: p.purpose),
    Column("value_for_money", "Why it is value for money", lambda p: p.value_for_money),
    Column("department", "Department", lambda p: p.department),
    Column("merchant_category", "Merchant category", lambda p: p.merchant_category),
    Column("allocation", "The id of the allocation that it is paid from", lambda p: p.allocation.public_id),
    Column("kind", "Grant, contract or service, or own costs", lambda p: p.allocation.kind),
    Column("initiative", "The initiative that it is for", lambda p: p.allocation.initiative),
    Column("level", "The level of prevention", lambda p: p.allocation.level),
    Column("heading", "The budget heading that it is for, instead of an initiative", lambda p: p.allocation.heading,
           title="Budget heading"),
    Column("source", "Where the money comes from", lambda p: p.allocation.source),
    Column("allocation_url", "The allocation's page", lambda p: p.allocation.url, Type.ADDRESS, "Allocation's address"),
)  # fmt: skip


# Lists ----------------------------------------------------------------------------------------------------------------


def of_all_years(kind: Callable[[FinancialYear | None, QueryDict], MoneyFilters]) -> Callable[..., MoneyFilters]:
    """The filters of a list of all years, unless the address chooses some; `filters_of_year` gives it a year."""

    def filters(data: QueryDict, year: FinancialYear | None = None) -> MoneyFilters:
        return kind(year, data)

    return filters


SOURCES: Dataset[SourceRow] = Dataset(
    name="sources",
    title="Sources of money",
    about="Where the unit's money comes from, and how it was used. One row for each source of a financial year.",
    columns=SOURCE_COLUMNS,
    key=("financial_year", "slug"),
    filters=of_all_years(SourceFilters),
    rows=SourceRows,
    changed=last_recorded(FundingSource, Allocation, Payment, Variation),
    page="funding:latest",
    keywords=("funding", "budget", "grants"),
    total_of="amount",
    is_money=True,
)
ALLOCATIONS: Dataset[Allocation] = Dataset(
    name="allocations",
    title="Allocations",
    about="Money set aside for an initiative after its evidence assessment was approved, or for a budget heading. One "
    "row for each allocation that was not reversed.",
    columns=ALLOCATION_COLUMNS,
    key=("id",),
    filters=of_all_years(AllocationFilters),
    rows=allocation_rows,
    changed=last_recorded(Allocation, Payment, ContractCopy, Variation),
    page="funding:latest",
    keywords=("grants", "contracts", "funding"),
    total_of="amount",
    is_money=True,
)
PAYMENTS: Dataset[PaymentRow] = Dataset(
    name="payments",
    title="Payments",
    about="Every payment, refund and correction, as recorded in the finance system. One row for each; a payment "
    "recorded by mistake has a second row that cancels it.",
    columns=PAYMENT_COLUMNS,
    key=("reference",),
    filters=of_all_years(PaymentFilters),
    rows=PaymentRows,
    changed=last_recorded(Payment, Explanation),
    page="funding:all_payments",
    keywords=("spending", "payments", "transparency"),
    total_of="amount",
    is_money=True,
)
