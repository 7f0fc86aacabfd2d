"""The filters of an address as a form, and the choices that the form offers."""

from collections.abc import Iterable, Mapping

from django import forms

from funding.choices import DutyList
from funding.filters import AllocationFilters, DecisionFilters, MoneyFilters, PaymentFilters
from funding.filters.tally import PaymentTotal, Tally, totals_by_month
from partners.models import Organisation
from programmes.models import Initiative
from vru_portal.ledger.cut_off import Basis
from vru_portal.web.filters import LABEL_LENGTH, Choices, FiltersForm, UncheckedField

MAX_CHOICES = 50  # records in a drop-down list
MAX_CHECKBOXES = 8  # more choices than these become a drop-down list

DUTY_LIST_LABELS = {
    DutyList.GRANTS: "Grants that must be published",
    DutyList.ITEMS: "Items that must be published",
    DutyList.CONTRACTS: "Contracts that must be published",
}
MULTIPLE_CHOICE_FILTERS = ("year", "source", "level")
# What is typed, not chosen: the type of each field.
TYPED = {"q": "text", "from": "date", "to": "date", "min": "amount", "max": "amount"}
BASIS_LABELS = {
    Basis.KNOWN: "As known then: everything recorded here by the end of that day. Later entries do not change it.",
    Basis.DATED: "As dated: everything dated up to that day, including corrections made since.",
}


def filter_form(filters: MoneyFilters, choices: Mapping[str, Choices], *, action: str, submit: str) -> FiltersForm:
    """The filters of a list: checkboxes where several of a few choices can be ticked, otherwise drop-down lists.

    One without a choice is left out.
    """
    shown = {name: typed_field(name) for name in filters.parameters if name in TYPED}
    for name, options in choices.items():
        if not options:
            continue
        if name in MULTIPLE_CHOICE_FILTERS and len(options) <= MAX_CHECKBOXES:
            widget: forms.Widget = forms.CheckboxSelectMultiple(choices=list(options))
        else:
            widget = forms.Select(choices=[("", "All"), *options])
        shown[name] = UncheckedField(widget)
    return FiltersForm(filters, shown, submit=submit, action=action)


def decision_form(filters: DecisionFilters, *, action: str) -> FiltersForm:
    shown = {"q": UncheckedField(forms.TextInput(), help_text="In titles, reasons and references.")}
    return FiltersForm(filters, shown, submit="Show decisions", action=action)


def typed_field(name: str) -> UncheckedField:
    if TYPED[name] == "date":
        return UncheckedField(forms.DateInput(attrs={"type": "date"}))
    if TYPED[name] == "amount":
        return UncheckedField(forms.TextInput(attrs={"inputmode": "decimal"}))
    return UncheckedField(
        forms.TextInput(),
        help_text="In recipients, purposes, initiatives and references.",
    )


def day_form(filters: MoneyFilters, *, action: str) -> FiltersForm:
    shown = {
        "as_at": UncheckedField(
            forms.DateInput(attrs={"type": "date"}), help_text="Leave this empty to see the figures as they are now."
        ),
        "basis": UncheckedField(forms.RadioSelect(choices=list(BASIS_LABELS.items())), initial=Basis.KNOWN),
    }
    return FiltersForm(filters, shown, submit="Show that day", action=action, name="day")


def with_current_value(value: str, choices: Choices) -> Choices:
    """The choices, with the current value added if it is not among them, so that submitting the form keeps it."""
    return choices if not value or value in dict(choices) else [*choices, (value, value[:LABEL_LENGTH])]


# What there is to choose from -----------------------------------------------------------------------------------------


def allocation_choices(filters: AllocationFilters, tally: Tally, *, counts: bool = True) -> dict[str, Choices]:
    """What a year's allocations can be filtered by, by their `tally`: see `payment_choices`."""
    options = tally.options
    label = choices_with_counts if counts else choices_by_name
    return {
        **{name: label(options[name]) for name in ("level", "source")},
        "initiative": label(best_paid(options["initiative"])),
        "recipient": label(best_paid(options["recipient"])),
        "kind": label(options["kind"]),
        "duty": [(name.value, DUTY_LIST_LABELS[name]) for name in filters.DUTY_LISTS],
    }


def payment_choices(filters: PaymentFilters, *, counts: bool = True) -> dict[str, Choices]:
    """What payments can be filtered by: for a form with the numbers that each value would leave, for chips without."""
    options = filters.tally.options
    label = choices_with_counts if counts else choices_by_name
    found: dict[str, Choices] = {
        name: label(options[name]) for name in ("year", "level", "source") if name in filters.parameters
    }
    for name, model in (("initiative", Initiative), ("recipient", Organisation)):
        found[name] = [*label(best_paid(options[name])), *chosen_without_payments(filters, name, model)]
    months = label(totals_by_month(filters.days))
    return {
        **found,
        "kind": label(options["kind"]),
        "month": with_current_value(filters.value("month"), months),
        "duty": [(name.value, DUTY_LIST_LABELS[name]) for name in filters.DUTY_LISTS],
        "exceptions": [("1", "Only these")],
    }


def choices_by_name(totals: Iterable[PaymentTotal]) -> Choices:
    return [(total.choice.slug, total.choice.name) for total in totals]


def choices_with_counts(totals: Iterable[PaymentTotal]) -> Choices:
    return [(total.choice.slug, f"{total.choice.name} ({total.payments:,})") for total in totals]


def best_paid(totals: list[PaymentTotal]) -> list[PaymentTotal]:
    """Those that were paid most, by name."""
    return sorted(sorted(totals, key=lambda total: -total.amount)[:MAX_CHOICES])


def chosen_without_payments(
    filters: PaymentFilters, name: str, model: type[Initiative] | type[Organisation]
) -> list[tuple[str, str]]:
    """The records that an address names although no payment, or not one of the largest, is theirs."""
    best = {total.choice.slug for total in best_paid(filters.tally.options[name])}
    missing = [slug for slug in filters.valid.getlist(name) if slug not in best]
    if not missing:
        return []
    rows = model._default_manager.public().filter(slug__in=missing)
    return list(rows.order_by("slug").values_list("slug", "name"))
