"""Writers who race for the same money, each in a process of its own: `python -m tests.contests ROUNDS CONTEST:MODE …`.

Modes: `all` as the portal runs; `guards` without the rules' lock and sums; `rules` without the guards; `nothing`
without guards, lock and transaction, and with a barrier between reading and writing: it shows that the race is one.
Prints as JSON how often each outcome came, and how often one came that must not.
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
PAUSE = 0.03  # between a write and its commit, so that others come in between
PAST = date(2019, 5, 6)
Outcome = tuple[str, float, float]


def main() -> None:
    """Run the contests and print what came of them."""
    from django.db import connection

    from vru_portal.append_only import Guards

    rounds, contests = int(sys.argv[1]), [word.split(":") for word in sys.argv[2:]]
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(WRITERS)
    ends = [context.Pipe() for _ in range(WRITERS)]
    for _, end in ends:
        context.Process(target=write, args=(end, barrier), daemon=True).start()
    found = {}
    place = Place()
    for contest, mode in contests:
        if mode in ("rules", "nothing"):
            Guards(connection).remove()
        counts: Counter[str] = Counter()
        for number in range(rounds):
            tasks, judge = CONTESTS[contest](place, number)
            for (end, _), task in zip(ends, tasks, strict=True):
                end.send((mode, *task))
            outcomes: list[Outcome] = [end.recv() for end, _ in ends]
            counts.update(said for said, *_ in outcomes)
            counts["broken"] += judge(outcomes)
        Guards(connection).install()
        found[f"{contest}:{mode}"] = counts
    for end, _ in ends:
        end.send(None)
    print(json.dumps(found))


def write(end: Connection, barrier: Barrier) -> None:
    """Take tasks until there are none; do each at the same moment as the others."""
    from django.core.exceptions import ValidationError

    from funding import rules

    doors: Any = rules  # whose parts are replaced
    lock, check = rules.lock, rules.check_remainder
    while task := end.recv():
        mode, action, *arguments = task
        alone = mode in ("guards", "nothing")
        doors.lock = (lambda sources: None) if alone else lock
        doors.check_remainder = meeting(barrier, check if mode == "nothing" else lambda row: None) if alone else check
        with suppress(BrokenBarrierError):
            barrier.wait(SECONDS_TO_MEET)
        try:
            wrote = ACTIONS[action](mode, *arguments)
            said = f"{action}: done"
        except ValidationError as error:
            wrote, said = 0.0, f"{action}: {shortened(' '.join(error.messages))}"
        except Exception as error:
            wrote, said = 0.0, f"{action}: {type(error).__name__} {str(error)[:60]}"
        end.send((said, wrote, time.monotonic()))


def shortened(sentence: str) -> str:
    """Return the beginning of a sentence, without the name of this round's source and initiative."""
    return re.sub(r"(Chest|Night walk) \d+.*", r"\1 …", sentence)[:60]


def meeting(barrier: Barrier, check: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a check after which everybody waits for everybody else."""

    def _check(row: Any) -> None:
        check(row)
        with suppress(BrokenBarrierError):
            barrier.wait(SECONDS_TO_MEET)

    return _check


# What a writer does: returns when its row was written, before its commit ----------------------------------------------


def allocate(mode: str, source: int, initiative: int, body: int, amount: str, day: Any, purpose: str) -> float:
    """Allocate money through the rules; in a transaction, but for the mode without anything."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from funding import rules
    from funding.models import Allocation

    row = Allocation(
        funding_source_id=source, initiative_id=initiative, recipient_id=body, awarded_by_id=body,
        amount=Decimal(amount), awarded_on=day, purpose=purpose,
    )  # fmt: skip
    by = get_user_model().objects.earliest("pk")
    if mode in ("guards", "nothing"):  # each statement commits by itself, so that all come to the barrier
        rules.allocate.__wrapped__(by=by, allocation=row)  # type: ignore[attr-defined]
        return time.monotonic()
    with transaction.atomic():
        rules.allocate(by=by, allocation=row)
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


def take_back(mode: str, model: str, pk: int) -> float:
    """Reverse a row."""
    from django.apps import apps
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from vru_portal.append_only import reverse

    row: Any = apps.get_model(model)._default_manager.get(pk=pk)
    with transaction.atomic():
        reverse(row, by=get_user_model().objects.earliest("pk"), reason="A race.")
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


def pay(mode: str, allocation: int, reference: str, day: Any) -> float:
    """Record a payment."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from funding import rules
    from funding.models import Payment

    row = Payment(allocation_id=allocation, reference=reference, amount=Decimal("1.00"), paid_on=day)
    with transaction.atomic():
        rules.pay(by=get_user_model().objects.earliest("pk"), payment=row)
        wrote = time.monotonic()
        time.sleep(PAUSE)
    return wrote


ACTIONS: dict[str, Callable[..., float]] = {"allocate": allocate, "take back": take_back, "pay": pay}


@dataclass
class Place:
    """Where all the races are run."""

    level: Any = None
    year: Any = None

    def __post_init__(self) -> None:
        from tests.factories import LevelFactory, YearFactory

        self.level, self.year = LevelFactory(), YearFactory(first_year=2018)

    def allocation(self, amount: str = "100.00", left: str = "0.00") -> Any:
        """Make an allocation that leaves this much of its source."""
        from tests.factories import AllocationFactory, FundingSourceFactory

        source = FundingSourceFactory(year=self.year, amount=Decimal(amount) + Decimal(left))
        return AllocationFactory(
            funding_source=source, initiative__level=self.level, amount=Decimal(amount), awarded_on=PAST
        )


# What is raced for ----------------------------------------------------------------------------------------------------
Tasks = list[tuple[Any, ...]]
Judge = Callable[[list[Outcome]], bool]


def last_pound(place: Place, number: int) -> tuple[Tasks, Judge]:
    """A pound is left, or the price of three: it must be given away to the penny, and never more."""
    price, winners = (("1.00", 1), ("0.30", 3))[number % 2]
    first = place.allocation("99.10", left="1.00")
    tasks: Tasks = [
        ("allocate", first.funding_source_id, first.initiative_id, first.recipient_id, price, PAST, f"Writer {n}.")
        for n in range(WRITERS)
    ]
    return tasks, lambda outcomes: sum(said == "allocate: done" for said, *_ in outcomes) != winners


def decision_reversed(place: Place, number: int) -> tuple[Tasks, Judge]:
    """A decision is reversed while money is allocated on it: never both."""
    from tests.factories import DecisionFactory, FundingSourceFactory, OrganisationFactory

    decision = DecisionFactory(decided_on=PAST, assessment__initiative__level=place.level)
    source, body = FundingSourceFactory(year=place.year), OrganisationFactory()
    initiative = decision.assessment.initiative_id
    tasks: Tasks = [("allocate", source.pk, initiative, body.pk, "1.00", PAST, f"Writer {n}.") for n in range(4)]
    tasks += [("take back", "programmes.assessmentdecision", decision.pk)] * 4
    return tasks, lambda outcomes: {"allocate: done", "take back: done"} <= {said for said, *_ in outcomes}


def allocation_reversed(place: Place, number: int) -> tuple[Tasks, Judge]:
    """An allocation is reversed while it is paid: a payment that was written first stops the reversal."""
    allocation = place.allocation()
    tasks: Tasks = [("pay", allocation.pk, f"RACE-{allocation.pk}-{n}", PAST) for n in range(4)]
    tasks += [("take back", "funding.allocation", allocation.pk)] * 4

    def judge(outcomes: list[Outcome]) -> bool:
        reversed_at = [committed for said, _, committed in outcomes if said == "take back: done"]
        paid_at = [wrote for said, wrote, _ in outcomes if said == "pay: done"]
        return len(reversed_at) > 1 or any(
            wrote < committed - PAUSE / 2 for committed in reversed_at for wrote in paid_at
        )

    return tasks, judge


def same_reference(place: Place, number: int) -> tuple[Tasks, Judge]:
    """A payment is sent eight times at once: it is recorded once."""
    allocation = place.allocation()
    tasks: Tasks = [("pay", allocation.pk, f"TWICE-{allocation.pk}", PAST)] * WRITERS
    return tasks, lambda outcomes: sum(said == "pay: done" for said, *_ in outcomes) != 1


CONTESTS = {
    "last-pound": last_pound,
    "decision-reversed": decision_reversed,
    "allocation-reversed": allocation_reversed,
    "same-reference": same_reference,
}

if __name__ == "__main__":
    django.setup()
    main()
