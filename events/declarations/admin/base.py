"""What the staff pages of the declaration have in common."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from events.declarations.choices import EntryKind
from events.declarations.models import DeclarationVersion, Entry, Head
from events.declarations.rules import availability
from partners.models import LegalNotice
from vru_portal.staff.actions import ActionAdmin, WriteOnceAdmin
from vru_portal.staff.admin_links import change_url, reader_can_view
from vru_portal.text.dates import format_short_date
from vru_portal.text.form_fields import CalendarDateFormField

ENTRIES_ARE_PERMANENT = "The register is public and keeps every entry permanently."


class DeclarationActionAdmin(ActionAdmin):
    """Actions that take locks in the same order as the rules do, so that they cannot deadlock with a signature."""

    def lock_row(self, object_id: str) -> None:
        # Rules that add an entry lock the register's head before any other row.
        list(Head.objects.select_for_update().values_list("pk"))
        super().lock_row(object_id)


class DeclarationWriteOnceAdmin(DeclarationActionAdmin, WriteOnceAdmin):
    """Rows that staff add, and from then on change only through actions."""


class NoAddAdmin(DeclarationWriteOnceAdmin):
    """Rows that the portal adds by itself, so staff cannot."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class FilledFilter(admin.SimpleListFilter):
    """Filters rows by whether a field is filled in; `labels` are what an empty and a filled one mean."""

    field_name: str
    labels: tuple[str, str]

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [*zip(("no", "yes"), self.labels, strict=True)]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_empty = {"no": True, "yes": False}.get(str(self.value()))
        return queryset if is_empty is None else queryset.filter(**{f"{self.field_name}__isnull": is_empty})


class VersionFilter(admin.RelatedFieldListFilter):
    """Filters by a text that is or was in force. One query fetches all the choices."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        versions = DeclarationVersion.objects.exclude(in_force_from=None).select_related("declaration")
        return [(version.pk, str(version)) for version in versions]


class DateForm(forms.Form):
    """Asks for a date."""

    day = CalendarDateFormField()


def next_entry_fact(kind: EntryKind, signature: Entry | None = None, *, subject: Any = None) -> tuple[str, str]:
    """Say which entry an action will add to the register, for its confirmation page.

    ``signature`` is the entry that the new one follows. ``subject`` replaces the organisation's name in the sentence.
    """
    head = Head.objects.first()
    number = head.size + 1 if head else 1  # or later: somebody may sign before the action is confirmed
    follows = f", which follows entry {signature.pk}" if signature else ""
    name = subject or (signature.body if signature else "")
    sentence = f"Entry {number} or later: “{kind.label}”, for {name}{follows}. {ENTRIES_ARE_PERMANENT}"
    return ("The entry that this adds", sentence)


def signing_closed_notice() -> str:
    """Why nobody can sign or be invited, in one paragraph of HTML; empty while signing is open."""
    return signing_closed_notice_for(availability.version_in_force())


def signing_closed_notice_for(version: DeclarationVersion | None) -> str:
    """Like `signing_closed_notice`, for a caller that has fetched the version in force."""
    reasons = availability.signing_blockers(version)
    if not reasons:
        return ""
    explanation = f"Nobody can sign or be invited at the moment. {' '.join(reasons)}"
    return format_html_join(" ", "{}", [(explanation,), *((link,) for link in signing_closed_remedies(version))])


def signing_closed_remedies(version: DeclarationVersion | None) -> Iterator[str]:
    """Yield links to the pages on which staff can open signing."""
    if version is None:
        address = reverse("admin:declarations_declarationversion_changelist")
        yield format_html('<a href="{}">Publish a version of the text.</a>', address)
    elif version.declaration.paused_because:
        yield format_html('<a href="{}">End the pause.</a>', change_url(version.declaration))
    notice = LegalNotice.current()
    if notice.missing and not reader_can_view(LegalNotice):
        yield "Ask Information governance or an Administrator to complete the legal notice."
    elif notice.missing:
        address = reverse("admin:partners_legalnotice_add") if notice._state.adding else change_url(notice)
        yield format_html('<a href="{}">Complete the legal notice.</a>', address)


def short_date_or_dash(value: date | None) -> str:
    return format_short_date(value) if value else "-"
