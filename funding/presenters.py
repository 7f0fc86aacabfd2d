"""What pages say about a payment or an allocation besides its sums."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from funding.choices import ALLOCATION_TEXT_FIELDS, PAYMENT_TEXT_FIELDS, AllocationKind, DutyField
from funding.filters import PaymentFilters, TotalsFilters
from funding.filters.tally import PaymentTotal
from funding.models import Allocation, ContractCopy, DutyColumn, Explanation, Payment, PublicationDuty
from funding.year_accounts import AllocationBalance
from vru_portal.ledger.cut_off import CutOff
from vru_portal.ledger.money import format_pounds
from vru_portal.text.dates import format_date


@dataclass(frozen=True)
class PublishedField:
    """A field that the publication duty asks for, under its own name for it. The text is empty if nothing is stated."""

    label: str
    text: str


@dataclass(frozen=True)
class AllocationRow:
    """An allocation in the list of its year, with the copy of its contract if there is one."""

    balance: AllocationBalance
    copy: ContractCopy | None
    copy_missing: bool


@dataclass(frozen=True)
class PresentedPayment:
    """A payment as at a day, with only what was known about it then."""

    payment: Payment
    reversed_by: Payment | None
    explanations: Sequence[Explanation]
    published_fields: Sequence[PublishedField]

    @property
    def is_refund(self) -> bool:
        """Whether money came back, rather than a row being corrected."""
        return self.payment.amount < 0 and self.payment.reverses_id is None


def allocation_row(
    balance: AllocationBalance, copies: Mapping[int, ContractCopy], duty: PublicationDuty | None
) -> AllocationRow:
    copy = copies.get(balance.pk)
    copy_required = duty is not None and balance.is_on_duty_list(AllocationKind.CONTRACT, duty.contracts_over)
    return AllocationRow(balance, copy, copy_missing=copy_required and copy is None)


def payment_row(payment: Payment, cut_off: CutOff, columns: Iterable[DutyColumn] = ()) -> PresentedPayment:
    reversal = payment.reversed_by if payment.is_reversed else None
    return PresentedPayment(
        payment,
        reversal if reversal and cut_off.knows(reversal) else None,
        [explanation for explanation in payment.explanations.all() if cut_off.knows(explanation)],
        [PublishedField(str(column), payment_field_text(payment, column.field)) for column in columns],
    )


def payment_field_text(payment: Payment, field: str) -> str:
    """What a column of the duty says about a payment; fields that payments do not have come from the allocation."""
    vat = payment.irrecoverable_vat
    facts = {
        DutyField.RECIPIENT: str(payment.payee),
        DutyField.AMOUNT: format_pounds(payment.amount),
        DutyField.DATE: format_date(payment.paid_on),
        DutyField.IRRECOVERABLE_VAT: "" if vat is None else format_pounds(vat),
    }
    described = payment if field in PAYMENT_TEXT_FIELDS else payment.allocation
    return facts[DutyField(field)] if field in facts else str(getattr(described, field))


def allocation_published_fields(allocation: Allocation, columns: Iterable[DutyColumn]) -> list[PublishedField]:
    """What the duty asks for, stated or not; then whatever else is stated."""
    required = [column for column in columns if column.field in ALLOCATION_TEXT_FIELDS]
    fields = [PublishedField(str(column), getattr(allocation, column.field)) for column in required]
    for name in ALLOCATION_TEXT_FIELDS:
        text = getattr(allocation, name)
        if text and name not in {column.field for column in required}:
            fields.append(PublishedField(DutyField(name).label, text))
    return fields


def is_contract_copy_missing(
    allocation: Allocation, duty: PublicationDuty | None, *, award: Iterable[Allocation], has_copy: bool
) -> bool:
    """Whether the duty asks for a copy of the contract that is not there. `award` has the allocations of all years."""
    if duty is None or allocation.kind != AllocationKind.CONTRACT or has_copy:
        return False
    return duty.contracts_over is None or sum(row.amount for row in award) > duty.contracts_over


@dataclass(frozen=True)
class TotalBar:
    """A total with its bar, drawn beside those of others, and the payments behind it."""

    total: PaymentTotal
    width: str  # per cent of the largest, as text: templates would write the separator of the locale
    is_negative: bool
    payments_query: str


def total_bars(filters: TotalsFilters, totals: Iterable[PaymentTotal], largest: Decimal) -> Iterator[TotalBar]:
    payments = PaymentFilters(None, filters.valid)  # once: it reads the years
    for total in totals:
        width = abs(total.amount) / largest * 100 if largest else Decimal(0)
        slug = total.choice.slug  # empty where the payments have no value in this facet
        yield TotalBar(total, f"{width:.2f}", total.amount < 0, slug and payments.link(**{filters.by: [slug]}))
