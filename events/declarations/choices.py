from django.db import models


class EntryKind(models.TextChoices):
    """What an entry of the register records."""

    SIGNED = "signed", "Signed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    SUPERSEDED = "superseded", "Replaced by a later signature"
    CORRECTED = "corrected", "Corrected"
    ERASED = "erased", "Personal data erased"


class CorrectionReason(models.TextChoices):
    """Why an entry corrects another. A fixed list, because free text could name people, and entries are permanent."""

    MISSPELT = "misspelt", "The name was misspelt"
    RENAMED = "renamed", "The organisation was renamed"
    SECTOR = "sector", "The sector was wrong"
    CONSENT = "consent", "The signatory changed whether their name is shown"


class InvitationState(models.TextChoices):
    """The state of an invitation."""

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


# With the open ones somebody can still sign. After the ended ones an organisation can be invited again.
OPEN_INVITATION_STATES = (
    InvitationState.QUEUED,
    InvitationState.SENT,
    InvitationState.REFUSED,
    InvitationState.STARTED,
)
ENDED_INVITATION_STATES = (
    InvitationState.DECLINED,
    InvitationState.EXPIRED,
    InvitationState.REVOKED,
    InvitationState.WITHDRAWN,
)


class SigningLinkPurpose(models.TextChoices):
    """What a link that was emailed can be used for."""

    SIGN = "sign", "Prepare and sign"
    CONFIRM = "confirm", "Confirm what somebody prepared"
    RECEIPT = "receipt", "See the receipt"
    WITHDRAW = "withdraw", "Withdraw the signature"


SIGNING_PURPOSES = (SigningLinkPurpose.SIGN, SigningLinkPurpose.CONFIRM)


class Authority(models.TextChoices):
    """On what authority somebody signs for an organisation."""

    POST = "post", "My post"
    DELEGATED = "delegated", "A decision that delegates it to me"


class PaperAuthority(models.TextChoices):
    """On what authority somebody signed on paper, as far as the paper says so."""

    POST = Authority.POST, "Their post, as stated on the paper"
    DELEGATED = Authority.DELEGATED, "A decision that delegates it to them, as stated on the paper"
    NOT_STATED = "not_stated", "Not stated"


class MailKind(models.TextChoices):
    """What an email is about."""

    INVITATION = "invitation", "Invitation"
    REMINDER = "reminder", "Reminder"
    CONFIRM = "confirm", "Please confirm"
    RECEIPT = "receipt", "Receipt"
    WITHDRAW = "withdraw", "Link to withdraw"
    SIGNED = "signed", "Signed, to the person who prepared it"
    WITHDRAWN = "withdrawn", "Withdrawal confirmed"
    TURNED_DOWN = "turned_down", "Request turned down"
    ENDED = "ended", "Invitation ended"


# Each says that a matter is closed, so it is queued only once for each address.
FINAL_NOTICES = (MailKind.SIGNED, MailKind.WITHDRAWN, MailKind.TURNED_DOWN, MailKind.ENDED)
