"""What staff do with onward grants that were sent: ask about them, or record them, by which they are public."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from funding.models import OnwardGrant, OnwardRequest
from funding.regranting.rules.answers import check_entries
from funding.regranting.rules.asking import locked_request
from funding.regranting.rules.recording import record_onward_grant
from funding.regranting.rules.requests import ONWARD_REQUESTS
from vru_portal.links.choices import DraftState, MailPurpose
from vru_portal.links.requests import CHANGED_SINCE_READ, require_asked, require_seen


@transaction.atomic
def query(*, request: OnwardRequest, question: str) -> None:
    """Send grants back with a question. The same link works again, and what was typed is still there."""
    row = locked_request(request)
    require_submitted(row, "sent back")
    ONWARD_REQUESTS.send_back(row, question)


@transaction.atomic
def approve(*, by: Any, request: OnwardRequest, seen: str = "") -> list[OnwardGrant]:
    """Record the grants that were sent, all of them or none, through the rule for every onward grant.

    ``seen`` is the fingerprint of the list that was read, if one was.
    Raises ValidationError that names each grant which cannot be recorded, and why.
    """
    row = locked_request(request)
    require_submitted(row, "approved")
    require_seen(row, seen, CHANGED_SINCE_READ)
    require_asked(row)
    recorded, problems = [], []
    for entry in check_entries(row):
        entry.grant.reported_on = timezone.localdate(row.reported_at)
        try:
            recorded.append(record_onward_grant(by=by, grant=entry.grant))
        except ValidationError as error:
            problems += [f"Grant {entry.number}, {entry.name}: {message}" for message in error.messages]
    if problems:
        raise ValidationError(problems)
    row.state = DraftState.APPROVED
    row.save(update_fields=["state"])
    ONWARD_REQUESTS.tell_reporters(MailPurpose.APPROVED, row)
    return recorded


def require_submitted(row: OnwardRequest, done: str) -> None:
    if row.state != DraftState.SUBMITTED:
        raise ValidationError(f"This request is “{row.get_state_display()}”. Only grants that were sent can be {done}.")
