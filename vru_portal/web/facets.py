"""Lists with facets: filters with the number of rows that each of their values would leave, search words and orders.

Values of the same facet widen the result, different facets narrow it. For each facet, one query finds which
row has which value. Results and counts are then worked out in Python with sets of keys, which is faster than a query
for each count (decision 13).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.html import format_html

from vru_portal.text.folded_search import contains_words
from vru_portal.web.filters import (
    Choices,
    FiltersForm,
    Parameter,
    QueryLink,
    SortedFilters,
    UncheckedField,
    choice,
    search_words,
)
from vru_portal.web.public_pages import cached_per_content_version

NO_SUCH_VALUE = "Select only options from the list."


class FacetValue(NamedTuple):
    """A value of a facet. Values sort in the order in which a page offers them."""

    order: int | str
    name: str
    slug: str


# The primary keys of the rows that have each value of a facet.
KeysByValue = dict[FacetValue, set[int]]


@dataclass(frozen=True)
class FacetOption:
    """A value that a visitor can choose, and how many rows it would leave."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True)
class Facet:
    """One filter: the relations through which a row has its values, which are records with a slug and a name."""

    label: str
    relations: tuple[str, ...]
    order_by: str = "name"
    only: Mapping[str, Any] | None = None  # what the related records must be: where they can be drafts, published

    def keys_by_value(self, rows: QuerySet[Any]) -> KeysByValue:
        """Load the keys of the rows by the facet's values, with one query for each relation.

        A value that no row has is left out.
        """
        found: KeysByValue = defaultdict(set)
        for relation in self.relations:
            conditions = {f"{relation}__{lookup}": value for lookup, value in (self.only or {}).items()}
            related = rows.filter(**{f"{relation}__isnull": False}, **conditions)
            columns = [f"{relation}__{name}" for name in (self.order_by, "name", "slug")]
            for key, *value in related.order_by().values_list("pk", *columns):
                found[FacetValue(*value)].add(key)
        return found


@dataclass(frozen=True)
class ValueFacet:
    """One filter: a field, whose values ``describe`` names and puts in order; None leaves a value out."""

    label: str
    field: str
    describe: Callable[[Any], FacetValue | None]

    def keys_by_value(self, rows: QuerySet[Any]) -> KeysByValue:
        """Load the keys of the rows by the field's values."""
        found: KeysByValue = defaultdict(set)
        for key, value in rows.order_by().values_list("pk", self.field):
            if described := self.describe(value):
                found[described].add(key)
        return found


@dataclass(frozen=True)
class QueryFacet:
    """One filter: a few parts of the rows, each a method of their queryset."""

    label: str
    parts: Mapping[str, tuple[str, Callable[[Any], QuerySet[Any]]]]  # by slug: the name, and which rows

    def keys_by_value(self, rows: QuerySet[Any]) -> KeysByValue:
        """Load the keys of the rows by the part in which they are."""
        found = {
            FacetValue(number, name, slug): set(part(rows).order_by().values_list("pk", flat=True))
            for number, (slug, (name, part)) in enumerate(self.parts.items())
        }
        return {value: keys for value, keys in found.items() if keys}


def choice_facet(label: str, field: str, choices: Choices) -> ValueFacet:
    """A field that has one of a few values, in their order."""
    values = {value: FacetValue(number, name, value) for number, (value, name) in enumerate(choices)}
    return ValueFacet(label, field, values.get)


def year_facet(label: str, field: str) -> ValueFacet:
    """The calendar year of a date, the latest first."""
    return ValueFacet(label, field, lambda day: FacetValue(-day.year, str(day.year), str(day.year)) if day else None)


AnyFacet = Facet | ValueFacet | QueryFacet


class LazyValues(Sequence[str]):
    """Values that are read from the database when they are first needed."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        self.read = read

    @cached_property
    def found(self) -> list[str]:
        return self.read()

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: Any) -> Any:
        return self.found[place]


def facet_parameter(label: str, read: Callable[[], list[str]]) -> Parameter:
    """A parameter that takes several values of a facet."""
    values = LazyValues(read)
    return Parameter(label, lambda value: value in values.found, NO_SUCH_VALUE, several=True, values=values)


class FacetedFilters(SortedFilters):
    """The filters of a list of records. A subclass says which rows there are and how they can be asked for."""

    # In the order in which the page shows them.
    FACETS: ClassVar[Mapping[str, AnyFacet]] = {}
    PLAIN_PARAMETERS: ClassVar[Mapping[str, Parameter]] = {}  # parameters that are not facets
    SEARCH_LABEL: ClassVar[str] = "Words"
    SEARCHED: ClassVar[tuple[str, ...]]  # the fields that hold the words that are searched for

    def __init__(self, data: QueryDict) -> None:
        facets = {name: facet_parameter(label, partial(self.slugs_of, name)) for name, label in self.labels.items()}
        sort = choice("Sort", self.ORDERS, narrows=False)
        super().__init__(data, {"q": search_words(self.SEARCH_LABEL), **facets, **self.PLAIN_PARAMETERS, "sort": sort})

    @cached_property
    def keys_by_facet(self) -> dict[str, KeysByValue]:
        """The keys of the public rows for each value of each facet, loaded when a facet is first used."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return cached_per_content_version(f"facets of {name}", self.load_keys)

    @cached_property
    def facets(self) -> dict[str, list[FacetOption]]:
        """The options of each facet that has any."""
        return {name: self._options(name) for name, keys_by_value in self.keys_by_facet.items() if keys_by_value}

    def slugs_of(self, name: str) -> list[str]:
        return [value.slug for value in sorted(self.keys_by_facet[name])]

    # What there is ----------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> dict[str, str]:
        return {name: facet.label for name, facet in self.FACETS.items()}

    def public_rows(self) -> QuerySet[Any]:
        """All rows that the public may see."""
        raise NotImplementedError

    def load_keys(self) -> dict[str, KeysByValue]:
        """Load the keys of the public rows for each value of each facet."""
        return {name: facet.keys_by_value(self.public_rows()) for name, facet in self.FACETS.items()}

    @cached_property
    def all_keys(self) -> set[int]:
        """The keys of all public rows."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return cached_per_content_version(
            f"keys of {name}", lambda: set(self.public_rows().order_by().values_list("pk", flat=True))
        )

    def with_words(self, words: str) -> QuerySet[Any]:
        """The public rows that contain every one of these words."""
        return self.public_rows().filter(contains_words(self.SEARCHED, words))

    def keys_with(self, words: str) -> frozenset[int]:
        return frozenset(self.with_words(words).order_by().values_list("pk", flat=True))

    # What is selected -------------------------------------------------------------------------------------------------

    @cached_property
    def matching_keys(self) -> frozenset[int]:
        """The keys of the rows that match; none if the address holds a value that does not exist."""
        return frozenset() if self.errors else self._keys_left()

    @property
    def count(self) -> int:
        return len(self.matching_keys)

    @property
    def rows(self) -> QuerySet[Any]:
        """The matching rows, in the order that was asked for."""
        rows = self.public_rows()
        if self.matching_keys != self.all_keys:
            rows = rows.filter(pk__in=self.matching_keys)
        return rows.order_by(*self.order, "pk")

    def _options(self, name: str) -> list[FacetOption]:
        """The options of a facet, counted with the choices in all other facets applied.

        An option that would leave nothing stays in the list with a zero, so that the list does not jump while somebody
        filters.
        """
        keys_left = self._keys_left(ignoring=name)
        return [
            FacetOption(value.slug, value.name, len(keys & keys_left))
            for value, keys in sorted(self.keys_by_facet[name].items())
        ]

    def _keys_left(self, *, ignoring: str = "") -> frozenset[int]:
        """The keys that match the search words and the choices in all facets but the one to ignore."""
        keys_left = self._keys_with_words
        for name in self.labels:
            if name != ignoring and (slugs := self.values(name)):
                keys_by_value = self.keys_by_facet[name]
                keys_left = keys_left & union(keys for value, keys in keys_by_value.items() if value.slug in slugs)
        return keys_left

    @cached_property
    def _keys_with_words(self) -> frozenset[int]:
        """The keys of the rows that contain all search words; none if the search is too long."""
        words = self.value("q")
        if not words:
            return frozenset(self.all_keys)
        if "q" in self.errors:
            return frozenset()
        return self.keys_with(words)

    # What a page shows ------------------------------------------------------------------------------------------------

    @property
    def chips(self) -> list[QueryLink]:
        """A link for each filter in use that removes it, the search words first."""
        return self.removal_links(
            {name: [(option.slug, option.name) for option in options] for name, options in self.facets.items()}
        )

    @classmethod
    def is_asked_for(cls, data: QueryDict) -> bool:
        """Whether an address requests the list, if the page otherwise shows something else."""
        return any(name in data for name in ("q", "sort", *cls.FACETS))

    def form(self, submit: str, action: str, *, leave_out: Iterable[str] = ()) -> FiltersForm:
        """A search field, and checkboxes with counts for each facet that leaves something to choose."""
        shown = {"q": UncheckedField(forms.TextInput())}
        for name, options in self.facets.items():
            changes_something = len(options) > 1 or options[0].count < self.count
            if name not in leave_out and (changes_something or self.values(name)):
                shown[name] = UncheckedField(forms.CheckboxSelectMultiple(choices=counted_choices(options)))
        return FiltersForm(self, shown, submit=submit, action=action)


def counted_choices(options: Iterable[FacetOption]) -> list[tuple[str, str]]:
    return [
        (option.slug, format_html('{} <span class="count">{}</span>', option.name, f"{option.count:,}"))
        for option in options
    ]


def union(sets: Iterable[set[int]]) -> set[int]:
    return set[int]().union(*sets)
