"""What a timer does with uploads: a file that nothing names is dropped."""

import json
from datetime import timedelta

from django.utils import timezone

from programmes.models import Document, Picture, uploads
from vru_portal.models import Pending

KEEP = timedelta(days=30)  # somebody may still be filling in the form that was sent with it


def clear_away() -> int:
    """Drop old uploads that no record, no earlier version and no change that waits names. Returns how many."""
    named = {
        name
        for model in (Picture, Document)
        for rows in (model.objects.all(), model.history.all())
        for name in rows.values_list("file", flat=True)
    }
    waiting = json.dumps(list(Pending.objects.values_list("changes", flat=True)))
    storage, dropped = uploads(), 0
    for folder in ("pictures", "documents"):
        if not storage.exists(folder):
            continue
        for file in storage.listdir(folder)[1]:
            name = f"{folder}/{file}"
            old = storage.get_modified_time(name) < timezone.now() - KEEP
            if old and name not in named and name not in waiting:
                storage.delete(name)
                dropped += 1
    return dropped
