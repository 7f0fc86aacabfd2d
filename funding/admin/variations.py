"""What staff do with money that will not be spent as it was allocated: each a step on the page of its row."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import Exists, OuterRef
from django.utils import timezone

from funding.admin.forms import DecisionChoice, InitiativeChoice, standing_decisions
from funding.choices import ALLOCATION_TEXT_FIELDS, AllocationKind, VariationKind
from funding.models import Allocation, BudgetHeading, Decision, Overcommitment, Variation
from funding.rules.variations import allow_overcommitment, vary
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.money import PoundsFormField, format_pounds
from vru_portal.staff.actions import Action
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.ledger_admin import (
    RecordedElsewhereAdmin,
    RedactAction,
    ReversalFilter,
    ReverseAction,
)
from vru_portal.text.form_fields import CalendarDateFormField, LongTextFormField


class StepForm(forms.Form):
    """How much, from when, by which decision and why."""

    amount = PoundsFormField(label="Sum", help_text="In pounds, such as 1,250.50.")
    varied_on = CalendarDateFormField(label="Counts from", widget=AdminDateWidget)
    decision = DecisionChoice(
        Decision.objects.none(), help_text="The decision that this is made by. If it is not listed, record it first."
    )
    reasons = LongTextFormField(
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="Why the money is not spent as it was allocated. Published: no personal data.",
    )

    def __init__(self, *args: Any, all_of_it: Decimal, **kwargs: Any) -> None:
        """`all_of_it` is the most that can be entered: it is named, and never filled in."""
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["amount"].help_text += f" All of it: {format_pounds(all_of_it)}."
        fields["decision"].queryset = standing_decisions()
        fields["varied_on"].initial = timezone.localdate


class MoveForm(StepForm):
    """The same, and what the money is now for."""

    recipient = forms.ModelChoiceField(Organisation.objects.none(), label="New recipient")
    initiative = InitiativeChoice(Initiative.objects.none(), required=False)
    heading = forms.ModelChoiceField(BudgetHeading.objects.none(), required=False, label="Budget heading")
    kind = forms.ChoiceField(choices=AllocationKind.choices)
    purpose = LongTextFormField(widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}))
    conditions = LongTextFormField(required=False, widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}))
    value_for_money = LongTextFormField(
        required=False, widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        approved = EvidenceAssessment.objects.approved().filter(initiative=OuterRef("pk"))
        fields["initiative"].queryset = Initiative.objects.annotate(is_assessed=Exists(approved)).order_by("name")
        fields["heading"].queryset = BudgetHeading.objects.order_by("position", "name")
        fields["recipient"].queryset = Organisation.objects.public().order_by("name")


class StepAction(Action):
    """A step that takes money out of an allocation."""

    form_class = StepForm
    permission = "funding.add_variation"
    kind: ClassVar[VariationKind]

    def applies(self) -> bool:
        return self.row.reverses_id is None and not self.row.is_reversed and self.row.unpaid > 0

    def blocked_reason(self) -> str:
        if self.applies():
            return ""
        return "There is nothing left to release, move or return: this allocation is paid, reversed or ended."

    def facts(self) -> list[tuple[str, str]]:
        return [
            ("Allocated", format_pounds(self.row.allocated)),
            ("Paid", format_pounds(self.row.paid)),
            ("Not paid", format_pounds(self.row.unpaid)),
        ]

    def form(self, **data: Any) -> forms.Form:
        return self.form_class(all_of_it=self.row.unpaid, **data)

    def perform(self, form: Any) -> str:
        step = Variation(allocation=self.row, kind=self.kind, **step_values(form))
        vary(by=self.by, variation=step)
        return f"{step.get_kind_display()}: {format_pounds(step.amount)}. {self.left_after(step)}"

    def left_after(self, step: Variation) -> str:
        return f"Not paid after this: {format_pounds(self.row.unpaid - step.amount)}"


def step_values(form: Any) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("amount", "varied_on", "decision", "reasons")}


class ReleaseAction(StepAction):
    """Let money go back to its source."""

    name, label, kind = "release", "Release", VariationKind.RELEASE
    explanation = "What you release goes back to its source, where it can be allocated, carried forward or returned."


class ReturnMoneyAction(StepAction):
    """Give money back to the funder."""

    name, label, kind = "return", "Return to the funder", VariationKind.RETURN
    explanation = "What you return leaves the allocation and its source."


class EndAction(StepAction):
    """End an award that has unspent money."""

    name, label, kind = "end", "End the award", VariationKind.END
    explanation = "The award ends on this day. Everything that has not been paid goes back to its source."

    def form(self, **data: Any) -> forms.Form:
        form = super().form(**data)
        del form.fields["amount"]
        return form

    def perform(self, form: Any) -> str:
        form.cleaned_data["amount"] = self.row.unpaid
        return super().perform(form)


class MoveAction(StepAction):
    """Give money to another recipient, initiative or heading."""

    name, label, kind, form_class = "move", "Move", VariationKind.MOVE, MoveForm
    explanation = (
        "This takes the money out of this allocation and records a new allocation of it, from the same source and by "
        "the same decision. An initiative needs an approved evidence assessment."
    )

    def form(self, **data: Any) -> forms.Form:
        row: Allocation = self.row
        same = {name: getattr(row, name) for name in ("recipient", "initiative", "heading", "kind", "purpose")}
        texts = {name: getattr(row, name) for name in ("conditions", "value_for_money")}
        return MoveForm(all_of_it=self.row.unpaid, initial={**same, **texts}, **data)

    def perform(self, form: Any) -> str:
        names = ("recipient", "initiative", "heading", "kind", "purpose", "conditions", "value_for_money")
        into = Allocation(
            awarded_by=self.row.awarded_by,
            starts_on=form.cleaned_data["varied_on"],
            reasons=form.cleaned_data["reasons"],
            **{name: form.cleaned_data[name] for name in names},
        )
        for name in ALLOCATION_TEXT_FIELDS:
            if name not in names and name != "reasons":
                setattr(into, name, getattr(self.row, name))
        step = Variation(allocation=self.row, kind=self.kind, **step_values(form))
        vary(by=self.by, variation=step, into=into)
        return f"Moved: {format_pounds(step.amount)} into allocation {into.public_id}. {self.left_after(step)}"


class ReturnFromSourceAction(Action):
    """Give back money that is not allocated."""

    name, label = "return", "Return to the funder"
    form_class = StepForm
    permission = "funding.add_variation"

    def applies(self) -> bool:
        return self.row.reverses_id is None and not self.row.is_reversed

    @property
    def explanation(self) -> str:  # type: ignore[override]
        return f"{format_pounds(self.row.remainder)} is left in {self.row}. What you return leaves the source."

    def blocked_reason(self) -> str:
        if not self.applies():
            return "This source is reversed, so nothing can be returned from it."
        if self.row.remainder <= 0:
            return "Nothing is left in this source. To return money that is allocated, do so on its allocation."
        return ""

    def form(self, **data: Any) -> forms.Form:
        return StepForm(all_of_it=self.row.remainder, **data)

    def perform(self, form: Any) -> str:
        step = Variation(funding_source=self.row, kind=VariationKind.RETURN, **step_values(form))
        vary(by=self.by, variation=step)
        left = self.row.remainder - step.amount
        return f"Returned to the funder: {format_pounds(step.amount)}. Left in the source: {format_pounds(left)}"


class OvercommitForm(forms.Form):
    """How much more may be allocated, from when and by which decision."""

    share = forms.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=25,
        localize=False,
        help_text="Per cent of the source that may be allocated beyond its amount, such as 10.",
    )
    allowed_on = CalendarDateFormField(label="Counts from", widget=AdminDateWidget)
    decision = DecisionChoice(Decision.objects.none(), help_text="A decision whose notice is published.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["decision"].queryset = standing_decisions().exclude(notice_url="")
        fields["allowed_on"].initial = timezone.localdate


class OvercommitAction(Action):
    """Allow more to be allocated than a source brings."""

    name, label = "overcommit", "Allow over-commitment"
    form_class = OvercommitForm
    permission = "funding.add_overcommitment"
    explanation = (
        "If some recipients always spend less, a published decision can allow more than the source to be allocated, by "
        "a share. The share and the decision are shown in public."
    )

    def applies(self) -> bool:
        row = self.row
        return row.reverses_id is None and not row.is_reversed and not row.overcommitments.standing().exists()

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This source was reversed, or it already has an overcommitment."

    def perform(self, form: Any) -> str:
        row = Overcommitment(funding_source=self.row, **form.cleaned_data)
        allow_overcommitment(by=self.by, overcommitment=row)
        return f"{row.share}% may be allocated beyond the amount"


@admin.register(Variation)
class VariationAdmin(RecordedElsewhereAdmin):
    """Variations and returns: recorded on the page of their allocation or source, listed here."""

    list_display = ("public_id", "varied_on", "kind", "sum", "state", "funding_source", "allocation")
    list_filter = (ReversalFilter, "kind", "funding_source__year")
    list_select_related = (
        *("funding_source__year", "allocation__initiative", "allocation__heading", "allocation__recipient"),
        *("decision", "reverses", "reversed_by__recorded_by", "recorded_by"),
    )
    search_fields = ("public_id", "allocation__public_id", "reasons")
    row_actions = (ReverseAction, RedactAction)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["public_id", "state", "kind", "sum", "varied_on", "of", "funding_source", "decided_by"]}),
        ("Published details", {"fields": ["reasons", "redaction"]}),
        ("Recorded", {"fields": ["recorded_at", "recorded_by"]}),
    )

    @admin.display(description="sum", ordering="amount")
    def sum(self, row: Variation) -> str:
        return format_pounds(row.amount)

    @admin.display(description="allocation")
    def of(self, row: Variation) -> str:
        return admin_link(row.allocation) or "Not allocated"

    @admin.display(description="decision")
    def decided_by(self, row: Variation) -> str:
        return admin_link(row.decision)
