"""Redirects from old addresses: a link to a public page keeps working after the page's record has been renamed.

`Slugged.save` remembers the old address, and the "not found" page looks it up. An existing page therefore always has
precedence over an old address. There are no chains or loops of redirects: an old address refers to a record, and leads
to wherever that is now.
"""

from typing import Any
from urllib.parse import quote

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from vru_portal.models import OldAddress

MAX_PATH_LENGTH = 200  # of OldAddress.path
MIN_SLASHES = 3  # every record's address has two parts, such as /events/launch/


def remember_old_address(record: Any) -> None:
    """Before a record is saved under a new address: remember the old one, if the public has seen it."""
    before = type(record)._base_manager.filter(pk=record.pk).first()
    if before is None or before.slug == record.slug:
        return
    old_path, new_path = before.get_absolute_url(), record.get_absolute_url()
    kind = ContentType.objects.get_for_model(record)
    OldAddress.objects.filter(path=new_path, content_type=kind, object_id=record.pk).delete()  # it is renamed back
    if before.is_public or _was_public(before):
        OldAddress.objects.update_or_create(path=old_path, defaults={"content_type": kind, "object_id": record.pk})


def _was_public(record: Any) -> bool:
    """Whether a draft was once published under its present address."""
    history: Any = getattr(record, "history", None)
    return bool(history and history.filter(state="published", slug=record.slug).exists())


def redirect_from_old_address(request: HttpRequest) -> HttpResponse | None:
    """A redirect to where a page is now; None if there is no such page, or if the public may not see it."""
    path = request.path
    if request.method not in ("GET", "HEAD") or path.count("/") < MIN_SLASHES or "\0" in path:
        return None
    # What is below a page has moved with it: /events/launch/agenda.ics. So each part of the path that ends with a
    # slash may be the old address; the longest is the most specific.
    ends = [end + 1 for end, character in enumerate(path) if character == "/" and 0 < end < MAX_PATH_LENGTH]
    candidates = OldAddress.objects.filter(path__in=[path[:end] for end in ends[1:]])
    for old in sorted(candidates, key=lambda old: -len(old.path)):
        model: type[models.Model] | None = old.content_type.model_class()
        record: Any = model and model.objects.public().filter(pk=old.object_id).first()  # type: ignore[attr-defined]
        if record is None:
            continue
        query = request.META.get("QUERY_STRING", "")
        url = record.get_absolute_url() + quote(path[len(old.path) :])
        response = HttpResponsePermanentRedirect(f"{url}?{query}" if query else url)
        response["Cache-Control"] = "public, max-age=300"  # not for ever: another record may take the old address
        return response
    return None
