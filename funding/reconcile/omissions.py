"""What the publication duty asks for and is not published yet."""

from collections.abc import Iterator

from django.db.models import Q

from funding.choices import DutyField, DutyList, Kind
from funding.models import Allocation, Payment, PublicationDuty
from vru_portal.money import pounds

# What a payment can lack; who, how much and when it always says.
BLANK = {
    DutyField.PURPOSE: Q(purpose=""),
    DutyField.VALUE_FOR_MONEY: Q(value_for_money=""),
    DutyField.DEPARTMENT: Q(department=""),
    DutyField.MERCHANT_CATEGORY: Q(merchant_category=""),
    DutyField.IRRECOVERABLE_VAT: Q(irrecoverable_vat=None),
}


def all_of(first_year: int | None) -> Iterator[str]:
    """Yield each omission as a sentence: of one year or of all."""
    duty = PublicationDuty.objects.current()
    if duty is None:
        return
    contracts = Allocation.objects.standing().above(Kind.CONTRACT, duty.contracts_over).with_copy()
    contracts = contracts.filter(copy_url=None).select_related("initiative", "recipient")  # type: ignore[misc]
    items = Payment.objects.standing().filter(amount__gt=0).items(duty.items_over)
    if first_year is not None:
        contracts = contracts.filter(funding_source__year__first_year=first_year)
        items = items.filter(allocation__funding_source__year__first_year=first_year)
    for contract in contracts:
        yield f"Contract {contract}, {pounds(contract.amount)}: no copy is published."
    for column in duty.columns.all():
        if column.list == DutyList.ITEMS and column.required and column.field in BLANK:
            for payment in items.filter(BLANK[DutyField(column.field)]).iterator():
                yield f"Payment {payment}, {pounds(payment.amount)}: “{column}” is not stated."
