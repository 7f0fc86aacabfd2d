"""Timed jobs of programmes; `vru_portal.operations.schedule` runs them."""

import json
from datetime import timedelta

from django.utils import timezone

from programmes.models import Document, Picture, upload_storage
from programmes.uploads.text import read_documents
from vru_portal.models import Pending

KEEP_UNUSED = timedelta(days=30)  # somebody may still be filling in the form that it was sent with


def delete_unused_uploads() -> int:
    """Delete old uploads that no record, earlier version or pending change refers to. Returns how many."""
    named = {
        name
        for model in (Picture, Document)
        for rows in (model.objects.all(), model.history.all())
        for name in rows.values_list("file", flat=True)
    }
    waiting = json.dumps(list(Pending.objects.values_list("changes", flat=True)))
    storage, deleted = upload_storage(), 0
    for folder in ("pictures", "documents"):
        if not storage.exists(folder):
            continue
        for file in storage.listdir(folder)[1]:
            name = f"{folder}/{file}"
            old = storage.get_modified_time(name) < timezone.now() - KEEP_UNUSED
            if old and name not in named and name not in waiting:
                storage.delete(name)
                deleted += 1
    return deleted


JOBS = (
    (delete_unused_uploads, "unused uploads deleted"),
    (read_documents, "documents read for search"),
)
