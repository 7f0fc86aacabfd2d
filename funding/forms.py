"""A question of `filters` as a form, and what it offers to choose from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.db.models import Q, Sum, Value

from funding.choices import Basis, DutyList, Kind
from funding.filters import MOST_CHOICES, SLUG, AllocationQuestion, PaymentQuestion, Question
from funding.models import FundingSource, Payment
from partners.models import Organisation
from programmes.models import Initiative, PreventionLevel

Choices = Sequence[tuple[str, str]]
MOST_BOXES = 8  # more answers than these are a list to open

LABELS = {
    "source": "Source",
    "level": "Level of prevention",
    "initiative": "Initiative",
    "recipient": "Recipient",
    "kind": "Kind",
    "month": "Month",
    "duty": "List",
    "exceptions": "Exceptions",
}
LISTS = {
    DutyList.GRANTS: "Grants that the law asks for",
    DutyList.ITEMS: "Items that the law asks for",
    DutyList.CONTRACTS: "Contracts that the law asks for",
}
MANY = ("source", "level")
BASES = {
    Basis.KNOWN: "As known by then: what was recorded here by the end of that day. Later entries do not change it.",
    Basis.DATED: "As dated by then: what bears a date up to that day, with everything learned and corrected since.",
}


class Asked(forms.Field):
    """An answer as the address has it: `filters` reads and checks it, the form only shows it."""


class QuestionForm(forms.Form):
    """A form made of a question."""

    def __init__(self, question: Question, fields: Mapping[str, Asked], *, name: str, action: str, submit: str) -> None:
        """Show these fields; what the question asks besides goes along unseen."""
        shown = list(fields)
        data = question.data.copy()
        if "basis" in fields and not question.one("basis"):
            data["basis"] = Basis.KNOWN
        super().__init__(data, auto_id=f"{name}-%s")
        self.fields = {**fields}
        for other in (*question.FILTERS, "as_at", "basis"):
            if other not in shown and question.chosen(other):
                self.fields[other] = Asked(required=False, widget=forms.MultipleHiddenInput())
        self.full_clean()
        for field in shown:
            if field in question.errors:
                self.add_error(field, question.errors[field])
        self.helper = FormHelper()
        self.helper.form_method, self.helper.form_id, self.helper.form_action = "get", name, action
        self.helper.disable_csrf = True
        self.helper.attrs = {"aria-labelledby": f"{name}-title"}
        self.helper.layout = Layout(*self.fields, Submit("", submit))


def filter_form(question: Question, choices: Mapping[str, Choices], *, action: str, submit: str) -> QuestionForm:
    """Return the filters of a list: boxes for few answers of which several can be had, else a list to open."""
    fields = {}
    for name, offered in choices.items():
        if name in MANY and len(offered) <= MOST_BOXES:
            widget: forms.Widget = forms.CheckboxSelectMultiple(choices=list(offered))
        else:
            widget = forms.Select(choices=[("", "All"), *offered])
        fields[name] = Asked(required=False, label=LABELS[name], widget=widget)
    return QuestionForm(question, fields, name="filters", action=action, submit=submit)


def day_form(question: Question, *, action: str) -> QuestionForm:
    """Return the form that asks for the money as at a day."""
    basis = forms.RadioSelect(choices=list(BASES.items()))
    fields = {
        "as_at": Asked(
            required=False,
            label="Day",
            help_text="Leave it empty to see the money as it is now.",
            widget=forms.DateInput(attrs={"type": "date"}),
        ),
        "basis": Asked(required=False, label="What counts", widget=basis),
    }
    return QuestionForm(question, fields, name="day", action=action, submit="Show that day")


def with_asked(asked: str, offered: Choices) -> Choices:
    """Return choices with the one that is asked for, so that sending the form again keeps it."""
    return offered if not asked or asked in dict(offered) else [*offered, (asked, asked[:60])]


# What there is to choose from -----------------------------------------------------------------------------------------


def allocation_choices(question: AllocationQuestion, levels: Iterable[PreventionLevel]) -> dict[str, Choices]:
    """Return what a year's allocations can be filtered by: no query."""
    entries = question.accounts.entries
    sources = {entry.source for entry in entries}
    found = {entry.level for entry in entries}
    kinds = {entry.kind for entry in entries}
    return {
        "level": [(level.slug, level.full_name) for level in levels if level.pk in found],
        "source": [(a.source.slug, a.source.name) for a in question.accounts.sources if a.source.pk in sources],
        "initiative": largest((e.initiative_slug, e.initiative_name, e.allocated) for e in entries),
        "recipient": largest((e.recipient_slug, e.recipient_name, e.allocated) for e in entries),
        "kind": [(value, label) for value, label in Kind.choices if value in kinds],
        "duty": [(name.value, LISTS[name]) for name in question.DUTIES],
    }


def largest(rows: Iterable[tuple[str, str, Decimal]]) -> Choices:
    """Return the (slug, name) of those with most money, by name."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for slug, name, amount in rows:
        sums[slug, name] += amount
    most = sorted(sums, key=lambda one: -sums[one])[:MOST_CHOICES]
    return sorted(most, key=lambda one: one[1])


def payment_choices(
    question: PaymentQuestion, sources: Iterable[FundingSource], levels: Iterable[PreventionLevel]
) -> dict[str, Choices]:
    """Return what a year's payments can be filtered by: the names of those with most money in one query."""
    paid = Payment.objects.filter(allocation__funding_source__year=question.year)
    queries = []
    for name, model, path in (
        ("initiative", Initiative, "allocation__initiative"),
        ("recipient", Organisation, "payee"),
    ):
        most = paid.values(path).annotate(sum=Sum("amount")).order_by("-sum", path).values(path)[:MOST_CHOICES]
        slugs = [slug for slug in question.chosen(name) if SLUG.fullmatch(slug)]
        rows = model._default_manager.public().filter(Q(pk__in=most) | Q(slug__in=slugs))
        queries.append(rows.order_by().values_list(Value(name), "slug", "name"))
    named = defaultdict(list)
    for name, slug, label in sorted(queries[0].union(queries[1], all=True), key=lambda row: row[2]):
        named[name].append((slug, label))
    first = question.year.first_year
    # The year's own twelve, and the three after it in which what is late is mostly paid.
    months = [date(first + (month - 1) // 12, (month - 1) % 12 + 1, 1) for month in range(4, 19)]
    return {
        "month": with_asked(question.one("month"), [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in months]),
        "level": [(level.slug, level.full_name) for level in levels],
        "source": [(source.slug, source.name) for source in sources],
        "initiative": named["initiative"],
        "recipient": named["recipient"],
        "kind": Kind.choices,
        "duty": [(name.value, LISTS[name]) for name in question.DUTIES],
        "exceptions": [("1", "Only these")],
    }
