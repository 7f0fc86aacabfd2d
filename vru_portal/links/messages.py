"""Writing emails from templates/mail/: plain text, whose first line is the subject, and HTML."""

import secrets
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from vru_portal.links.models import QueuedMail
from vru_portal.text.cleaning import one_line


def new_message_id() -> str:
    return f"<{secrets.token_hex(16)}@{settings.ADDRESS.host}>"


def write_message(
    template: str, context: dict[str, Any], mail: QueuedMail, *, to: str, reply_to: list[str]
) -> EmailMultiAlternatives:
    subject, _, text = render_to_string(f"mail/{template}.txt", context).strip().partition("\n")
    email = EmailMultiAlternatives(
        subject=one_line(subject),
        body=text.strip() + "\n",
        to=[to],
        reply_to=reply_to,
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    email.attach_alternative(render_to_string(f"mail/{template}.html", context), "text/html")
    return email
