"""The sums of the ledger in plain SQL and whole pence, independent of the models, the accounts and the pages."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

PENCE = "CAST(ROUND({} * 100) AS BIGINT)"
STANDS = "{0}.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM {1} back WHERE back.reverses_id = {0}.id)"
SOURCE_STANDS = STANDS.format("s", "funding_fundingsource")
ALLOCATION_STANDS = STANDS.format("a", "funding_allocation")
ASSESSMENT_DECISION_STANDS = STANDS.format("d", "programmes_assessmentdecision")
PAYMENT_STANDS = STANDS.format("p", "funding_payment")
REGRANTING_STANDS = STANDS.format("g", "funding_regranting")
ONWARD_GRANT_STANDS = STANDS.format("o", "funding_onwardgrant")
DECISION_STANDS = STANDS.format("d", "funding_decision")
VARIATION_STANDS = STANDS.format("v", "funding_variation")
# What may be allocated beyond a source, in whole pence, rounded down.
ALLOWANCE = (
    f"COALESCE((SELECT {PENCE.format('s.amount')} * {PENCE.format('o.share')} / 10000 FROM funding_overcommitment o "
    f"WHERE o.funding_source_id = s.id AND {STANDS.format('o', 'funding_overcommitment')}), 0)"
)
# What variations leave of an allocation.
LEFT_OF_ALLOCATION = (
    f"({PENCE.format('a.amount')} - COALESCE((SELECT SUM({PENCE.format('v.amount')}) FROM funding_variation v "
    "WHERE v.allocation_id = a.id), 0))"
)
PAID_ON_ALLOCATION = (
    f"COALESCE((SELECT SUM({PENCE.format('p.amount')}) FROM funding_payment p WHERE p.allocation_id = a.id), 0)"
)


def fetch_rows(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def pounds_of(pence: Any) -> Decimal:
    return Decimal(int(pence or 0)).scaleb(-2)


@dataclass(frozen=True)
class YearRow:
    """A financial year that has a source, even a reversed one."""

    pk: int
    first_year: int
    stated_total: Decimal | None


@dataclass(frozen=True)
class SourceSums:
    """What a source brings, and what happened to it. A reversed source brings £0, but may have been paid from.

    `allocated` is what variations leave of what was `awarded`. `allowance` is what may be allocated beyond the amount.

    `paid` is everything paid; `listed` only what is paid on standing allocations, which are those in the lists.
    """

    name: str
    stands: bool
    amount: Decimal
    awarded: Decimal
    allocated: Decimal
    paid: Decimal
    listed: Decimal
    to_pay: Decimal
    over: Decimal
    refunded_beyond_paid: Decimal
    carried: Decimal
    returned: Decimal
    allowance: Decimal

    @property
    def unallocated(self) -> Decimal:
        """What is not allocated, carried forward or returned."""
        return self.amount - self.allocated - self.carried - self.returned

    @property
    def adds_up(self) -> bool:
        """Whether every penny is accounted for exactly once."""
        used = self.paid + self.to_pay - self.over + self.refunded_beyond_paid
        whole = used + self.unallocated + self.carried + self.returned
        return whole == self.amount and self.unallocated >= -self.allowance


def years_with_sources(first_year: int | None) -> list[YearRow]:
    """The years that have a page, earliest first; with ``first_year``, only that one."""
    found = fetch_rows(
        f"SELECT y.id, y.first_year, {PENCE.format('y.stated_total')} FROM funding_financialyear y WHERE EXISTS "
        "(SELECT 1 FROM funding_fundingsource s WHERE s.year_id = y.id AND s.reverses_id IS NULL) ORDER BY y.first_year"
    )
    return [
        YearRow(pk, first, None if stated is None else pounds_of(stated))
        for pk, first, stated in found
        if first_year in (None, first)
    ]


def source_sums(year: YearRow) -> list[SourceSums]:
    """The sums of each standing source of the year, and of each reversed one that still has allocations or payments."""
    allocated = fetch_rows(
        f"SELECT COALESCE(a.reverses_id, a.id), MIN(a.funding_source_id), SUM({PENCE.format('a.amount')}) "
        "FROM funding_allocation a JOIN funding_fundingsource s ON s.id = a.funding_source_id WHERE s.year_id = %s "
        "GROUP BY COALESCE(a.reverses_id, a.id)",
        [year.pk],
    )
    paid = dict(
        fetch_rows(f"SELECT p.allocation_id, SUM({PENCE.format('p.amount')}) FROM funding_payment p GROUP BY 1")
    )
    carried = dict(
        fetch_rows(
            f"SELECT s.carried_from_id, SUM({PENCE.format('s.amount')}) FROM funding_fundingsource s "
            "WHERE s.carried_from_id IS NOT NULL GROUP BY 1"
        )
    )
    varied = dict(
        fetch_rows(
            f"SELECT v.allocation_id, SUM({PENCE.format('v.amount')}) FROM funding_variation v "
            "WHERE v.allocation_id IS NOT NULL GROUP BY 1"
        )
    )
    returned = dict(
        fetch_rows(
            f"SELECT v.funding_source_id, SUM({PENCE.format('v.amount')}) FROM funding_variation v "
            "WHERE v.kind = 'return' GROUP BY 1"
        )
    )
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0, 0, 0])
    for allocation, source, awarded in allocated:
        spent, left = int(paid.get(allocation, 0)), int(awarded) - int(varied.get(allocation, 0))
        listed = spent if awarded else 0
        over, refunded_beyond_paid = max(spent - left, 0), max(-spent, 0)
        to_pay = min(max(left - spent, 0), left)
        parts = (int(awarded), left, spent, listed, to_pay, over, refunded_beyond_paid)
        sums[source] = [before + part for before, part in zip(sums[source], parts, strict=True)]
    found = fetch_rows(
        f"SELECT s.id, s.name, {SOURCE_STANDS}, {PENCE.format('s.amount')}, {ALLOWANCE} FROM funding_fundingsource s "
        "WHERE s.year_id = %s AND s.reverses_id IS NULL ORDER BY s.position, s.id",
        [year.pk],
    )
    return [
        SourceSums(
            name,
            bool(stands),
            *map(pounds_of, (amount if stands else 0, *sums[pk], carried.get(pk), returned.get(pk), allowance)),
        )
        for pk, name, stands, amount, allowance in found
        if stands or any(sums[pk])
    ]


def total_paid(year: YearRow) -> Decimal:
    """The total paid from the year's sources, net of refunds and reversals."""
    ((total,),) = fetch_rows(
        f"SELECT SUM({PENCE.format('p.amount')}) FROM funding_payment p "
        "JOIN funding_allocation a ON a.id = p.allocation_id "
        "JOIN funding_fundingsource s ON s.id = a.funding_source_id WHERE s.year_id = %s",
        [year.pk],
    )
    return pounds_of(total)


def grant_sums() -> dict[str, tuple[Decimal, Decimal]]:
    """The standing grants of each funder and what was paid on them, by the funder's slug."""
    found = fetch_rows(
        f"SELECT o.slug, SUM({LEFT_OF_ALLOCATION}), SUM({PAID_ON_ALLOCATION}) FROM funding_allocation a "
        f"JOIN partners_organisation o ON o.id = a.awarded_by_id WHERE a.kind = 'grant' AND {ALLOCATION_STANDS} "
        "GROUP BY o.slug ORDER BY o.slug"
    )
    return {slug: (pounds_of(awarded), pounds_of(paid)) for slug, awarded, paid in found}


@dataclass(frozen=True)
class OnwardSums:
    """An allocation that is for regranting, and what its recipient has reported."""

    allocated: Decimal
    reported: Decimal

    @property
    def unreported(self) -> Decimal:
        return max(self.allocated - self.reported, Decimal(0))

    @property
    def beyond(self) -> Decimal:
        return max(self.reported - self.allocated, Decimal(0))


def onward_sums() -> dict[str, OnwardSums]:
    """What is reported of each standing allocation that is for regranting, by its id."""
    found = fetch_rows(
        f"SELECT a.public_id, {LEFT_OF_ALLOCATION}, (SELECT SUM({PENCE.format('o.amount')}) "
        f"FROM funding_onwardgrant o WHERE o.allocation_id = a.id AND {ONWARD_GRANT_STANDS}) FROM funding_allocation a "
        f"JOIN funding_regranting g ON g.allocation_id = a.id WHERE {REGRANTING_STANDS} AND {ALLOCATION_STANDS} "
        "ORDER BY a.id"
    )
    return {public_id: OnwardSums(pounds_of(amount), pounds_of(reported)) for public_id, amount, reported in found}


def exceptions(year: YearRow) -> dict[str, list[str]]:
    """The reasons why each payment that is an exception is one, by its reference."""
    found = fetch_rows(
        f"SELECT p.reference, CASE WHEN NOT ({ALLOCATION_STANDS}) THEN 0 WHEN {PAID_ON_ALLOCATION} > "
        f"{LEFT_OF_ALLOCATION} THEN {LEFT_OF_ALLOCATION} ELSE {PENCE.format('a.amount')} END < p.running, "
        "p.paid_on < (SELECT MIN(d.decided_on) FROM programmes_assessmentdecision d "
        f"WHERE d.assessment_id = a.assessment_id AND d.outcome = 'approved' AND {ASSESSMENT_DECISION_STANDS}), "
        "p.paid_on > y.spend_by, p.paid_on < %s OR p.paid_on > %s, p.amount, p.running "
        "FROM (SELECT p.id, p.reference, p.amount, p.paid_on, p.allocation_id, "
        f"SUM({PENCE.format('p.amount')}) OVER (PARTITION BY p.allocation_id ORDER BY p.paid_on, p.id) AS running "
        f"FROM funding_payment p WHERE {PAYMENT_STANDS}) p JOIN funding_allocation a ON a.id = p.allocation_id "
        "JOIN funding_fundingsource s ON s.id = a.funding_source_id JOIN funding_financialyear y ON y.id = s.year_id "
        "WHERE y.id = %s ORDER BY p.paid_on, p.id",
        [date(year.first_year, 4, 1), date(year.first_year + 1, 3, 31), year.pk],
    )
    reasons = ("over its allocation", "before its assessment", "after the money had to be spent", "outside the year")
    flagged: dict[str, list[str]] = {}
    for reference, *flags, amount, running in found:
        if amount > 0:
            flagged[reference] = [reason for reason, so in zip(reasons, flags, strict=True) if so]
        elif running < 0:
            flagged[reference] = ["more paid back than was paid"]
    return {reference: why for reference, why in flagged.items() if why}


def broken_rules() -> Iterator[str]:
    """Yield a sentence for everything in the database that the triggers should have kept out."""
    for table, words in {
        "funding_fundingsource": "source",
        "funding_allocation": "allocation",
        "funding_payment": "payment",
        "funding_onwardgrant": "onward grant",
        "funding_variation": "variation",
    }.items():
        name = {
            "funding_fundingsource": "slug",
            "funding_payment": "reference",
            "funding_onwardgrant": "reference",
        }.get(table, "public_id")
        for (which,) in fetch_rows(
            f"SELECT o.{name} FROM {table} r JOIN {table} o ON o.id = r.reverses_id "
            f"WHERE {PENCE.format('r.amount')} <> -{PENCE.format('o.amount')}"
        ):
            yield f"The reversal of {words} {which} does not reverse the full amount."
    for (which,) in fetch_rows(
        "SELECT a.public_id FROM funding_allocation a WHERE a.initiative_id IS NOT NULL AND NOT EXISTS (SELECT 1 "
        "FROM programmes_assessmentdecision d JOIN programmes_evidenceassessment e ON e.id = d.assessment_id "
        "WHERE d.assessment_id = a.assessment_id AND e.initiative_id = a.initiative_id AND d.outcome = 'approved' "
        "AND d.recorded_by_id <> e.author_id AND d.decided_on <= a.awarded_on "
        f"AND {ASSESSMENT_DECISION_STANDS}) AND {ALLOCATION_STANDS}"
    ):
        yield f"Allocation {which} has no assessment that somebody else approved by the day of the allocation."
    for name, amount, taken in fetch_rows(
        f"SELECT s.name, CASE WHEN {SOURCE_STANDS} THEN {PENCE.format('s.amount')} + {ALLOWANCE} ELSE 0 END AS brings, "
        f"COALESCE((SELECT SUM({PENCE.format('a.amount')}) FROM funding_allocation a "
        f"WHERE a.funding_source_id = s.id), 0) + COALESCE((SELECT SUM({PENCE.format('c.amount')}) "
        "FROM funding_fundingsource c WHERE c.carried_from_id = s.id), 0) "
        f"+ COALESCE((SELECT SUM(CASE WHEN v.kind = 'return' AND v.allocation_id IS NULL "
        f"THEN {PENCE.format('v.amount')} WHEN v.kind = 'return' THEN 0 ELSE -{PENCE.format('v.amount')} END) "
        "FROM funding_variation v WHERE v.funding_source_id = s.id), 0) "
        "FROM funding_fundingsource s WHERE s.reverses_id IS NULL"
    ):
        if taken > amount:
            yield (
                f"{name} brings {pounds_of(amount)} at most, but {pounds_of(taken)} is allocated, carried forward or "
                "returned."
            )
    yield from broken_steps()
    for first_year, stated, total in fetch_rows(
        f"SELECT y.first_year, {PENCE.format('y.stated_total')}, COALESCE((SELECT SUM({PENCE.format('s.amount')}) "
        f"FROM funding_fundingsource s WHERE s.year_id = y.id AND s.carried_from_id IS NULL AND {SOURCE_STANDS}), 0) "
        "FROM funding_financialyear y WHERE y.stated_total IS NOT NULL"
    ):
        if stated != total:
            sums = f"{pounds_of(stated)}, but its sources add up to {pounds_of(total)}"
            yield f"The budget of the year from April {first_year} is stated as {sums}."


def broken_steps() -> Iterator[str]:
    """Yield a sentence for each decision, variation and move that the triggers should have kept out."""
    for (which,) in fetch_rows(
        "SELECT a.public_id FROM funding_allocation a JOIN funding_decision d ON d.id = a.decision_id "
        f"WHERE {ALLOCATION_STANDS} AND (d.decided_on > a.awarded_on OR NOT ({DECISION_STANDS}))"
    ):
        yield f"Allocation {which} names a decision that was made after it, or was reversed."
    for (which,) in fetch_rows(
        f"SELECT a.public_id FROM funding_allocation a WHERE {ALLOCATION_STANDS} AND a.heading_id IS NOT NULL "
        "AND a.decision_id IS NULL"
    ):
        yield f"Allocation {which} is for a budget heading, but names no decision."
    for (which,) in fetch_rows(
        "SELECT v.public_id FROM funding_variation v JOIN funding_decision d ON d.id = v.decision_id "
        f"WHERE {VARIATION_STANDS} AND (d.decided_on > v.varied_on OR NOT ({DECISION_STANDS}))"
    ):
        yield f"Variation {which} names a decision that was made after it, or was reversed."
    for (which,) in fetch_rows(f"SELECT a.public_id FROM funding_allocation a WHERE {LEFT_OF_ALLOCATION} < 0"
                               f" AND {ALLOCATION_STANDS}"):  # fmt: skip
        yield f"More of allocation {which} was released, moved or returned than was awarded."
    for which, moved in fetch_rows(
        "SELECT v.public_id, (SELECT COUNT(*) FROM funding_allocation a WHERE a.moved_from_id = v.id "
        f"AND {ALLOCATION_STANDS} AND {PENCE.format('a.amount')} = {PENCE.format('v.amount')} "
        "AND a.funding_source_id = v.funding_source_id) "
        f"FROM funding_variation v WHERE v.kind = 'move' AND {VARIATION_STANDS}"
    ):
        if moved != 1:
            yield f"Variation {which} moves money that arrived in {moved} allocations, not in one."
