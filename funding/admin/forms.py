"""What staff fill in to move money, and the choices that say what is left of each source."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import Exists, OuterRef
from django.forms.widgets import Script
from django.utils import timezone

from funding.choices import PAYMENT_WORDS
from funding.models import Allocation, FundingSource, Payment
from funding.rules import allocate, pay
from partners.models import Organisation
from programmes.models import EvidenceAssessment, Initiative
from vru_portal.money import pounds
from vru_portal.step_admin import RecordForm


class SourceSelect(forms.Select):
    """A choice of sources, each with the pence that are left of it, for the running balance."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what is left to an option."""
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["data-left"] = str(int(value.instance.remainder * 100))
        return option


class SourceChoice(forms.ModelChoiceField[Any]):
    """A source by its name, its year and what is left of it."""

    widget = SourceSelect

    def label_from_instance(self, source: Any) -> str:
        """Name it, with what is left."""
        return f"{source}: {pounds(source.remainder)} left"


class InitiativeChoice(forms.ModelChoiceField[Any]):
    """An initiative by its name, marked where money cannot be allocated to it yet."""

    def label_from_instance(self, initiative: Any) -> str:
        """Name it, and say what it lacks."""
        lacks = [
            *([] if initiative.is_assessed else ["no approved assessment"]),
            *([] if initiative.is_public else ["a draft"]),
        ]
        return f"{initiative} ({', '.join(lacks)})" if lacks else str(initiative)


class AwardChoice(forms.ModelChoiceField[Any]):
    """The allocation of an award's first year."""

    def label_from_instance(self, allocation: Any) -> str:
        """Tell it from others of the same initiative."""
        return f"{allocation.public_id}: {allocation.initiative}, {allocation.recipient}, {pounds(allocation.amount)}"


class AllocationForm(RecordForm):
    """An allocation: gate, sums and duty are those of the rule."""

    funding_source = SourceChoice(FundingSource.objects.none(), label="Source")
    initiative = InitiativeChoice(Initiative.objects.none())
    recipient = forms.ModelChoiceField(
        Organisation.objects.none(), help_text="Not listed? Record the organisation and publish it first."
    )
    continues = AwardChoice(
        Allocation.objects.none(),
        required=False,
        label="Continues",
        help_text="Only for an award over several years: the allocation of its first year.",
    )

    class Meta:
        model = Allocation
        exclude = ("assessment", "awarded_by")

    class Media:
        js: ClassVar[Any] = [Script("js/balance.js", type="module")]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["funding_source"].queryset = open_sources()
        approved = EvidenceAssessment.objects.approved().filter(initiative=OuterRef("pk"))
        fields["initiative"].queryset = Initiative.objects.annotate(is_assessed=Exists(approved)).order_by("name")
        fields["recipient"].queryset = Organisation.objects.public().order_by("name")
        awards = Allocation.objects.standing().filter(continues=None).select_related("initiative", "recipient")
        fields["continues"].queryset = awards.order_by("-awarded_on", "-pk")
        fields["awarded_on"].initial = timezone.localdate

    def record(self) -> None:
        """Record it through the rule."""
        allocate(by=self.by, allocation=self.instance)


def open_sources() -> Any:
    """Return the sources that money can be allocated from, latest year first, with what is left of each."""
    rows = FundingSource.objects.standing().with_remainder().select_related("year")
    return rows.order_by("-year__first_year", "position", "pk")


class PaymentForm(RecordForm):
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
            *PAYMENT_WORDS,
        )
        widgets: ClassVar[dict[str, Any]] = {"paid_on": AdminDateWidget}
        error_messages: ClassVar[dict[str, Any]] = {
            "reference": {
                "unique": "This reference is recorded already, and each payment is recorded once. To correct that one, "
                "reverse it first."
            }
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "payee" in self.fields:
            self.fields["payee"].required = False
            self.fields["payee"].help_text = "Empty: the recipient of the allocation."

    def clean(self) -> dict[str, Any]:
        """Fill in the recipient."""
        data = super().clean() or self.cleaned_data
        if data.get("allocation") and not data.get("payee"):
            data["payee"] = data["allocation"].recipient
        return data

    def record(self) -> None:
        """Record it through the rule."""
        pay(by=self.by, payment=self.instance)


class ExplanationForm(forms.Form):
    """What the unit says of an exception."""

    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
        help_text="Why it happened and what was done. Published beside the payment: no personal data.",
    )


class ContractCopyForm(forms.Form):
    """Where a contract can be read."""

    title = forms.CharField(max_length=160, widget=forms.TextInput(attrs={"class": "vTextField"}))
    url = forms.URLField(
        label="Address",
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="Of the published document, with personal data and trade secrets taken out.",
    )
