"""What the worker does for staff. The queue stores a task's name: renaming a task loses those already queued."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import capfirst
from django_tasks import task

from vru_portal.publishing import submissions
from vru_portal.staff.admin_links import change_url
from vru_portal.staff.ordering.page import list_name, order_url, orders_waiting_for
from vru_portal.text.cleaning import one_line
from vru_portal.web.addresses import full_url


@task()
def send_daily_email(user_key: int) -> None:
    """Tell somebody what needs them, by titles only; send nothing if it was all dealt with meanwhile."""
    user = get_user_model()._default_manager.get(pk=user_key)
    waiting, orders = submissions.waiting_for(user), orders_waiting_for(user)
    if not ((waiting or orders) and user.email and user.is_active):
        return
    context = {
        "host": settings.ADDRESS.host,
        "waiting": [
            {
                "state": one.get_state_display(),
                "title": one_line(f"{capfirst(str(one.record._meta.verbose_name))} “{one.record}”"),
                "address": full_url(change_url(one.record)),
            }
            for one in waiting
        ]
        + [
            {
                "state": "Order proposed",
                "title": list_name(one),
                "address": full_url(order_url(one.content_type.model_class())),
            }
            for one in orders
        ],
        "start": full_url(reverse("admin:index")),
        "turn_off": full_url(reverse("account_emails")),
    }
    subject, _, text = render_to_string("mail/daily.txt", context).strip().partition("\n")
    send_mail(subject, f"{text.strip()}\n", None, [user.email])
