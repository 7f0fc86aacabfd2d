"""A financial year on paper: the figures of its page, as a tagged PDF on A4."""

import json
from collections.abc import Sequence
from typing import IO, Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from funding.bars import bar_parts, percentage, source_parts
from funding.choices import VariationKind
from funding.conditions import JudgedCondition, judged_conditions
from funding.datasets.costs import Cost, costs_of
from funding.filters.budget import DecisionFilters
from funding.models import Decision, FinancialYear, Overcommitment, Variation
from funding.sankey.flows import money_flow
from funding.year_accounts import AllocationBalance, SourceAccount, YearAccounts, prefetch_contributors, year_accounts
from partners.models import Unit
from programmes.models import PreventionLevel
from programmes.results.models import Measure
from programmes.results.presenters.figures import figures_of
from programmes.results.totals import MeasureTotal, add_up
from programmes.typesetting import design_data, note_parts, text_nodes, timestamp_of
from vru_portal.ledger.money import format_pounds
from vru_portal.text.cleaning import one_line
from vru_portal.text.dates import format_date, format_short_date
from vru_portal.text.typesetting import compile_pdf, qr_code_svg
from vru_portal.web.addresses import full_url

MAX_ALLOCATIONS = 500  # about twenty pages; the report says where the others are
MAX_STEPS = 100  # of decisions, and of variations


def write_year_report(year: FinancialYear, file: IO[bytes]) -> None:
    """Typeset the report on a year as it is known now."""
    file.write(compile_pdf("year_report", json.dumps(report_data(year)), timestamp_of(timezone.localdate())))


def report_data(year: FinancialYear) -> dict[str, Any]:
    """What templates/pdf/year_report.typ asks for."""
    unit = Unit.objects.current()
    rows = year.sources.standing().select_related("source", "year").order_by("position", "id")
    sources = list(rows.prefetch_related(prefetch_contributors()))
    accounts = year_accounts(year, sources)
    address = full_url(year.get_absolute_url())
    return {
        **design_data(unit),
        "title": f"Funding {year.label}: {unit.name}",
        "label": year.label,
        "budget": format_pounds(year.budget(sources)) if sources or year.stated_total else "",
        "stated_as": year.stated_as,
        "total": format_pounds(accounts.total),
        "differs": year.budget(sources) != accounts.total,
        "sources": [
            source_data(account, part) for account, part in zip(accounts.sources, source_parts(sources), strict=True)
        ],
        "source_note": note_parts(year, sources, note=year.label_note),
        "totals": account_sums(accounts),
        "any_carried": bool(accounts.carried),
        "any_returned": bool(accounts.returned),
        "uses": uses_of(accounts),
        "exceptions": exceptions_of(accounts),
        "levels": flow_data(accounts) if accounts.balances else [],
        "conditions": [condition_data(row) for row in judged_conditions(accounts)],
        "overcommitments": [overcommitment_text(row) for row in overcommitments_of(year)],
        **steps_of(year, accounts),
        "allocations": [allocation_data(balance) for balance in largest(accounts.balances)],
        "allocation_count": len(accounts.balances),
        **results_of_year(year),
        "purpose": text_nodes(year.purpose, below=1),
        "gate": text_nodes(year.gate, below=1),
        "applying": text_nodes(year.applying, below=1),
        "contact": full_url(reverse("partners:contact")),
        "deadline": f"Must be spent {year.deadline}" if year.deadline else "",
        "address": address,
        "qr": qr_code_svg(address),
        "made_on": format_date(timezone.localdate()),
    }


def source_data(account: SourceAccount, part: dict[str, Any]) -> dict[str, Any]:
    source = account.source
    contributors = [str(contributor) for contributor in source.contributors.all() if contributor.is_public]
    return {
        **part,
        **account_sums(account),
        "source": source.name,
        "stated_as": source.stated_as,
        "wording": one_line(source.wording),
        "remark": one_line(source.note),
        "contributors": ", ".join(contributors),
    }


def account_sums(account: SourceAccount | YearAccounts) -> dict[str, str]:
    """What happened to the money of a source, or of all sources."""
    names = ("allocated", "paid", "carried", "returned", "unallocated")
    return {name: format_pounds(getattr(account, name)) for name in names}


def uses_of(accounts: YearAccounts) -> list[dict[str, Any]]:
    """The parts of the bar that shows what happened to the money."""
    if not accounts.has_uses:
        return []
    return [
        {
            "css": css,
            "name": name,
            "amount": format_pounds(amount),
            # Sources that were reversed after payments bring nothing.
            "share": percentage(amount / accounts.total) if accounts.total else "",
            "x": float(place["x"]),
            "width": float(place["width"]),
        }
        for css, name, amount, place in bar_parts(accounts)
    ]


def exceptions_of(accounts: YearAccounts) -> list[str]:
    """What readers of the totals must know beside them."""
    facts = (
        (accounts.over, "was paid over allocations"),
        (accounts.refunded_beyond_paid, "more was paid back than had been paid"),
        (accounts.late, "was paid after the deadline"),
    )
    return [f"{format_pounds(amount)} {fact}." for amount, fact in facts if amount]


def flow_data(accounts: YearAccounts) -> list[dict[str, Any]]:
    """The rows of the table from levels to initiatives, and of the budget headings: the same as on the page."""
    return [
        {
            "title": group.full_name,
            "mark": group.level.mark if group.level else "",
            "allocated": format_pounds(group.allocated),
            "paid": format_pounds(group.paid),
            "rows": [
                {"name": row.name, "allocated": format_pounds(row.allocated), "paid": format_pounds(row.paid)}
                for row in group.rows
            ],
        }
        for group in money_flow(accounts, PreventionLevel.objects.listed()).groups
    ]


def condition_data(row: JudgedCondition) -> dict[str, str]:
    return {
        "source": row.account.source.name,
        "what": row.what,
        "required": format_pounds(row.required),
        "counted": format_pounds(row.counted),
        "state": row.state.label,
    }


def overcommitments_of(year: FinancialYear) -> QuerySet[Overcommitment]:
    rows = Overcommitment.objects.standing().filter(funding_source__year=year).order_by("pk")
    return rows.select_related("funding_source", "decision")


def overcommitment_text(row: Overcommitment) -> str:
    share = f"{row.share.normalize():f}% of {row.funding_source.name}"
    return f"Decision {row.decision.reference} allows {share} to be allocated beyond its amount."


def steps_of(year: FinancialYear, accounts: YearAccounts) -> dict[str, Any]:
    """The decisions about the year's money and the variations that were made by them, the latest first."""
    decisions = DecisionFilters(year, QueryDict()).rows.select_related("decided_by__person", "decided_by__organisation")
    variations = Variation.objects.standing().filter(funding_source__year=year).order_by("-varied_on", "-pk")
    related = ("funding_source", "decision", "allocation__initiative", "allocation__heading", "allocation__recipient")
    return {
        "decisions": [decision_data(row) for row in decisions[:MAX_STEPS]],
        "decision_count": decisions.count(),
        "variations": [variation_data(row) for row in variations.select_related(*related)[:MAX_STEPS]],
        "variation_count": variations.count(),
        "varied": [
            {"name": kind.label, "amount": format_pounds(accounts.varied[kind])}
            for kind in VariationKind
            if kind in accounts.varied
        ],
    }


def decision_data(row: Decision) -> dict[str, str]:
    return {
        "day": format_short_date(row.decided_on),
        "reference": row.reference,
        "title": row.title,
        "by": str(row.decider or ""),
    }


def variation_data(row: Variation) -> dict[str, str]:
    if row.allocation:
        of = f"{row.allocation.subject.name}, {row.allocation.recipient.name}"
    else:
        of = f"Not allocated, {row.funding_source.name}"
    return {
        "day": format_short_date(row.varied_on),
        "kind": row.get_kind_display(),
        "of": of,
        "decision": row.decision.reference,
        "amount": format_pounds(row.amount),
    }


def results_of_year(year: FinancialYear) -> dict[str, Any]:
    """Results: the published figures of the year's quarters, added up, and the cost per person reached."""
    if not Measure.objects.are_in_use():
        return {"results": [], "costs": []}
    figures = figures_of(approved__quarter__gte=year.starts_on, approved__quarter__lte=year.ends_on)
    names = {figure.pk: [figure.approved.initiative.name] for figure in figures}
    by_initiative = sorted(add_up(figures, names), key=lambda one: (one.measure.position, one.measure.name, one.name))
    results = [
        {
            "measure": total.measure.name,
            "unit": total.measure.unit,
            **total_data(total),
            "rows": [total_data(one) for one in by_initiative if one.measure == total.measure],
        }
        for total in add_up(figures)
    ]
    return {"results": results, "costs": [cost_data(cost) for cost in costs_of(figures)]}


def total_data(total: MeasureTotal) -> dict[str, Any]:
    left_out = total.suppressed if total.is_known else 0
    return {"name": total.name, "count": total.shown, "period": total.period, "suppressed": left_out}


def cost_data(cost: Cost) -> dict[str, str]:
    return {
        "initiative": cost.initiative.name,
        "sum": f"{format_pounds(cost.paid)} ÷ {cost.reach:,}",
        "each": format_pounds(cost.each),
        "period": cost.period,
    }


def largest(balances: Sequence[AllocationBalance]) -> list[AllocationBalance]:
    return sorted(balances, key=lambda balance: (-balance.allocated, balance.pk))[:MAX_ALLOCATIONS]


def allocation_data(balance: AllocationBalance) -> dict[str, str]:
    return {
        "id": balance.public_id,
        "day": format_short_date(balance.awarded_on),
        "initiative": balance.subject_name,
        "recipient": balance.recipient_name,
        "kind": balance.kind_name,
        "allocated": format_pounds(balance.allocated),
        "paid": format_pounds(balance.paid),
    }
