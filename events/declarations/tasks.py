"""Sending the declaration's emails, in the worker (`vru_portal.links.delivery`)."""

from django.db import transaction
from django_tasks import task

from events.declarations import mails
from events.declarations.choices import InvitationState, MailKind
from events.declarations.models import Invitation, Mail
from vru_portal.links import delivery as queue
from vru_portal.links.models import Delivery

RELATED = ("invitation__body", "invitation__version__declaration", "invitation__entry", "request")


@task()
def deliver(mail_id: int) -> None:
    """Send a queued email. If anything goes wrong it stays queued, with its error."""
    if mail := claim_mail(mail_id):
        queue.send(mail, build=mails.build_message, record=record_delivery, postpone=postpone_mail)


def claim_mail(mail_id: int) -> Mail | None:
    return queue.claim(Mail.objects.select_related(*RELATED), mail_id)


@transaction.atomic
def record_delivery(mail: Mail, delivery: Delivery) -> None:
    """Mark an email as sent or dropped; an invitation becomes sent with its first email."""
    sent_at = queue.note_delivery(mail, delivery)
    if sent_at and mail.invitation and mail.kind == MailKind.INVITATION:
        invitation = Invitation.objects.filter(pk=mail.invitation.pk)
        not_yet_sent = [InvitationState.QUEUED, InvitationState.REFUSED]
        invitation.filter(state__in=not_yet_sent).update(state=InvitationState.SENT)
        invitation.filter(sent_at=None).update(sent_at=sent_at)  # reminders are timed from the first email


@transaction.atomic
def postpone_mail(mail: Mail, error: Exception) -> None:
    """Try again later; an invitation whose email is permanently refused is marked as refused."""
    if queue.postpone_or_refuse(mail, error, deliver) and mail.invitation and mail.kind == MailKind.INVITATION:
        queued = Invitation.objects.filter(pk=mail.invitation.pk, state=InvitationState.QUEUED)
        queued.update(state=InvitationState.REFUSED)
