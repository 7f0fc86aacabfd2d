"""Checks decisions, variations and conditions as served against SQL of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from funding.reconcile import outputs
from funding.reconcile.database import (
    ALLOCATION_STANDS,
    DECISION_STANDS,
    LEFT_OF_ALLOCATION,
    PENCE,
    SOURCE_STANDS,
    STANDS,
    VARIATION_STANDS,
    YearRow,
    fetch_rows,
    pounds_of,
)
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedList, ServedPage

CONDITION_STANDS = STANDS.format("c", "funding_sourcecondition")
KIND_OF_COST = "CASE WHEN a.heading_id IS NULL THEN 'interventions' ELSE h.kind END"


@dataclass(frozen=True)
class ConditionSums:
    """What a condition requires and what counts towards it, in pounds, and whether that is enough today."""

    pk: int
    name: str
    required: Decimal
    counted: Decimal
    state: str


def variation_sums(year: YearRow) -> dict[str, Decimal]:
    """What was released, moved, returned and ended, by kind."""
    found = fetch_rows(
        f"SELECT v.kind, SUM({PENCE.format('v.amount')}) FROM funding_variation v "
        "JOIN funding_fundingsource s ON s.id = v.funding_source_id WHERE s.year_id = %s "
        f"AND {VARIATION_STANDS} GROUP BY v.kind",
        [year.pk],
    )
    return {kind: pounds_of(amount) for kind, amount in found}


def decision_count(year: YearRow) -> int:
    ((count,),) = fetch_rows(
        f"SELECT COUNT(*) FROM funding_decision d WHERE d.year_id = %s AND {DECISION_STANDS}", [year.pk]
    )
    return int(count)


def condition_sums(year: YearRow, today: date) -> list[ConditionSums]:
    """Each condition of the year's sources that is not reversed, by source."""
    found = fetch_rows(
        f"SELECT c.id, s.name, s.id, c.kind, CAST(ROUND(c.share * 100) AS BIGINT), {PENCE.format('c.sum')}, "
        "c.share_of, c.heading_id, c.level_id, c.cost_kind, c.counts_paid, COALESCE(c.by_day, y.spend_by), "
        f"{PENCE.format('s.amount')} FROM funding_sourcecondition c "
        "JOIN funding_fundingsource s ON s.id = c.funding_source_id JOIN funding_financialyear y ON y.id = s.year_id "
        f"WHERE y.id = %s AND {CONDITION_STANDS} AND {SOURCE_STANDS} ORDER BY s.position, s.id, c.id",
        [year.pk],
    )
    rows = []
    for pk, name, source, kind, share, sum_, share_of, heading, level, cost_kind, is_paid, by_day, amount in found:
        last_day = date.fromisoformat(str(by_day)) if by_day else date(year.first_year + 1, 3, 31)
        returned = pence_of(
            "SELECT SUM({}) FROM funding_variation v WHERE v.kind = 'return' AND v.funding_source_id = %s", "v", source
        )
        carried = pence_of("SELECT SUM({}) FROM funding_fundingsource c WHERE c.carried_from_id = %s", "c", source)
        used = partial(paid_pence, by=None if kind == "at-most" else last_day) if is_paid else allocated_pence
        if kind in ("spend-by", "claim-by"):
            required = int(amount) - carried - returned
        elif sum_ is not None:
            required = int(sum_)
        else:
            base = used(source, f"{KIND_OF_COST} = %s", share_of) if share_of else int(amount) - returned
            required = (base * int(share) * 2 + 10_000) // 20_000  # half a penny is rounded up
        if kind == "spend-by":
            counted = pence_of(
                "SELECT SUM({}) FROM funding_payment p JOIN funding_allocation a ON a.id = p.allocation_id "
                "WHERE a.funding_source_id = %s AND p.paid_on <= %s",
                "p",
                source,
                last_day,
            )
        elif kind in ("match", "claim-by"):
            counted = pence_of(
                "SELECT SUM({}) FROM funding_fulfilment f WHERE f.condition_id = %s AND f.happened_on <= %s",
                "f",
                pk,
                last_day,
            )
        elif heading or level:
            column = "a.heading_id" if heading else "i.level_id"
            counted = used(source, f"{column} = %s", heading or level)
        else:
            counted = used(source, f"{KIND_OF_COST} = %s", cost_kind)
        state = state_of(kind, required, counted, over=today > last_day)
        rows.append(ConditionSums(pk, name, pounds_of(required), pounds_of(counted), state))
    return rows


def state_of(kind: str, required: int, counted: int, *, over: bool) -> str:
    if kind == "at-most":
        return "Missed" if counted > required else "Met" if over else "Open"
    return "Met" if counted >= required else "Missed" if over else "Open"


def pence_of(sql: str, alias: str, *parameters: Any) -> int:
    ((total,),) = fetch_rows(sql.format(PENCE.format(f"{alias}.amount")), parameters)
    return int(total or 0)


def allocated_pence(source: int, condition: str, value: Any) -> int:
    """What variations leave of the standing allocations of a source on which a condition holds."""
    ((total,),) = fetch_rows(
        f"SELECT SUM({LEFT_OF_ALLOCATION}) FROM funding_allocation a "
        "LEFT JOIN funding_budgetheading h ON h.id = a.heading_id "
        "LEFT JOIN programmes_initiative i ON i.id = a.initiative_id "
        f"WHERE a.funding_source_id = %s AND {ALLOCATION_STANDS} AND {condition}",
        [source, value],
    )
    return int(total or 0)


def paid_pence(source: int, condition: str, value: Any, *, by: date | None) -> int:
    """What was paid of a source, up to a day if one is given, on all allocations on which a condition holds."""
    ((total,),) = fetch_rows(
        f"SELECT SUM({PENCE.format('p.amount')}) FROM funding_payment p "
        "JOIN funding_allocation a ON a.id = p.allocation_id LEFT JOIN funding_budgetheading h ON h.id = a.heading_id "
        "LEFT JOIN programmes_initiative i ON i.id = a.initiative_id "
        f"WHERE a.funding_source_id = %s AND p.paid_on <= %s AND {condition}",
        [source, by or date.max, value],
    )
    return int(total or 0)


# What is served -------------------------------------------------------------------------------------------------------


def check_decisions_and_conditions(
    report: ReconciliationReport, label: str, year: YearRow, page: ServedPage | None, forms: tuple[str, ...]
) -> None:
    """Check the variations, decisions and conditions on the page of the year and in its files."""
    variations, conditions = variation_sums(year), condition_sums(year, timezone.localdate())
    if page:
        for kind in ("release", "move", "return", "end"):
            expected = variations.get(kind, Decimal(0))
            report.expect(f"{label}, Page", f"“variation-{kind}”", page.sum_of(f"variation-{kind}"), expected)
        for mark in ("required", "counted"):
            total = sum((getattr(row, mark) for row in conditions), Decimal(0))
            report.expect(f"{label}, Page", f"the sum {mark} of conditions", page.sum_of(f"condition-{mark}"), total)
    for form in forms:
        where = f"{label}, {form.upper()}"
        lists: Mapping[str, ServedList | None] = {
            name: report.read(f"{where} of {name}", partial(outputs.read_download, label, name, form))
            for name in ("variations", "decisions", "conditions")
        }
        if found := lists["variations"]:
            expected = sum(variations.values(), Decimal(0))
            total = report.read(f"{where} of variations", partial(found.sum_of, "amount"))
            for what, amount in {"sum of variations, row by row,": total, "total of variations": found.total}.items():
                if amount is not None:
                    report.expect(where, f"the {what}", amount, expected)
        if (found := lists["decisions"]) and len(found.rows) != (count := decision_count(year)):
            report.differences.append(f"{where} of decisions: {len(found.rows)} rows, but {count} in the database.")
        if found := lists["conditions"]:
            check_conditions(report, where, found, conditions)
    if variations:
        report.lines.append(f"  Changed: {', '.join(f'{kind} £{amount:,.2f}' for kind, amount in variations.items())}")
    for row in conditions:
        report.lines.append(
            f"  Condition {row.pk} of {row.name}: {row.state.lower()}, required £{row.required:,.2f}, counted "
            f"£{row.counted:,.2f}"
        )


def check_conditions(
    report: ReconciliationReport, where: str, found: ServedList, conditions: list[ConditionSums]
) -> None:
    if len(found.rows) != len(conditions):
        report.differences.append(
            f"{where} of conditions: {len(found.rows)} rows, but {len(conditions)} in the database."
        )
    for row, expected in zip(found.rows, conditions, strict=False):
        name = f"{where} of conditions, {expected.pk}"
        for column in ("required", "counted"):
            served = outputs.parse_served_sum(row.get(column))
            report.expect(name, column, served, getattr(expected, column))
        if row.get("state") != expected.state:
            report.differences.append(f"{name}: is shown as {row.get('state')}, but is {expected.state}.")
