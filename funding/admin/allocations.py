from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from funding.admin.forms import AllocationForm, ContractCopyForm, open_sources
from funding.admin.imports import LedgerImport
from funding.admin.lacking import CopyFilter
from funding.choices import ALLOCATION_WORDS, Kind
from funding.models import Allocation, ContractCopy
from funding.resources import AllocationResource
from funding.rules import add_contract_copy
from vru_portal.append_only_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RedactStep,
    ReverseStep,
    StandingFilter,
    standing,
)
from vru_portal.money import pounds
from vru_portal.step_admin import Section, Step, link


class CopyStep(Step):
    """Say where the contract can be read."""

    name = "contract-copy"
    label = "Add a contract copy"
    permission = "funding.add_contractcopy"
    explanation = "The link is shown in public beside this allocation, and cannot be taken back."

    def applies(self) -> bool:
        """Only a contract has a copy."""
        return self.row.kind == Kind.CONTRACT and self.row.reverses_id is None

    def obstacle(self) -> str:
        """Say that this is none."""
        return "" if self.applies() else "Only an allocation for a contract or a service has a copy of its contract."

    def form(self, **data: Any) -> forms.Form:
        """Ask for title and address."""
        return ContractCopyForm(**data)

    def take(self, form: Any) -> str:
        """Record it through the rule."""
        title, url = form.cleaned_data["title"], form.cleaned_data["url"]
        if self.row.contract_copies.filter(url=url).exists():
            raise ValidationError({"url": "This copy is recorded already."})
        add_contract_copy(by=self.by, allocation=self.row, title=title, url=url)
        return "Contract copy added"


class ReverseAllocationStep(ReverseStep):
    """Take an allocation back, once no payment stands on it."""

    permission = "funding.add_allocation"

    def obstacle(self) -> str:
        """Name the payments in the way."""
        said = super().obstacle()
        payments = self.row.payments.standing()
        if said or not payments.exists():
            return said
        total = payments.aggregate(total=models.Sum("amount"))["total"]
        some = ", ".join(payments.values_list("reference", flat=True)[:5])
        count = payments.count()
        more = f" and {count - 5} others" if count > 5 else ""
        return (
            f"{pounds(total)} is paid on this allocation ({some}{more}). Reverse these payments first, reverse the "
            "allocation, then record both as they should be."
        )


class RedactAllocationStep(RedactStep):
    """Take text out of an allocation."""

    permission = "funding.change_allocation"


class ContractCopyInline(admin.TabularInline[ContractCopy, Allocation]):
    """Where the contract can be read."""

    model = ContractCopy
    extra = 0
    fields = ("title", "url", "redaction", "recorded_at")
    readonly_fields = fields
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Allocation | None = None) -> bool:
        """Show it to whoever sees the allocation: it is public."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Allocation | None = None) -> bool:
        """It is added on a page of its own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Allocation | None = None) -> bool:
        """It is never changed."""
        return False


@admin.register(Allocation)
class AllocationAdmin(LedgerImport, AppendOnlyAdmin):
    """Allocations: one form to record, then facts and steps."""

    resource_classes = (AllocationResource,)
    list_display = ("public_id", "awarded_on", "sum", "paid", "state", "what_for", "to", "from_source")
    list_filter = (StandingFilter, CopyFilter, "funding_source__year", "kind", "initiative__level")
    list_select_related = (
        "initiative",
        "recipient",
        "awarded_by",
        "assessment__initiative",
        "funding_source__year",
        "continues__initiative",
        "continues__recipient",
        "reverses__initiative",
        "reverses__recipient",
        "reversed_by__recorded_by",
        "recorded_by",
    )
    search_fields = ("public_id", "initiative__name", "recipient__name", "purpose")
    search_help_text = "Id, initiative, recipient or purpose."
    date_hierarchy = "awarded_on"
    inlines = (ContractCopyInline,)
    steps = (ReverseAllocationStep, CopyStep, RedactAllocationStep)
    record_form = AllocationForm
    formfield_overrides: ClassVar[Any] = AppendOnlyAdmin.formfield_overrides | {
        models.DateField: {"widget": AdminDateWidget}
    }
    record_fieldsets = (
        ("How much, and for what", {"fields": ["funding_source", "amount", "initiative", "recipient"]}),
        ("When", {"fields": ["awarded_on", "starts_on", "ends_on", "continues"]}),
        (
            "What is published of it",
            {
                "fields": ["kind", *ALLOCATION_WORDS],
                "description": "Which of these must be stated depends on the kind, and on the law that the unit "
                "publishes under. No personal data.",
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["public_id", "state", "from_source", "initiative", "recipient", "awarded_by"]}),
        ("Sums", {"fields": ["sum", "paid", "balance"]}),
        ("When", {"fields": ["awarded_on", "starts_on", "ends_on", "continued", "approved_by"]}),
        (
            "What is published of it",
            {
                "fields": ["kind", *ALLOCATION_WORDS, "redaction"],
            },
        ),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Allocation]:
        """Add what is paid on each."""
        return super().get_queryset(request).with_paid()  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Offer no reversal where an allocation is chosen for a payment."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        choosing = request.resolver_match and request.resolver_match.url_name == "autocomplete"
        return (found.filter(reverses=None) if choosing else found), duplicates

    def tools(self, request: HttpRequest, row: Allocation) -> list[tuple[str, str]]:
        """Put the step that is taken most often first: a payment."""
        steps = super().tools(request, row)
        if row.reverses_id is None and not row.is_reversed and request.user.has_perm("funding.add_payment"):
            steps.insert(0, ("Record a payment", f"{reverse('admin:funding_payment_add')}?allocation={row.pk}"))
        return steps

    def sections(self, request: HttpRequest, row: Allocation | None) -> list[Section]:
        """Return the payments; beside the form, what is left of each source."""
        return [self.remainders()] if row is None else [self.payments(row)]

    def remainders(self) -> Section:
        """Return what is left of each source."""
        return Section(
            "What is left of each source",
            ("Source", "Sum", "Allocated", "Carried forward", "Left"),
            [
                (
                    source,
                    pounds(source.amount),
                    pounds(source.amount - source.remainder - source.carried),
                    pounds(source.carried),
                    pounds(source.remainder),
                )
                for source in open_sources()
            ],
            empty="There is no source to allocate from. Record one first.",
            figures=frozenset({1, 2, 3, 4}),
        )

    def payments(self, row: Allocation) -> Section:
        """Return the payments, earliest first."""
        payments = row.payments.with_irregularities().select_related(
            "payee", "reversed_by", "allocation__funding_source__year"
        )
        shown = payments.order_by("paid_on", "pk")[:50]
        return Section(
            "Payments (the first 50)",
            ("Reference", "Paid on", "To", "Sum", "State", "Exceptions"),
            [
                (
                    link(payment, payment.reference),
                    f"{payment.paid_on:%-d %B %Y}",
                    payment.payee,
                    pounds(payment.amount),
                    standing(payment),
                    " ".join(payment.irregularities),
                )
                for payment in shown
            ],
            empty="Nothing is paid yet.",
            figures=frozenset({3}),
        )

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Allocation) -> str:
        """The sum in pounds."""
        return pounds(row.amount)

    @admin.display(description="paid so far", ordering="paid")
    def paid(self, row: Allocation) -> str:
        """What is paid on it."""
        return pounds(row.paid) if row.reverses_id is None else "-"

    @admin.display(description="still to pay")
    def balance(self, row: Allocation) -> str:
        """What is allocated and not paid yet."""
        if standing(row) != "Stands":
            return "-"
        left = row.amount - row.paid
        return pounds(left) if left >= 0 else f"Nothing: {pounds(-left)} more is paid than allocated"

    @admin.display(description="source", ordering="funding_source")
    def from_source(self, row: Allocation) -> str:
        """The source."""
        return str(row.funding_source)

    @admin.display(description="continues")
    def continued(self, row: Allocation) -> str:
        """The allocation of the award's first year."""
        return link(row.continues) or "-"

    @admin.display(description="assessment")
    def approved_by(self, row: Allocation) -> str:
        """The evidence assessment that it stands on."""
        return link(row.assessment)

    @admin.display(description="initiative", ordering="initiative__name")
    def what_for(self, row: Allocation) -> str:
        """The initiative, in a cell that wraps."""
        return str(row.initiative)

    @admin.display(description="recipient", ordering="recipient__name")
    def to(self, row: Allocation) -> str:
        """The recipient, in a cell that wraps."""
        return str(row.recipient)

    @admin.display(description="state")
    def state(self, row: Allocation) -> str:
        """Whether it stands."""
        return standing(row)


class RedactCopyStep(RedactStep):
    """Take the title of a contract copy out."""

    permission = "funding.change_contractcopy"


@admin.register(ContractCopy)
class ContractCopyAdmin(RecordedElsewhereAdmin):
    """Contract copies: added on the page of their allocation, listed here."""

    list_display = ("title", "allocation", "recorded_at")
    list_select_related = ("allocation__initiative", "allocation__recipient", "recorded_by")
    search_fields = ("title", "allocation__public_id")
    steps = (RedactCopyStep,)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["of", "title", "url", "redaction", "recorded_at", "recorded_by"]}),)

    @admin.display(description="allocation")
    def of(self, row: ContractCopy) -> str:
        """The allocation, to go there."""
        return link(row.allocation)
