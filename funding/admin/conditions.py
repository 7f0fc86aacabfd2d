from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.db import models
from django.http import HttpRequest

from funding.choices import ConditionKind
from funding.models import Fulfilment, SourceCondition
from funding.models.conditions import RECORDED
from partners.admin import PROVENANCE
from partners.models import Organisation, Publication
from vru_portal.ledger.append_only.recording import record
from vru_portal.ledger.money import PoundsFormField, format_pounds
from vru_portal.staff.actions import Action, RecordingForm, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RedactAction,
    ReversalFilter,
    ReverseAction,
    reversal_status,
)
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import CalendarDateFormField, LineFormField


class ConditionForm(RecordingForm):
    """A new condition of a source."""

    def record(self) -> None:
        record(self.instance, by=self.by)


class FulfilForm(forms.Form):
    """Match funding that somebody gave, or a claim that was sent, and where that is stated."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, help_text="Who gave the match funding."
    )
    amount = PoundsFormField(label="Sum", help_text="In pounds, such as 1,250.50.")
    happened_on = CalendarDateFormField(label="On", widget=AdminDateWidget)
    note = LineFormField(max_length=200, required=False)
    source = forms.ModelChoiceField(
        Publication.objects.order_by("-published_on"), help_text="The publication that states this."
    )
    as_at = CalendarDateFormField(help_text="The day on which this was stated.", widget=AdminDateWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organisation: Any = self.fields["organisation"]
        organisation.queryset = Organisation.objects.public().order_by("name")


class FulfilAction(Action):
    """Record what was done towards a condition."""

    name, label = "fulfil", "Record match funding or a claim"
    form_class = FulfilForm
    permission = "funding.add_fulfilment"
    explanation = "It counts towards this condition and is shown with it. It is never added to the budget."

    def applies(self) -> bool:
        return self.row.kind in RECORDED and self.row.reverses_id is None and not self.row.is_reversed

    def blocked_reason(self) -> str:
        if self.applies():
            return ""
        return (
            "Only match funding and claims are recorded. Everything else is worked out from allocations and payments."
        )

    def form(self, **data: Any) -> forms.Form:
        form = super().form(**data)
        form.fields["organisation"].required = self.row.kind == ConditionKind.MATCH
        if self.row.kind == ConditionKind.CLAIM_BY:
            del form.fields["organisation"]
        return form

    def perform(self, form: Any) -> str:
        row = Fulfilment(condition=self.row, **form.cleaned_data)
        record(row, by=self.by)
        return f"Recorded: {format_pounds(row.amount)}"


@admin.register(SourceCondition)
class SourceConditionAdmin(AppendOnlyAdmin):
    """What funders ask in return for their money."""

    list_display = ("funding_source", "kind", "share", "sum_stated", "by_day", "state")
    list_filter = ("funding_source__year", "kind", ReversalFilter)
    list_select_related = (
        *("funding_source__year", "heading", "level", "source", "reverses__funding_source__year"),
        *("reverses__heading", "reverses__level", "reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("funding_source__name", "wording")
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("funding_source", "heading", "level", "source")
    row_actions = (FulfilAction, ReverseAction, RedactAction)
    record_form = ConditionForm
    formfield_overrides: ClassVar[Any] = AppendOnlyAdmin.formfield_overrides | {
        models.DateField: {"widget": AdminDateWidget}
    }
    record_fieldsets = (
        (None, {"fields": ["funding_source", "kind", "share", "sum", "share_of"]}),
        (
            "What it is for (choose one; only for “at least” and “at most”)",
            {"fields": ["heading", "level", "cost_kind", "counts_paid"]},
        ),
        ("By when: to spend or claim", {"fields": ["by_day"]}),
        ("Wording", {"fields": ["wording"]}),
        (PROVENANCE[0], {"fields": ["source", "source_location", "as_at"]}),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["funding_source", "state", "kind", "share", "sum_stated", "share_of"]}),
        ("For what", {"fields": ["heading", "level", "cost_kind", "counts_paid", "by_day", "wording"]}),
        ("Source", {"fields": ["source", "source_location", "as_at"]}),
        ("Taken out", {"fields": ["redaction"]}),
    )

    def sections(self, request: HttpRequest, row: SourceCondition | None) -> list[Section]:
        """What was done towards it."""
        if row is None or row.kind not in RECORDED:
            return []
        rows = row.fulfilments.select_related("organisation", "reversed_by").order_by("happened_on", "pk")
        return [
            Section(
                "Match funding and claims",
                ("From", "On", "Sum", "State"),
                [
                    (
                        admin_link(each, str(each)),
                        format_date(each.happened_on),
                        format_pounds(each.amount),
                        reversal_status(each),
                    )
                    for each in rows
                ],
                empty="Nothing is recorded yet.",
                figures=frozenset({2}),
            )
        ]

    @admin.display(description="sum", ordering="sum")
    def sum_stated(self, row: SourceCondition) -> str:
        return "-" if row.sum is None else format_pounds(row.sum)


@admin.register(Fulfilment)
class FulfilmentAdmin(RecordedElsewhereAdmin):
    """Match funding and claims: recorded on the page of their condition, listed here."""

    list_display = ("condition", "organisation", "happened_on", "sum", "state")
    list_filter = (ReversalFilter, "condition__funding_source__year")
    list_select_related = (
        *("condition__funding_source__year", "condition__heading", "condition__level"),
        *("organisation", "source", "reverses__organisation"),
        *("reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("organisation__name", "note")
    row_actions = (ReverseAction, RedactAction)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["condition", "organisation", "sum", "happened_on", "note", "state", "redaction"]}),
        ("Source", {"fields": ["source", "source_location", "as_at"]}),
    )

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Fulfilment) -> str:
        return format_pounds(row.amount)
