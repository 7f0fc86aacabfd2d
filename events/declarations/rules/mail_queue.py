"""Queueing emails: the worker (`events.declarations.tasks`) writes and sends them."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations.choices import OPEN_INVITATION_STATES, InvitationState, MailKind
from events.declarations.models import Invitation, Mail, SigningRequest
from events.declarations.register import log
from events.declarations.rules.availability import require_inviting_open
from events.declarations.tasks import deliver
from vru_portal.links.messages import new_message_id
from vru_portal.links.models import Delivery

BATCH_SIZE = 500  # rows in one query: SQLite limits how many parameters a query has
MAILS_ASKING_TO_SIGN = (MailKind.INVITATION, MailKind.REMINDER, MailKind.CONFIRM)


def queue_mail(kind: MailKind, invitation: Invitation, *, to: str = "") -> Mail:
    """Queue an email; the worker sees it once this transaction is committed."""
    (mail,) = queue_mails(kind, [invitation], to=to)
    return mail


def queue_mails(kind: MailKind, invitations: Sequence[Invitation], *, to: str = "") -> list[Mail]:
    """Queue an email for each invitation, in this transaction: all are queued, or none.

    The queue is a table of the same database, so enqueueing commits or rolls back together with the rows.
    """
    return _queued(
        [Mail(kind=kind, invitation=row, to=to or row.email, message_id=new_message_id()) for row in invitations]
    )


def queue_refusal(request: SigningRequest) -> Mail:
    """Queue the email that tells an organisation that its request to sign was turned down."""
    mail = Mail(kind=MailKind.TURNED_DOWN, request=request, to=request.email, message_id=new_message_id())
    return _queued([mail])[0]


def _queued(mails: list[Mail]) -> list[Mail]:
    Mail.objects.bulk_create(mails, batch_size=BATCH_SIZE)
    for mail in mails:
        deliver.enqueue(mail.pk)
    return mails


@transaction.atomic
def retry_mail(*, by: Any, mail: Mail) -> None:
    """Try an email again that the mail server has refused, for example because the mailbox works again."""
    log.lock_head()
    locked = Mail.objects.select_for_update(of=("self",)).select_related("invitation__body").get(pk=mail.pk)
    if locked.delivery != Delivery.REFUSED:
        raise ValidationError("You can only try an email again if the mail server refused it.")
    invitation = locked.invitation
    if invitation and locked.kind in MAILS_ASKING_TO_SIGN:
        require_inviting_open()
        if invitation.state not in OPEN_INVITATION_STATES:
            raise ValidationError(f"{invitation}. There is no longer a reason to send this email.")
    if invitation and locked.kind == MailKind.INVITATION:
        refused = Invitation.objects.filter(pk=invitation.pk, state=InvitationState.REFUSED)
        refused.update(state=InvitationState.QUEUED)
    locked.delivery, locked.attempts, locked.due_at, locked.error = Delivery.WAITING, 0, timezone.now(), ""
    locked.save()
    deliver.enqueue(locked.pk)
