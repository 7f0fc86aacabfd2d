"""The rules for recording what recipients award on. Admin and imports write through these functions."""

import itertools
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from funding.choices import Kind
from funding.models import Allocation, OnwardGrant, Regranting
from funding.models.regrants import ALREADY_FOR_REGRANTING, NOT_FOR_REGRANTING, ONLY_GRANTS
from vru_portal.ledger.append_only.recording import record

INDIVIDUAL = "An individual"  # stands for a person's name, which the portal neither needs nor publishes
SAME_GRANT = ("allocation", "recipient_name", "amount", "awarded_on", "title")  # a grant without a reference is these


@transaction.atomic
def record_regranting(*, by: Any, allocation: Allocation, regrant_type: str) -> Regranting:
    """Record that the recipient of a grant awards the money on. Raises ValidationError for anything but a grant."""
    allocation = locked(allocation)
    if allocation.kind != Kind.GRANT or allocation.reverses_id is not None or allocation.is_reversed:
        raise ValidationError(ONLY_GRANTS)
    if allocation.regrantings.standing().exists():
        raise ValidationError(ALREADY_FOR_REGRANTING)
    row = Regranting(allocation=allocation, regrant_type=regrant_type)
    record(row, by=by)
    return row


@transaction.atomic
def record_onward_grant(*, by: Any, grant: OnwardGrant) -> OnwardGrant:
    """Record a grant that a recipient has reported; one without a reference gets the next of its allocation.

    It may be more than was allocated: it is recorded and shown as reported. Raises ValidationError if
    the allocation is not for regranting, or the same grant is already recorded.
    """
    if grant.allocation_id:
        allocation = locked(grant.allocation)
        if allocation.is_reversed:
            raise ValidationError({"allocation": "This allocation was reversed. Choose the one that replaced it."})
        if not allocation.regrantings.standing().exists():
            raise ValidationError({"allocation": NOT_FOR_REGRANTING})
        if not grant.reference:
            check_not_duplicate(grant)
            grant.reference = next_reference(allocation)
    record(grant, by=by)
    return grant


def locked(allocation: Allocation) -> Allocation:
    """The allocation, which others who record its regranting wait for."""
    return Allocation.objects.select_for_update().get(pk=allocation.pk)


def check_not_duplicate(grant: OnwardGrant) -> None:
    """Refuse a second grant of the same content: somebody clicked twice, or sent a file twice."""
    same = OnwardGrant.objects.standing().filter(**{name: getattr(grant, name) for name in SAME_GRANT}).first()
    if same:
        raise ValidationError(
            f"The same onward grant is already recorded: {same.reference}. If this is another one, give it a reference "
            "or a title of its own."
        )


def next_reference(allocation: Allocation) -> str:
    names = (f"{allocation.public_id}-{number}" for number in itertools.count(1))
    taken = set(allocation.onward_grants.values_list("reference", flat=True))
    return next(name for name in names if name not in taken)
