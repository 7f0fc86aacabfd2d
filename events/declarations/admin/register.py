from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from events.declarations import rules
from events.declarations.admin.disclosing import disclose
from events.declarations.admin.steps import FOR_GOOD, DeclarationStepAdmin, VersionFilter, next_entry
from events.declarations.choices import Kind, Reason
from events.declarations.models import Entry, RegisterKey
from partners.models import Sector
from vru_portal.append_only_admin import RecordedElsewhereAdmin
from vru_portal.step_admin import Section, Step, day, link


class SignatureStep(Step):
    """Something that makes an entry which follows a signature."""

    kind: ClassVar[Kind]

    def applies(self) -> bool:
        """Only a signature is followed."""
        return self.row.kind == Kind.SIGNED

    def obstacle(self) -> str:
        """Say that this is none."""
        return "" if self.row.kind == Kind.SIGNED else "Go to the signature that this entry follows."

    def facts(self) -> list[tuple[str, str]]:
        """Name the entry that it makes."""
        return [next_entry(self.kind, self.row)]


class CorrectForm(forms.Form):
    """What the register shows of a body from now on."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"class": "vTextField"}))
    sector = forms.ModelChoiceField(Sector.objects.all(), required=False)
    reason = forms.ChoiceField(choices=[choice for choice in Reason.choices if choice[0] != Reason.CONSENT])


class CorrectStep(SignatureStep):
    """Correct the name or the sector of a body."""

    name = "correct"
    label = "Correct"
    permission = "declarations.correct_entry"
    kind = Kind.CORRECTED
    explanation = (
        "The register shows the body as you write it here. What it showed before stays to be read, beside the reason. "
        f"{FOR_GOOD}"
    )

    def form(self, **data: Any) -> forms.Form:
        """Ask for name, sector and reason."""
        return CorrectForm(initial={"name": self.row.body.name, "sector": self.row.body.sector}, **data)

    def take(self, form: Any) -> str:
        """Correct it through the rule."""
        entry = rules.correct(by=self.by, entry=self.row, **form.cleaned_data)
        return f"Corrected by entry {entry.pk}"


class EraseForm(forms.Form):
    """Whether it is meant."""

    sure = forms.BooleanField(label="Erase it. I know that nobody can bring it back.")


class EraseStep(SignatureStep):
    """Erase the personal data of a signature."""

    name = "erase"
    label = "Erase personal data"
    permission = "declarations.erase_entry"
    kind = Kind.ERASED
    explanation = (
        "What goes, for good and from every place: the signatory's name, role and mailbox, who prepared the signature, "
        "the basis of authority, the codes that prove them; the invitation's mailbox, mails and links; the scan of a "
        "signature on paper. What stays: the entry, its proofs, the body, its sector, the day, and that it was erased. "
        "The signature stands; it can no longer be withdrawn by mail, nor the body be invited to a later wording."
    )

    def applies(self) -> bool:
        """Only while something is left."""
        personal = getattr(self.row, "personal", None)
        return super().applies() and bool(personal and personal.disclosed)

    def obstacle(self) -> str:
        """Say that nothing is left."""
        return super().obstacle() or ("" if self.applies() else "The personal data of this signature is erased.")

    def form(self, **data: Any) -> forms.Form:
        """Ask once more."""
        return EraseForm(**data)

    def take(self, form: Any) -> str:
        """Erase it through the rule."""
        entry = rules.erase(entry=self.row)
        return f"Personal data erased; entry {entry.pk} says so" if entry else "It was erased before"


class WithdrawForm(forms.Form):
    """What withdrawing stands on."""

    asked = forms.BooleanField(label="The body has asked for this in writing, and the letter is on file.")


class WithdrawStep(SignatureStep):
    """Withdraw a signature on paper: no mailbox has signed that could ask for it."""

    name = "withdraw"
    label = "Withdraw"
    permission = "declarations.confirm_papersignature"
    kind = Kind.WITHDRAWN
    explanation = "For a body that asks in writing. The signature stays in the register, with its withdrawal."

    def applies(self) -> bool:
        """Only on paper: any other is withdrawn from the mailbox that gave it."""
        return super().applies() and self.row.on_paper and hasattr(self.row, "live")

    def obstacle(self) -> str:
        """Say who withdraws it instead."""
        if self.row.kind == Kind.SIGNED and not self.row.on_paper:
            return "This signature is withdrawn only from the mailbox that gave it, by whoever has signed."
        said = super().obstacle()
        return said or ("" if hasattr(self.row, "live") else "This signature does not stand any more.")

    def form(self, **data: Any) -> forms.Form:
        """Ask what it stands on."""
        return WithdrawForm(**data)

    def take(self, form: Any) -> str:
        """Withdraw it through the rule."""
        entry = rules.withdraw_paper(by=self.by, entry=self.row)
        return f"Withdrawn by entry {entry.pk}"


@admin.register(Entry)
class EntryAdmin(DeclarationStepAdmin, RecordedElsewhereAdmin):
    """The register, to be read. Each step makes an entry of its own; none changes one."""

    list_display = ("seq", "kind", "its_body", "version", "on_paper", "at", "standing")
    list_filter = ("kind", "on_paper", ("version", VersionFilter))
    list_select_related = ("body__sector", "version__declaration", "of", "personal", "live")
    search_fields = ("=seq", "body__name")
    search_help_text = "Number or body."
    ordering = ("-seq",)
    change_list_template = "admin/declarations/register.html"
    steps = (CorrectStep, EraseStep, WithdrawStep)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["seq", "kind", "the_body", "version", "on_paper", "follows", "at", "standing"]}),
        ("Who signed", {"fields": ["signatory"]}),
        ("Proof", {"fields": ["leaf", "leaf_hash", "checkpoint"]}),
    )
    readonly_fields = ("the_body", "follows", "at", "standing", "signatory")

    def get_urls(self) -> list[Any]:
        """Add the page that discloses all that is held about one person."""
        view = self.admin_site.admin_view(disclose)
        return [path("disclose/", view, name="declarations_entry_disclose"), *super().get_urls()]

    def sections(self, request: HttpRequest, row: Entry | None) -> list[Section]:
        """Return the entries that follow a signature."""
        if row is None:
            return []
        later = row.followed_by.order_by("seq")[:50]
        return [
            Section(
                "Entries that follow it",
                ("Entry", "Kind", "Day"),
                [(link(entry), entry.get_kind_display(), day(entry.recorded_at)) for entry in later],
                empty="None.",
            )
        ]

    @admin.display(description="body", ordering="body__name")
    def its_body(self, row: Entry) -> str:
        """The body as it is called now, in a cell that wraps."""
        return str(row.body)

    @admin.display(description="body")
    def the_body(self, row: Entry) -> str:
        """The body, to go there."""
        return link(row.body)

    @admin.display(description="follows")
    def follows(self, row: Entry) -> str:
        """The signature that it follows."""
        return link(row.of) or "-"

    @admin.display(description="recorded", ordering="recorded_at")
    def at(self, row: Entry) -> str:
        """The day."""
        return day(row.recorded_at)

    @admin.display(description="state")
    def standing(self, row: Entry) -> str:
        """Whether a signature stands."""
        if row.kind != Kind.SIGNED:
            return "-"
        return "Stands" if hasattr(row, "live") else "Ended"

    @admin.display(description="signatory")
    def signatory(self, row: Entry) -> str:
        """Who signed: for staff, whether or not the public sees it."""
        personal = getattr(row, "personal", None)
        if personal is None:
            return "-"
        if not personal.disclosed:
            return f"Erased on {day(personal.erased_at)}"
        named = personal.values
        return ", ".join(named[name] for name in ("name", "role", "email", "authority") if named.get(name))


@admin.register(RegisterKey)
class RegisterKeyAdmin(RecordedElsewhereAdmin):
    """The register's public keys. A new one is made only by `manage.py register rotate-key`."""

    list_display = ("vkey", "recorded_at")
    search_fields = ("vkey",)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["vkey", "recorded_at"]}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegisterKey]:
        """Newest first."""
        return super().get_queryset(request).order_by("-pk")
