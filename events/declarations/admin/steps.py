"""What the steps of the declaration have in common."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from events.declarations import rules
from events.declarations.choices import Kind
from events.declarations.models import DeclarationVersion, Entry, Head
from partners.models import LegalNotice
from vru_portal.opening import may_open
from vru_portal.step_admin import RecordedAdmin, StepAdmin, row_url

FOR_GOOD = "The register is public and keeps every entry for good."


class DeclarationStepAdmin(StepAdmin):
    """Steps that lock in the same order as the rules, so that no step and no signature wait for each other."""

    def hold(self, object_id: str) -> None:
        """Lock the log's head first."""
        list(Head.objects.select_for_update().values_list("pk"))
        super().hold(object_id)


class DeclarationRecordedAdmin(DeclarationStepAdmin, RecordedAdmin):
    """Rows that are recorded, then changed by steps alone."""


class NothingAddedAdmin(DeclarationRecordedAdmin):
    """Rows that come about elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are not added here."""
        return False


class VersionFilter(admin.RelatedFieldListFilter):
    """Wordings that are or were in force, asked for at once."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Return the choices."""
        versions = DeclarationVersion.objects.exclude(in_force_from=None).select_related("declaration")
        return [(version.pk, str(version)) for version in versions]


class DayForm(forms.Form):
    """A day."""

    day = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "vDateField"}))


def next_entry(kind: Kind, of: Entry | None = None, *, body: Any = None) -> tuple[str, str]:
    """Say which entry a step would make: the register is never changed silently."""
    head = Head.objects.first()
    number = head.size + 1 if head else 1
    follows = f", which follows entry {of.pk}" if of else ""
    name = body or (of.body if of else "")
    return ("The entry that this makes", f"Entry {number} or later: “{kind.label}”, for {name}{follows}. {FOR_GOOD}")


def closed_sentence() -> str:
    """Return why nobody can sign or be invited, in one paragraph; nothing while signing is open."""
    return said_closed(rules.in_force())


def said_closed(version: DeclarationVersion | None) -> str:
    """Return the same, of the wording in force."""
    reasons = rules.why_closed(version)
    if not reasons:
        return ""
    said = f"Nobody can sign or be invited at the moment. {' '.join(reasons)}"
    return format_html_join(" ", "{}", [(said,), *((link,) for link in ways_out(version))])


def ways_out(version: DeclarationVersion | None) -> Iterator[str]:
    """Yield links to the pages on which what keeps signing closed is mended."""
    if version is None:
        address = reverse("admin:declarations_declarationversion_changelist")
        yield format_html('<a href="{}">Put a wording in force.</a>', address)
    elif version.declaration.paused_because:
        yield format_html('<a href="{}">End the pause.</a>', row_url(version.declaration))
    notice = LegalNotice.current()
    if notice.missing and not may_open(LegalNotice):
        yield "Ask Information governance or an Administrator to complete the legal notice."
    elif notice.missing:
        address = reverse("admin:partners_legalnotice_add") if notice._state.adding else row_url(notice)
        yield format_html('<a href="{}">Complete the legal notice.</a>', address)


def shown_day(value: date | None) -> str:
    """Return a day as lists show it."""
    return f"{value:%-d %b %Y}" if value else "-"
