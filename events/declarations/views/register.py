"""The public register: its pages, and the files with which anyone can copy and check it.

Nothing here is private: personal data is on a page or in a file only while its owner has agreed to show it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import condition, require_safe

from events.declarations.choices import CorrectionReason
from events.declarations.filters import RegisterFilters
from events.declarations.models import Entry
from events.declarations.register import exports, log, verify
from partners.models import Sector
from vru_portal.tabular.writers import csv_parts
from vru_portal.web.addresses import full_url
from vru_portal.web.file_responses import file_response, streamed_file_response, text_response
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page
from vru_portal.web.structured_data import json_ld

ENTRIES_PER_PAGE = 50
MAX_NUMBER_DIGITS = 15  # of an entry's number, so that none is too large for the database's integers
NO_REGISTER_YET = "There is no register yet. It starts when its first key is made."


# Pages ----------------------------------------------------------------------------------------------------------------


@require_safe
@public_page
def register_page(request: HttpRequest) -> HttpResponse:
    """List the register's entries, the newest first, and say how to check them."""
    filters = RegisterFilters(request.GET)
    declare_parameters(request, filters.valid)
    newest = latest_entry()
    return render(
        request,
        "events/declaration/register.html",
        {
            "filters": filters,
            "page": get_page_or_404(
                request, filters.entries.with_status().with_names(), ENTRIES_PER_PAGE, count=filters.count
            ),
            "form": filters.form("Show entries", ""),
            "removal_links": filters.chips,
            "newest": newest,
            "vkeys": log.public_keys(),
            "json_ld": register_structured_data(newest),
        },
    )


def register_structured_data(newest: Entry | None) -> str:
    """A schema.org description of the register, for search engines."""
    files = (("register_json", "application/json"), ("register_csv", "text/csv"))
    return json_ld(
        "Dataset",
        name="Register of the declaration",
        description="Every entry of the declaration's register: who signed which text, when, and what happened later.",
        url=absolute_url("declarations:register"),
        dateModified=newest.recorded_at.date().isoformat() if newest else None,
        isAccessibleForFree=True,
        distribution=[
            {"@type": "DataDownload", "encodingFormat": kind, "contentUrl": absolute_url(f"declarations:{name}")}
            for name, kind in files
        ],
    )


def absolute_url(name: str) -> str:
    return full_url(reverse(name))


@require_safe
@public_page
def entry_page(request: HttpRequest, seq: int) -> HttpResponse:
    """Show one entry: what it says, what followed, and the proof that it is in the register."""
    found = get_entry_or_404(seq)
    newest = latest_entry() or found
    return render(
        request,
        "events/declaration/entry.html",
        {
            "entry": found,
            "reason": dict(CorrectionReason.choices).get(found.leaf_values.get("reason", "")),
            "followed_by": found.followed_by.order_by("seq"),
            "newest": newest,
            "inclusion_proof": log.inclusion_proof(found.seq, newest.seq),
        },
    )


def get_entry_or_404(seq: int) -> Entry:
    """The entry with everything that is public about it; raises Http404 if there is none with this number."""
    entries = Entry.objects.with_status().with_names().select_related("of")
    found = entries.filter(seq=seq).first() if seq < 10**MAX_NUMBER_DIGITS else None
    if found is None:
        raise Http404("The register has no such entry.")
    return found


def latest_entry() -> Entry | None:
    """The last entry. Its checkpoint covers all entries."""
    return Entry.objects.order_by("seq").last()


# Files ----------------------------------------------------------------------------------------------------------------


def register_etag(request: HttpRequest, **kwargs: Any) -> str | None:
    """An ETag for the register's files. Everything public changes only with a new entry or a new key."""
    newest = Entry.objects.order_by("-seq").values_list("checkpoint", flat=True).first()
    parts = [newest, *log.public_keys()]
    if request.path == reverse("declarations:register_csv"):  # the CSV also has the sectors' present names
        parts += Sector.objects.order_by("pk").values_list("name", flat=True)
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


@require_safe
@condition(etag_func=register_etag)
def register_json(request: HttpRequest) -> HttpResponseBase:
    """Send the whole register in the format of `verify.py`. It is streamed, so a long register needs no more memory."""
    newest = latest_entry()
    note = checkpoint_note(newest)
    if isinstance(note, HttpResponse):
        return note
    parts = exports.register_json(note, newest.seq if newest else 0)
    return streamed_file_response(request, parts, "register.json")


@require_safe
@condition(etag_func=register_etag)
def register_csv(request: HttpRequest) -> HttpResponseBase:
    """Send the entries that match the filters as a CSV file, or a 400 that says what is wrong with the filters."""
    filters = RegisterFilters(request.GET)
    if filters.errors:
        return text_response(" ".join(filters.errors.values()), 400)
    parts = csv_parts(exports.register_table(filters.entries))
    return streamed_file_response(request, parts, "register.csv")


@require_safe
@public_page
def entry_json(request: HttpRequest, seq: int) -> HttpResponse:
    """Send the proof of one entry, as in a receipt: against the register of that day and (``now``) of today."""
    found = get_entry_or_404(seq)
    newest = latest_entry() or found
    now = {"checkpoint": newest.checkpoint, "inclusion_proof": log.inclusion_proof(found.seq, newest.seq)}
    proof = log.entry_proof(found) | exports.disclosed_values(found) | {"now": now}
    return file_response(json.dumps(proof).encode(), f"{found.seq}.json")


@require_safe
@public_page
def latest_checkpoint(request: HttpRequest) -> HttpResponse:
    """Send the newest checkpoint, a signed note (c2sp.org/tlog-checkpoint). Anyone who keeps one is a witness."""
    note = checkpoint_note(latest_entry())
    return note if isinstance(note, HttpResponse) else file_response(note.encode(), "checkpoint.txt")


@require_safe
@public_page
def public_keys(request: HttpRequest) -> HttpResponse:
    """Send the register's public keys, the oldest first, one a line."""
    vkeys = log.public_keys()
    if not vkeys:
        return text_response(NO_REGISTER_YET, 404)
    return file_response("".join(f"{vkey}\n" for vkey in vkeys).encode(), "key.txt")


def checkpoint_note(newest: Entry | None) -> str | HttpResponse:
    """The checkpoint up to an entry, or of an empty register. If there is none, a response that says why."""
    if newest:
        return newest.checkpoint
    if not log.public_keys():
        return text_response(NO_REGISTER_YET, 404)
    try:
        return log.newest_checkpoint()
    except ImproperlyConfigured:  # its message is for operators, not for visitors
        return text_response("The register has no entries yet, and cannot sign a checkpoint at the moment.", 503)


@require_safe
def consistency_proof(request: HttpRequest) -> HttpResponse:
    """Send the proof that the register of ``new`` entries extends that of ``old``, or a 400 that says why not."""
    newest = latest_entry()
    size = newest.seq if newest else 0
    sizes = []
    for name in ("old", "new"):
        text = request.GET.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS):
            return consistency_error(
                f"Enter “{name}” as a whole number of entries, for example consistency.json?old=3&new=7."
            )
        sizes.append(int(text))
    old, new = sizes
    if new > size:
        return consistency_error(f"“new” ({new}) must be {size} or less: the register has {size} entries.")
    if old > new:
        return consistency_error(f"“old” ({old}) must not be more than “new” ({new}).")
    proof = {"old": old, "new": new, "consistency_proof": log.consistency_proof(old, new)}
    return file_response(json.dumps(proof).encode(), "consistency.json")


def consistency_error(sentence: str) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=400, json_dumps_params={"ensure_ascii": False})


@require_safe
@public_page
def download_verifier(request: HttpRequest) -> HttpResponse:
    """Send the program that checks the register: one file that needs only Python."""
    return file_response(Path(verify.__file__).read_bytes(), "verify.py")
