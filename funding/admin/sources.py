from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.text import slugify

from funding.models import Contributor, FinancialYear, FundingSource
from funding.rules import carry_forward, check_budget
from partners.admin import PROVENANCE, SourcedAdmin
from partners.checked import CheckedFilter
from partners.models import Publication
from vru_portal.admin import InlineMixin, PortalAdmin, warn_of
from vru_portal.append_only import record
from vru_portal.append_only_admin import AppendOnlyAdmin, RedactStep, ReverseStep, StandingFilter, standing
from vru_portal.money import PoundsInput, pounds
from vru_portal.step_admin import RecordForm, Section, Step, link


class ContributorInline(InlineMixin, admin.TabularInline[Contributor, FundingSource]):
    """Who a source comes from: said when it is recorded."""

    model = Contributor
    extra = 1
    autocomplete_fields = ("organisation", "post")

    def has_add_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Add with the source, not later."""
        return obj is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Change nothing of a recorded source."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """Take nothing from a recorded source."""
        return obj is None and super().has_delete_permission(request, obj)


@admin.register(FinancialYear)
class FinancialYearAdmin(SourcedAdmin):
    """Financial years, with the sum of their sources beside what was stated."""

    list_display = ("label", "stated", "sum_of_sources", "spend_by")
    search_fields = ("first_year",)
    fieldsets = (
        (None, {"fields": ["first_year", "stated_total", "stated_as", "label_note"]}),
        ("Rules", {"fields": ["spend_by", "spend_by_stated", "purpose", "gate"]}),
        PROVENANCE,
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the stated budget with the sources."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_budget, year=form.instance)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FinancialYear]:
        """Add the sum of the sources to each year."""
        return super().get_queryset(request).annotate(source_sum=Sum("sources__amount")).order_by("-first_year")

    @admin.display(description="stated", ordering="stated_total")
    def stated(self, year: FinancialYear) -> str | None:
        """The budget as stated."""
        return pounds(year.stated_total) if year.stated_total is not None else None

    @admin.display(description="sum of sources", ordering="source_sum")
    def sum_of_sources(self, year: FinancialYear) -> str | None:
        """What the sources add up to."""
        return pounds(year.source_sum) if year.source_sum is not None else None  # type: ignore[attr-defined]


class SourceForm(RecordForm):
    """A new source, recorded together with its contributors (`FundingSourceAdmin.save_model`)."""

    def record(self) -> None:
        """Leave it to the admin: what is wrong with a contributor must keep the source out too."""


class CarryForm(forms.Form):
    """What is carried forward, and where that was decided."""

    amount = PoundsInput(label="Sum", help_text="In pounds, such as 1,250.50.")
    stated_as = forms.CharField(
        max_length=60,
        help_text="The form in which the sum was stated, such as £1.25 million.",
        widget=AdminTextInputWidget,
    )
    name = forms.CharField(max_length=160, widget=AdminTextInputWidget)
    source = forms.ModelChoiceField(
        Publication.objects.order_by("-published_on"),
        help_text="The publication that states this.",
    )
    source_location = forms.CharField(
        max_length=120, required=False, label="Where in the source", widget=AdminTextInputWidget
    )
    as_at = forms.DateField(help_text="The day on which this was stated.", widget=AdminDateWidget)


class CarryStep(Step):
    """Carry what is left into the next year."""

    name = "carry"
    label = "Carry forward"
    permission = "funding.add_fundingsource"

    def applies(self) -> bool:
        """Only what stands can be carried."""
        return self.row.reverses_id is None and not self.row.is_reversed

    @property
    def explanation(self) -> str:  # type: ignore[override]
        """What it does, and how much there is."""
        return (
            f"{pounds(self.row.remainder)} is left of {self.row}. What you carry forward becomes a source of the next "
            "financial year, from the same contributors. It is no part of that year's stated budget."
        )

    def obstacle(self) -> str:
        """Say that nothing is left, or nothing stands."""
        if not self.applies():
            return "This source is reversed, or a reversal: nothing can be carried forward from it."
        if self.row.remainder <= 0:
            return (
                f"Nothing is left of {self.row}. What is allocated and will not be spent can be carried forward once "
                "its allocation is reversed."
            )
        return ""

    def form(self, **data: Any) -> forms.Form:
        """Ask how much, and where it was stated."""
        initial = {"name": f"Carried forward: {self.row.name}"[:160], "amount": format(self.row.remainder, "f")}
        return CarryForm(initial=initial, **data)

    def take(self, form: Any) -> str:
        """Record it through the rule."""
        carried = FundingSource(**form.cleaned_data, slug=slugify(form.cleaned_data["name"])[:80])
        year = self.row.year.first_year + 1
        if FundingSource.objects.filter(year__first_year=year, slug=carried.slug).exists():
            raise ValidationError({"name": "The next year has a source of this name already. Choose another name."})
        carry_forward(by=self.by, source=self.row, carried=carried)
        return f"Carried forward: {pounds(carried.amount)} into {carried.year}"


class ReverseSourceStep(ReverseStep):
    """Take a source back."""

    permission = "funding.add_fundingsource"


class RedactSourceStep(RedactStep):
    """Take text out of a source."""

    permission = "funding.change_fundingsource"


@admin.register(FundingSource)
class FundingSourceAdmin(AppendOnlyAdmin):
    """Sources of money, with what is left of each."""

    list_display = ("name", "year", "sum", "allocated", "left", "state")
    list_filter = ("year", StandingFilter, CheckedFilter)
    list_select_related = ("year", "reverses__year", "reversed_by__recorded_by", "carried_from__year")
    search_fields = ("name", "wording")
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("year", "source")
    inlines = (ContributorInline,)
    steps = (CarryStep, ReverseSourceStep, RedactSourceStep)
    record_form = SourceForm
    record_fieldsets = (
        (None, {"fields": ["year", "name", "slug", "nature", "position"]}),
        ("Sum", {"fields": ["amount", "stated_as", "wording", "note"]}),
        PROVENANCE,
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["year", "name", "nature", "sum", "allocated", "left", "stated_as", "wording", "came_from"]}),
        ("What may still change", {"fields": ["position", "note", "checked_on"]}),
        ("Source", {"fields": ["source", "source_location", "as_at"]}),
        ("Taken out", {"fields": ["redaction"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[FundingSource]:
        """Add what is left of each."""
        return super().get_queryset(request).with_remainder()  # type: ignore[attr-defined]

    def has_change_permission(self, request: HttpRequest, obj: FundingSource | None = None) -> bool:
        """A few facts about a source may change: nothing that a sum hangs on."""
        return PortalAdmin.has_change_permission(self, request, obj)

    def get_inline_instances(self, request: HttpRequest, obj: FundingSource | None = None) -> list[Any]:
        """Ask for the contributors together with the source."""
        return PortalAdmin.get_inline_instances(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: FundingSource | None = None) -> Any:
        """Leave open what may change."""
        if obj is None:
            return ()
        named = [name for _, options in self.fieldsets for name in options["fields"]]
        return [name for name in named if name not in FundingSource.open_fields]

    def get_prepopulated_fields(self, request: HttpRequest, obj: FundingSource | None = None) -> dict[str, Any]:
        """Make the address from the name, once."""
        return {} if obj else {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: FundingSource, form: Any, change: bool) -> None:
        """Record a new source; save what may change of another."""
        if change:
            obj.save()
        else:
            record(obj, by=request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, then compare the year's sources with its stated budget."""
        super().save_related(request, form, formsets, change)
        warn_of(request, check_budget, year=form.instance.year)

    def sections(self, request: HttpRequest, row: FundingSource | None) -> list[Section]:
        """Return what is allocated from the source."""
        if row is None:
            return []
        rows = row.allocations.standing().with_paid().select_related("initiative", "recipient")[:50]
        return [
            Section(
                "Allocations from it (the first 50)",
                ("Id", "Day", "Initiative", "Recipient", "Allocated", "Paid"),
                [
                    (
                        link(allocation, allocation.public_id),
                        f"{allocation.awarded_on:%-d %B %Y}",
                        allocation.initiative,
                        allocation.recipient,
                        pounds(allocation.amount),
                        pounds(allocation.paid),
                    )
                    for allocation in rows
                ],
                empty="Nothing is allocated from this source.",
                figures=frozenset({4, 5}),
            )
        ]

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: FundingSource) -> str:
        """The sum in pounds."""
        return pounds(row.amount)

    @admin.display(description="allocated")
    def allocated(self, row: FundingSource) -> str:
        """What is allocated from it."""
        return pounds(row.amount - row.remainder - row.carried) if standing(row) == "Stands" else "-"

    @admin.display(description="left")
    def left(self, row: FundingSource) -> str:
        """What is neither allocated nor carried forward."""
        return pounds(row.remainder) if standing(row) == "Stands" else "-"

    @admin.display(description="carried from")
    def came_from(self, row: FundingSource) -> str:
        """The source of the year before that it was carried from."""
        return link(row.carried_from) or "-"

    @admin.display(description="state")
    def state(self, row: FundingSource) -> str:
        """Whether it stands."""
        return standing(row)
