from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from funding.admin.variations import OvercommitAction, ReturnFromSourceAction
from funding.models import Contributor, FinancialYear, FundingSource
from funding.rules.sources import carry_forward, check_budget
from partners.admin import PROVENANCE, SourcedAdmin
from partners.models import Publication
from partners.stale_facts import CheckedFilter
from vru_portal.ledger.append_only.recording import record
from vru_portal.ledger.money import PoundsFormField, format_pounds, sum_of_pounds
from vru_portal.publishing.addresses import slug_of
from vru_portal.staff.actions import Action, RecordingForm, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.base_admin import InlineMixin, PortalAdmin, warn_about_rule
from vru_portal.staff.help import help_link
from vru_portal.staff.ledger_admin import AppendOnlyAdmin, RedactAction, ReversalFilter, ReverseAction
from vru_portal.staff.ordering.page import OrderPageMixin
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import CalendarDateFormField, LineFormField


class ContributorInline(InlineMixin, admin.TabularInline[Contributor, FundingSource]):
    """The contributors of a source, entered when it is recorded."""

    model = Contributor
    extra = 1
    autocomplete_fields = ("organisation", "post")

    def has_add_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Only together with the source, not later."""
        return obj is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Change nothing of a recorded source."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Remove nothing from a recorded source."""
        return obj is None and super().has_delete_permission(request, obj)


@admin.register(FinancialYear)
class FinancialYearAdmin(SourcedAdmin):
    """Financial years, with the total of their sources beside the stated budget."""

    list_display = ("label", "stated", "sum_of_sources", "spend_by")
    search_fields = ("first_year",)
    fieldsets = (
        (None, {"fields": ["first_year", "stated_total", "stated_as", "label_note"]}),
        ("Rules", {"fields": ["spend_by", "spend_by_stated", "purpose", "applying", "gate"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the stated budget with the sources."""
        super().save_related(request, form, formsets, change)
        warn_about_rule(request, check_budget, year=form.instance)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FinancialYear]:
        """Add the sum of the sources to each year."""
        years = super().get_queryset(request).order_by("-first_year")
        return years.annotate(source_sum=sum_of_pounds("sources__amount"))

    @admin.display(description="stated", ordering="stated_total")
    def stated(self, year: FinancialYear) -> str | None:
        return format_pounds(year.stated_total) if year.stated_total is not None else None

    @admin.display(description="sum of sources", ordering="source_sum")
    def sum_of_sources(self, year: FinancialYear) -> str | None:
        return format_pounds(year.source_sum) if year.source_sum is not None else None  # type: ignore[attr-defined]


class SourceForm(RecordingForm):
    """A new source, recorded together with its contributors (`FundingSourceAdmin.save_model`)."""

    def record(self) -> None:
        """Left to the admin, so that an invalid contributor keeps the source from being recorded too."""


class CarryForm(forms.Form):
    """How much is carried forward, and where that is stated."""

    amount = PoundsFormField(label="Sum", help_text="In pounds, such as 1,250.50.")
    stated_as = LineFormField(
        max_length=60,
        help_text="The amount as published, such as £1.25 million.",
        widget=AdminTextInputWidget,
    )
    name = LineFormField(max_length=160, widget=AdminTextInputWidget)
    source = forms.ModelChoiceField(
        Publication.objects.order_by("-published_on"),
        help_text="The publication that states this.",
    )
    source_location = LineFormField(
        max_length=120, required=False, label="Where in the source", widget=AdminTextInputWidget
    )
    as_at = CalendarDateFormField(help_text="The day on which this was stated.", widget=AdminDateWidget)


class CarryAction(Action):
    """Carry what is left into the next year."""

    name = "carry"
    label = "Carry forward"
    permission = "funding.add_fundingsource"

    def applies(self) -> bool:
        """Whether the source is not reversed."""
        return self.row.reverses_id is None and not self.row.is_reversed

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return (
            f"{format_pounds(self.row.remainder)} is left in {self.row}. What you carry forward becomes a source of "
            "the next financial year, from the same contributors. It does not count towards that year's stated budget."
        )

    def blocked_reason(self) -> str:
        if not self.applies():
            return "This source was reversed, so you cannot carry money forward from it."
        if self.row.remainder <= 0:
            return (
                f"Nothing is left in {self.row}. To carry forward money that is allocated but will not be spent, "
                "release it first."
            )
        return ""

    def form(self, **data: Any) -> forms.Form:
        initial = {"name": f"Carried forward: {self.row.name}"[:160], "amount": format(self.row.remainder, "f")}
        return CarryForm(initial=initial, **data)

    def perform(self, form: Any) -> str:
        carried = FundingSource(**form.cleaned_data, slug=slug_of(form.cleaned_data["name"]))
        year = self.row.year.first_year + 1
        if FundingSource.objects.filter(year__first_year=year, slug=carried.slug).exists():
            raise ValidationError({"name": "The next year already has a source with this name. Enter another name."})
        carry_forward(by=self.by, source=self.row, carried=carried)
        return f"Carried forward: {format_pounds(carried.amount)} into {carried.year}"


@admin.register(FundingSource)
class FundingSourceAdmin(OrderPageMixin, AppendOnlyAdmin):
    """Sources of money, with what is left of each."""

    order_within = "year"

    list_display = ("name", "year", "sum", "allocated", "left", "state")
    list_filter = ("year", ReversalFilter, CheckedFilter)
    list_select_related = ("year", "reverses__year", "reversed_by__recorded_by", "carried_from__year")
    search_fields = ("name", "wording")
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("year", "source")
    inlines = (ContributorInline,)
    row_actions = (CarryAction, ReturnFromSourceAction, OvercommitAction, ReverseAction, RedactAction)
    record_form = SourceForm
    record_fieldsets = (
        (None, {"fields": ["year", "name", "slug", "nature"]}),
        ("Sum", {"description": help_link("money"), "fields": ["amount", "stated_as", "wording", "note"]}),
        PROVENANCE,
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["year", "name", "nature", "sum", "allocated", "left", "stated_as", "wording", "came_from"]}),
        ("Details you can still change", {"fields": ["note", "checked_on"]}),
        ("Source", {"fields": ["source", "source_location", "as_at"]}),
        ("Taken out", {"fields": ["redaction"]}),
    )

    def ordered_rows(self) -> QuerySet[FundingSource]:
        """Leave out what is reversed, and what reversed it: no page shows them in the list."""
        return FundingSource.objects.standing()

    def get_queryset(self, request: HttpRequest) -> QuerySet[FundingSource]:
        """Add what is left of each."""
        return super().get_queryset(request).with_remainder()  # type: ignore[attr-defined]

    def has_change_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Allow changes to `changeable_fields`, on which no amount depends."""
        return PortalAdmin.has_change_permission(self, request, obj)

    def get_inline_instances(self, request: HttpRequest, obj: FundingSource | None = None) -> list[Any]:
        """Show the contributors on the form for a new source too."""
        return PortalAdmin.get_inline_instances(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: FundingSource | None = None) -> Any:
        """Leave only those fields editable that may change."""
        if obj is None:
            return ()
        named = [name for _, options in self.fieldsets for name in options["fields"]]
        return [name for name in named if name not in FundingSource.changeable_fields]

    def save_model(self, request: HttpRequest, obj: FundingSource, form: Any, change: bool) -> None:
        """Record a new source; of an existing one, save the fields that may change."""
        if change:
            obj.save()
        else:
            record(obj, by=request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the year's sources with its stated budget."""
        super().save_related(request, form, formsets, change)
        warn_about_rule(request, check_budget, year=form.instance.year)

    def sections(self, request: HttpRequest, row: FundingSource | None) -> list[Section]:
        """What is allocated from the source."""
        if row is None:
            return []
        rows = row.allocations.standing().with_paid().select_related("initiative", "heading", "recipient")[:50]
        return [
            Section(
                "Allocations from it (the first 50)",
                ("Id", "Day", "For", "Recipient", "Awarded", "Paid"),
                [
                    (
                        admin_link(allocation, allocation.public_id),
                        format_date(allocation.awarded_on),
                        allocation.subject,
                        allocation.recipient,
                        format_pounds(allocation.amount),
                        format_pounds(allocation.paid),
                    )
                    for allocation in rows
                ],
                empty="Nothing has been allocated from this source.",
                figures=frozenset({4, 5}),
            )
        ]

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: FundingSource) -> str:
        return format_pounds(row.amount)

    @admin.display(description="allocated")
    def allocated(self, row: FundingSource) -> str:
        """What is allocated from it."""
        return format_pounds(row.allocated) if row.is_standing else "-"

    @admin.display(description="left")
    def left(self, row: FundingSource) -> str:
        """What is not allocated, carried forward or returned."""
        return format_pounds(row.remainder) if row.is_standing else "-"

    @admin.display(description="carried from")
    def came_from(self, row: FundingSource) -> str:
        """The source of the year before that it was carried from."""
        return admin_link(row.carried_from) or "-"
