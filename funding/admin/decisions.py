from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.db import models
from django.http import HttpRequest

from funding.models import Decision, Overcommitment
from funding.rules.variations import decide
from vru_portal.ledger.money import format_pounds
from vru_portal.staff.actions import RecordingForm, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RedactAction,
    ReversalFilter,
    ReverseAction,
)
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import WebAddressFormField


class DecisionForm(RecordingForm):
    """A new decision."""

    notice_url = WebAddressFormField(
        label="Published notice",
        required=False,
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="The address of the published notice. You can add it later.",
    )

    class Meta:
        model = Decision
        fields = ("year", "reference", "decided_on", "decided_by", "title", "reasons", "notice_url")

    def record(self) -> None:
        decide(by=self.by, decision=self.instance)


@admin.register(Decision)
class DecisionAdmin(AppendOnlyAdmin):
    """Decisions about money; only the address of the notice can be added later."""

    list_display = ("reference", "year", "decided_on", "title", "decided_by", "state")
    list_filter = ("year", ReversalFilter)
    list_select_related = (
        *("year", "decided_by__person", "decided_by__organisation"),
        *("reverses", "reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("reference", "title", "reasons")
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("year", "decided_by")
    date_hierarchy = "decided_on"
    row_actions = (ReverseAction, RedactAction)
    record_form = DecisionForm
    formfield_overrides: ClassVar[Any] = AppendOnlyAdmin.formfield_overrides | {
        models.DateField: {"widget": AdminDateWidget}
    }
    record_fieldsets = (
        (
            None,
            {
                "fields": ["year", "reference", "decided_on", "decided_by"],
                "description": "A decision is public as soon as it is recorded. It cannot be changed after that, only "
                "reversed. The address of its notice can be added later.",
            },
        ),
        ("What was decided", {"fields": ["title", "reasons", "notice_url"]}),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["year", "reference", "state", "decided_on", "decided_by"]}),
        ("What was decided", {"fields": ["title", "reasons", "redaction"]}),
        ("What may still change", {"fields": ["notice_url"]}),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        """Allow changes to `changeable_fields`, on which no amount depends."""
        return PortalAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """Leave only those fields editable that may change."""
        if obj is None:
            return ()
        named = [name for _, options in self.fieldsets for name in options["fields"]]
        return [name for name in named if name not in Decision.changeable_fields]

    def save_model(self, request: HttpRequest, obj: Decision, form: Any, change: bool) -> None:
        """Save the fields that may change. A new decision has been recorded by the form."""
        if change:
            obj.save(update_fields=Decision.changeable_fields)

    def sections(self, request: HttpRequest, row: Decision | None) -> list[Section]:
        """What was allocated by the decision, and what changed by it."""
        if row is None:
            return []
        allocations = row.allocations.standing().select_related("initiative", "heading", "recipient")[:50]
        variations = row.variations.standing().select_related("allocation")[:50]
        return [
            Section(
                "By this decision (the first 50 of each)",
                ("Id", "Day", "What", "Sum"),
                [
                    *(
                        (admin_link(each, each.public_id), format_date(each.awarded_on), each.subject,
                         format_pounds(each.amount))
                        for each in allocations
                    ),
                    *(
                        (admin_link(each, each.public_id), format_date(each.varied_on), each.get_kind_display(),
                         format_pounds(each.amount))
                        for each in variations
                    ),
                ],
                empty="No money is recorded against this decision.",
                figures=frozenset({3}),
            )
        ]  # fmt: skip


@admin.register(Overcommitment)
class OvercommitmentAdmin(RecordedElsewhereAdmin):
    """Shares that may be allocated beyond a source: recorded on its page, listed here."""

    list_display = ("funding_source", "share", "allowed_on", "decision", "state")
    list_filter = (ReversalFilter, "funding_source__year")
    list_select_related = (
        *("funding_source__year", "decision", "reverses__funding_source__year"),
        *("reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("funding_source__name", "decision__reference")
    row_actions = (ReverseAction,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["funding_source", "share", "allowed_on", "decision", "state", "recorded_at"]}),
    )
