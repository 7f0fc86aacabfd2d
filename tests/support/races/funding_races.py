"""Processes that race for the same money.

`python -m tests.support.races.funding_races ROUNDS RACE:MODE …`.

Modes:

- `all`: as the portal runs;
- `triggers`: only the triggers, without the lock and the sums of the rules;
- `rules`: only the rules, without the triggers;
- `nothing`: without triggers, lock and transaction, and with a barrier between reading and writing. It is the control:
  here the writers must be able to break the rules, or the race is none.

Prints as JSON how often each outcome came, and how often a forbidden one ("broken").
"""

import json
import multiprocessing
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

import django

WRITERS = 8
SECONDS_TO_MEET = 20
PAUSE = 0.03  # seconds between a write and its commit, so that others can come in between
PAST = date(2019, 5, 6)
Outcome = tuple[str, float, float]


def main() -> None:
    from django.db import connection

    from vru_portal.ledger.append_only.database import DatabaseTriggers

    rounds, races = int(sys.argv[1]), [word.split(":") for word in sys.argv[2:]]
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(WRITERS)
    ends = [context.Pipe() for _ in range(WRITERS)]
    for _, end in ends:
        context.Process(target=write, args=(end, barrier), daemon=True).start()
    results = {}
    setting = RaceSetting()
    for race, mode in races:
        if mode in ("rules", "nothing"):
            DatabaseTriggers(connection).remove()
        counts: Counter[str] = Counter()
        for number in range(rounds):
            tasks, judge = RACES[race](setting, number)
            for (end, _), task in zip(ends, tasks, strict=True):
                end.send((mode, *task))
            outcomes: list[Outcome] = [end.recv() for end, _ in ends]
            counts.update(outcome for outcome, *_ in outcomes)
            counts["broken"] += judge(outcomes)
        DatabaseTriggers(connection).install()
        results[f"{race}:{mode}"] = counts
    for end, _ in ends:
        end.send(None)
    print(json.dumps(results))


def write(end: Connection, barrier: Barrier) -> None:
    """Take tasks until None comes; perform each at the same moment as the other writers."""
    from django.core.exceptions import ValidationError

    from funding.rules import allocations, sources, variations

    patched_rules: Any = allocations
    patched_steps: Any = variations
    lock, check, unpaid = sources.lock_sources, allocations.check_remainder, variations.check_unpaid
    while task := end.recv():
        mode, action, *arguments = task
        without_rules = mode in ("triggers", "nothing")
        patched_rules.lock_sources = patched_steps.lock_sources = (lambda sources: None) if without_rules else lock
        if without_rules:
            meet = check if mode == "nothing" else lambda row: None
            patched_rules.check_remainder = with_barrier_after(barrier, meet)
            patched_steps.check_unpaid = with_barrier_after(barrier, lambda row: None)
        else:
            patched_rules.check_remainder, patched_steps.check_unpaid = check, unpaid
        with suppress(BrokenBarrierError):
            barrier.wait(SECONDS_TO_MEET)
        try:
            wrote = ACTIONS[action](mode, *arguments)
            outcome = f"{action}: done"
        except ValidationError as error:
            wrote, outcome = 0.0, f"{action}: {shorten(' '.join(error.messages))}"
        except Exception as error:
            wrote, outcome = 0.0, f"{action}: {type(error).__name__} {str(error)[:60]}"
        end.send((outcome, wrote, time.monotonic()))


def shorten(sentence: str) -> str:
    """The beginning of a message, without the names of this round's source and initiative."""
    return re.sub(r"(Chest|Night walk) \d+.*", r"\1 …", sentence)[:60]


def with_barrier_after(barrier: Barrier, check: Callable[[Any], None]) -> Callable[[Any], None]:
    """A check after which all writers wait for each other."""

    def _check(row: Any) -> None:
        check(row)
        with suppress(BrokenBarrierError):
            barrier.wait(SECONDS_TO_MEET)

    return _check


# What a writer does: each returns the time at which it wrote its row, before the commit -------------------------------


def allocate(mode: str, source: int, initiative: int, organisation: int, amount: str, day: Any, purpose: str) -> float:
    """Allocate through the rules, in a transaction wherever the mode keeps the rules."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from funding.models import Allocation, Decision
    from funding.rules import allocations

    row = Allocation(
        decision=Decision.objects.earliest("pk"),
        funding_source_id=source, initiative_id=initiative, recipient_id=organisation, awarded_by_id=organisation,
        amount=Decimal(amount), awarded_on=day, purpose=purpose,
    )  # fmt: skip
    by = get_user_model().objects.earliest("pk")
    if mode in ("triggers", "nothing"):  # each statement commits by itself, so that all writers reach the barrier
        allocations.allocate.__wrapped__(by=by, allocation=row)  # type: ignore[attr-defined]
        return time.monotonic()
    with transaction.atomic():
        allocations.allocate(by=by, allocation=row)
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


def reverse_row(mode: str, model: str, pk: int) -> float:
    from django.apps import apps
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from vru_portal.ledger.append_only.recording import reverse

    row: Any = apps.get_model(model)._default_manager.get(pk=pk)
    with transaction.atomic():
        reverse(row, by=get_user_model().objects.earliest("pk"), reason="A race.")
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


def pay(mode: str, allocation: int, reference: str, day: Any) -> float:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from funding.models import Payment
    from funding.rules import payments

    row = Payment(allocation_id=allocation, reference=reference, amount=Decimal("1.00"), paid_on=day)
    with transaction.atomic():
        payments.pay(by=get_user_model().objects.earliest("pk"), payment=row)
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


def release(mode: str, allocation: int, amount: str, day: Any) -> float:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from funding.models import Allocation, Decision, Variation
    from funding.rules import variations

    row = Variation(
        kind="release", allocation=Allocation.objects.get(pk=allocation), amount=Decimal(amount), varied_on=day,
        decision=Decision.objects.earliest("pk"), reasons="A race.",
    )  # fmt: skip
    by = get_user_model().objects.earliest("pk")
    if mode in ("triggers", "nothing"):
        variations.vary.__wrapped__(by=by, variation=row)  # type: ignore[attr-defined]
        return time.monotonic()
    with transaction.atomic():
        variations.vary(by=by, variation=row)
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


ACTIONS: dict[str, Callable[..., float]] = {
    "allocate": allocate,
    "reverse": reverse_row,
    "pay": pay,
    "release": release,
}


@dataclass
class RaceSetting:
    """What all races share: a level of prevention and a past year."""

    level: Any = None
    year: Any = None

    def __post_init__(self) -> None:
        from tests.support.factories import DecisionFactory, LevelFactory, YearFactory

        self.level, self.year = LevelFactory(), YearFactory(first_year=2018)
        DecisionFactory(year=self.year, decided_on=PAST)

    def allocation(self, amount: str = "100.00", left: str = "0.00") -> Any:
        """An allocation that leaves this much of its source."""
        from tests.support.factories import AllocationFactory, FundingSourceFactory

        source = FundingSourceFactory(year=self.year, amount=Decimal(amount) + Decimal(left))
        return AllocationFactory(
            funding_source=source, initiative__level=self.level, amount=Decimal(amount), awarded_on=PAST
        )


# The races: each returns a task for every writer, and a function that says whether the outcomes break a rule ----------
Tasks = list[tuple[Any, ...]]
Judge = Callable[[list[Outcome]], bool]


def last_pound(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """A pound is left, or the price of three: it must be given away to the penny, and never more."""
    price, winners = (("1.00", 1), ("0.30", 3))[number % 2]
    first = setting.allocation("99.10", left="1.00")
    tasks: Tasks = [
        ("allocate", first.funding_source_id, first.initiative_id, first.recipient_id, price, PAST, f"Writer {n}.")
        for n in range(WRITERS)
    ]
    return tasks, lambda outcomes: sum(outcome == "allocate: done" for outcome, *_ in outcomes) != winners


def decision_reversed(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """A decision is reversed while money is allocated on it: never both."""
    from tests.support.factories import AssessmentDecisionFactory, FundingSourceFactory, OrganisationFactory

    decision = AssessmentDecisionFactory(decided_on=PAST, assessment__initiative__level=setting.level)
    source, organisation = FundingSourceFactory(year=setting.year), OrganisationFactory()
    initiative = decision.assessment.initiative_id
    tasks: Tasks = [
        ("allocate", source.pk, initiative, organisation.pk, "1.00", PAST, f"Writer {n}.") for n in range(4)
    ]
    tasks += [("reverse", "programmes.assessmentdecision", decision.pk)] * 4
    return tasks, lambda outcomes: {"allocate: done", "reverse: done"} <= {outcome for outcome, *_ in outcomes}


def allocation_reversed(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """An allocation is reversed while it is paid: a payment that was written first stops the reversal."""
    allocation = setting.allocation()
    tasks: Tasks = [("pay", allocation.pk, f"RACE-{allocation.pk}-{n}", PAST) for n in range(4)]
    tasks += [("reverse", "funding.allocation", allocation.pk)] * 4

    def judge(outcomes: list[Outcome]) -> bool:
        reversed_at = [committed for outcome, _, committed in outcomes if outcome == "reverse: done"]
        paid_at = [wrote for outcome, wrote, _ in outcomes if outcome == "pay: done"]
        return len(reversed_at) > 1 or any(
            wrote < committed - PAUSE / 2 for committed in reversed_at for wrote in paid_at
        )

    return tasks, judge


def last_unpaid_pound(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """A pound of an allocation is not paid: it is released once."""
    allocation = setting.allocation("1.00")
    tasks: Tasks = [("release", allocation.pk, "1.00", PAST)] * WRITERS
    return tasks, lambda outcomes: sum(outcome == "release: done" for outcome, *_ in outcomes) != 1


def paid_meanwhile(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """All of an allocation is released while it is paid: a payment that was written first stops the release."""
    allocation = setting.allocation()
    tasks: Tasks = [("pay", allocation.pk, f"PAID-{allocation.pk}-{n}", PAST) for n in range(4)]
    tasks += [("release", allocation.pk, "100.00", PAST)] * 4

    def judge(outcomes: list[Outcome]) -> bool:
        released_at = [committed for outcome, _, committed in outcomes if outcome == "release: done"]
        paid_at = [wrote for outcome, wrote, _ in outcomes if outcome == "pay: done"]
        return len(released_at) > 1 or any(
            wrote < committed - PAUSE / 2 for committed in released_at for wrote in paid_at
        )

    return tasks, judge


def same_reference(setting: RaceSetting, number: int) -> tuple[Tasks, Judge]:
    """A payment is sent eight times at once: it is recorded once."""
    allocation = setting.allocation()
    tasks: Tasks = [("pay", allocation.pk, f"TWICE-{allocation.pk}", PAST)] * WRITERS
    return tasks, lambda outcomes: sum(outcome == "pay: done" for outcome, *_ in outcomes) != 1


RACES = {
    "last-pound": last_pound,
    "decision-reversed": decision_reversed,
    "allocation-reversed": allocation_reversed,
    "last-unpaid-pound": last_unpaid_pound,
    "paid-meanwhile": paid_meanwhile,
    "same-reference": same_reference,
}

if __name__ == "__main__":
    django.setup()
    main()
