"""Decisions, and what becomes of money that will not be spent as it was allocated."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from funding.choices import VariationKind
from funding.models import Allocation, Decision, FundingSource, Overcommitment, Variation
from funding.rules.allocations import allocate, check_decision
from funding.rules.sources import lock_sources
from vru_portal.ledger.append_only.recording import record, refuse_all
from vru_portal.ledger.money import format_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.problems import Problems, collect_problems


def decide(*, by: Any, decision: Decision) -> Decision:
    """Record a decision. Raises ValidationError if who made it is a draft, or the reference is taken in its year."""
    problems = Problems()
    with collect_problems(problems):
        check_decider_public(decision)
    with collect_problems(problems):
        check_reference_unused(decision)
    refuse_all(decision, problems)
    record(decision, by=by)
    return decision


def check_decider_public(decision: Decision) -> None:
    """Refuse a decision by somebody the public cannot see."""
    if decision.decided_by_id and decision.decider is None:
        raise ValidationError(
            {
                "decided_by": f"{decision.decided_by} is a draft. Publish the person and the organisation first: "
                "decisions are public."
            }
        )


def check_reference_unused(decision: Decision) -> None:
    """Refuse the reference of another decision of the year."""
    same = Decision.objects.standing().filter(year_id=decision.year_id, reference__iexact=decision.reference)
    if same.exists():
        raise ValidationError(
            {"reference": f"{decision.reference} is already recorded in {decision.year}. To correct it, reverse it."}
        )


@transaction.atomic
def vary(*, by: Any, variation: Variation, into: Allocation | None = None) -> Variation:
    """Record a variation of an allocation, or a return of money that no allocation holds.

    Ending an award takes all that is not paid. For a move, ``into`` says who will receive the money or what it will be
    for: both are recorded, or neither. Raises ValidationError that says what is left.
    """
    if variation.allocation:
        variation.funding_source = variation.allocation.funding_source
    if (variation.kind == VariationKind.MOVE) != (into is not None):
        raise ValidationError({"kind": "Say what the money is now for. Only a move needs this."})
    lock_sources([variation.funding_source_id])
    variation.clean_fields(exclude=["amount", "decision"])
    problems = Problems()
    with collect_problems(problems):
        check_decision(variation.decision if variation.decision_id else None, variation.varied_on, "varied_on")
    with collect_problems(problems):
        if variation.allocation:
            check_unpaid(variation)
        else:
            check_unallocated(variation)
    refuse_all(variation, problems)
    record(variation, by=by)
    if into is not None:
        into.funding_source, into.decision, into.amount = variation.funding_source, variation.decision, variation.amount
        into.moved_from, into.awarded_on = variation, variation.varied_on
        allocate(by=by, allocation=into)
    return variation


def check_arrived(variation: Variation) -> None:
    """Refuse a move that came with a unit's content, but not the allocation that it moved into."""
    if variation.kind == VariationKind.MOVE and not variation.moved_into.exists():
        raise ValidationError("The allocation that this was moved into is missing. It names this as moved_from.")


def check_unpaid(variation: Variation) -> None:
    """Refuse to take more out of an allocation than is left to pay."""
    rows = Allocation.objects.select_for_update(of=("self",)).filter(pk=variation.allocation_id or 0)
    list(rows.values_list("pk"))  # payments wait for this lock: see the triggers
    found = Allocation.objects.standing().with_varied().with_paid().filter(pk=variation.allocation_id or 0).first()
    if found is None:
        raise ValidationError({"allocation": "This allocation was reversed, so there is nothing left of it."})
    if variation.varied_on < found.awarded_on:
        raise ValidationError(
            {"varied_on": f"It was allocated on {format_date(found.awarded_on)}. Enter that day or a later one."}
        )
    unpaid = found.unpaid
    if variation.kind == VariationKind.END:
        variation.amount = variation.amount or unpaid
        if not unpaid:
            raise ValidationError("All of this allocation is paid, so there is nothing to end.")
        if variation.amount != unpaid:
            raise ValidationError({"amount": f"Ending an award takes all that is not paid: {format_pounds(unpaid)}."})
    if variation.amount is not None and variation.amount > unpaid:
        raise ValidationError(
            {
                "amount": f"{format_pounds(variation.amount)} is {format_pounds(variation.amount - unpaid)} too "
                f"much: of {format_pounds(found.allocated)} allocated, {format_pounds(found.paid)} is paid, so "
                f"{format_pounds(unpaid)} can be released, moved or returned."
            }
        )


def check_unallocated(variation: Variation) -> None:
    """Refuse to return more than is left of a source."""
    if variation.kind != VariationKind.RETURN:
        raise ValidationError(
            {"allocation": "Choose the allocation. Only a return can be of money that is not allocated."}
        )
    rows = FundingSource.objects.standing().with_remainder().select_related("year")
    source = rows.filter(pk=variation.funding_source_id).first()
    if source is None:
        raise ValidationError({"funding_source": "This source was reversed, so there is nothing left in it."})
    if variation.amount is not None and variation.amount > source.remainder:
        raise ValidationError(
            {
                "amount": f"{format_pounds(variation.amount)} is more than the {format_pounds(source.remainder)} that "
                f"is left in {source}. To return money that is allocated, choose its allocation."
            }
        )


@transaction.atomic
def allow_overcommitment(*, by: Any, overcommitment: Overcommitment) -> Overcommitment:
    """Let a source be allocated beyond its amount, by a share that a published decision names."""
    lock_sources([overcommitment.funding_source_id])
    overcommitment.clean_fields(exclude=["decision"])
    decision = overcommitment.decision if overcommitment.decision_id else None
    problems = Problems()
    with collect_problems(problems):
        check_decision(decision, overcommitment.allowed_on, "allowed_on")
    with collect_problems(problems):
        if decision and not decision.notice_url:
            raise ValidationError(
                {"decision": "Only a published decision can allow this. Add the address of its notice first."}
            )
    with collect_problems(problems):
        if overcommitment.funding_source.overcommitments.standing().exists():
            raise ValidationError({"funding_source": "This source already has an overcommitment. Reverse it first."})
    refuse_all(overcommitment, problems)
    record(overcommitment, by=by)
    return overcommitment
