"""Emails as files, for development and demonstrations: they reach nobody, and any mail program can open them."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

# Each email has a name, an address and a link to sign by: that is long enough to try things out.
KEEP_FOR = timedelta(days=7)


def delete_old_mails() -> int:
    """Delete the files of old emails; returns how many there were."""
    if f"{__name__}.EmailBackend" != settings.EMAIL_BACKEND:
        return 0
    limit = timezone.now().timestamp() - KEEP_FOR.total_seconds()
    old = [path for path in Path(settings.EMAIL_FILE_PATH).glob("*.eml") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


class EmailBackend(BaseEmailBackend):
    """Writes each email to a file in EMAIL_FILE_PATH: completely or not at all, and once even if it is sent again."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # people sign by the links in these emails
        for message in email_messages:
            content = message.message()
            name = re.sub(r"[^\w-]", "", str(content["Message-ID"]).split("@")[0])[:40]
            # An email that is sent again has the same Message-ID: it replaces its file.
            existing = next(folder.glob(f"*-{name}.eml"), None)
            path = existing or folder / f"{timezone.localtime():%Y-%m-%d-%H%M%S}-{name}.eml"
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(content.as_bytes())
            unfinished.replace(path)
        return len(email_messages)
