"""What the worker does for accounts. The queue stores a task's name: renaming a task loses those already queued."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django_tasks import task

from vru_portal.web.addresses import full_url


@task()
def send_refusal_notice(user_key: int) -> None:
    """Tell the owner of an account that attempts to sign in to it were refused."""
    user = get_user_model()._default_manager.get(pk=user_key)
    context = {
        "name": user.get_username(),
        "host": settings.ADDRESS.host,
        "address": full_url(reverse("account_change_password")),
    }
    subject, _, text = render_to_string("mail/refused_attempts.txt", context).strip().partition("\n")
    send_mail(subject, f"{text.strip()}\n", None, [user.email])
