"""Mail as files, for the embedded default and demonstrations: it reaches nobody, and any mail program opens it."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

KEPT = timedelta(days=7)  # each holds names, a mailbox and a link: long enough to try things, not to gather


def clear_away() -> int:
    """Remove mails that were written a while ago. Returns how many."""
    if f"{__name__}.EmailBackend" != settings.EMAIL_BACKEND:
        return 0
    limit = timezone.now().timestamp() - KEPT.total_seconds()
    old = [path for path in Path(settings.EMAIL_FILE_PATH).glob("*.eml") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


class EmailBackend(BaseEmailBackend):
    """Writes each mail into a file of EMAIL_FILE_PATH: whole, or not at all, and once however often it is sent."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write them; return how many."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds links by which people sign
        for message in email_messages:
            content = message.message()
            name = re.sub(r"[^\w-]", "", str(content["Message-ID"]).split("@")[0])[:40]
            before = next(folder.glob(f"*-{name}.eml"), None)
            path = before or folder / f"{timezone.localtime():%Y-%m-%d-%H%M%S}-{name}.eml"
            draft = path.with_suffix(".part")
            draft.write_bytes(content.as_bytes())
            draft.replace(path)
        return len(email_messages)
