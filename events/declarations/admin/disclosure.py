"""The staff page that answers a subject access request: everything the portal holds about one person.

The form uses POST even though showing changes nothing, so that no address or log says who it was about.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from events.declarations.documents import subject_access
from events.declarations.rules import erasure
from vru_portal.links.personal import drafts_about
from vru_portal.staff.admin_links import action_url
from vru_portal.text.form_fields import LineFormField
from vru_portal.web.file_responses import file_response


class DisclosureForm(forms.Form):
    """Asks about which person."""

    person = LineFormField(
        label="Person",
        max_length=254,
        help_text="Enter their email address or the number of the entry they signed. If you have neither, enter their "
        "name.",
    )


@never_cache
@permission_required("declarations.erase_entry", raise_exception=True)
def disclosure_view(request: HttpRequest) -> HttpResponse:
    """Show everything that is held about a person, send it as a file, or delete what belongs to no signature."""
    form = DisclosureForm(request.POST or None)
    person = form.cleaned_data["person"] if form.is_bound and form.is_valid() else ""
    requested = request.POST.get("request", "")
    if person and "@" in person and requested == "drop":
        deleted = erasure.forget_mailbox(by=request.user, email=person)
        messages.success(
            request,
            f"{deleted} record{pluralize(deleted)} deleted. To erase records that belong to a signature, go to the "
            "signature's entry.",
        )
    found = subject_access.records_about(person) if person else []
    if person and requested == "json":
        return file_response(subject_access.records_as_json(found).encode(), "held-about-you.json")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Personal data about one person",
        "form": form,
        "person": person,
        "found": found,
        "text": subject_access.records_as_text(found),
        "entries": sorted(record.key for record in found if record.title == "Signature"),
        "requests": [(str(draft.staff_row), action_url(draft.staff_row, "erase")) for draft in drafts_about(person)],
        "can_delete": "@" in person,
    }
    return TemplateResponse(request, "admin/declarations/disclosure.html", context)
