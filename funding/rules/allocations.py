"""Allocations: decided, assessed, within their source and complete enough to publish."""

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from funding.choices import ALLOCATION_TEXT_FIELDS, DUTY_LIST_OF_KIND, Kind
from funding.models import Allocation, ContractCopy, Decision, FundingSource, PublicationDuty
from funding.rules.sources import allowance_of, lock_sources
from programmes.models import EvidenceAssessment
from vru_portal.ledger.append_only.recording import record
from vru_portal.ledger.money import format_pounds
from vru_portal.text.dates import format_date


@transaction.atomic
def allocate(*, by: Any, allocation: Allocation) -> Allocation:
    """Record an allocation that is decided, within its source, and complete enough to publish.

    For an initiative it must also be assessed: unless it names an assessment, it gets the latest one approved by the
    day of the allocation. Raises ValidationError that says which rule is broken, by how much, and what to do.
    """
    if allocation.funding_source_id:
        lock_sources([allocation.funding_source_id])
    check_subject(allocation)
    if allocation.initiative_id and allocation.awarded_on:
        choose_assessment(allocation)
    if allocation.awarded_by_id is None and (duty := PublicationDuty.objects.current()):
        allocation.awarded_by = duty.awarding_body
    if allocation.awarded_by_id is None:
        raise ValidationError("Enter the publication duty first: it names the organisation that awards the money.")
    allocation.clean_fields()
    check_decision(allocation.decision, allocation.awarded_on, "awarded_on")
    check_deadline(allocation)
    check_related_records_public(allocation)
    check_required_fields(allocation)
    check_remainder(allocation)
    check_not_duplicate(allocation)
    record(allocation, by=by)
    return allocation


def check_subject(allocation: Allocation) -> None:
    """Refuse an allocation for both an initiative and a heading, or neither; own costs belong to a heading."""
    if (allocation.initiative_id is None) == (allocation.heading_id is None):
        raise ValidationError({"initiative": "Choose either an initiative or a budget heading."})
    if allocation.kind == Kind.OWN and allocation.heading_id is None:
        raise ValidationError(
            {"kind": "Own costs belong to a budget heading. Choose one instead of the initiative, or another kind."}
        )


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
    """Find the approved assessment that an allocation is based on, or check the one that it names."""
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
    for name in allocation.names_published:
        named = getattr(allocation, name)
        if named is not None and not named.is_public:
            raise ValidationError({name: f"{named} is a draft. Publish it first: allocations are public immediately."})
    if allocation.initiative and not allocation.initiative.level.is_public:
        raise ValidationError({"initiative": f"{allocation.initiative.level} is a draft. Publish it first."})


def check_required_fields(allocation: Allocation) -> None:
    """Refuse an allocation without the fields that the publication duty requires of its kind."""
    duty = PublicationDuty.objects.current()
    duty_list = DUTY_LIST_OF_KIND.get(Kind(allocation.kind))
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


def check_not_duplicate(allocation: Allocation) -> None:
    """Refuse a second allocation with the same content: somebody clicked twice, or imported a file twice."""
    compared = (
        "funding_source",
        "initiative",
        "heading",
        "recipient",
        "kind",
        "amount",
        "awarded_on",
        "purpose",
        "starts_on",
    )
    duplicate = Allocation.objects.standing().filter(**{name: getattr(allocation, name) for name in compared}).first()
    if duplicate:
        raise ValidationError(
            f"The same allocation is recorded already: {duplicate.public_id}. If this is another one, describe the "
            "difference in its purpose."
        )


def add_contract_copy(*, by: Any, allocation: Allocation, title: str, url: str) -> ContractCopy:
    """Record where a contract can be read; raises ValidationError for a grant."""
    if allocation.kind != Kind.CONTRACT:
        raise ValidationError("You can add a copy only to a contract. This is a grant.")
    copy = ContractCopy(allocation=allocation, title=title, url=url)
    record(copy, by=by)
    return copy
