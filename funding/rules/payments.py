"""Payments: recorded as the finance system has them."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from funding.models import Explanation, Payment
from partners.models import Organisation
from vru_portal.ledger.append_only.recording import check, insert_checked, record
from vru_portal.tabular.batches import in_batches
from vru_portal.text.problems import Problems, collect_problems, raise_problems

PAYMENTS_AT_ONCE = 500
LIKENESS = "Same allocation, day and sum as {}. Check that it is another payment."


def pay(*, by: Any, payment: Payment) -> Payment:
    """Record a payment or refund as the finance system has it.

    A payment that should not have happened (over its allocation, before its assessment, too late) is recorded all the
    same and shown in public as an exception. Raises ValidationError only for what cannot be a payment: an unknown
    allocation, a reference that is already recorded, a date in the future, or a payee that is not published.
    """
    check_references(payment)
    record(payment, by=by)
    return payment


def check_payment(*, by: Any, payment: Payment) -> None:
    """Check a payment as `pay` does, as far as possible without a query. Raises ValidationError."""
    problems = Problems()
    with collect_problems(problems):
        check_references(payment)
    with collect_problems(problems):
        check(payment, by=by)
    raise_problems(problems)


@transaction.atomic
def pay_all(*, by: Any, payments: Sequence[Payment]) -> dict[int, ValidationError]:
    """Record payments that `check_payment` has passed; returns the error of each one that was refused, by its position.

    Some may have become impossible since. Where that is so, a batch is recorded one by one, to tell which.
    """
    refused: dict[int, ValidationError] = {}
    payees = Organisation.objects.in_bulk({payment.payee_id for payment in payments})
    for batch in in_batches(enumerate(payments), PAYMENTS_AT_ONCE):
        for _, payment in batch:
            payment.payee = payees[payment.payee_id]
        try:
            for _, payment in batch:
                check_references(payment)
            insert_checked([payment for _, payment in batch])
        except (ValidationError, IntegrityError):
            refused |= pay_one_by_one(by, batch)
    return refused


def pay_one_by_one(by: Any, payments: Sequence[tuple[int, Payment]]) -> dict[int, ValidationError]:
    refused: dict[int, ValidationError] = {}
    for place, payment in payments:
        payment.pk, payment._state.adding = None, True  # whatever the batch that failed has given it
        try:
            pay(by=by, payment=payment)
        except ValidationError as error:
            refused[place] = error
    return refused


def check_references(payment: Payment) -> None:
    """Let the recipient be the payee if none is named; raise ValidationError for a draft, or a reversed allocation."""
    if payment.allocation_id and payment.payee_id is None:
        payment.payee = payment.allocation.recipient
    if payment.payee_id and not payment.payee.is_public:
        error = f"{payment.payee} is a draft. Publish it first: payments are public immediately."
        raise ValidationError({"payee": error})
    if payment.allocation_id and payment.allocation.reverses_id:
        raise ValidationError({"allocation": "Choose the allocation itself, not its reversal."})


def likeness_of(payment: Payment) -> str:
    """A note about a recorded payment that may be an earlier one again, under another reference; empty otherwise."""
    same = {name: getattr(payment, name) for name in ("allocation", "paid_on", "amount")}
    earlier = Payment.objects.standing().filter(**same, pk__lt=payment.pk).order_by("pk").last()
    return LIKENESS.format(earlier.reference) if earlier else ""


def explain(*, by: Any, payment: Payment, text: str) -> Explanation:
    """Record the unit's explanation of a payment that is an exception."""
    explanation = Explanation(payment=payment, text=text)
    record(explanation, by=by)
    return explanation
