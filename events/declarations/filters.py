"""What can be asked of the register: by wording, status, sector and words of a body's name."""

from collections.abc import Callable

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.http import QueryDict

from events.declarations.choices import Kind
from events.declarations.models import DeclarationVersion, Entry, SignatoryBody
from events.declarations.querysets import EntryQuerySet
from partners.models import Sector

LONGEST_SEARCH = 200


def ended_by(kind: Kind) -> Q:
    """Return the condition that a signature was ended by an entry of this kind."""
    return Q(Exists(Entry.objects.filter(of=OuterRef("pk"), kind=kind)), kind=Kind.SIGNED)


# Each status: how it is called, and which entries have it.
STATUSES: dict[str, tuple[str, Callable[[], Q]]] = {
    "signed": ("Signed", lambda: Q(live__isnull=False)),
    "withdrawn": ("Withdrawn", lambda: ended_by(Kind.WITHDRAWN)),
    "replaced": ("Replaced by a later signature", lambda: ended_by(Kind.SUPERSEDED)),
    "changes": ("Changes to a signature", lambda: ~Q(kind=Kind.SIGNED)),
}


class RegisterQuestion(forms.Form):
    """A question about the register, read from an address, and the form that asks it."""

    version = forms.ChoiceField(required=False)
    status = forms.ChoiceField(
        required=False, choices=[("", "All"), *((name, label) for name, (label, _) in STATUSES.items())]
    )
    sector = forms.ChoiceField(required=False)
    q = forms.CharField(required=False, label="Words of its name", max_length=LONGEST_SEARCH)

    def __init__(self, data: QueryDict) -> None:
        """Read the address, and what there is to choose from, in one query."""
        super().__init__(data, auto_id="filters-%s")
        number, words = Cast("number", CharField()), Concat(Value("Version "), "number", output_field=CharField())
        versions = DeclarationVersion.objects.exclude(in_force_from=None).order_by()
        offered = versions.values_list(Value("version"), number, words)
        bodies = SignatoryBody.objects.filter(Exists(Entry.objects.filter(body=OuterRef("pk"))))
        named = Sector.objects.filter(pk__in=bodies.values("sector"))  # no others: one may belong to drafts alone
        offered = offered.union(named.order_by().values_list(Value("sector"), "slug", "name"))
        choices: dict[str, list[tuple[str, str]]] = {"version": [("", "All")], "sector": [("", "All")]}
        for name, value, label in sorted(offered, key=lambda row: (len(row[1]) * (row[0] == "version"), row[2])):
            choices[name].append((value, label))
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.form_method, self.helper.form_id = "get", "filters"
        self.helper.disable_csrf = True
        self.helper.attrs = {"aria-labelledby": "filters-title"}
        self.helper.layout = Layout(*self.fields, Submit("", "Show entries"))
        self.full_clean()

    @property
    def entries(self) -> EntryQuerySet:
        """The entries asked for, the newest first; none where the address asks for what does not exist."""
        if not self.is_valid():
            return Entry.objects.none()
        asked, condition = self.cleaned_data, Q()
        if asked["version"]:
            condition &= Q(version__number=asked["version"])
        if asked["status"]:
            condition &= STATUSES[asked["status"]][1]()
        if asked["sector"]:
            condition &= Q(body__sector__slug=asked["sector"])
        for word in asked["q"].split():
            condition &= Q(body__name__icontains=word)
        return Entry.objects.filter(condition).order_by("-seq")

    @property
    def answers(self) -> dict[str, str]:
        """What is asked, by name, as the address has it; what does not exist too, so that it can be undone."""
        return {name: value for name in self.fields if (value := self.data.get(name, "").strip())}

    def label_of(self, name: str, answer: str) -> str:
        """Return an answer as it is called."""
        choices = dict(getattr(self.fields[name], "choices", ()))
        return f"{self.fields[name].label or name.capitalize()}: {choices.get(answer, answer[:60])}"
