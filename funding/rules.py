"""Where money moves: every door (admin, import, command) writes through these; the database holds them to it."""

import itertools
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

from funding.choices import ALLOCATION_WORDS, DutyList, Kind
from funding.models import (
    Allocation,
    ContractCopy,
    Contributor,
    Explanation,
    FinancialYear,
    FundingSource,
    Payment,
    PublicationDuty,
)
from programmes.models import EvidenceAssessment
from vru_portal.append_only import record
from vru_portal.money import pounds

LIST_OF = {Kind.GRANT: DutyList.GRANTS, Kind.CONTRACT: DutyList.CONTRACTS}


def check_budget(*, year: FinancialYear) -> None:
    """Hold the year's sources to the budget that was stated; raises ValidationError with both sums.

    What was carried forward into the year was not part of its stated budget.
    """
    total = year.sources.standing().filter(carried_from=None).aggregate(total=Sum("amount"))["total"] or Decimal(0)
    if year.stated_total is not None and total != year.stated_total:
        raise ValidationError(
            f"The sources of {year} add up to {pounds(total)}, "
            f"the stated budget is {pounds(year.stated_total)}: correct one of them."
        )


@transaction.atomic
def allocate(*, by: Any, allocation: Allocation) -> Allocation:
    """Record an allocation: assessed, within its source, with what the law asks to be published of it.

    The assessment is the latest that was approved by the day of the allocation, unless it names one. Raises
    ValidationError with the rule, the sums and the way out.
    """
    if allocation.funding_source_id:
        lock([allocation.funding_source_id])
    if allocation.initiative_id and allocation.awarded_on:
        choose_assessment(allocation)
    if allocation.awarded_by_id is None and (duty := PublicationDuty.objects.current()):
        allocation.awarded_by = duty.awarding_body
    if allocation.awarded_by_id is None:
        raise ValidationError("Who awards it is not known: record the publication duty first, which names that body.")
    allocation.clean_fields()
    check_deadline(allocation)
    check_published(allocation)
    check_statements(allocation)
    check_remainder(allocation)
    check_not_recorded_already(allocation)
    record(allocation, by=by)
    return allocation


def lock(sources: list[int]) -> None:
    """Make other writers of these sources wait until this transaction ends."""
    list(FundingSource.objects.select_for_update().filter(pk__in=sources).order_by("pk").values_list("pk"))


def choose_assessment(allocation: Allocation) -> None:
    """Find the approved assessment that an allocation stands on, or check the one that it names."""
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
                f"{later.approved_on:%-d %B %Y}. Money can be allocated from that day on, not before."
            }
        )
    raise ValidationError(
        {
            "initiative": f"{allocation.initiative} has no approved evidence assessment. Write one, and have it "
            "approved by somebody else, before money is allocated."
        }
    )


def check_deadline(allocation: Allocation) -> None:
    """Refuse to allocate money after the day by which it had to be spent."""
    year = allocation.funding_source.year
    if year.spend_by and allocation.awarded_on > year.spend_by:
        raise ValidationError(
            {
                "awarded_on": f"Money of {year} had to be spent by {year.spend_by:%-d %B %Y}. Carry what is left "
                "forward and allocate it there, or correct the year's deadline if it was moved."
            }
        )


def check_published(allocation: Allocation) -> None:
    """Refuse to name what the public cannot see: an allocation has no draft."""
    for name in allocation.names_published:
        if not getattr(allocation, name).is_public:
            raise ValidationError(
                {name: f"{getattr(allocation, name)} is a draft. Publish it first: allocations are public at once."}
            )
    if not allocation.initiative.level.is_public:
        raise ValidationError({"initiative": f"{allocation.initiative.level} is a draft. Publish it first."})


def check_statements(allocation: Allocation) -> None:
    """Refuse an allocation without what the publication duty asks to be stated of its kind, naming what is missing."""
    duty = PublicationDuty.objects.current()
    wanted = LIST_OF[Kind(allocation.kind)]
    columns = [c for c in duty.columns.all() if c.list == wanted and c.required] if duty else []
    missing = {
        column.field: f"“{column}” is missing: {duty} asks for it to be published, so an allocation cannot be recorded "
        "without it."
        for column in columns
        if column.field in ALLOCATION_WORDS and not getattr(allocation, column.field).strip()
    }
    if missing:
        raise ValidationError(missing)


def check_remainder(allocation: Allocation) -> None:
    """Refuse more than is left of the source, with the sums."""
    source = FundingSource.objects.standing().with_remainder().filter(pk=allocation.funding_source_id).first()
    if source is None:
        raise ValidationError({"funding_source": "This source was reversed: nothing can be allocated from it."})
    if allocation.amount > source.remainder:
        allocated = source.amount - source.remainder - source.carried
        carried = f", {pounds(source.carried)} is carried forward" if source.carried else ""
        raise ValidationError(
            {
                "amount": f"{pounds(allocation.amount)} is {pounds(allocation.amount - source.remainder)} more than is "
                f"left of {source}: of {pounds(source.amount)}, {pounds(allocated)} is allocated{carried}, so "
                f"{pounds(source.remainder)} is left. Allocate that or less, reverse another allocation, or choose "
                "another source."
            }
        )


def check_not_recorded_already(allocation: Allocation) -> None:
    """Refuse a second allocation that says the same as one that stands: a double click, or a file sent twice."""
    same = ("funding_source", "initiative", "recipient", "kind", "amount", "awarded_on", "purpose", "starts_on")
    twin = Allocation.objects.standing().filter(**{name: getattr(allocation, name) for name in same}).first()
    if twin:
        raise ValidationError(
            f"The same allocation is recorded already: {twin.public_id}. If this is another one, say in its purpose "
            "what is different."
        )


@transaction.atomic
def pay(*, by: Any, payment: Payment) -> Payment:
    """Record a payment or a refund as the finance system has it.

    What is wrong with it (over its allocation, before its assessment, too late) does not keep it out: it is shown in
    public as an exception. Raises ValidationError only for what is no payment: no such allocation, a reference that is
    recorded already, a day to come, a recipient that the public cannot see.
    """
    if payment.allocation_id and payment.payee_id is None:
        payment.payee = payment.allocation.recipient
    if payment.payee_id and not payment.payee.is_public:
        raise ValidationError({"payee": f"{payment.payee} is a draft. Publish it first: payments are public at once."})
    if payment.allocation_id and payment.allocation.reverses_id:
        raise ValidationError({"allocation": "This is the reversal of an allocation: choose the allocation itself."})
    record(payment, by=by)
    return payment


@transaction.atomic
def carry_forward(*, by: Any, source: FundingSource, carried: FundingSource) -> FundingSource:
    """Record what is left of a source as a source of the next year: no more than is left, with the sums where it is.

    ``carried`` has the sum and where that was stated; its year, its contributors and the rest come from ``source``.
    """
    lock([source.pk])
    source = FundingSource.objects.with_remainder().select_related("year").get(pk=source.pk)
    carried.carried_from, carried.year = source, next_year(source)
    carried.name = carried.name or f"Carried forward: {source.name}"
    carried.slug = carried.slug or free_slug(carried.year, f"carried-forward-{source.slug}")
    carried.nature = carried.nature or "carried forward"
    carried.clean_fields()
    if carried.amount > source.remainder:
        raise ValidationError(
            {
                "amount": f"{pounds(carried.amount)} is more than is left of {source}: {pounds(source.remainder)}. "
                "What is allocated and will not be spent can be carried forward once its allocation is reversed: where "
                "payments stand on it, reverse these first, then record both anew with what was spent."
            }
        )
    record(carried, by=by)
    for contributor in source.contributors.all():
        Contributor.objects.create(funding_source=carried, organisation=contributor.organisation, post=contributor.post)
    return carried


def free_slug(year: FinancialYear, slug: str) -> str:
    """Return a name for a source that the year has not used: what was reversed keeps its own."""
    taken = set(year.sources.values_list("slug", flat=True))
    names = (f"{slug[:76]}-{number}" for number in itertools.count(2))
    return slug[:80] if slug[:80] not in taken else next(name for name in names if name not in taken)


def next_year(source: FundingSource) -> FinancialYear:
    """Return the financial year after a source's; raises ValidationError where it is not entered yet."""
    year = FinancialYear.objects.filter(first_year=source.year.first_year + 1).first()
    if year is None:
        raise ValidationError(
            f"The financial year after {source.year} is not entered yet. Add it, then carry the money forward."
        )
    return year


def explain(*, by: Any, payment: Payment, text: str) -> Explanation:
    """Record what the unit says of a payment that is an exception."""
    explanation = Explanation(payment=payment, text=text)
    record(explanation, by=by)
    return explanation


def add_contract_copy(*, by: Any, allocation: Allocation, title: str, url: str) -> ContractCopy:
    """Record where a contract can be read; raises ValidationError for a grant, which has none."""
    if allocation.kind != Kind.CONTRACT:
        raise ValidationError("This is a grant: only a contract has a copy to be read.")
    copy = ContractCopy(allocation=allocation, title=title, url=url)
    record(copy, by=by)
    return copy
