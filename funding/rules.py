"""The rules for recording money. Admin, imports and commands all write through these functions.

Triggers in the database enforce the same rules (see the models); here they come with messages that say what to do.
`tests/funding/triggers/test_rules_agree.py` holds the two together.
"""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from funding.choices import ALLOCATION_TEXT_FIELDS, DUTY_LIST_OF_KIND, Kind
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
from partners.models import Organisation
from programmes.models import EvidenceAssessment
from vru_portal.ledger.append_only.recording import check, insert_checked, record
from vru_portal.ledger.money import format_pounds, sum_of_pounds
from vru_portal.tabular.batches import in_batches
from vru_portal.text.dates import format_date
from vru_portal.text.problems import Problems, collect_problems, raise_problems

PAYMENTS_AT_ONCE = 500


def check_budget(*, year: FinancialYear) -> None:
    """Raise ValidationError unless the year's sources add up to its stated budget.

    Money carried forward into the year was not part of that budget, so it does not count.
    """
    own = year.sources.standing().filter(carried_from=None)
    total = own.aggregate(total=sum_of_pounds("amount"))["total"] or Decimal(0)
    if year.stated_total is not None and total != year.stated_total:
        raise ValidationError(
            f"The sources of {year} add up to {format_pounds(total)}, but the stated budget is "
            f"{format_pounds(year.stated_total)}. Correct one of them."
        )


@transaction.atomic
def allocate(*, by: Any, allocation: Allocation) -> Allocation:
    """Record an allocation that is assessed, within its source, and complete enough to publish.

    Unless it names an assessment, it gets the latest one approved by the day of the allocation. Raises ValidationError
    that says which rule is broken, by how much, and what to do.
    """
    if allocation.funding_source_id:
        lock_sources([allocation.funding_source_id])
    if allocation.initiative_id and allocation.awarded_on:
        choose_assessment(allocation)
    if allocation.awarded_by_id is None and (duty := PublicationDuty.objects.current()):
        allocation.awarded_by = duty.awarding_body
    if allocation.awarded_by_id is None:
        raise ValidationError("Enter the publication duty first: it names the organisation that awards the money.")
    allocation.clean_fields()
    check_deadline(allocation)
    check_related_records_public(allocation)
    check_required_fields(allocation)
    check_remainder(allocation)
    check_not_duplicate(allocation)
    record(allocation, by=by)
    return allocation


def lock_sources(sources: list[int]) -> None:
    """Make other writers of these sources wait until this transaction ends.

    Always in the order of primary keys, so that two transactions with several sources cannot deadlock.
    """
    list(FundingSource.objects.select_for_update().filter(pk__in=sources).order_by("pk").values_list("pk"))


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
        if not getattr(allocation, name).is_public:
            raise ValidationError(
                {name: f"{getattr(allocation, name)} is a draft. Publish it first: allocations are public immediately."}
            )
    if not allocation.initiative.level.is_public:
        raise ValidationError({"initiative": f"{allocation.initiative.level} is a draft. Publish it first."})


def check_required_fields(allocation: Allocation) -> None:
    """Refuse an allocation without the fields that the publication duty requires of its kind."""
    duty = PublicationDuty.objects.current()
    duty_list = DUTY_LIST_OF_KIND[Kind(allocation.kind)]
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
    if allocation.amount > source.remainder:
        allocated = format_pounds(source.amount - source.remainder - source.carried)
        carried = f", {format_pounds(source.carried)} is carried forward" if source.carried else ""
        excess = format_pounds(allocation.amount - source.remainder)
        raise ValidationError(
            {
                "amount": f"{format_pounds(allocation.amount)} is {excess} more than is left in {source}: of "
                f"{format_pounds(source.amount)}, {allocated} is allocated{carried}, so "
                f"{format_pounds(source.remainder)} is left. Allocate that or less, reverse another allocation, or "
                "choose another source."
            }
        )


def check_not_duplicate(allocation: Allocation) -> None:
    """Refuse a second allocation with the same content: somebody clicked twice, or imported a file twice."""
    compared = ("funding_source", "initiative", "recipient", "kind", "amount", "awarded_on", "purpose", "starts_on")
    duplicate = Allocation.objects.standing().filter(**{name: getattr(allocation, name) for name in compared}).first()
    if duplicate:
        raise ValidationError(
            f"The same allocation is recorded already: {duplicate.public_id}. If this is another one, describe the "
            "difference in its purpose."
        )


def pay(*, by: Any, payment: Payment) -> Payment:
    """Record a payment or refund as the finance system has it.

    A payment that should not have happened (over its allocation, before its assessment, too late) is recorded all the
    same and shown in public as an exception. Raises ValidationError only for what cannot be a payment: an unknown
    allocation, a reference that is recorded already, a date in the future, or a payee that is not published.
    """
    check_references(payment)
    record(payment, by=by)
    return payment


def check_payment(*, by: Any, payment: Payment) -> None:
    """Check a payment as `pay` does, as far as that takes no question to the database. Raises ValidationError."""
    problems = Problems()
    with collect_problems(problems):
        check_references(payment)
    with collect_problems(problems):
        check(payment, by=by)
    raise_problems(problems)


@transaction.atomic
def pay_all(*, by: Any, payments: Sequence[Payment]) -> dict[int, ValidationError]:
    """Record payments that `check_payment` has passed; returns what refuses some of them, by their place.

    Some may have become impossible since. Where that is so, a batch is recorded one by one, to tell which.
    """
    refused: dict[int, ValidationError] = {}
    payees = Organisation.objects.in_bulk({payment.payee_id for payment in payments})
    for batch in in_batches(enumerate(payments), PAYMENTS_AT_ONCE):
        for _, payment in batch:
            payment.payee = payees[payment.payee_id]
        try:
            for _, payment in batch:
                check_references(payment)
            insert_checked([payment for _, payment in batch])
        except (ValidationError, IntegrityError):
            refused |= pay_one_by_one(by, batch)
    return refused


def pay_one_by_one(by: Any, payments: Sequence[tuple[int, Payment]]) -> dict[int, ValidationError]:
    refused: dict[int, ValidationError] = {}
    for place, payment in payments:
        payment.pk, payment._state.adding = None, True  # whatever the batch that failed has given it
        try:
            pay(by=by, payment=payment)
        except ValidationError as error:
            refused[place] = error
    return refused


def check_references(payment: Payment) -> None:
    """Let the recipient be the payee if none is named; raise ValidationError for a draft, or a reversed allocation."""
    if payment.allocation_id and payment.payee_id is None:
        payment.payee = payment.allocation.recipient
    if payment.payee_id and not payment.payee.is_public:
        error = f"{payment.payee} is a draft. Publish it first: payments are public immediately."
        raise ValidationError({"payee": error})
    if payment.allocation_id and payment.allocation.reverses_id:
        raise ValidationError({"allocation": "This is the reversal of an allocation. Choose the allocation itself."})


@transaction.atomic
def carry_forward(*, by: Any, source: FundingSource, carried: FundingSource) -> FundingSource:
    """Record what is left of a source as a source of the next year.

    ``carried`` brings the amount and where that was stated; year, contributors and defaults come from ``source``.
    Raises ValidationError if the amount is more than is left.
    """
    lock_sources([source.pk])
    standing = FundingSource.objects.standing().with_remainder().select_related("year").filter(pk=source.pk).first()
    if standing is None:
        raise ValidationError("This source was reversed, so there is no money to carry forward.")
    source = standing
    carried.carried_from, carried.year = source, next_year(source)
    carried.name = carried.name or f"Carried forward: {source.name}"
    carried.slug = carried.slug or unused_slug(carried.year, f"carried-forward-{source.slug}")
    carried.nature = carried.nature or "carried forward"
    carried.clean_fields()
    if carried.amount > source.remainder:
        remainder = format_pounds(source.remainder)
        raise ValidationError(
            {
                "amount": f"{format_pounds(carried.amount)} is more than the {remainder} that is left in {source}. To "
                "carry forward money that is allocated but will not be spent, reverse its allocation. If payments were "
                "made on it, reverse them first, then record allocation and payments again with what was spent."
            }
        )
    record(carried, by=by)
    for contributor in source.contributors.all():
        Contributor.objects.create(funding_source=carried, organisation=contributor.organisation, post=contributor.post)
    return carried


def unused_slug(year: FinancialYear, slug: str) -> str:
    """A slug that no source of the year has, reversed sources included."""
    taken = set(year.sources.values_list("slug", flat=True))
    names = (f"{slug[:76]}-{number}" for number in itertools.count(2))
    return slug[:80] if slug[:80] not in taken else next(name for name in names if name not in taken)


def next_year(source: FundingSource) -> FinancialYear:
    """The financial year after that of a source; raises ValidationError if it is not entered yet."""
    year = FinancialYear.objects.filter(first_year=source.year.first_year + 1).first()
    if year is None:
        raise ValidationError(f"Add the financial year after {source.year} first, then carry the money forward.")
    return year


def explain(*, by: Any, payment: Payment, text: str) -> Explanation:
    """Record the unit's explanation of a payment that is an exception."""
    explanation = Explanation(payment=payment, text=text)
    record(explanation, by=by)
    return explanation


def add_contract_copy(*, by: Any, allocation: Allocation, title: str, url: str) -> ContractCopy:
    """Record where a contract can be read; raises ValidationError for a grant."""
    if allocation.kind != Kind.CONTRACT:
        raise ValidationError("You can add a copy only to a contract. This is a grant.")
    copy = ContractCopy(allocation=allocation, title=title, url=url)
    record(copy, by=by)
    return copy
