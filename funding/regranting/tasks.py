"""Sending emails about onward grants, in the worker (`vru_portal.links.delivery`)."""

from django_tasks import task

from funding.models import OnwardMail
from funding.regranting import mails
from vru_portal.links import delivery as queue
from vru_portal.links.mailing import postpone, record_delivery


@task()
def deliver_onward_mail(mail_id: int) -> None:
    """Send a queued email. If anything goes wrong it stays queued, with the error beside it."""
    related = ("draft__allocation__recipient", "draft__allocation__initiative", "draft__allocation__heading")
    if mail := queue.claim(OnwardMail.objects.select_related(*related), mail_id):
        queue.send(mail, build=mails.build_message, record=record_delivery, postpone=postpone_mail)


def postpone_mail(mail: OnwardMail, error: Exception) -> None:
    postpone(mail, error, deliver_onward_mail)
