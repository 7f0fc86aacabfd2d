from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.db import models
from django.http import HttpRequest

from funding.admin.imports import LedgerImport
from funding.choices import RegrantType
from funding.models import Allocation, OnwardGrant, Regranting
from funding.regranting.rules.recording import record_onward_grant, record_regranting
from funding.resources import OnwardGrantResource
from vru_portal.ledger.money import format_pounds
from vru_portal.staff.actions import Action, RecordingForm
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.help import help_link
from vru_portal.staff.imports.page import ConfirmedFileForm, FileForm
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RedactAction,
    ReversalFilter,
    ReverseAction,
)
from vru_portal.text.form_fields import WebAddressFormField


def grants_for_regranting() -> Any:
    """The grants whose recipients award the money on, latest first."""
    chosen = Regranting.objects.standing().values("allocation")
    rows = Allocation.objects.standing().filter(pk__in=chosen).select_related("initiative", "recipient")
    return rows.order_by("-awarded_on", "-pk")


class RegrantingForm(forms.Form):
    """In which way the recipient awards the money on."""

    regrant_type = forms.ChoiceField(
        label="Kind of regranting",
        choices=[(code, f"{label} ({code})") for code, label in RegrantType.choices],
        widget=forms.RadioSelect,
    )


class RegrantingAction(Action):
    """Record that the recipient of a grant awards the money on."""

    name = "regranting"
    label = "Record that it is awarded on"
    form_class = RegrantingForm
    permission = "funding.add_regranting"
    explanation = (
        "For a grant whose recipient awards the money on to others. Its 360Giving file then has the code that you "
        "choose, and its page says how much the recipient has reported and how much not."
    )

    def applies(self) -> bool:
        return not self.blocked_reason()

    def blocked_reason(self) -> str:
        if self.row.kind != "grant" or self.row.reverses_id is not None or self.row.is_reversed:
            return "Only a grant that was not reversed can be for regranting."
        return "This is already recorded." if self.row.regrantings.standing().exists() else ""

    def perform(self, form: Any) -> str:
        row = record_regranting(by=self.by, allocation=self.row, regrant_type=form.cleaned_data["regrant_type"])
        return f"Recorded as {row.get_regrant_type_display().lower()} ({row.regrant_type})"


@admin.register(Regranting)
class RegrantingAdmin(RecordedElsewhereAdmin):
    """Which grants are for regranting: recorded on the page of their allocation, listed here."""

    list_display = ("allocation", "regrant_type", "state", "recorded_at")
    list_filter = (ReversalFilter,)
    list_select_related = (
        *("allocation__initiative", "allocation__recipient", "recorded_by", "reversed_by__recorded_by"),
        *("reverses__allocation__initiative", "reverses__allocation__recipient"),
    )
    search_fields = ("allocation__public_id", "allocation__recipient__name")
    row_actions = (ReverseAction, RedactAction)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["of", "regrant_type", "state", "reason", "redaction", "recorded_at", "recorded_by"]}),
    )

    @admin.display(description="allocation")
    def of(self, row: Regranting) -> str:
        return admin_link(row.allocation)


class OnwardGrantForm(RecordingForm):
    """A grant that a recipient has awarded on."""

    url = WebAddressFormField(
        required=False,
        label="Address",
        help_text="Where the recipient publishes it, if it does.",
    )

    class Meta:
        model = OnwardGrant
        fields = (
            *("allocation", "reference", "recipient_name", "recipient_org_id", "amount", "awarded_on", "title"),
            *("description", "area", "area_code", "reported_on", "url"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["allocation"]
        field.queryset = grants_for_regranting()
        field.label = "Awarded from"
        field.help_text = "If the grant is not listed, record on its page that it is awarded on."

    def record(self) -> None:
        record_onward_grant(by=self.by, grant=self.instance)


class OnwardFileForm(FileForm):
    """A file of onward grants, and the grant they were awarded from, if its rows do not say."""

    allocation = forms.ModelChoiceField(
        Allocation.objects.none(),
        required=False,
        label="Awarded from",
        help_text="Choose the grant if the rows of the file do not name it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["allocation"]
        field.queryset = grants_for_regranting()


class ConfirmedOnwardFileForm(ConfirmedFileForm):
    """Confirms such a file."""

    allocation = forms.ModelChoiceField(Allocation.objects.all(), required=False, widget=forms.HiddenInput)


@admin.register(OnwardGrant)
class OnwardGrantAdmin(LedgerImport, AppendOnlyAdmin):
    """Grants that recipients have awarded on, as they report them."""

    import_template_name = "admin/funding/import_onward_grants.html"
    resource_classes = (OnwardGrantResource,)
    formats: ClassVar[list[Any]] = list(OnwardGrantResource.formats)
    import_form_class = OnwardFileForm
    confirm_form_class = ConfirmedOnwardFileForm
    max_rows_in_request = 0  # the worker would not know which grant was chosen
    list_display = ("reference", "awarded_on", "sum", "recipient_name", "its_allocation", "state", "reported_on")
    list_filter = (ReversalFilter,)
    list_select_related = (
        *("allocation__initiative", "allocation__recipient", "reverses", "reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("reference", "recipient_name", "title", "allocation__public_id")
    date_hierarchy = "awarded_on"
    row_actions = (ReverseAction, RedactAction)
    record_form = OnwardGrantForm
    formfield_overrides: ClassVar[Any] = AppendOnlyAdmin.formfield_overrides | {
        models.DateField: {"widget": AdminDateWidget}
    }
    record_fieldsets = (
        (
            None,
            {
                "fields": ["allocation", "reference", "recipient_name", "recipient_org_id", "amount", "awarded_on"],
                "description": help_link("money"),
            },
        ),
        ("What it is for", {"fields": ["title", "description", "area", "area_code"]}),
        ("The report", {"fields": ["reported_on", "url"]}),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["reference", "state", "of", "recipient_name", "recipient_org_id", "sum", "awarded_on"]}),
        ("What it is for", {"fields": ["title", "description", "area", "area_code", "redaction"]}),
        ("The report", {"fields": ["reported_on", "url", "recorded_at", "recorded_by"]}),
    )

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        data = getattr(kwargs.get("form"), "cleaned_data", {})
        return super().get_import_resource_kwargs(request, **kwargs) | {"allocation": data.get("allocation")}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial = super().get_confirm_form_initial(request, import_form)
        chosen = import_form.cleaned_data.get("allocation") if import_form else None
        return initial | {"allocation": chosen.pk if chosen else None}

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: OnwardGrant) -> str:
        return format_pounds(row.amount)

    @admin.display(description="awarded from")
    def of(self, row: OnwardGrant) -> str:
        return admin_link(row.allocation)

    @admin.display(description="awarded from", ordering="allocation")
    def its_allocation(self, row: OnwardGrant) -> str:
        return admin_link(row.allocation, row.allocation.public_id)
