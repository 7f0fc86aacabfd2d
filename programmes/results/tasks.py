"""Sending emails about returns, in the worker (`vru_portal.links.delivery`)."""

from django_tasks import task

from programmes.results import mails
from programmes.results.models import Mail
from vru_portal.links import delivery as queue
from vru_portal.links.mailing import postpone, record_delivery


@task()
def deliver(mail_id: int) -> None:
    """Send a queued email. If anything goes wrong it stays queued, with the error beside it."""
    related = ("draft__return_of_figures__initiative", "draft__return_of_figures__organisation")
    if mail := queue.claim(Mail.objects.select_related(*related), mail_id):
        queue.send(mail, build=mails.build_message, record=record_delivery, postpone=postpone_mail)


def postpone_mail(mail: Mail, error: Exception) -> None:
    postpone(mail, error, deliver)
