"""A year's sources, allocations and payments as lists to download: the page's rows, with all that is public of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from funding.accounts import Account, Accounts
from funding.filters import AllocationQuestion, PaymentQuestion
from funding.models import Allocation, FinancialYear, Payment, PublicationDuty
from funding.querysets import AsAt
from partners.models import Organisation, Unit
from vru_portal.tables import Column, Table

LISTS = {"sources": "Sources of money", "allocations": "Allocations", "payments": "Payments"}
AT_ONCE = 900  # rows fetched at a time, with what belongs to them: SQLite takes no list of 1,000 keys


def absolute(path: str) -> str:
    """Return the full address of a page."""
    return f"{settings.PORTAL_URL}{path}"


def joined(texts: Iterable[object]) -> str:
    """Return several values as one cell."""
    return "; ".join(text for text in map(str, texts) if text)


# Sources --------------------------------------------------------------------------------------------------------------


def source_columns(accounts: Accounts) -> list[Column[Account]]:
    """Return the columns of the sources. Where nothing is allocated in the year, what comes of them is not stated."""

    def known(sum_of: str) -> Any:
        return lambda account: getattr(account, sum_of) if accounts.entries or accounts.carried else None

    return [
        Column("financial_year", "The year that the money is for", lambda a: a.source.year.label),
        Column("source", "Where the money comes from", lambda a: a.source.name),
        Column("nature", "What it is, as stated", lambda a: a.source.nature),
        Column("contributors", "Who gives it", lambda a: joined(contributors(a))),
        Column("contributor_org_ids", "Their identifiers on org-id.guide, where known", lambda a: joined(org_ids(a))),
        Column("amount", "Pounds", lambda a: a.source.amount),
        Column("amount_as_stated", "The form in which it was stated", lambda a: a.source.stated_as),
        Column("wording", "In the words of the publication", lambda a: a.source.wording),
        Column("note", "What is not stated of it", lambda a: a.source.note),
        Column("spend_by", "The last day on which it may be spent", lambda a: a.source.year.spend_by),
        Column("carried_from", "The source that it is left of", lambda a: str(a.source.carried_from or "")),
        Column("allocated", "Set aside for initiatives", known("allocated")),
        Column("paid", "Paid, refunds set against it", known("paid")),
        Column("still_to_pay", "Allocated and not yet paid", known("to_pay")),
        Column("paid_over_allocations", "Paid beyond what was allocated", known("over")),
        Column("carried_forward", "Carried forward into the next year", known("carried")),
        Column("not_allocated", "Neither allocated nor carried forward", known("unallocated")),
        Column("stated_in", "The publication that states it", stated_in),
        Column("stated_as_at", "The day as at which it is stated", lambda a: a.source.as_at),
    ]


def contributors(account: Account) -> list[Any]:
    """Return the contributors that the public may see."""
    return [one for one in account.source.contributors.all() if one.is_public]


def stated_in(account: Account) -> str:
    """Return the publication that states the source, where the public may see it."""
    publication = account.source.source
    return publication.title if publication.is_public else ""


def org_ids(account: Account) -> list[str]:
    """Return the identifiers of the bodies that contribute."""
    bodies = (one.organisation or one.post.organisation for one in contributors(account))
    return [body.org_id for body in bodies if body]


# Allocations ----------------------------------------------------------------------------------------------------------


def allocation_columns(as_at: AsAt) -> list[Column[Allocation]]:
    """Return the columns of the allocations."""
    return [
        Column("id", "The allocation's own, in addresses and in the 360Giving file", lambda a: a.public_id),
        Column("awarded_on", "The day on which it was decided", lambda a: a.awarded_on),
        Column("financial_year", "The year of its source", lambda a: a.funding_source.year.label),
        Column("source", "Where the money comes from", lambda a: a.funding_source.name),
        Column("kind", "Grant, or contract or service", lambda a: a.get_kind_display()),
        Column("initiative", "What it is for", lambda a: a.initiative.name),
        Column("level", "The level of prevention", lambda a: a.initiative.level.name),
        *body_columns("recipient", "Who receives it"),
        *body_columns("awarded_by", "The body that awards it"),
        Column("amount", "Pounds allocated", lambda a: a.amount),
        Column("paid", "Pounds paid on it, refunds set against them", lambda a: a.paid),
        Column("award_total", "Pounds of the award over all its years", lambda a: a.award_total),
        Column("continues", "The first allocation of an award over several years", first_of_award),
        Column("starts_on", "For work from", lambda a: a.starts_on),
        Column("ends_on", "For work until", lambda a: a.ends_on),
        Column("assessment_approved_on", "When its evidence assessment was approved", lambda a: a.approved_on),
        recorded_column(),
        Column("purpose", "What the money is for", lambda a: a.purpose),
        Column("conditions", "On what conditions", lambda a: a.conditions),
        Column("reasons", "Why, and to this recipient", lambda a: a.reasons),
        Column("value_for_money", "Why it is value for money", lambda a: a.value_for_money),
        Column("department", "Department", lambda a: a.department),
        Column("merchant_category", "Merchant category", lambda a: a.merchant_category),
        Column(
            "contract_copies",
            "Where the contract can be read",
            lambda a: joined(copy.url for copy in a.contract_copies.all() if as_at.knows(copy)),
        ),
        Column("url", "Its page", lambda a: absolute(a.get_absolute_url())),
    ]


def recorded_column() -> Column[Any]:
    """Return the column that tells what is entered late from what is dated late."""
    return Column(
        "recorded_on", "The day on which it was recorded here", lambda row: timezone.localdate(row.recorded_at)
    )


def body_columns(name: str, about: str) -> list[Column[Any]]:
    """Return the columns of a body that a row names: its name, and its identifier where it is known."""

    def body(row: Any) -> Organisation:
        return getattr(row, name)

    return [
        Column(name, about, lambda row: body(row).name),
        Column(f"{name}_org_id", "Its identifier on org-id.guide, where known", lambda row: body(row).org_id),
    ]


def first_of_award(allocation: Allocation) -> str:
    """Return the id of the allocation that this one goes on from."""
    return allocation.continues.public_id if allocation.continues else ""


# Payments -------------------------------------------------------------------------------------------------------------


def payment_columns(as_at: AsAt) -> list[Column[Payment]]:
    """Return the columns of the payments: the whole ledger, so also what was taken back and what took it back."""

    def state(payment: Payment) -> str:
        if payment.reverses:
            return f"Reversal of {payment.reverses}"
        if is_reversed(payment):
            return "Reversed"
        return "Refund" if payment.amount < 0 else "Payment"

    def is_reversed(payment: Payment) -> bool:
        return payment.is_reversed and as_at.knows(payment.reversed_by)

    def reason(payment: Payment) -> str:
        return payment.reversed_by.reason if is_reversed(payment) else payment.reason

    return [
        Column("reference", "The finance system's own", lambda p: p.reference),
        Column("paid_on", "The day of the payment", lambda p: p.paid_on),
        recorded_column(),
        Column("financial_year", "The year of the source", lambda p: p.allocation.funding_source.year.label),
        *body_columns("payee", "Who was paid"),
        Column("amount", "Pounds that it costs the budget; negative for what came back", lambda p: p.amount),
        Column("net", "Pounds without the VAT that cannot be recovered, where that is stated", lambda p: p.net),
        Column("irrecoverable_vat", "Pounds of VAT that cannot be recovered", lambda p: p.irrecoverable_vat),
        Column("state", "Payment, refund, reversed, or the reversal of another", state),
        Column("reversal_reason", "Why it was reversed", reason),
        Column("exceptions", "What is irregular of it", lambda p: " ".join(p.irregularities)),
        Column(
            "explanation",
            "What the unit says of that",
            lambda p: joined(e.text for e in p.explanations.all() if as_at.knows(e)),
        ),
        Column("purpose", "What it paid for", lambda p: p.purpose),
        Column("value_for_money", "Why it is value for money", lambda p: p.value_for_money),
        Column("department", "Department", lambda p: p.department),
        Column("merchant_category", "Merchant category", lambda p: p.merchant_category),
        Column("allocation", "The id of the allocation that it is paid from", lambda p: p.allocation.public_id),
        Column("kind", "Grant, or contract or service", lambda p: p.allocation.get_kind_display()),
        Column("initiative", "The initiative that it is for", lambda p: p.allocation.initiative.name),
        Column("level", "The level of prevention", lambda p: p.allocation.initiative.level.name),
        Column("source", "Where the money comes from", lambda p: p.allocation.funding_source.name),
        Column("allocation_url", "The allocation's page", lambda p: absolute(p.allocation.get_absolute_url())),
    ]


# Lists ----------------------------------------------------------------------------------------------------------------


def sources_table(accounts: Accounts) -> Table[Account]:
    """Return the year's sources as a list."""
    return table("sources", accounts.year, accounts.as_at, source_columns(accounts), accounts.sources)


def allocations_table(question: AllocationQuestion) -> Table[Allocation]:
    """Return the allocations that are asked for as a list."""
    rows = question.rows.select_related("reverses").prefetch_related("contract_copies")
    columns = allocation_columns(question.as_at)
    return table("allocations", question.year, question.as_at, columns, rows.iterator(chunk_size=AT_ONCE))


def payments_table(question: PaymentQuestion) -> Table[Payment]:
    """Return the payments that are asked for as a list."""
    # Many payments have few payees, initiatives and sources: fetched apart, each is made once for thousands of rows.
    few = ("payee", "allocation__reverses", "allocation__initiative__level", "allocation__funding_source__year")
    rows = question.rows.select_related(None).select_related("reverses", "reversed_by").prefetch_related(*few)
    columns = payment_columns(question.as_at)
    return table("payments", question.year, question.as_at, columns, rows.iterator(chunk_size=AT_ONCE))


def table(
    name: str, year: FinancialYear, as_at: AsAt, columns: Sequence[Column[Any]], rows: Iterable[Any]
) -> Table[Any]:
    """Return a list with the facts that go with it: whose it is, as at when, under which licence."""
    unit, duty = Unit.objects.current(), PublicationDuty.objects.first()
    if unit.is_example:
        columns = [*columns, Column("example", "Whether this is made up", lambda row: "Example data")]
    facts: dict[str, str | bool | None] = {
        "title": f"{'Example data: ' if unit.is_example else ''}{LISTS[name]} {year.label}",
        "publisher": unit.name,
        "licence": duty.licence_url if duty else None,
        "financial_year": year.label,
        "as_at": (as_at.day or timezone.localdate()).isoformat(),
        "basis": as_at.basis.label if as_at.day else "now",
        "generated": timezone.now().isoformat(timespec="seconds"),
        "currency": "GBP",
        "example": unit.is_example or None,
    }
    return Table(facts, columns, rows, total_of="amount")


def file_name(name: str, year: FinancialYear, as_at: AsAt, form: str, *, example: bool) -> str:
    """Return the name under which a list is saved."""
    day = as_at.day or timezone.localdate()
    return f"{'example-' if example else ''}{name}-{year.label}-as-at-{day}.{form}"
