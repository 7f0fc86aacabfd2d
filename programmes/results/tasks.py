"""Sending emails about returns, in the worker (`vru_portal.links.delivery`)."""

from django.db import transaction
from django_tasks import task

from programmes.results import mails
from programmes.results.choices import DraftState, MailKind
from programmes.results.models import Mail, ReturnDraft
from vru_portal.links import delivery as queue
from vru_portal.links.models import Delivery


@task()
def deliver(mail_id: int) -> None:
    """Send a queued email. If anything goes wrong it stays queued, with the error beside it."""
    related = ("draft__asked__initiative", "draft__asked__organisation")
    if mail := queue.claim(Mail.objects.select_related(*related), mail_id):
        queue.send(mail, build=mails.build_message, record=record_delivery, postpone=postpone_mail)


@transaction.atomic
def record_delivery(mail: Mail, delivery: Delivery) -> None:
    """Mark an email as sent or dropped; a return is sent with its first email, and reminders are timed from that."""
    sent_at = queue.note_delivery(mail, delivery)
    if sent_at and mail.kind == MailKind.REQUEST:
        draft = ReturnDraft.objects.filter(pk=mail.draft_id)
        draft.filter(state__in=[DraftState.QUEUED, DraftState.REFUSED]).update(state=DraftState.SENT)
        draft.filter(sent_at=None).update(sent_at=sent_at)


@transaction.atomic
def postpone_mail(mail: Mail, error: Exception) -> None:
    if queue.postpone_or_refuse(mail, error, deliver) and mail.kind == MailKind.REQUEST:
        ReturnDraft.objects.filter(pk=mail.draft_id, state=DraftState.QUEUED).update(state=DraftState.REFUSED)
