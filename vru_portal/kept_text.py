"""What staff send in a session that is over is kept until they have signed in again, and sent only when they say so."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from vru_portal.sessions import whose

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

KEY = "kept_text"
DROP = "drop_kept_text"
MOST = 200_000  # characters
NEVER = ("csrfmiddlewaretoken", DROP)


def keep(request: HttpRequest) -> None:
    """Keep what an account's session, over by now, was used to send: in the new session, which is nobody's yet."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return  # a script's question, not a form that somebody has filled in
    ended = Session.objects.filter(pk=request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")).first()
    if ended is None or (user := whose(ended)) is None:
        return
    fields = [(name, texts) for name, texts in request.POST.lists() if name not in NEVER and "password" not in name]
    if fields and sum(len(name) + len(text) for name, texts in fields for text in texts) <= MOST:
        request.session[KEY] = {
            "user": user,
            "path": request.get_full_path(),
            "fields": fields,
            "files": bool(request.FILES),
        }
        ended.delete()


def offer(request: HttpRequest, site: "AdminSite") -> HttpResponse | None:
    """Show what was kept to whom it is from, on the page that it was sent to; None where nothing is."""
    kept: dict[str, Any] | None = request.session.get(KEY)
    if kept is None:
        return None
    if kept["user"] != request.user.pk:
        del request.session[KEY]  # the next person at this machine never sees it
        return None
    if kept["path"] != request.get_full_path():
        return None
    if request.method == "POST":
        del request.session[KEY]  # whatever comes of it: the page that answers shows what was typed
        if DROP not in request.POST:
            return None
        messages.info(request, "What you had typed before you were signed out is dropped.")
        return HttpResponseRedirect(kept["path"])
    context = site.each_context(request) | {
        "title": "You had been signed out before this was saved",
        "kept": kept,
        "drop": DROP,
        "readable": [(in_words(name), texts) for name, texts in kept["fields"] if not is_machinery(name)],
    }
    return TemplateResponse(request, "admin/kept_text.html", context)


def is_machinery(name: str) -> bool:
    """Return whether a field is one that no person fills in."""
    return name.startswith(("_", "initial-")) or name.endswith(("_FORMS", "-id"))


def in_words(name: str) -> str:
    """Return a field's name as a person reads it: "posts-0-title" is the title of the first of the posts."""
    words = [str(int(word) + 1) if word.isdecimal() else word.replace("_", " ") for word in name.split("-")]
    return " ".join(words).capitalize()
