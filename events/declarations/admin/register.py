from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.fields import BLANK_CHOICE_DASH
from django.http import HttpRequest
from django.urls import path

from events.declarations.admin.base import ENTRIES_ARE_PERMANENT, DeclarationActionAdmin, VersionFilter, next_entry_fact
from events.declarations.admin.disclosure import disclosure_view
from events.declarations.choices import CorrectionReason, EntryKind
from events.declarations.models import Entry, RegisterKey
from events.declarations.rules import corrections, erasure, paper_signatures
from partners.models import Sector
from vru_portal.staff.actions import Action, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.ledger_admin import RecordedElsewhereAdmin
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import LineFormField


class SignatureAction(Action):
    """An action that adds an entry of this ``kind``, which follows a signature."""

    kind: ClassVar[EntryKind]

    def applies(self) -> bool:
        return self.row.kind == EntryKind.SIGNED

    def blocked_reason(self) -> str:
        return "" if self.row.kind == EntryKind.SIGNED else "Go to the signature that this entry follows."

    def facts(self) -> list[tuple[str, str]]:
        return [next_entry_fact(self.kind, self.row)]


class CorrectForm(forms.Form):
    """What the register should now show about an organisation."""

    name = LineFormField(max_length=200, widget=forms.TextInput(attrs={"class": "vTextField"}))
    sector = forms.ModelChoiceField(Sector.objects.all(), required=False)
    reason = forms.ChoiceField(
        # Nothing is preselected: the register would permanently give a reason that nobody stated.
        choices=[
            *BLANK_CHOICE_DASH,
            *(choice for choice in CorrectionReason.choices if choice[0] != CorrectionReason.CONSENT),
        ]
    )


class CorrectAction(SignatureAction):
    """Corrects the name or the sector of an organisation."""

    name = "correct"
    label = "Correct"
    permission = "declarations.correct_entry"
    kind = EntryKind.CORRECTED
    explanation = (
        "The register will show the organisation as you enter it here. Earlier entries, with the old name and sector, "
        "can still be read. "
        f"{ENTRIES_ARE_PERMANENT}"
    )

    def form(self, **data: Any) -> forms.Form:
        return CorrectForm(initial={"name": self.row.body.name, "sector": self.row.body.sector}, **data)

    def perform(self, form: Any) -> str:
        entry = corrections.correct_entry(by=self.by, entry=self.row, **form.cleaned_data)
        return f"Corrected by entry {entry.pk}"


class EraseAction(SignatureAction):
    """Erases the personal data of a signature."""

    name = "erase"
    label = "Erase personal data"
    permission = "declarations.erase_entry"
    kind = EntryKind.ERASED
    confirmation = "Erase this data. I understand that it cannot be restored."
    explanation = (
        "This permanently erases the signatory's name, role, email address and authority, who prepared the signature, "
        "the codes that prove them, the invitation's email address, emails and links, and the scan of a paper "
        "signature. It keeps the entry and its proofs, the organisation, its sector, the date, and a record that data "
        "was erased. The signature stays valid, but it can no longer be withdrawn by email, and the organisation can "
        "no longer be invited by email to sign a later version."
    )

    def applies(self) -> bool:
        personal = getattr(self.row, "personal", None)
        return super().applies() and bool(personal and personal.disclosed)

    def blocked_reason(self) -> str:
        return super().blocked_reason() or (
            "" if self.applies() else "The personal data of this signature has been erased."
        )

    def perform(self, form: Any) -> str:
        entry = erasure.erase_personal_data(entry=self.row)
        return f"Personal data erased; entry {entry.pk} records this" if entry else "The data was already erased"


class WithdrawPaperSignatureAction(SignatureAction):
    """Withdraws a paper signature for the organisation, which has no receipt link to do so itself."""

    name = "withdraw"
    label = "Withdraw"
    permission = "declarations.confirm_papersignature"
    kind = EntryKind.WITHDRAWN
    confirmation = "The organisation has asked for this in writing, and the letter is on file."
    explanation = (
        "Use this if an organisation asks in writing to withdraw. The register will show both the signature and its "
        "withdrawal."
    )

    def applies(self) -> bool:
        return super().applies() and self.row.on_paper and hasattr(self.row, "live")

    def blocked_reason(self) -> str:
        if self.row.kind == EntryKind.SIGNED and not self.row.on_paper:
            return "Only the person at the email address that signed can withdraw it."
        is_live = hasattr(self.row, "live")
        return super().blocked_reason() or ("" if is_live else "This signature is no longer in force.")

    def perform(self, form: Any) -> str:
        entry = paper_signatures.withdraw_paper_signature(by=self.by, entry=self.row)
        return f"Withdrawn by entry {entry.pk}"


@admin.register(Entry)
class EntryAdmin(DeclarationActionAdmin, RecordedElsewhereAdmin):
    """The register. Entries are read-only: each action adds an entry of its own, and none changes an entry."""

    list_display = ("seq", "kind", "organisation_name", "version", "on_paper", "recorded_date", "signature_state")
    list_filter = ("kind", "on_paper", ("version", VersionFilter))
    list_select_related = ("body__sector", "version__declaration", "of", "personal", "live")
    search_fields = ("=seq", "body__name")
    search_help_text = "Search by entry number or organisation."
    ordering = ("-seq",)
    change_list_template = "admin/declarations/register.html"
    row_actions = (CorrectAction, EraseAction, WithdrawPaperSignatureAction)
    fieldsets: ClassVar[Any] = (
        (
            None,
            {
                "fields": [
                    "seq",
                    "kind",
                    "organisation_link",
                    "version",
                    "on_paper",
                    "follows",
                    "recorded_date",
                    "signature_state",
                ]
            },
        ),
        ("Who signed", {"fields": ["signatory"]}),
        ("Proof", {"fields": ["leaf", "leaf_hash", "checkpoint"]}),
    )
    readonly_fields = ("organisation_link", "follows", "recorded_date", "signature_state", "signatory")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(disclosure_view)
        return [path("disclose/", view, name="declarations_entry_disclose"), *super().get_urls()]

    def sections(self, request: HttpRequest, row: Entry | None) -> list[Section]:
        if row is None:
            return []
        later = row.followed_by.order_by("seq")[:50]
        return [
            Section(
                "Later entries about this signature",
                ("Entry", "Kind", "Date"),
                [(admin_link(entry), entry.get_kind_display(), format_date(entry.recorded_at)) for entry in later],
                empty="There are no later entries about this signature.",
            )
        ]

    @admin.display(description="organisation", ordering="body__name")
    def organisation_name(self, row: Entry) -> str:
        return str(row.body)

    @admin.display(description="organisation")
    def organisation_link(self, row: Entry) -> str:
        return admin_link(row.body)

    @admin.display(description="follows")
    def follows(self, row: Entry) -> str:
        return admin_link(row.of) or "-"

    @admin.display(description="recorded", ordering="recorded_at")
    def recorded_date(self, row: Entry) -> str:
        return format_date(row.recorded_at)

    @admin.display(description="state")
    def signature_state(self, row: Entry) -> str:
        if row.kind != EntryKind.SIGNED:
            return "-"
        return "In force" if hasattr(row, "live") else "Ended"

    @admin.display(description="signatory")
    def signatory(self, row: Entry) -> str:
        personal = getattr(row, "personal", None)
        if personal is None:
            return "-"
        if not personal.disclosed:
            return f"Erased on {format_date(personal.erased_at)}"
        named = personal.values
        return ", ".join(named[name] for name in ("name", "role", "email", "authority") if named.get(name))


@admin.register(RegisterKey)
class RegisterKeyAdmin(RecordedElsewhereAdmin):
    """The register's public keys. A new one is made only by `manage.py register rotate-key`."""

    list_display = ("vkey", "recorded_at")
    search_fields = ("vkey",)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["vkey", "recorded_at"]}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegisterKey]:
        return super().get_queryset(request).order_by("-pk")
