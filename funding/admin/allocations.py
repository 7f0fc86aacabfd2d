from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from funding.admin.forms import AllocationForm, ContractCopyForm, open_sources
from funding.admin.imports import LedgerImport
from funding.admin.missing_disclosures import CopyFilter
from funding.admin.onward_requests import AskOnwardAction
from funding.admin.regrants import RegrantingAction
from funding.admin.variations import EndAction, MoveAction, ReleaseAction, ReturnMoneyAction
from funding.choices import ALLOCATION_TEXT_FIELDS, AllocationKind
from funding.models import Allocation, ContractCopy, OnwardGrant, OnwardRequest
from funding.regranting.presenters import onward_report
from funding.resources import AllocationResource
from funding.rules.allocations import add_contract_copy
from vru_portal.ledger.money import format_pounds, sum_of_pounds
from vru_portal.staff.actions import Action, Section
from vru_portal.staff.admin_links import admin_link, changelist_url, reader_can_view
from vru_portal.staff.help import help_link
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    RecordedElsewhereAdmin,
    RecordedElsewhereInline,
    RedactAction,
    ReversalFilter,
    ReverseAction,
    reversal_status,
)
from vru_portal.staff.requests import state_of
from vru_portal.text.dates import format_date


class CopyAction(Action):
    """Add a link to a published copy of the contract."""

    name = "contract-copy"
    label = "Add a contract copy"
    form_class = ContractCopyForm
    permission = "funding.add_contractcopy"
    explanation = "The link is shown in public beside this allocation and cannot be removed."

    def applies(self) -> bool:
        """Whether this is a contract."""
        return self.row.kind == AllocationKind.CONTRACT and self.row.reverses_id is None

    def blocked_reason(self) -> str:
        return "" if self.applies() else "You can add a contract copy only to an allocation for a contract or service."

    def perform(self, form: Any) -> str:
        title, url = form.cleaned_data["title"], form.cleaned_data["url"]
        if self.row.contract_copies.filter(url=url).exists():
            raise ValidationError({"url": "This copy is already recorded."})
        add_contract_copy(by=self.by, allocation=self.row, title=title, url=url)
        return "Contract copy added"


class ReverseAllocationAction(ReverseAction):
    """Reverse an allocation that has no payments."""

    def blocked_reason(self) -> str:
        reason = super().blocked_reason()
        payments = self.row.payments.standing()
        if reason or not payments.exists():
            return reason
        total = payments.aggregate(total=sum_of_pounds("amount"))["total"]
        some = ", ".join(payments.values_list("reference", flat=True)[:5])
        count = payments.count()
        more = f" and {count - 5} others" if count > 5 else ""
        return (
            f"{format_pounds(total)} is paid on this allocation ({some}{more}). Reverse these payments first, then "
            "reverse the allocation and record both again correctly."
        )


class ContractCopyInline(RecordedElsewhereInline):
    """The published copies of the contract."""

    model = ContractCopy
    fields = ("title", "url", "redaction", "recorded_at")


@admin.register(Allocation)
class AllocationAdmin(LedgerImport, AppendOnlyAdmin):
    """Allocations: one form to record, then facts and steps."""

    resource_classes = (AllocationResource,)
    list_display = ("public_id", "awarded_on", "sum", "paid", "state", "what_for", "to", "from_source")
    list_filter = (ReversalFilter, CopyFilter, "funding_source__year", "kind", "initiative__level", "heading")
    list_select_related = (
        "initiative",
        "heading",
        "decision",
        "recipient",
        "awarded_by",
        "assessment__initiative",
        "funding_source__year",
        "continues__initiative",
        "continues__heading",
        "continues__recipient",
        "reverses__initiative",
        "reverses__heading",
        "reverses__recipient",
        "reversed_by__recorded_by",
        "recorded_by",
    )
    search_fields = ("public_id", "initiative__name", "heading__name", "recipient__name", "purpose")
    search_help_text = "Id, initiative, budget heading, recipient or purpose."
    date_hierarchy = "awarded_on"
    inlines = (ContractCopyInline,)
    row_actions = (
        ReleaseAction,
        MoveAction,
        ReturnMoneyAction,
        EndAction,
        ReverseAllocationAction,
        CopyAction,
        RegrantingAction,
        AskOnwardAction,
        RedactAction,
    )
    record_form = AllocationForm
    formfield_overrides: ClassVar[Any] = AppendOnlyAdmin.formfield_overrides | {
        models.DateField: {"widget": AdminDateWidget}
    }
    record_fieldsets = (
        (
            "Amount and purpose",
            {
                "description": help_link("money"),
                "fields": ["decision", "funding_source", "amount", "initiative", "heading", "recipient"],
            },
        ),
        ("When", {"fields": ["awarded_on", "starts_on", "ends_on", "continues"]}),
        (
            "Published details",
            {
                "fields": ["kind", *ALLOCATION_TEXT_FIELDS],
                "description": "The kind of allocation and the publication duty decide which of these are required. "
                "Do not enter personal data.",
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["public_id", "state", "its_source", "what_for", "recipient", "awarded_by", "decided_by"]}),
        ("Sums", {"fields": ["sum", "taken", "paid", "balance", "onward"]}),
        ("When", {"fields": ["awarded_on", "starts_on", "ends_on", "continued", "approved_by"]}),
        (
            "Published details",
            {
                "fields": ["kind", *ALLOCATION_TEXT_FIELDS, "redaction"],
            },
        ),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Allocation]:
        """Add what is paid on each, and what was released, moved or returned of it."""
        return super().get_queryset(request).with_paid().with_varied()  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Leave reversals out of the choices when an allocation is chosen for a payment."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        choosing = request.resolver_match and request.resolver_match.url_name == "autocomplete"
        return (found.filter(reverses=None) if choosing else found), duplicates

    def tools(self, request: HttpRequest, row: Allocation) -> list[tuple[str, str]]:
        """Put the most frequent step first: a payment."""
        steps = super().tools(request, row)
        if row.reverses_id is None and not row.is_reversed and request.user.has_perm("funding.add_payment"):
            steps.insert(0, ("Record a payment", f"{reverse('admin:funding_payment_add')}?allocation={row.pk}"))
        return steps

    def sections(self, request: HttpRequest, row: Allocation | None) -> list[Section]:
        """The payments; beside the form, what is left of each source."""
        return [self.remainders()] if row is None else [self.variations(row), self.payments(row)]

    def remainders(self) -> Section:
        """Money left in each source."""
        return Section(
            "Money left in each source",
            ("Source", "Sum", "Allocated", "Carried forward", "Returned", "Left"),
            [
                (
                    source,
                    format_pounds(source.amount),
                    format_pounds(source.allocated),
                    format_pounds(source.carried),
                    format_pounds(source.returned),
                    format_pounds(source.remainder),
                )
                for source in open_sources()
            ],
            empty="There are no sources to allocate from. Record one first.",
            figures=frozenset({1, 2, 3, 4, 5}),
        )

    def variations(self, row: Allocation) -> Section:
        """What was released, moved or returned of it, reversed steps included."""
        rows = row.variations.select_related("decision", "reversed_by").order_by("varied_on", "pk")
        return Section(
            "What changed",
            ("Id", "Counts from", "What", "Sum", "State", "Decision"),
            [
                (
                    admin_link(variation, variation.public_id),
                    format_date(variation.varied_on),
                    variation.get_kind_display(),
                    format_pounds(variation.amount),
                    reversal_status(variation),
                    variation.decision.reference,
                )
                for variation in rows
            ],
            empty="Nothing was released, moved or returned.",
            figures=frozenset({3}),
        )

    def payments(self, row: Allocation) -> Section:
        """The payments, earliest first."""
        payments = row.payments.with_irregularities().select_related(
            "payee", "reversed_by", "allocation__funding_source__year"
        )
        shown = payments.order_by("paid_on", "pk")[:50]
        return Section(
            "Payments (the first 50)",
            ("Reference", "Paid on", "To", "Sum", "State", "Exceptions"),
            [
                (
                    admin_link(payment, payment.reference),
                    format_date(payment.paid_on),
                    payment.payee,
                    format_pounds(payment.amount),
                    reversal_status(payment),
                    " ".join(payment.irregularities),
                )
                for payment in shown
            ],
            empty="Nothing has been paid yet.",
            figures=frozenset({3}),
        )

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Allocation) -> str:
        return format_pounds(row.amount)

    @admin.display(description="paid so far", ordering="paid")
    def paid(self, row: Allocation) -> str:
        """What is paid on it."""
        return format_pounds(row.paid) if row.reverses_id is None else "-"

    @admin.display(description="still to pay")
    def balance(self, row: Allocation) -> str:
        """What is allocated and not paid yet."""
        if not row.is_standing:
            return "-"
        left = row.allocated - row.paid
        return (
            format_pounds(left) if left >= 0 else f"Nothing: {format_pounds(-left)} more has been paid than allocated"
        )

    @admin.display(description="source", ordering="funding_source")
    def from_source(self, row: Allocation) -> str:
        return str(row.funding_source)

    @admin.display(description="source")
    def its_source(self, row: Allocation) -> str:
        return admin_link(row.funding_source)

    @admin.display(description="onward grants")
    def onward(self, row: Allocation) -> SafeString | str:
        """What its recipient has reported as awarded on, and how far the last request for that has got."""
        report = onward_report(row)
        if report is None:
            return "-"
        said: list[SafeString | str] = [f"{format_pounds(report.reported)} reported"]
        if report.count and reader_can_view(OnwardGrant):
            address = changelist_url(OnwardGrant, q=row.public_id)
            said = [format_html('<a href="{}">{}</a>', address, said[0])]
        if reader_can_view(OnwardRequest):
            request: Any = row.onward_requests.with_still_asked().first()
            state = state_of(request, still_asked=request.still_asked) if request else "None"
            said.append(format_html("Request: {}", admin_link(request, state) or state))
        return format_html_join(". ", "{}", ((part,) for part in said))

    @admin.display(description="continues")
    def continued(self, row: Allocation) -> str:
        return admin_link(row.continues) or "-"

    @admin.display(description="assessment")
    def approved_by(self, row: Allocation) -> str:
        """The evidence assessment that it is based on."""
        return admin_link(row.assessment) or "-"

    @admin.display(description="for")
    def what_for(self, row: Allocation) -> str:
        return str(row.subject)

    @admin.display(description="released, moved or returned")
    def taken(self, row: Allocation) -> str:
        return format_pounds(row.varied)

    @admin.display(description="decision")
    def decided_by(self, row: Allocation) -> str:
        return admin_link(row.decision) or "No decision recorded"

    @admin.display(description="recipient", ordering="recipient__name")
    def to(self, row: Allocation) -> str:
        return str(row.recipient)


@admin.register(ContractCopy)
class ContractCopyAdmin(RecordedElsewhereAdmin):
    """Contract copies: added on the page of their allocation, listed here."""

    list_display = ("title", "allocation", "recorded_at")
    list_select_related = ("allocation__initiative", "allocation__recipient", "recorded_by")
    search_fields = ("title", "allocation__public_id")
    row_actions = (RedactAction,)
    fieldsets: ClassVar[Any] = ((None, {"fields": ["of", "title", "url", "redaction", "recorded_at", "recorded_by"]}),)

    @admin.display(description="allocation")
    def of(self, row: ContractCopy) -> str:
        """A link to the allocation."""
        return admin_link(row.allocation)
