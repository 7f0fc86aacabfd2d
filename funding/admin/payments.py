from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from funding.admin.forms import ExplanationForm, PaymentForm
from funding.admin.imports import LedgerImport
from funding.admin.missing_disclosures import ItemFilter
from funding.choices import PAYMENT_TEXT_FIELDS, Irregularity
from funding.missing_disclosures import fields_not_stated, warning_of
from funding.models import Explanation, Payment
from funding.resources import PaymentResource
from funding.rules.payments import explain, likeness_of
from vru_portal.ledger.money import format_pounds
from vru_portal.staff.actions import Action
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RecordedElsewhereInline,
    RedactAction,
    ReversalFilter,
    ReverseAction,
)


class ExplainAction(Action):
    """Say why a payment is an exception."""

    name = "explain"
    label = "Explain"
    form_class = ExplanationForm
    permission = "funding.add_explanation"

    @property
    def explanation(self) -> str:  # type: ignore[override]
        """What the public sees now."""
        return (
            f"Shown in public as an exception: {' '.join(self.row.irregularities)} Your explanation is shown beside it."
        )

    def applies(self) -> bool:
        """Whether the payment is an exception."""
        return bool(self.row.irregularities)

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This payment is not an exception, so there is nothing to explain."

    def perform(self, form: Any) -> str:
        text = form.cleaned_data["text"]
        if self.row.explanations.filter(text=text).exists():
            raise ValidationError({"text": "This explanation is already recorded."})
        explain(by=self.by, payment=self.row, text=text)
        return "Explained"


class ReversePaymentAction(ReverseAction):
    """Reverse a payment."""

    explanation = (
        "For a payment that was recorded wrongly here. This records a second row that cancels all of it. Both rows are "
        "shown in public with your reason. If money came back, do not reverse the payment: record a refund, which is a "
        "payment with a negative amount."
    )


class ExceptionFilter(admin.SimpleListFilter):
    """Filters exceptions, all or by irregularity."""

    title = "exceptions"
    parameter_name = "exceptions"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("unexplained", "Not explained yet"), ("all", "All exceptions"), *Irregularity.choices]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unexplained":
            return queryset.irregular().filter(explanations=None)  # type: ignore[attr-defined]
        if self.value() == "all":
            return queryset.irregular()  # type: ignore[attr-defined]
        return queryset.filter(**{str(self.value()): True}) if self.value() in Irregularity.values else queryset


class ExplanationInline(RecordedElsewhereInline):
    """The explanations of an exception."""

    model = Explanation
    fields = ("text", "redaction", "recorded_at")


@admin.register(Payment)
class PaymentAdmin(LedgerImport, AppendOnlyAdmin):
    """Payments as recorded in the finance system, with the exceptions among them."""

    resource_classes = (PaymentResource,)
    list_display = ("reference", "paid_on", "sum", "state", "exceptions_in_short", "to", "its_allocation")
    list_filter = (ReversalFilter, ExceptionFilter, ItemFilter, "allocation__funding_source__year", "allocation__kind")
    list_select_related = (
        "payee",
        "allocation__initiative",
        "allocation__recipient",
        "allocation__funding_source__year",
        "reverses",
        "reversed_by__recorded_by",
        "recorded_by",
    )
    search_fields = ("reference", "payee__name", "allocation__public_id", "allocation__initiative__name")
    search_help_text = "Reference, payee, id of an allocation or initiative."
    date_hierarchy = "paid_on"
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("allocation", "payee")
    inlines = (ExplanationInline,)
    row_actions = (ExplainAction, ReversePaymentAction, RedactAction)
    record_form = PaymentForm
    record_fieldsets = (
        (
            None,
            {
                "fields": ["reference", "allocation", "payee", "paid_on", "amount", "irrecoverable_vat"],
                "description": "Record every payment in the finance system, even one that should not have been made. "
                "The public will see it as an exception, which you can explain.",
            },
        ),
        ("Published details", {"fields": [*PAYMENT_TEXT_FIELDS]}),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["reference", "state", "exceptions", "on_allocation", "payee", "paid_on"]}),
        ("Sums", {"fields": ["sum", "vat"]}),
        ("Published details", {"fields": [*PAYMENT_TEXT_FIELDS, "not_stated", "redaction"]}),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """Add why each is an exception, if it is."""
        return super().get_queryset(request).with_irregularities()  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Payment, post_url_continue: str | None = None) -> HttpResponse:
        """Warn if the payment just recorded is an exception, lacks what the law requires, or may be there twice."""
        recorded = self.get_queryset(request).get(pk=obj.pk)
        if recorded.irregularities:
            messages.warning(
                request,
                f"Recorded, and shown in public as an exception: {' '.join(recorded.irregularities)} Explain it on its "
                "page.",
            )
        if names := fields_not_stated([obj.pk]).get(obj.pk):
            messages.warning(request, f"Recorded. {warning_of(names)}")
        if likeness := likeness_of(obj):
            messages.warning(request, f"Recorded. {likeness} If it is not, reverse it.")
        return super().response_add(request, obj, post_url_continue)

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Payment) -> str:
        """The sum in pounds; a refund says so."""
        return f"{format_pounds(row.amount)}{' (refund)' if row.amount < 0 and row.reverses_id is None else ''}"

    @admin.display(description="VAT that cannot be recovered")
    def vat(self, row: Payment) -> str:
        """VAT that cannot be recovered."""
        return "Not stated" if row.irrecoverable_vat is None else format_pounds(row.irrecoverable_vat)

    @admin.display(description="missing, but required by law")
    def not_stated(self, row: Payment) -> str:
        return ", ".join(fields_not_stated([row.pk]).get(row.pk, [])) or "-"

    @admin.display(description="exceptions")
    def exceptions(self, row: Payment) -> str:
        """Why it is an exception."""
        return " ".join(row.irregularities) or "-"

    @admin.display(description="exceptions")
    def exceptions_in_short(self, row: Payment) -> str:
        """Why it is an exception, short enough for a list."""
        return "; ".join(str(kind.label) for kind in Irregularity if getattr(row, kind)) or "-"

    @admin.display(description="allocation", ordering="allocation")
    def on_allocation(self, row: Payment) -> str:
        return admin_link(row.allocation)

    @admin.display(description="to", ordering="payee__name")
    def to(self, row: Payment) -> str:
        return str(row.payee)

    @admin.display(description="allocation", ordering="allocation")
    def its_allocation(self, row: Payment) -> str:
        return admin_link(row.allocation, row.allocation.public_id)


@admin.register(Explanation)
class ExplanationAdmin(RecordedElsewhereAdmin):
    """Explanations: written on the page of their payment, listed here."""

    list_display = ("payment", "text", "recorded_at")
    list_select_related = ("payment", "recorded_by")
    search_fields = ("payment__reference", "text")
    row_actions = (RedactAction,)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["of", "text", "redaction", "recorded_at", "recorded_by"]}),)

    @admin.display(description="payment")
    def of(self, row: Explanation) -> str:
        """A link to the payment."""
        return admin_link(row.payment)
