"""The register as everybody may read, copy and check it. It holds nothing that its entries do not make public."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import condition, require_safe

from events.declarations import exports
from events.declarations.choices import Reason
from events.declarations.filters import RegisterQuestion
from events.declarations.models import Entry
from events.declarations.register import log, verify
from partners.models import Sector
from vru_portal.pages import page_of
from vru_portal.structured_data import json_ld
from vru_portal.tables import csv_parts

PER_PAGE = 50
MOST_DIGITS = 15  # of a number of entries: a register that has more is none
NO_REGISTER = "There is no register yet: it begins with its key."


# Pages ----------------------------------------------------------------------------------------------------------------


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """The register, the newest entry first, and how anybody checks it."""
    question = RegisterQuestion(request.GET)
    newest = newest_entry()
    asked = request.GET.copy()
    asked.pop("page", None)
    return render(
        request,
        "events/declaration/register.html",
        {
            "question": question,
            "page": page_of(request, question.entries.with_status().with_names(), PER_PAGE),
            "chips": chips(question),
            "query": f"?{asked.urlencode()}" if asked else "",
            "newest": newest,
            "vkeys": log.vkeys(),
            "json_ld": dataset(newest),
        },
    )


def chips(question: RegisterQuestion) -> list[dict[str, str]]:
    """Return a link for each answer in use that undoes it."""
    links = []
    for name, answer in question.answers.items():
        others = QueryDict(mutable=True)
        others.update({other: value for other, value in question.answers.items() if other != name})
        links.append({"label": question.label_of(name, answer), "address": f"?{others.urlencode()}"})
    return links


def dataset(newest: Entry | None) -> str:
    """Describe the register to search engines."""
    files = (("register_json", "application/json"), ("register_csv", "text/csv"))
    return json_ld(
        "Dataset",
        name="Register of the declaration",
        description="Every entry of the declaration's register: who signed which text, when, and what followed.",
        url=absolute("declarations:register"),
        dateModified=newest.recorded_at.date().isoformat() if newest else None,
        isAccessibleForFree=True,
        distribution=[
            {"@type": "DataDownload", "encodingFormat": kind, "contentUrl": absolute(f"declarations:{name}")}
            for name, kind in files
        ],
    )


def absolute(name: str) -> str:
    """Return the full address of a page."""
    return settings.PORTAL_URL + reverse(name)


@require_safe
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry: what it says, what followed, and what proves that it is in the register."""
    found = found_entry(seq)
    newest = newest_entry() or found
    return render(
        request,
        "events/declaration/entry.html",
        {
            "entry": found,
            "reason": dict(Reason.choices).get(found.said.get("reason", "")),
            "followed_by": found.followed_by.order_by("seq"),
            "newest": newest,
            "inclusion_proof": log.inclusion_proof(found.seq, newest.seq),
        },
    )


def found_entry(seq: int) -> Entry:
    """Return an entry with all that is public of it; raises Http404."""
    rows = Entry.objects.with_status().with_names().select_related("of")
    found = rows.filter(seq=seq).first() if seq < 10**MOST_DIGITS else None
    if found is None:
        raise Http404("The register has no such entry.")
    return found


def newest_entry() -> Entry | None:
    """Return the last entry, on whose checkpoint all others stand."""
    return Entry.objects.order_by("seq").last()


# Files ----------------------------------------------------------------------------------------------------------------


def state_of_register(request: HttpRequest, **kwargs: Any) -> str | None:
    """Return an ETag: it changes with every entry, so with everything that is public, and with a key."""
    newest = Entry.objects.order_by("-seq").values_list("checkpoint", flat=True).first()
    parts = [newest, *log.vkeys()]
    if request.path == reverse("declarations:register_csv"):  # it calls sectors by the names that they have now
        parts += Sector.objects.order_by("pk").values_list("name", flat=True)
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


@require_safe
@condition(etag_func=state_of_register)
def entries_json(request: HttpRequest) -> HttpResponseBase:
    """The whole register for `verify.py`: streamed, so that a long one takes no more memory."""
    newest = newest_entry()
    note = checkpoint_of(newest)
    if isinstance(note, HttpResponse):
        return note
    parts = exports.register_parts(note, newest.seq if newest else 0)
    return sent(request, parts, "application/json", "register.json")


@require_safe
@condition(etag_func=state_of_register)
def entries_csv(request: HttpRequest) -> HttpResponseBase:
    """The entries that the same question shows on the page, as a list; a wrong question is a 400 that says why."""
    question = RegisterQuestion(request.GET)
    if question.errors:
        return plain(" ".join(str(error) for errors in question.errors.values() for error in errors), 400)
    parts = csv_parts(exports.register_table(question.entries))
    return sent(request, parts, "text/csv; charset=utf-8", "register.csv")


def sent(request: HttpRequest, parts: Any, kind: str, name: str) -> HttpResponseBase:
    """Stream a file; a HEAD request makes none."""
    response = HttpResponse() if request.method == "HEAD" else StreamingHttpResponse(parts)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def entry_json(request: HttpRequest, seq: int) -> HttpResponse:
    """What proves an entry, as a receipt does: in the register as it was with it, and (``now``) as it is."""
    found = found_entry(seq)
    newest = newest_entry() or found
    now = {"checkpoint": newest.checkpoint, "inclusion_proof": log.inclusion_proof(found.seq, newest.seq)}
    return JsonResponse(log.proof(found) | exports.disclosed(found) | {"now": now})


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest checkpoint, a signed note (c2sp.org/tlog-checkpoint): whoever keeps one is a witness."""
    note = checkpoint_of(newest_entry())
    return note if isinstance(note, HttpResponse) else plain(note, 200)


def checkpoint_of(newest: Entry | None) -> str | HttpResponse:
    """Return the checkpoint over the register up to an entry, or over an empty one; else an answer that says why."""
    if newest:
        return newest.checkpoint
    if not log.vkeys():
        return plain(NO_REGISTER, 404)
    try:
        return log.checkpoint()
    except ImproperlyConfigured:  # its words are for whoever runs the portal
        return plain("The register has no entries, and its key is not at hand to say so.", 503)


@require_safe
def consistency(request: HttpRequest) -> HttpResponse:
    """The proof that the register of ``new`` entries extends that of ``old``; a 400 that says why there is none."""
    newest = newest_entry()
    size = newest.seq if newest else 0
    sizes = []
    for name in ("old", "new"):
        text = request.GET.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
            return refused(f"Give “{name}” as a whole number of entries, such as consistency.json?old=3&new=7.")
        sizes.append(int(text))
    old, new = sizes
    if new > size:
        return refused(f"The register has {size} entries; it cannot be compared at {new}.")
    if old > new:
        return refused(f"“old” ({old}) is more than “new” ({new}): the earlier register is the smaller one.")
    return JsonResponse({"old": old, "new": new, "consistency_proof": log.consistency_proof(old, new)})


def refused(sentence: str) -> HttpResponse:
    """Say in a sentence why there is no proof."""
    return JsonResponse({"error": sentence}, status=400, json_dumps_params={"ensure_ascii": False})


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The program that checks all of it, one file that needs only Python, as a download."""
    response = HttpResponse(Path(verify.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="verify.py"'
    return response


def plain(text: str, status: int) -> HttpResponse:
    """Answer with text as it is: a checkpoint is signed to the byte."""
    text = text if text.endswith("\n") else f"{text}\n"
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
