from django.db import models


class Kind(models.TextChoices):
    """What an entry of the register records."""

    SIGNED = "signed", "Signed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    SUPERSEDED = "superseded", "Replaced by a later signature"
    CORRECTED = "corrected", "Corrected"
    ERASED = "erased", "Personal data erased"


class Reason(models.TextChoices):
    """Why an entry corrects another: words that name nobody, since they stay for good."""

    MISSPELT = "misspelt", "The name was misspelt"
    RENAMED = "renamed", "The body was renamed"
    SECTOR = "sector", "The sector was wrong"
    CONSENT = "consent", "The signatory changed what is shown of them"


class InvitationState(models.TextChoices):
    """How far an invitation has come."""

    DRAFT = "draft", "Not sent yet"
    QUEUED = "queued", "Waiting to be sent"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    STARTED = "started", "Started"
    SIGNED = "signed", "Signed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
    WITHDRAWN = "withdrawn", "Signed, then withdrawn"


# Those by which somebody may still sign; those that are over, after which a body can be invited anew.
OPEN = (InvitationState.QUEUED, InvitationState.SENT, InvitationState.REFUSED, InvitationState.STARTED)
OVER = (
    InvitationState.DECLINED,
    InvitationState.EXPIRED,
    InvitationState.REVOKED,
    InvitationState.WITHDRAWN,
)


class Purpose(models.TextChoices):
    """What a link that was mailed may do."""

    SIGN = "sign", "Prepare and sign"
    CONFIRM = "confirm", "Confirm what somebody prepared"
    RECEIPT = "receipt", "See the receipt"
    WITHDRAW = "withdraw", "Withdraw the signature"


SIGNING = (Purpose.SIGN, Purpose.CONFIRM)


class Authority(models.TextChoices):
    """On what basis somebody signs for a body."""

    POST = "post", "My post"
    DELEGATED = "delegated", "A decision that delegates it to me"


class MailKind(models.TextChoices):
    """What a mail is about."""

    INVITATION = "invitation", "Invitation"
    REMINDER = "reminder", "Reminder"
    CONFIRM = "confirm", "Please confirm"
    RECEIPT = "receipt", "Receipt"
    WITHDRAW = "withdraw", "Link to withdraw"


class Delivery(models.TextChoices):
    """How far a mail has come."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    DROPPED = "dropped", "Not sent: its reason is gone"
