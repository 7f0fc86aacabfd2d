"""Forms sent after the session had expired. Nothing that staff typed is lost: it is offered to them after signing in.

The form is stored in the new, still anonymous session. It is shown only to the account whose session had expired, on
the page it was sent to, and is submitted only when that person presses the button.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from vru_portal.accounts.sessions import user_key_of

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

SESSION_ENTRY = "interrupted_form"
DISCARD_FIELD = "discard_interrupted_form"  # the name of the button
MAX_CHARACTERS = 200_000
NEVER_STORED = ("csrfmiddlewaretoken", DISCARD_FIELD)


def store_interrupted_form(request: HttpRequest) -> None:
    """Store what was sent with an expired session in the new session, which is nobody's yet."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return  # sent by a script, not a form that somebody has filled in
    expired = Session.objects.filter(pk=request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")).first()
    if expired is None or (user_key := user_key_of(expired)) is None:
        return
    fields = [
        (name, values) for name, values in request.POST.lists() if name not in NEVER_STORED and "password" not in name
    ]
    if fields and sum(len(name) + len(value) for name, values in fields for value in values) <= MAX_CHARACTERS:
        request.session[SESSION_ENTRY] = {
            "user": user_key,
            "path": request.get_full_path(),
            "fields": fields,
            "files": bool(request.FILES),
        }
        expired.delete()


def offer_interrupted_form(request: HttpRequest, site: "AdminSite") -> HttpResponse | None:
    """The page that offers a stored form to its author, instead of the page it was sent to; None if there is none."""
    stored: dict[str, Any] | None = request.session.get(SESSION_ENTRY)
    if stored is None:
        return None
    if stored["user"] != request.user.pk:
        del request.session[SESSION_ENTRY]  # somebody else has signed in on this computer
        return None
    if stored["path"] != request.get_full_path():
        return None
    if request.method == "POST":
        # Whatever comes of this, the stored form is not needed any more: a refused form is shown again with its input.
        del request.session[SESSION_ENTRY]
        if DISCARD_FIELD not in request.POST:
            return None
        messages.info(request, "The text you entered before you were signed out has been discarded.")
        return HttpResponseRedirect(stored["path"])
    context = site.each_context(request) | {
        "title": "You were signed out before this was saved",
        "stored": stored,
        "discard_field": DISCARD_FIELD,
        "readable": [(_field_label(name), values) for name, values in stored["fields"] if not _is_technical(name)],
    }
    return TemplateResponse(request, "admin/interrupted_form.html", context)


def _is_technical(name: str) -> bool:
    """Whether a field is one that no person fills in.

    Such as a button, an initial value, a formset's counters and IDs, or the version that somebody has seen.
    """
    return name == "seen" or name.startswith(("_", "initial-", "seen_")) or name.endswith(("_FORMS", "-id"))


def _field_label(name: str) -> str:
    """A label made of a field's name: "posts-0-title" becomes "Posts 1 title"."""
    words = [str(int(word) + 1) if word.isdecimal() else word.replace("_", " ") for word in name.split("-")]
    return " ".join(words).capitalize()
