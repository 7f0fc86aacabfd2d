"""What every request that goes out as an emailed link has in common, whatever it asks for."""

from enum import StrEnum

from django.db import models

MAX_REMINDERS = 3


class DraftState(models.TextChoices):
    """How far the answer to a request has got."""

    QUEUED = "queued", "Waiting to be sent"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    STARTED = "started", "Started"
    PASSED_ON = "passed_on", "Waiting for a second person"
    SUBMITTED = "submitted", "To check"
    QUERIED = "queried", "Sent back with a question"
    APPROVED = "approved", "Approved"
    CANCELLED = "cancelled", "Cancelled"


# In these, the answers can still be changed through the link.
OPEN_STATES = (
    *(DraftState.QUEUED, DraftState.SENT, DraftState.REFUSED),
    *(DraftState.STARTED, DraftState.PASSED_ON, DraftState.QUERIED),
)
# In these, it still needs somebody: who was asked, or staff.
UNENDED_STATES = (*OPEN_STATES, DraftState.SUBMITTED)
# Of these, there is no answer yet, or not all of it.
WAITING_STATES = (DraftState.SENT, DraftState.STARTED, DraftState.PASSED_ON, DraftState.QUERIED)


class LinkPurpose(models.TextChoices):
    """What an emailed link can be used for, in words that suit whatever was asked for."""

    FILL_IN = "fill_in", "Fill in what was asked for"
    CONFIRM = "confirm", "Confirm what somebody filled in"


class MailPurpose(StrEnum):
    """What an email about a request is for. Each app's `MailKind` has these values, under labels of its own."""

    REQUEST = "request"
    REMINDER = "reminder"
    CONFIRM = "confirm"
    QUERY = "query"
    RECEIVED = "received"
    APPROVED = "approved"
    CANCELLED = "cancel"
