"""Staff's page for whoever asks what is held about them. What is typed goes by POST: no address or log may hold it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from events.declarations import disclosure, rules


class WhoseForm(forms.Form):
    """About whom."""

    whose = forms.CharField(
        label="About whom",
        max_length=254,
        help_text="Their email address, the number of the entry that they signed or, without either, their name.",
    )


@never_cache
@permission_required("declarations.erase_entry", raise_exception=True)
def disclose(request: HttpRequest) -> HttpResponse:
    """Show everything that is held about a person, give it as a file, or drop what belongs to no signature."""
    form = WhoseForm(request.POST or None)
    whose = form.cleaned_data["whose"].strip() if form.is_bound and form.is_valid() else ""
    wanted = request.POST.get("do", "")
    if whose and "@" in whose and wanted == "drop":
        dropped = rules.forget_mailbox(by=request.user, email=whose)
        messages.success(request, f"Dropped: {dropped} records. What belongs to a signature is erased by its entry.")
    found = disclosure.held(whose) if whose else []
    if whose and wanted == "json":
        response = HttpResponse(disclosure.as_json(found), content_type="application/json; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="held-about-you.json"'
        return response
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "What is held about a person",
        "form": form,
        "whose": whose,
        "found": found,
        "text": disclosure.as_text(found),
        "entries": sorted(part.key for part in found if part.title == "Signature"),
        "can_drop": "@" in whose,
    }
    return TemplateResponse(request, "admin/declarations/disclosure.html", context)
