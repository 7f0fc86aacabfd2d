"""What the publication duty asks for and is not published yet."""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from django.db.models import Q

from funding.choices import DutyField, DutyList, Kind
from funding.models import Allocation, DutyColumn, Payment, PublicationDuty
from funding.querysets import AllocationQuerySet, PaymentQuerySet
from vru_portal.money import pounds

# What a payment can lack; who, how much and when it always says.
BLANK = {
    DutyField.PURPOSE: Q(purpose=""),
    DutyField.VALUE_FOR_MONEY: Q(value_for_money=""),
    DutyField.DEPARTMENT: Q(department=""),
    DutyField.MERCHANT_CATEGORY: Q(merchant_category=""),
    DutyField.IRRECOVERABLE_VAT: Q(irrecoverable_vat=None),
}


def contracts_without_copy(duty: PublicationDuty) -> AllocationQuerySet:
    """Return the contracts of which the duty asks for a copy that is not there."""
    return Allocation.objects.standing().above(Kind.CONTRACT, duty.contracts_over).with_copy().filter(copy_url=None)  # type: ignore[misc]


def items(duty: PublicationDuty) -> PaymentQuerySet:
    """Return the payments that the duty's list of items holds."""
    return Payment.objects.standing().filter(amount__gt=0).items(duty.items_over)


def blanks(duty: PublicationDuty) -> Iterator[tuple[DutyColumn, Q]]:
    """Yield each column that the list of items must state, with the condition that a payment lacks it."""
    for column in duty.columns.all():
        if column.list == DutyList.ITEMS and column.required and column.field in BLANK:
            yield column, BLANK[DutyField(column.field)]


def items_lacking(duty: PublicationDuty) -> PaymentQuerySet:
    """Return the payments of that list that lack anything."""
    lacking = [condition for _, condition in blanks(duty)]
    return items(duty).filter(reduce(or_, lacking)) if lacking else Payment.objects.none()


def all_of(first_year: int | None) -> Iterator[str]:
    """Yield each omission as a sentence: of one year or of all."""
    duty = PublicationDuty.objects.current()
    if duty is None:
        return
    contracts = contracts_without_copy(duty).select_related("initiative", "recipient")
    payments = items(duty)
    if first_year is not None:
        contracts = contracts.filter(funding_source__year__first_year=first_year)
        payments = payments.filter(allocation__funding_source__year__first_year=first_year)
    for contract in contracts:
        yield f"Contract {contract}, {pounds(contract.amount)}: no copy is published."
    for column, blank in blanks(duty):
        for payment in payments.filter(blank).iterator():
            yield f"Payment {payment}, {pounds(payment.amount)}: “{column}” is not stated."
