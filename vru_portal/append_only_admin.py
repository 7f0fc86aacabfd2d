"""Staff's pages for rows that never change: a form that records one, its facts, and steps that do one thing each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html

from vru_portal.append_only import REDACTED, Reversible, redact
from vru_portal.append_only import reverse as take_back
from vru_portal.history_admin import WithHistory
from vru_portal.step_admin import RecordedAdmin, Step, day, link


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Shown in public with the row that it concerns. No personal data.",
    )


class ReverseStep(Step):
    """Take a row back."""

    name = "reverse"
    label = "Reverse"
    explanation = (
        "This records a second row that takes the whole of this one back. Both stay, and are shown with your reason. "
        "Afterwards, record what is right anew."
    )

    def applies(self) -> bool:
        """A reversal is not reversed, and nothing is reversed twice."""
        return self.row.reverses_id is None and not self.row.is_reversed

    def obstacle(self) -> str:
        """Say what has been done already."""
        return "" if self.applies() else "This is reversed, or a reversal itself. Record what is right anew."

    def form(self, **data: Any) -> forms.Form:
        """Ask for the reason."""
        return ReasonForm(**data)

    def take(self, form: Any) -> str:
        """Record the reversal."""
        take_back(self.row, by=self.by, reason=form.cleaned_data["reason"])
        return "Reversed"  # without the reason: this is logged, and from the log no text can be taken out


class RedactStep(Step):
    """Take free text out."""

    name = "redact"
    label = "Take text out"
    explanation = (
        "For personal data that should never have been written here. The text is gone for good, everywhere; in its "
        f"place stands {REDACTED}. Sums, days and names of bodies stay."
    )

    def texts(self) -> list[str]:
        """Return the fields that hold text which can be taken out."""
        return [name for name in self.row.redactable if getattr(self.row, name) not in ("", REDACTED)]

    def obstacle(self) -> str:
        """Say that there is nothing to take out."""
        return "" if self.texts() else "There is no text here that could be taken out."

    def form(self, **data: Any) -> forms.Form:
        """Ask which texts, and why."""
        label = self.row._meta.get_field
        form = ReasonForm(**data)
        choices = [(name, str(label(name).verbose_name).capitalize()) for name in self.texts()]
        form.fields["texts"] = forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple)
        form.fields["reason"].help_text = "Stays beside the row. Do not repeat what you take out."
        form.order_fields(["texts", "reason"])
        return form

    def take(self, form: Any) -> str:
        """Take the chosen texts out."""
        chosen, reason = form.cleaned_data["texts"], form.cleaned_data["reason"]
        redact(self.row, fields=chosen, by=self.by, reason=reason)
        return f"Taken out: {', '.join(chosen)}. {reason}"


class AppendOnlyAdmin(WithHistory, RecordedAdmin):
    """A table of rows that never change: no editing, no deleting, nothing in bulk."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the form, or the facts: what was taken out only where something was."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or getattr(obj, "redaction", None):
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "redaction"]})
            for title, options in fieldsets
        ]

    def notice(self, request: HttpRequest, row: Any) -> str:
        """Say what a row takes back, or what has taken it back."""
        return chain(row) if isinstance(row, Reversible) else ""


class RecordedElsewhereAdmin(AppendOnlyAdmin):
    """Rows that belong to another one, on whose page they are recorded: here they are found, and text is taken out."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It is recorded on the page of what it belongs to."""
        return False


def chain(row: Reversible) -> str:
    """Say what a row takes back, or what has taken it back."""
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return format_html(
            "This is a reversal, recorded on {} by {}: it takes back {}. Reason: {}",
            day(row.recorded_at), row.recorded_by or "nobody", link(row.reverses), row.reason,
        )  # fmt: skip
    if not row.is_reversed:
        return ""
    back = row.reversed_by  # type: ignore[attr-defined]
    return format_html(
        "Reversed on {} by {}: {}. Reason: {}",
        day(back.recorded_at), back.recorded_by or "nobody", link(back, "see the reversal"), back.reason,
    )  # fmt: skip


def standing(row: Reversible) -> str:
    """Return in a word or two whether a row counts."""
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return "Reversal"
    return "Reversed" if row.is_reversed else "Stands"


class StandingFilter(admin.SimpleListFilter):
    """Whether rows count."""

    title = "whether it stands"
    parameter_name = "standing"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Stands"), ("reversed", "Reversed"), ("reversal", "Reversals")]

    def queryset(self, request: Any, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Apply the choice."""
        conditions: dict[str | None, dict[str, Any]] = {
            "yes": {"reverses": None, "reversed_by": None},
            "reversed": {"reversed_by__isnull": False},
            "reversal": {"reverses__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value(), {}))
