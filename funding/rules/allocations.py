"""Allocations: decided, assessed, within their source and complete enough to publish."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from funding.choices import ALLOCATION_TEXT_FIELDS, DUTY_LIST_OF_KIND, AllocationKind
from funding.models import Allocation, ContractCopy, Decision, FundingSource, PublicationDuty
from funding.rules.sources import allowance_of, lock_sources
from programmes.models import EvidenceAssessment
from vru_portal.ledger.append_only.recording import find_row_problems, record
from vru_portal.ledger.money import format_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.problems import Problems, collect_problems, raise_problems

# What makes two allocations the same one.
COMPARED = (
    *("funding_source", "initiative", "heading", "recipient", "kind", "amount"),
    *("awarded_on", "purpose", "starts_on"),
)


@transaction.atomic
def allocate(*, by: Any, allocation: Allocation) -> Allocation:
    """Record an allocation that is decided, within its source, and complete enough to publish.

    For an initiative it must also be assessed: unless it names an assessment, it gets the latest one approved by the
    day of the allocation. Raises ValidationError that says which rules are broken, by how much, and what to do.
    """
    if allocation.funding_source_id:
        lock_sources([allocation.funding_source_id])
    problems = Problems()
    find_problems(allocation, problems)
    raise_problems(problems)
    record(allocation, by=by)
    return allocation


def find_problems(allocation: Allocation, problems: Problems, *, unread: Collection[str] = ()) -> None:
    """Fill in what an allocation leaves to the rule, and add every rule that it breaks to what is known to be wrong.

    `unread` names fields about which nothing can be said yet, because what was typed into them cannot be read.
    """
    with collect_problems(problems):
        allocation.clean_fields(exclude={"assessment", "awarded_by", *problems, *unread})
    unreadable = {*problems, *unread}

    def ask(check: Callable[[Allocation], None], *needed: str) -> None:
        if not unreadable & {*needed}:
            with collect_problems(problems):
                check(allocation)

    ask(check_subject, "initiative", "heading", "kind")
    ask(choose_assessment, "initiative", "awarded_on")
    ask(choose_awarding_body)
    ask(check_decided, "decision", "awarded_on")
    ask(check_deadline, "funding_source", "awarded_on")
    ask(check_related_records_public)
    ask(check_required_fields, "kind")
    ask(check_remainder, "funding_source", "amount")
    ask(check_continues, "continues", "kind", "initiative", "heading", "recipient")
    ask(check_not_duplicate, *COMPARED)
    if problems:
        find_row_problems(allocation, problems, unread={"assessment", *unread})


def choose_awarding_body(allocation: Allocation) -> None:
    """Let the body that the publication duty names award the money, unless the allocation names another."""
    if allocation.awarded_by_id is None and (duty := PublicationDuty.objects.current()):
        allocation.awarded_by = duty.awarding_body
    if allocation.awarded_by_id is None:
        raise ValidationError(
            {"awarded_by": "Enter the publication duty first: it names the organisation that awards the money."}
        )


def check_subject(allocation: Allocation) -> None:
    """Refuse an allocation for both an initiative and a heading, or neither; own costs belong to a heading."""
    if (allocation.initiative_id is None) == (allocation.heading_id is None):
        raise ValidationError({"initiative": "Choose either an initiative or a budget heading."})
    if allocation.kind == AllocationKind.OWN and allocation.heading_id is None:
        raise ValidationError(
            {"kind": "Own costs belong to a budget heading. Choose one instead of the initiative, or another kind."}
        )


def check_decided(allocation: Allocation) -> None:
    check_decision(allocation.decision, allocation.awarded_on, "awarded_on")


def check_decision(decision: Decision | None, day: date, day_field: str) -> None:
    """Refuse what no recorded decision allows by this day."""
    if decision is None:
        raise ValidationError(
            {"decision": "Choose the decision that this was made by. If it is not listed, record the decision first."}
        )
    if decision.reverses_id or decision.is_reversed:
        raise ValidationError({"decision": f"{decision.reference} was reversed. Choose another decision."})
    if decision.decided_on > day:
        raise ValidationError(
            {
                day_field: f"Decision {decision.reference} was made on {format_date(decision.decided_on)}. Enter that "
                "day or a later one."
            }
        )


def choose_assessment(allocation: Allocation) -> None:
    """Find the approved assessment that money for an initiative is based on, or check the one that is named."""
    if allocation.initiative is None:
        return
    assessments = EvidenceAssessment.objects.filter(initiative=allocation.initiative)
    if allocation.assessment_id:
        assessments = assessments.filter(pk=allocation.assessment_id)
    if in_time := assessments.approved(by_day=allocation.awarded_on).first():
        allocation.assessment = in_time
        return
    if later := assessments.approved().last():
        raise ValidationError(
            {
                "awarded_on": f"The evidence assessment of {allocation.initiative} was approved on "
                f"{format_date(later.approved_on)}. Enter that day or a later one."
            }
        )
    raise ValidationError(
        {
            "initiative": f"{allocation.initiative} has no approved evidence assessment. Write one and have somebody "
            "else approve it, then allocate money."
        }
    )


def check_deadline(allocation: Allocation) -> None:
    """Refuse to allocate money after the deadline for spending it."""
    year = allocation.funding_source.year
    if year.spend_by and allocation.awarded_on > year.spend_by:
        raise ValidationError(
            {
                "awarded_on": f"Money of {year} had to be spent by {format_date(year.spend_by)}. Carry what is left "
                "forward and allocate it in the next year, or correct the deadline of this year if it was moved."
            }
        )


def check_related_records_public(allocation: Allocation) -> None:
    """Refuse references to drafts: an allocation is public as soon as it is recorded."""
    problems = Problems()
    for name in allocation.names_published:
        named = getattr(allocation, name) if getattr(allocation, f"{name}_id") else None
        if named is not None and not named.is_public:
            problems[name] = [
                ValidationError(f"{named} is a draft. Publish it first: allocations are public immediately.")
            ]
    if allocation.initiative and not allocation.initiative.level.is_public:
        problem = ValidationError(f"{allocation.initiative.level} is a draft. Publish it first.")
        problems.setdefault("initiative", []).append(problem)
    raise_problems(problems)


def check_required_fields(allocation: Allocation) -> None:
    """Refuse an allocation without the fields that the publication duty requires of its kind."""
    duty = PublicationDuty.objects.current()
    duty_list = DUTY_LIST_OF_KIND.get(AllocationKind(allocation.kind))
    columns = [c for c in duty.columns.all() if c.list == duty_list and c.required] if duty else []
    missing = {
        column.field: f"Enter “{column}”: {duty} requires it to be published."
        for column in columns
        if column.field in ALLOCATION_TEXT_FIELDS and not getattr(allocation, column.field).strip()
    }
    if missing:
        raise ValidationError(missing)


def check_remainder(allocation: Allocation) -> None:
    """Refuse more than is left of the source."""
    source = FundingSource.objects.standing().with_remainder().filter(pk=allocation.funding_source_id).first()
    if source is None:
        raise ValidationError({"funding_source": "This source was reversed. Choose another source."})
    allowance = allowance_of(source)
    if allocation.amount > source.remainder + allowance:
        excess = format_pounds(allocation.amount - source.remainder - allowance)
        taken = [f"{format_pounds(source.allocated)} is allocated"]
        taken += [f"{format_pounds(source.carried)} is carried forward"] if source.carried else []
        taken += [f"{format_pounds(source.returned)} is returned to the funder"] if source.returned else []
        beyond = f" and the {format_pounds(allowance)} that may be allocated beyond it" if allowance else ""
        raise ValidationError(
            {
                "amount": f"{format_pounds(allocation.amount)} is {excess} more than is left in {source}: of "
                f"{format_pounds(source.amount)}{beyond}, {', '.join(taken)}, so "
                f"{format_pounds(source.remainder + allowance)} is left. Allocate that or less, release or reverse "
                "another allocation, or choose another source."
            }
        )


def check_continues(allocation: Allocation) -> None:
    """Refuse to continue the award of another recipient or subject, or an allocation that is not its first."""
    first = allocation.continues
    same = ("kind", "initiative_id", "heading_id", "recipient_id")
    if first and (
        first.reverses_id
        or first.is_reversed
        or first.continues_id
        or any(getattr(first, name) != getattr(allocation, name) for name in same)
    ):
        raise ValidationError(
            {
                "continues": "An award over several years must have the same initiative or heading and the same "
                "recipient each year. Choose its first allocation."
            }
        )


def check_not_duplicate(allocation: Allocation) -> None:
    """Refuse a second allocation with the same content: somebody clicked twice, or imported a file twice."""
    same = {name: getattr(allocation, name) for name in COMPARED}
    duplicate = Allocation.objects.standing().filter(**same).first()
    if duplicate:
        raise ValidationError(
            f"The same allocation is already recorded: {duplicate.public_id}. If this is another one, describe the "
            "difference in its purpose."
        )


def add_contract_copy(*, by: Any, allocation: Allocation, title: str, url: str) -> ContractCopy:
    """Record where a contract can be read; raises ValidationError for a grant."""
    if allocation.kind != AllocationKind.CONTRACT:
        raise ValidationError("You can add a copy only to a contract. This is a grant.")
    copy = ContractCopy(allocation=allocation, title=title, url=url)
    record(copy, by=by)
    return copy
