"""What a page says of a payment and of an allocation, beside their sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from funding.choices import ALLOCATION_WORDS, PAYMENT_WORDS, DutyField, Kind
from funding.models import Allocation, DutyColumn, Explanation, Payment, PublicationDuty
from funding.querysets import AsAt
from vru_portal.money import pounds


@dataclass(frozen=True)
class Statement:
    """Something that the duty asks to be stated, in its own words; nothing where it is not."""

    label: str
    text: str


@dataclass(frozen=True)
class Line:
    """A payment as at a day, with what was known of it then."""

    payment: Payment
    taken_back_by: Payment | None
    explanations: Sequence[Explanation]
    statements: Sequence[Statement]

    @property
    def is_refund(self) -> bool:
        """Whether money came back, rather than a row being corrected."""
        return self.payment.amount < 0 and self.payment.reverses_id is None


def line_of(payment: Payment, as_at: AsAt, columns: Iterable[DutyColumn] = ()) -> Line:
    """Return what a page says of a payment."""
    reversal = payment.reversed_by if payment.is_reversed else None
    return Line(
        payment,
        reversal if reversal and as_at.knows(reversal) else None,
        [said for said in payment.explanations.all() if as_at.knows(said)],
        [Statement(str(column), of_payment(payment, column.field)) for column in columns],
    )


def of_payment(payment: Payment, field: str) -> str:
    """Return what is stated of a payment in a column of the duty; what only its allocation can state, from there."""
    vat = payment.irrecoverable_vat
    facts = {
        DutyField.RECIPIENT: str(payment.payee),
        DutyField.AMOUNT: pounds(payment.amount),
        DutyField.DATE: f"{payment.paid_on:%-d %B %Y}",
        DutyField.IRRECOVERABLE_VAT: "" if vat is None else pounds(vat),
    }
    stated = payment if field in PAYMENT_WORDS else payment.allocation
    return facts[DutyField(field)] if field in facts else str(getattr(stated, field))


def statements_of(allocation: Allocation, columns: Iterable[DutyColumn]) -> list[Statement]:
    """Return what the duty asks of an allocation; then whatever else is stated of it."""
    asked = [column for column in columns if column.field in ALLOCATION_WORDS]
    found = [Statement(str(column), getattr(allocation, column.field)) for column in asked]
    for name in ALLOCATION_WORDS:
        text = getattr(allocation, name)
        if text and name not in {column.field for column in asked}:
            found.append(Statement(DutyField(name).label, text))
    return found


def lacks_copy(allocation: Allocation, duty: PublicationDuty | None, *, has_copy: bool) -> bool:
    """Return whether the duty asks for a copy of the contract that is not there."""
    if duty is None or allocation.kind != Kind.CONTRACT or has_copy:
        return False
    return duty.contracts_over is None or allocation.award_total > duty.contracts_over
