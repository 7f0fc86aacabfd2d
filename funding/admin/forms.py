"""The forms in which staff record money, with choices that say what is left of each source."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import Exists, OuterRef
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.widgets import Script
from django.utils import timezone

from funding.choices import PAYMENT_TEXT_FIELDS, AllocationKind
from funding.missing_disclosures import required_fields_with_blank_condition
from funding.models import Allocation, BudgetHeading, Decision, FundingSource, Payment, PublicationDuty
from funding.rules.allocations import allocate, find_problems
from funding.rules.payments import pay
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.ledger.money import format_pounds
from vru_portal.staff.actions import RecordingForm
from vru_portal.text.form_fields import LineFormField, LongTextFormField, WebAddressFormField
from vru_portal.text.problems import Problems


class SourceSelect(forms.Select):
    """Sources with the pence left of each in a data attribute, for the running balance (js/balance.js)."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["data-left"] = str(int(value.instance.remainder * 100))
        return option


class SourceChoice(forms.ModelChoiceField[Any]):
    """Sources by name and year, with what is left of each."""

    widget = SourceSelect

    def label_from_instance(self, source: Any) -> str:
        return f"{source}: {format_pounds(source.remainder)} left"


class InitiativeChoice(forms.ModelChoiceField[Any]):
    """Initiatives by name, marked if money cannot be allocated to them yet."""

    def label_from_instance(self, initiative: Any) -> str:
        blockers = [
            *([] if initiative.is_assessed else ["no approved assessment"]),
            *([] if initiative.is_public else ["a draft"]),
        ]
        return f"{initiative} ({', '.join(blockers)})" if blockers else str(initiative)


class AwardChoice(forms.ModelChoiceField[Any]):
    """Allocations that are the first year of an award."""

    def label_from_instance(self, allocation: Any) -> str:
        amount = format_pounds(allocation.amount)
        return f"{allocation.public_id}: {allocation.subject}, {allocation.recipient}, {amount}"


class DecisionChoice(forms.ModelChoiceField[Any]):
    """Decisions by reference, year and title."""

    def label_from_instance(self, decision: Any) -> str:
        return f"{decision.year} {decision.reference}: {decision.title}"


def standing_decisions() -> Any:
    """The decisions that money can be allocated or varied by, the latest first."""
    return Decision.objects.standing().select_related("year").order_by("-decided_on", "-pk")


class AllocationForm(RecordingForm):
    """A new allocation. `rules.allocate` checks assessment, remainder and publication duty."""

    funding_source = SourceChoice(FundingSource.objects.none(), label="Source")
    decision = DecisionChoice(
        Decision.objects.none(), help_text="The decision that this is made by. If it is not listed, record it first."
    )
    initiative = InitiativeChoice(Initiative.objects.none(), required=False)
    heading = forms.ModelChoiceField(
        BudgetHeading.objects.none(), required=False, label="Budget heading", help_text="Instead of an initiative."
    )
    recipient = forms.ModelChoiceField(
        Organisation.objects.none(), help_text="If it is not listed, add the organisation and publish it first."
    )
    continues = AwardChoice(
        Allocation.objects.none(),
        required=False,
        label="Continues",
        help_text="For an award over several years, the allocation of its first year.",
    )

    class Meta:
        model = Allocation
        exclude = ("assessment", "awarded_by", "moved_from")

    class Media:
        js: ClassVar[Any] = [Script("js/balance.js", type="module")]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        # Nothing is preselected: allocations never change, and the law has a list for each kind.
        fields["kind"].choices = [*BLANK_CHOICE_DASH, *AllocationKind.choices]
        self.initial["kind"] = (kwargs.get("initial") or {}).get("kind", "")
        fields["funding_source"].queryset = open_sources()
        approved = EvidenceAssessment.objects.approved().filter(initiative=OuterRef("pk"))
        fields["initiative"].queryset = Initiative.objects.annotate(is_assessed=Exists(approved)).order_by("name")
        fields["heading"].queryset = BudgetHeading.objects.order_by("position", "name")
        fields["decision"].queryset = standing_decisions()
        fields["recipient"].queryset = Organisation.objects.public().order_by("name")
        awards = (
            Allocation.objects.standing().filter(continues=None).select_related("initiative", "heading", "recipient")
        )
        fields["continues"].queryset = awards.order_by("-awarded_on", "-pk")
        fields["awarded_on"].initial = timezone.localdate

    def record(self) -> None:
        allocate(by=self.by, allocation=self.instance)

    def find_other_problems(self, problems: Problems) -> None:
        find_problems(self.instance, problems, unread=self.errors)


def open_sources() -> Any:
    """The sources that money can be allocated from, latest year first, with what is left of each."""
    rows = FundingSource.objects.standing().with_remainder().select_related("year")
    return rows.order_by("-year__first_year", "position", "pk")


class PaymentForm(RecordingForm):
    """A payment or a refund, as the finance system has it."""

    class Meta:
        model = Payment
        fields = (
            "reference",
            "allocation",
            "payee",
            "paid_on",
            "amount",
            "irrecoverable_vat",
            *PAYMENT_TEXT_FIELDS,
        )
        widgets: ClassVar[dict[str, Any]] = {"paid_on": AdminDateWidget}
        error_messages: ClassVar[dict[str, Any]] = {
            "reference": {
                "unique": "A payment with this reference is already recorded. To correct it, reverse it first."
            }
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "payee" in self.fields:
            self.fields["payee"].required = False
            self.fields["payee"].help_text = "Leave this empty if it is the recipient of the allocation."
        self.say_what_is_required()

    def say_what_is_required(self) -> None:
        """Say beside each field that the law requires for which payments. Payments are recorded without it too."""
        duty = PublicationDuty.objects.current()
        for column, _ in required_fields_with_blank_condition(duty) if duty else ():
            if field := self.fields.get(column.field):
                over = f" over {format_pounds(duty.items_over)}" if duty and duty.items_over is not None else ""
                field.help_text = f"Required by law for payments{over} other than grants. {field.help_text}".strip()

    def clean(self) -> dict[str, Any]:
        """Fill in the recipient."""
        data = super().clean() or self.cleaned_data
        if data.get("allocation") and not data.get("payee"):
            data["payee"] = data["allocation"].recipient
        return data

    def record(self) -> None:
        pay(by=self.by, payment=self.instance)


class ExplanationForm(forms.Form):
    """The explanation of an exception."""

    text = LongTextFormField(
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
        help_text="Why it happened and what was done. It is published beside the payment, so leave out personal data.",
    )


class ContractCopyForm(forms.Form):
    """Where a contract can be read."""

    title = LineFormField(max_length=160, widget=forms.TextInput(attrs={"class": "vTextField"}))
    url = WebAddressFormField(
        label="Address",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="The address of the published document, with personal data and trade secrets removed.",
    )
