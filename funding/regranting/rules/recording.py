"""The rules for recording what recipients award on. Admin and imports write through these functions."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Lower

from funding.choices import AllocationKind
from funding.models import Allocation, OnwardGrant, Regranting
from funding.models.regrants import ALREADY_FOR_REGRANTING, NOT_FOR_REGRANTING, ONLY_GRANTS
from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.ledger.append_only.recording import record

INDIVIDUAL = "An individual"  # stands for a person's name, which the portal neither needs nor publishes
# A grant without a reference is the same as another in which these are the same.
SAME_GRANT = ("allocation_id", "recipient_name", "amount", "awarded_on", "title")
SAME_RECORDED = "The same onward grant is already recorded: {}. If this is another one, give it a title of its own."
REDACTED_RECORDED = (
    "This may be an onward grant that is already recorded, with some of its text redacted: {}. If this is another one, "
    "reverse that one first. Then record both, each with a title of its own."
)


@transaction.atomic
def record_regranting(*, by: Any, allocation: Allocation, regrant_type: str) -> Regranting:
    """Record that the recipient of a grant awards the money on. Raises ValidationError for anything but a grant."""
    allocation = locked(allocation)
    if allocation.kind != AllocationKind.GRANT or allocation.reverses_id is not None or allocation.is_reversed:
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
        check_not_duplicate(grant)
        if not grant.reference:
            grant.reference = next_reference(allocation)
    record(grant, by=by)
    return grant


def locked(allocation: Allocation) -> Allocation:
    """The allocation, locked: others who record its regranting wait."""
    return Allocation.objects.select_for_update().get(pk=allocation.pk)


def check_not_duplicate(grant: OnwardGrant) -> None:
    """Refuse a second grant of the same content: somebody clicked twice, sent a file twice, or typed it earlier.

    What was redacted may have been anything, so that a report does not bring it back.
    """
    values = {f"{name}__in": possible_values(grant, name) for name in SAME_GRANT}
    same = OnwardGrant.objects.standing().filter(**values)
    if found := next((one for one in same.select_related("allocation") if may_be_same(grant, one)), None):
        said = SAME_RECORDED if content_of(found) == content_of(grant) else REDACTED_RECORDED
        raise ValidationError(said.format(found.reference))


def possible_values(grant: OnwardGrant, name: str) -> list[Any]:
    """The values with which this field of a grant may be recorded, if it is recorded already."""
    value = getattr(grant, name)
    return [value, REDACTED] if name in OnwardGrant.redactable else [value]


def content_of(grant: OnwardGrant) -> tuple[Any, ...]:
    return tuple(getattr(grant, name) for name in SAME_GRANT)


def possible_contents(grant: OnwardGrant) -> Iterator[tuple[Any, ...]]:
    """Yield the contents with which a grant may be recorded: its own, then those of which text was redacted."""
    return itertools.product(*(possible_values(grant, name) for name in SAME_GRANT))


def may_be_same(grant: OnwardGrant, recorded: OnwardGrant) -> bool:
    """Whether a grant may be one of the same content that is recorded, because one of them came without a reference.

    A funder may make two equal grants on one day. Only if each has its own reference are they known to be two.
    """
    return not grant.reference or is_made_up(recorded)


def is_made_up(recorded: OnwardGrant) -> bool:
    """Whether a grant was reported without a reference, so that its reference is made up here."""
    beginning = f"{recorded.allocation.public_id}-".lower()
    reference = recorded.reference.lower()
    return reference.startswith(beginning) and reference.removeprefix(beginning).isdecimal()


def next_reference(allocation: Allocation) -> str:
    """The number after that of the last reference made up here, or the first one later that no grant has anywhere."""
    beginning = f"{allocation.public_id}-"
    made_up = OnwardGrant.objects.filter(
        allocation=allocation, reference__iregex=rf"^{re.escape(beginning)}[0-9]{{1,9}}$"
    )
    last = made_up.order_by("-pk").values_list("reference", flat=True).first()
    number = int(last[len(beginning) :]) if last else 0
    rows = OnwardGrant.objects.alias(lower=Lower("reference"))
    while rows.filter(lower=f"{beginning}{number + 1}".lower()).exists():
        number += 1
    return f"{beginning}{number + 1}"
