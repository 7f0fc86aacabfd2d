"""What the publication duty requires to be published and is not published yet."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import reduce
from operator import or_

from django.db.models import Q

from funding.choices import AllocationKind, DutyField, DutyList
from funding.models import Allocation, DutyColumn, Payment, PublicationDuty
from funding.querysets import AllocationQuerySet, PaymentQuerySet
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.batches import fetch_in_batches
from vru_portal.tabular.reading.sheets import join_texts

# Fields that can be blank on a payment. Payee, amount and date never are.
BLANK_CONDITIONS = {
    DutyField.PURPOSE: Q(purpose=""),
    DutyField.VALUE_FOR_MONEY: Q(value_for_money=""),
    DutyField.DEPARTMENT: Q(department=""),
    DutyField.MERCHANT_CATEGORY: Q(merchant_category=""),
    DutyField.IRRECOVERABLE_VAT: Q(irrecoverable_vat=None),
}


def contracts_without_copy(duty: PublicationDuty) -> AllocationQuerySet:
    """The contracts whose copy the duty requires and that have none."""
    contracts = Allocation.objects.standing().with_award_over(AllocationKind.CONTRACT, duty.contracts_over)
    return contracts.with_latest_contract_copy().filter(copy_url=None)  # type: ignore[misc]  # an annotation


def listed_items(duty: PublicationDuty) -> PaymentQuerySet:
    """The payments on the duty's list of items."""
    return Payment.objects.standing().filter(amount__gt=0).non_grant_items(duty.items_over)


def required_fields_with_blank_condition(duty: PublicationDuty) -> Iterator[tuple[DutyColumn, Q]]:
    """Yield each required column of the list of items, with the condition that a payment leaves it blank."""
    for column in duty.columns.all():
        if column.list == DutyList.ITEMS and column.required and column.field in BLANK_CONDITIONS:
            yield column, BLANK_CONDITIONS[DutyField(column.field)]


def incomplete_items(duty: PublicationDuty) -> PaymentQuerySet:
    """The payments on the list of items that leave a required field blank."""
    blank = [condition for _, condition in required_fields_with_blank_condition(duty)]
    return listed_items(duty).filter(reduce(or_, blank)) if blank else Payment.objects.none()


def fields_not_stated(payments: Collection[int]) -> dict[int, list[str]]:
    """The names of the required fields that payments leave blank, by the keys of the payments that leave any."""
    found: dict[int, list[str]] = defaultdict(list)
    if (duty := PublicationDuty.objects.current()) is not None:
        items = listed_items(duty).filter(pk__in=payments)
        for column, blank in required_fields_with_blank_condition(duty):
            for pk in items.filter(blank).values_list("pk", flat=True):
                found[pk].append(str(column))
    return dict(found)


def warning_of(names: list[str]) -> str:
    """What staff should know about a payment that does not state what it has to."""
    stated = join_texts([f"“{name}”" for name in names])
    return f"The public sees it without {stated}, which the law requires. Nothing can be added to a recorded payment."


def all_missing_disclosures(first_year: int | None) -> Iterator[str]:
    """Yield each omission as a sentence, for one year or all."""
    duty = PublicationDuty.objects.current()
    if duty is None:
        return
    contracts = contracts_without_copy(duty).select_related("initiative", "recipient")
    payments = listed_items(duty)
    if first_year is not None:
        contracts = contracts.filter(funding_source__year__first_year=first_year)
        payments = payments.filter(allocation__funding_source__year__first_year=first_year)
    for contract in contracts:
        yield f"Contract {contract}, {format_pounds(contract.amount)}: no copy is published."
    for column, blank in required_fields_with_blank_condition(duty):
        for payment in fetch_in_batches(payments.filter(blank)):
            yield f"Payment {payment}, {format_pounds(payment.amount)}: “{column}” is not stated."
