"""Links keep working after a rename: what the public could read at one address is found at the next.

`Slugged.save` remembers, the page for what is not found looks it up. So a page that exists always goes before an old
address, and nobody is led in a circle: an old address names a record, and leads to where that is now, in one step.
"""

from typing import Any
from urllib.parse import quote

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

LONGEST = 200  # characters: OldAddress.path
FEWEST = 3  # slashes: every record's address has two parts


def remember(record: Any) -> None:
    """Keep the address that a record has in the database, if the public has seen it and it is about to change."""
    before = type(record)._base_manager.filter(pk=record.pk).first()
    if before is None:
        return
    path, now = before.get_absolute_url(), record.get_absolute_url()
    if path == now or "#" in path:  # what stands on another's page is found there still
        return
    from vru_portal.models import OldAddress

    kind = ContentType.objects.get_for_model(record)
    OldAddress.objects.filter(path=now, content_type=kind, object_id=record.pk).delete()  # renamed back
    if before.is_public or was_public(before):
        OldAddress.objects.update_or_create(path=path, defaults={"content_type": kind, "object_id": record.pk})


def was_public(record: Any) -> bool:
    """Return whether a draft was published once, under the address that it has."""
    history: Any = getattr(record, "history", None)
    return bool(history and history.filter(state="published", slug=record.slug).exists())


def redirect(request: HttpRequest) -> HttpResponse | None:
    """Return the way to where a page is now; None where there is none, or where the public may not see it."""
    path = request.path
    if request.method not in ("GET", "HEAD") or path.count("/") < FEWEST or "\0" in path:
        return None
    from vru_portal.models import OldAddress

    # What lies below a page has moved with it: /events/launch/agenda.ics.
    ends = [end + 1 for end, character in enumerate(path) if character == "/" and 0 < end < LONGEST]
    found = OldAddress.objects.filter(path__in=[path[:end] for end in ends[1:]])
    for old in sorted(found, key=lambda old: -len(old.path)):
        model: type[models.Model] | None = old.content_type.model_class()
        record: Any = model and model.objects.public().filter(pk=old.object_id).first()  # type: ignore[attr-defined]
        if record is None:
            continue
        question = request.META.get("QUERY_STRING", "")
        address = record.get_absolute_url() + quote(path[len(old.path) :])
        response = HttpResponsePermanentRedirect(f"{address}?{question}" if question else address)
        response["Cache-Control"] = "public, max-age=300"  # another record may take the address
        return response
    return None
