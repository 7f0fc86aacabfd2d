"""The admin of append-only rows: recorded once, reversed as a whole, text redacted where necessary, never edited."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from vru_portal.ledger.append_only.models import REDACTED, Reversible
from vru_portal.ledger.append_only.recording import redact, reverse
from vru_portal.staff.actions import Action, WriteOnceAdmin
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.base_admin import OptionFilter
from vru_portal.staff.history import HistoryMixin
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import LongTextFormField


class ReasonForm(forms.Form):
    """Asks why."""

    reason = LongTextFormField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Published with the row that it concerns. Do not include personal data.",
    )


class ReverseAction(Action):
    """Record a second row that takes the whole of this one back."""

    name = "reverse"
    label = "Reverse"
    permission = "add"
    form_class = ReasonForm
    explanation = (
        "This records a second row that cancels all of this one. Both stay on record and are published with "
        "your reason. Then record the correct row."
    )

    def applies(self) -> bool:
        """A reversal is not reversed, and nothing is reversed twice."""
        return self.row.reverses_id is None and not self.row.is_reversed

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This is reversed, or is itself a reversal. Record the correct row instead."

    def perform(self, form: Any) -> str:
        reverse(self.row, by=self.by, reason=form.cleaned_data["reason"])
        return "Reversed"  # without the reason: this is logged, and nothing can be redacted from the log


class RedactAction(Action):
    """Remove free text permanently."""

    name = "redact"
    label = "Redact text"
    permission = "change"
    explanation = (
        "Use this for personal data that should not be here. The text is removed everywhere, "
        f"permanently, and replaced by {REDACTED}. Amounts, dates and names of organisations stay."
    )

    def redactable_fields(self) -> list[str]:
        """The fields that hold text which can be redacted, and has not been yet."""
        return [name for name in self.row.redactable if getattr(self.row, name) not in ("", REDACTED)]

    def blocked_reason(self) -> str:
        return "" if self.redactable_fields() else "This row has no text that can be redacted."

    def form(self, **data: Any) -> forms.Form:
        form = ReasonForm(**data)
        choices = [
            (name, str(self.row._meta.get_field(name).verbose_name).capitalize()) for name in self.redactable_fields()
        ]
        form.fields["texts"] = forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple)
        form.fields["reason"].help_text = "Kept with the row. Do not repeat the text that you redact."
        form.order_fields(["texts", "reason"])
        return form

    def perform(self, form: Any) -> str:
        fields, reason = form.cleaned_data["texts"], form.cleaned_data["reason"]
        redact(self.row, fields=fields, by=self.by, reason=reason)
        return f"Redacted: {', '.join(fields)}. {reason}"


class AppendOnlyAdmin(HistoryMixin, WriteOnceAdmin):
    """The admin of append-only rows."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the field `redaction` where nothing was redacted."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or getattr(obj, "redaction", None):
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "redaction"]})
            for title, options in fieldsets
        ]

    def notice(self, request: HttpRequest, row: Any) -> str:
        return reversal_notice(row) if isinstance(row, Reversible) else ""

    @admin.display(description="state")
    def state(self, row: Any) -> str:
        return reversal_status(row)


class RecordedElsewhereInline(admin.TabularInline[Any, Any]):
    """Append-only rows of another row, on that row's page. They are public, so anyone who sees the page sees them."""

    extra = 0
    can_delete = False
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordedElsewhereAdmin(AppendOnlyAdmin):
    """The admin of rows that are recorded on another row's page. Here they can be found, and text can be redacted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


def reversal_notice(row: Reversible) -> str:
    """What a row reverses, or what has reversed it; empty if neither."""
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return format_html(
            "This is a reversal of {}, recorded on {} by {}. Reason: {}",
            admin_link(row.reverses), format_date(row.recorded_at), row.recorded_by or "nobody", row.reason,
        )  # fmt: skip
    if not row.is_reversed:
        return ""
    reversal = row.reversed_by  # type: ignore[attr-defined]
    return format_html(
        "Reversed on {} by {}: {}. Reason: {}",
        format_date(reversal.recorded_at), reversal.recorded_by or "nobody",
        admin_link(reversal, "view the reversal"), reversal.reason,
    )  # fmt: skip


def reversal_status(row: Reversible) -> str:
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return "Reversal"
    return "Reversed" if row.is_reversed else "In force"


class ReversalFilter(OptionFilter):
    """Whether rows are in force, reversed, or reversals."""

    title = "reversal"
    parameter_name = "standing"
    options = {
        "yes": ("Not reversed", lambda rows: rows.filter(reverses=None, reversed_by=None)),
        "reversed": ("Reversed", lambda rows: rows.filter(reversed_by__isnull=False)),
        "reversal": ("Reversals", lambda rows: rows.filter(reverses__isnull=False)),
    }
