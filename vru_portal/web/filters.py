"""Filters of a list: a page declares its parameters, and whatever reads or repeats its address follows from that.

Anyone can write an address. Each filter in use adds a link, and each link repeats the others, so an address of twice
the length would make a page of four times the size. So only declared parameters are read, each value once and in
bounded number, and links repeat only values that are valid. Of the others, the first of each is kept, to name it.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from vru_portal.ledger.money import format_pounds, parse_pounds
from vru_portal.text.dates import format_date, parse_iso_date
from vru_portal.text.typed_dates import parse_date

MAX_VALUES = 40  # in an address; nobody chooses more
MAX_LENGTH = 200  # characters of a value
LABEL_LENGTH = 60  # what a visitor typed into the address is cut here when it is shown back
DATE_ERROR = "Enter a date in the format 2019-12-01."
SLUG_PATTERN = re.compile(r"[-\w]{1,80}", re.ASCII)

# The names of a parameter's values, as a reader knows them.
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an address."""

    label: str
    is_valid: Callable[[str], bool]
    error: str = ""  # what to say about a value that is not valid; without it, such a value just matches nothing
    several: bool = False  # takes several values, any of which may match; otherwise the last one counts
    narrows: bool = True  # leaves out rows, and can be removed; otherwise it says how the rows are shown
    values: Sequence[str] | None = None  # those that are valid, where they can be listed
    shown: Callable[[str], str] = str  # a valid value as people read it
    schema: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # how the API describes a value, in JSON Schema
    # What people type, in the one form that links repeat; raises ValidationError with what to type instead.
    normalise: Callable[[str], str] = str

    def read(self, values: Iterable[str]) -> tuple[list[str], list[str]]:
        """The values that are valid, in the form that links repeat, and those that are not, as typed."""
        # One character more than is allowed is enough to see that a value is too long.
        typed = list(dict.fromkeys(value.strip()[: MAX_LENGTH + 1] for value in values if value.strip()))
        valid: list[str] = []
        others: list[str] = []
        for value in typed if self.several else typed[-1:]:
            try:
                normal = self.normalise(value)
            except ValidationError:
                others.append(value)
            else:
                (valid if self.is_valid(normal) else others).append(normal)
        return valid, others

    def error_of(self, value: str) -> str:
        """What to say about a value that is not valid."""
        try:
            self.normalise(value)
        except ValidationError as error:
            return " ".join(error.messages)
        return self.error


def is_slug(value: str) -> bool:
    return bool(SLUG_PATTERN.fullmatch(value))


def text(label: str, longest: int, error: str) -> Parameter:
    """A parameter for text of up to so many characters. PostgreSQL refuses NUL."""
    return Parameter(
        label,
        lambda value: len(value) <= longest and "\0" not in value,
        error,
        schema={"maxLength": longest},
    )


def search_words(label: str) -> Parameter:
    """A parameter for words to search for."""
    return text(label, MAX_LENGTH, f"Search for up to {MAX_LENGTH} characters.")


def day(label: str, **options: Any) -> Parameter:
    """A parameter for a date, which people may write as they do in forms. Links and the API have it as 2019-12-01."""
    return Parameter(
        label,
        lambda value: parse_iso_date(value) is not None,
        DATE_ERROR,
        shown=lambda value: format_date(date.fromisoformat(value)),
        schema={"format": "date"},
        normalise=lambda typed: typed if parse_iso_date(typed) else parse_date(typed).isoformat(),
        **options,
    )


def amount(label: str) -> Parameter:
    """A parameter for a sum in pounds, as people write it."""
    return Parameter(
        label,
        lambda value: parse_amount(value) is not None,
        "Enter an amount in pounds, such as 500 or 1234.50.",
        shown=lambda value: format_pounds(parse_pounds(value)).replace("£", ""),  # which the label has
        schema={"pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$"},
    )


def parse_amount(typed: str) -> Decimal | None:
    """Pounds, as people write them; None for anything else."""
    try:
        return parse_pounds(typed)
    except ValidationError:
        return None


def slugs(label: str) -> Parameter:
    """A parameter for the slugs of records. One that no record has is valid, and matches nothing."""
    return Parameter(label, is_slug, several=True, schema={"pattern": "^[-0-9A-Za-z_]{1,80}$"})


def choice(label: str, values: Iterable[str], **options: Any) -> Parameter:
    """A parameter whose values can be listed."""
    listed = tuple(values)
    return Parameter(label, frozenset(listed).__contains__, values=listed, **options)


@dataclass(frozen=True)
class QueryLink:
    """A link to the same page with part of its query changed."""

    label: str
    address: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True)
class Order:
    """One way to sort a list. The primary key decides between equals, so that pages never overlap."""

    label: str
    fields: tuple[str, ...]


class Filters:
    """The parameters of a page that an address has."""

    def __init__(self, data: QueryDict, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = parameters
        self.errors: dict[str, str] = {}
        self.refused: dict[str, list[str]] = {}  # the values that are not valid
        self.valid = QueryDict(mutable=True)  # what links repeat
        self.data = QueryDict(mutable=True)  # what the form shows and the page answers
        for name, parameter in parameters.items():
            valid, others = parameter.read(data.getlist(name))
            if parameter.several:
                valid = valid[: max(0, MAX_VALUES - sum(len(values) for _, values in self.valid.lists()))]
            if valid:
                self.valid.setlist(name, valid)
            if valid or others:
                self.data.setlist(name, [*valid, *others[:1]])
            if others:
                self.refused[name] = others
            if others and parameter.error:
                self.errors[name] = parameter.error_of(others[0])

    def values(self, name: str) -> list[str]:
        """The values of a parameter; the last may be one that is not valid."""
        return self.data.getlist(name)

    def value(self, name: str) -> str:
        """The value of a parameter that takes one, or an empty string."""
        return self.data.get(name, "")

    @property
    def is_filtered(self) -> bool:
        """Whether the address filters the list."""
        return any(self.parameters[name].narrows for name in self.data)

    @property
    def query(self) -> str:
        """The query string, to repeat it in the address of a download."""
        return f"?{self.valid.urlencode()}" if self.valid else ""

    def prefix(self, *names: str) -> str:
        """The start of a query string to which a link adds a parameter: with all parameters, or these alone."""
        kept = QueryDict(mutable=True)
        for name in names or self.valid:
            kept.setlist(name, self.valid.getlist(name))
        return f"{encoded}&" if (encoded := kept.urlencode()) else ""

    def link(self, **changes: list[str]) -> str:
        """The query string with these parameters replaced; an empty list removes one. It leads to the first page."""
        changed = QueryDict(mutable=True)
        for name in self.parameters:
            changed.setlist(name, changes.get(name, self.valid.getlist(name)))
        return f"?{changed.urlencode()}"

    @property
    def clear_link(self) -> str:
        """The query string without the parameters that leave out rows."""
        return self.link(**{name: [] for name, parameter in self.parameters.items() if parameter.narrows})

    def removal_links(self, choices: Mapping[str, Choices]) -> list[QueryLink]:
        """One link per value that removes just that value. A value that is not valid is shown as it was typed."""
        links = []
        for name, parameter in self.parameters.items():
            labels = dict(choices.get(name, ()))
            for value in self.values(name) if parameter.narrows else ():
                others = [other for other in self.valid.getlist(name) if other != value]
                typed = parameter.shown(value) if parameter.is_valid(value) else value
                label = f"{parameter.label}: {labels.get(value, typed[:LABEL_LENGTH])}"
                links.append(QueryLink(label, self.link(**{name: others})))
        return links


class SortedFilters(Filters):
    """The parameters of a list that can be sorted, by its parameter `sort`."""

    ORDERS: ClassVar[Mapping[str, Order]]  # by the value of `sort`; the first is what a page shows if nobody asks

    @property
    def sort(self) -> str:
        """The name of the order that was asked for, or of the first."""
        return self.valid.get("sort") or next(iter(self.ORDERS))

    @property
    def order(self) -> tuple[str, ...]:
        """The fields to sort by."""
        return self.ORDERS[self.sort].fields

    @property
    def sort_links(self) -> list[QueryLink]:
        """A link for each order; the first needs no parameter."""
        first = next(iter(self.ORDERS))
        return [
            QueryLink(order.label, self.link(sort=[] if name == first else [name]), current=name == self.sort)
            for name, order in self.ORDERS.items()
        ]


class UncheckedField(forms.Field):
    """Shows a value as in the address. `Filters` has read and checked it already."""

    def __init__(self, widget: forms.Widget, **options: Any) -> None:
        super().__init__(required=False, widget=widget, **options)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data or initial


class FiltersForm(forms.Form):
    """Shows some of the parameters of an address as a form and carries the others along as hidden fields."""

    def __init__(
        self,
        filters: Filters,
        shown: Mapping[str, UncheckedField],
        *,
        submit: str,
        action: str = "",
        name: str = "filters",
    ) -> None:
        super().__init__(filters.data, auto_id=f"{name}-%s")
        hidden = {other: UncheckedField(forms.MultipleHiddenInput()) for other in filters.valid if other not in shown}
        for parameter, field in shown.items():
            field.label = filters.parameters[parameter].label
        self.fields = {**shown, **hidden}
        self.full_clean()
        for parameter in shown:
            if parameter in filters.errors:
                self.add_error(parameter, filters.errors[parameter])
        self.helper = FormHelper()
        self.helper.form_method, self.helper.form_id, self.helper.form_action = "get", name, action
        self.helper.disable_csrf = True
        self.helper.attrs = {"aria-labelledby": f"{name}-title"}
        self.helper.layout = Layout(*self.fields, Submit("", submit))
