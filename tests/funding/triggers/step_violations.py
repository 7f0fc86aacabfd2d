"""What the triggers of decisions, variations and conditions refuse, by raw SQL."""

from datetime import timedelta
from decimal import Decimal

from tests.funding.triggers.statements import carrying, inserting, reversing, source_of, takes
from tests.support.factories import (
    DAY,
    AllocationFactory,
    DecisionFactory,
    FulfilmentFactory,
    FundingSourceFactory,
    HeadingFactory,
    OvercommitmentFactory,
    PaymentFactory,
    SourceConditionFactory,
    VariationFactory,
    reverse,
)


def decided_late(factory, **fields):
    """Return what is recorded by a decision that is made a day later."""
    return inserting(factory.unsaved(decision=DecisionFactory(decided_on=DAY + timedelta(days=1)), **fields))


def decided_by_what_was_reversed(factory, **fields):
    decision = DecisionFactory()
    reverse(decision)
    return inserting(factory.unsaved(decision=decision, **fields))


def moving_into(**wrong):
    """Return what receives £10 that was moved, but wrongly."""
    move = VariationFactory(kind="move", **wrong.pop("move", {}))
    right = {"funding_source": move.funding_source, "amount": move.amount, "decision": move.decision}
    return inserting(AllocationFactory.unsaved(**right | {"moved_from": move} | wrong))


def moving_twice():
    arrived = moved()
    same = {name: getattr(arrived, name) for name in ("funding_source", "amount", "decision", "moved_from")}
    return inserting(AllocationFactory.unsaved(**same))


def moved():
    """Return the allocation into which £10 was moved."""
    move = VariationFactory(kind="move")
    return AllocationFactory(
        funding_source=move.funding_source, amount=move.amount, decision=move.decision, moved_from=move
    )


def moving_what_was_taken_back():
    move = VariationFactory(kind="move")
    reverse(move)
    same = {"funding_source": move.funding_source, "amount": move.amount, "decision": move.decision}
    return inserting(AllocationFactory.unsaved(**same, moved_from=move))


def deciding_under_the_same_reference():
    decision = DecisionFactory(reference="Moor 1")
    return inserting(DecisionFactory.unsaved(year=decision.year, reference="MOOR 1"))


def overcommitted(amount, allocated):
    source = source_of(amount)
    allowed = OvercommitmentFactory(funding_source=source)
    AllocationFactory(funding_source=source, amount=Decimal(allocated))
    return allowed


def a_penny_beyond_an_overcommitment():
    return inserting(takes(overcommitted("100.05", "110.00").funding_source, "0.06"))


def a_penny_that_was_returned():
    source = source_of("100.00")
    VariationFactory(allocation=None, funding_source=source)
    return inserting(takes(source, "90.01"))


def carrying_what_is_only_allowed():
    source = source_of("100.00", year__first_year=2031)
    OvercommitmentFactory(funding_source=source)
    return carrying(source, "100.01")


def returning(amount, **fields):
    source = source_of("100.00")
    AllocationFactory(funding_source=source, amount=Decimal("60.00"))
    row = {"allocation": None, "funding_source": source, "amount": Decimal(amount)}
    return inserting(VariationFactory.unsaved(**row | fields))


def returning_what_is_only_allowed():
    source = source_of("100.00")
    OvercommitmentFactory(funding_source=source)
    return inserting(VariationFactory.unsaved(allocation=None, funding_source=source, amount=Decimal("100.01")))


def returning_of_a_reversed_source():
    source = source_of("100.00")
    reverse(source)
    return inserting(VariationFactory.unsaved(allocation=None, funding_source=source, amount=Decimal("0.01")))


def taking_back_what_was_allocated_again(kind="release"):
    source = source_of("100.00")
    row = VariationFactory(allocation=AllocationFactory(funding_source=source), kind=kind, amount=Decimal("100.00"))
    AllocationFactory(funding_source=source, amount=Decimal("0.01"))
    return reversing(row)


def taking(amount, paid="60.00", kind="release", **fields):
    """Return what takes this much of £100, of which some is paid."""
    allocation = AllocationFactory()
    PaymentFactory(allocation=allocation, amount=Decimal(paid))
    return inserting(VariationFactory.unsaved(allocation=allocation, amount=Decimal(amount), kind=kind, **fields))


def taking_a_penny_more_than_an_earlier_step_left():
    first = VariationFactory(amount=Decimal("40.00"))
    return inserting(VariationFactory.unsaved(allocation=first.allocation, amount=Decimal("60.01")))


def taking_of_a_reversed_allocation():
    allocation = AllocationFactory()
    reverse(allocation)
    return inserting(VariationFactory.unsaved(allocation=allocation, amount=Decimal("0.01")))


def before_it_was_allocated():
    day = DAY - timedelta(days=1)
    return inserting(VariationFactory.unsaved(varied_on=day, decision=DecisionFactory(decided_on=day)))


def reversing_a_source_whose_allocation_was_released():
    allocation = AllocationFactory()
    VariationFactory(allocation=allocation, amount=allocation.amount)
    return reversing(allocation.funding_source)


def fulfilling(kind, **fields):
    by_day = DAY if kind == "claim-by" else None
    share = None if by_day else Decimal("10.00")
    cost_kind = "staff" if kind == "at-least" else ""
    condition = SourceConditionFactory(kind=kind, share=share, cost_kind=cost_kind, by_day=by_day)
    return inserting(FulfilmentFactory.unsaved(condition=condition, **fields))


STEP_VIOLATIONS = {
    "funding_allocation_decided": [
        lambda: inserting(AllocationFactory.unsaved(decision=None)),
        lambda: inserting(AllocationFactory.unsaved(decision=None, heading=HeadingFactory())),
        lambda: decided_late(AllocationFactory),
        lambda: decided_by_what_was_reversed(AllocationFactory),
    ],
    "funding_allocation_moves": [
        lambda: moving_into(amount=Decimal("9.99")),
        lambda: moving_into(decision=DecisionFactory()),
        lambda: moving_into(funding_source=FundingSourceFactory()),
        lambda: moving_into(moved_from=VariationFactory()),
        moving_twice,
        moving_what_was_taken_back,
    ],
    "funding_allocation_not_reversed_under_variations": [lambda: reversing(VariationFactory().allocation)],
    "funding_decision_once": [deciding_under_the_same_reference],
    "funding_decision_not_reversed_under_money": [
        lambda: reversing(AllocationFactory().decision),
        lambda: reversing(VariationFactory().decision),
        lambda: reversing(OvercommitmentFactory().decision),
    ],
    "funding_overcommitment_decided": [
        lambda: decided_late(OvercommitmentFactory),
        lambda: decided_by_what_was_reversed(OvercommitmentFactory),
    ],
    "funding_overcommitment_once": [
        lambda: inserting(
            OvercommitmentFactory.unsaved(funding_source=OvercommitmentFactory(share=Decimal("5.00")).funding_source)
        ),
    ],
    "funding_overcommitment_not_reversed_in_use": [lambda: reversing(overcommitted("100.00", "100.01"))],
    "funding_variation_a_return_within_source": [
        lambda: returning("40.01"),
        returning_of_a_reversed_source,
        returning_what_is_only_allowed,
    ],
    "funding_variation_a_reversal_within_source": [
        taking_back_what_was_allocated_again,
        lambda: taking_back_what_was_allocated_again("end"),
    ],
    "funding_variation_decided": [
        lambda: decided_late(VariationFactory),
        lambda: decided_by_what_was_reversed(VariationFactory),
    ],
    "funding_variation_move_not_reversed_alone": [lambda: reversing(moved().moved_from)],
    "funding_variation_of_its_source": [
        lambda: inserting(VariationFactory.unsaved(funding_source=FundingSourceFactory())),
        before_it_was_allocated,
    ],
    "funding_variation_unpaid": [
        lambda: taking("40.01"),
        lambda: taking("40.01", kind="return"),
        lambda: taking("100.01", paid="-10.00"),
        lambda: taking("39.99", kind="end"),
        taking_a_penny_more_than_an_earlier_step_left,
        taking_of_a_reversed_allocation,
    ],
    "funding_fulfilment_of_a_condition_that_needs_it": [
        lambda: fulfilling("at-least"),
        lambda: fulfilling("match", organisation=None),
        lambda: fulfilling("claim-by"),
    ],
}
