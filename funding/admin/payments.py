from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from funding.admin.forms import ExplanationForm, PaymentForm
from funding.admin.imports import LedgerImport
from funding.admin.lacking import ItemFilter
from funding.choices import PAYMENT_WORDS, Irregularity
from funding.models import Explanation, Payment
from funding.resources import PaymentResource
from funding.rules import explain
from vru_portal.append_only_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RedactStep,
    ReverseStep,
    StandingFilter,
    standing,
)
from vru_portal.money import pounds
from vru_portal.step_admin import Step, link


class ExplainStep(Step):
    """Say why a payment is an exception."""

    name = "explain"
    label = "Explain"
    permission = "funding.add_explanation"

    @property
    def explanation(self) -> str:  # type: ignore[override]
        """What the public sees of it now."""
        return f"Shown in public as an exception: {' '.join(self.row.irregularities)} What you write stands beside it."

    def applies(self) -> bool:
        """Only an exception is explained."""
        return bool(self.row.irregularities)

    def obstacle(self) -> str:
        """Say that there is nothing to explain."""
        return "" if self.applies() else "Nothing is irregular about this payment, so there is nothing to explain."

    def form(self, **data: Any) -> forms.Form:
        """Ask for the explanation."""
        return ExplanationForm(**data)

    def take(self, form: Any) -> str:
        """Record it through the rule."""
        text = form.cleaned_data["text"]
        if self.row.explanations.filter(text=text).exists():
            raise ValidationError({"text": "This explanation is recorded already."})
        explain(by=self.by, payment=self.row, text=text)
        return "Explained"


class ReversePaymentStep(ReverseStep):
    """Take a payment back."""

    permission = "funding.add_payment"
    explanation = (
        "For a payment that was recorded wrongly here. This records a second row that takes the whole of it back; both "
        "stay, and are shown with your reason. Money that came back is no reversal: record it as a payment with a "
        "negative sum."
    )


class RedactPaymentStep(RedactStep):
    """Take text out of a payment."""

    permission = "funding.change_payment"


class ExceptionFilter(admin.SimpleListFilter):
    """Exceptions."""

    title = "exceptions"
    parameter_name = "exceptions"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("unexplained", "Not explained yet"), ("all", "All exceptions"), *Irregularity.choices]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        if self.value() == "unexplained":
            return queryset.irregular().filter(explanations=None)  # type: ignore[attr-defined]
        if self.value() == "all":
            return queryset.irregular()  # type: ignore[attr-defined]
        return queryset.filter(**{str(self.value()): True}) if self.value() in Irregularity.values else queryset


class ExplanationInline(admin.TabularInline[Explanation, Payment]):
    """What was said of an exception."""

    model = Explanation
    extra = 0
    fields = ("text", "redaction", "recorded_at")
    readonly_fields = fields
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Payment | None = None) -> bool:
        """Show it to whoever sees the payment: it is public."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Payment | None = None) -> bool:
        """It is added on a page of its own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Payment | None = None) -> bool:
        """It is never changed."""
        return False


@admin.register(Payment)
class PaymentAdmin(LedgerImport, AppendOnlyAdmin):
    """Payments: facts of the finance system, with what is irregular about them."""

    resource_classes = (PaymentResource,)
    list_display = ("reference", "paid_on", "sum", "state", "flags", "to", "its_allocation")
    list_filter = (StandingFilter, ExceptionFilter, ItemFilter, "allocation__funding_source__year", "allocation__kind")
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
    steps = (ExplainStep, ReversePaymentStep, RedactPaymentStep)
    record_form = PaymentForm
    record_fieldsets = (
        (
            None,
            {
                "fields": ["reference", "allocation", "payee", "paid_on", "amount", "irrecoverable_vat"],
                "description": "Record what the finance system has, even where it should not have happened: it is then "
                "shown in public as an exception, which you can explain.",
            },
        ),
        ("What is published of it", {"fields": [*PAYMENT_WORDS]}),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["reference", "state", "exceptions", "on_allocation", "payee", "paid_on"]}),
        ("Sums", {"fields": ["sum", "vat"]}),
        ("What is published of it", {"fields": [*PAYMENT_WORDS, "redaction"]}),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """Add what is irregular about each."""
        return super().get_queryset(request).with_irregularities()  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Payment, post_url_continue: str | None = None) -> HttpResponse:
        """Say what is irregular about a payment, once it is recorded."""
        recorded = self.get_queryset(request).get(pk=obj.pk)
        if recorded.irregularities:
            messages.warning(
                request,
                f"Recorded, and shown in public as an exception: {' '.join(recorded.irregularities)} Explain it on its "
                "page.",
            )
        return super().response_add(request, obj, post_url_continue)

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Payment) -> str:
        """The sum in pounds; a refund says so."""
        return f"{pounds(row.amount)}{' (refund)' if row.amount < 0 and row.reverses_id is None else ''}"

    @admin.display(description="VAT that cannot be recovered")
    def vat(self, row: Payment) -> str:
        """The VAT in it."""
        return "Not stated" if row.irrecoverable_vat is None else pounds(row.irrecoverable_vat)

    @admin.display(description="exceptions")
    def exceptions(self, row: Payment) -> str:
        """What is irregular about it."""
        return " ".join(row.irregularities) or "-"

    @admin.display(description="exceptions")
    def flags(self, row: Payment) -> str:
        """What is irregular about it, in the few words that fit a list."""
        return "; ".join(str(kind.label) for kind in Irregularity if getattr(row, kind)) or "-"

    @admin.display(description="allocation", ordering="allocation")
    def on_allocation(self, row: Payment) -> str:
        """The allocation that it is paid on."""
        return link(row.allocation)

    @admin.display(description="to", ordering="payee__name")
    def to(self, row: Payment) -> str:
        """Who was paid, in a cell that wraps."""
        return str(row.payee)

    @admin.display(description="allocation", ordering="allocation")
    def its_allocation(self, row: Payment) -> str:
        """The id of the allocation, to go there."""
        return link(row.allocation, row.allocation.public_id)

    @admin.display(description="state")
    def state(self, row: Payment) -> str:
        """Whether it stands."""
        return standing(row)


class RedactExplanationStep(RedactStep):
    """Take the text of an explanation out."""

    permission = "funding.change_explanation"


@admin.register(Explanation)
class ExplanationAdmin(RecordedElsewhereAdmin):
    """Explanations: written on the page of their payment, listed here."""

    list_display = ("payment", "text", "recorded_at")
    list_select_related = ("payment", "recorded_by")
    search_fields = ("payment__reference", "text")
    steps = (RedactExplanationStep,)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["of", "text", "redaction", "recorded_at", "recorded_by"]}),)

    @admin.display(description="payment")
    def of(self, row: Explanation) -> str:
        """The payment, to go there."""
        return link(row.payment)
