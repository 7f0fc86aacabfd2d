"""The catalogue's filters: what can be asked, and how many initiatives each answer would leave."""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial, reduce
from operator import add, or_
from typing import ClassVar

import django_filters
from django.db.models import Count, F, IntegerField, Model, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.html import format_html

from partners.models import Organisation
from programmes.models import Area, Audience, Initiative, PreventionLevel, Setting
from programmes.querysets import InitiativeQuerySet

LONGEST_SEARCH = 200
MOST_CHOICES = 50  # in one facet: more than that is nobody's question


@dataclass(frozen=True)
class Facet:
    """A group of answers to choose from, and the relations by which an initiative has one of them."""

    model: type[Model]
    label: str
    relations: tuple[str, ...]


FACETS = {
    "level": Facet(PreventionLevel, "Level of prevention", ("level",)),
    "audience": Facet(Audience, "Who it is for", ("audiences",)),
    "setting": Facet(Setting, "Where", ("settings",)),
    "area": Facet(Area, "Area", ("areas",)),
    "partner": Facet(Organisation, "Partner", ("lead_organisation", "partners")),
}


@dataclass(frozen=True)
class Option:
    """One answer, how many initiatives it would leave, and whether it is chosen."""

    slug: str
    name: str
    count: int
    chosen: bool = False


class InitiativeFilter(django_filters.FilterSet):
    """The catalogue's question, read from an address: answers of one facet widen it, facets narrow it."""

    q = django_filters.CharFilter(method="filter_words", label="Words", max_length=LONGEST_SEARCH)
    level = django_filters.MultipleChoiceFilter(field_name="level__slug", label=FACETS["level"].label)
    audience = django_filters.MultipleChoiceFilter(field_name="audiences__slug", label=FACETS["audience"].label)
    setting = django_filters.MultipleChoiceFilter(field_name="settings__slug", label=FACETS["setting"].label)
    area = django_filters.MultipleChoiceFilter(field_name="areas__slug", label=FACETS["area"].label)
    partner = django_filters.MultipleChoiceFilter(method="filter_partner", label=FACETS["partner"].label)
    sort = django_filters.CharFilter(method="filter_sort", label="Sort")

    # The facets in the order in which they are offered; who knows more of initiatives adds to them.
    labels: ClassVar[dict[str, str]] = {name: facet.label for name, facet in FACETS.items()}

    def __init__(self, data: QueryDict) -> None:
        """Read the address and ask for the facets' options: one query."""
        super().__init__(data, queryset=self.initiatives())
        for name in self.labels:
            self.filters[name].extra["choices"] = partial(self._choices, name)
        self.facets = self.options()

    def initiatives(self) -> InitiativeQuerySet:
        """Return what the catalogue holds."""
        return Initiative.objects.public()

    @property
    def qs(self) -> InitiativeQuerySet:
        """The initiatives asked for; none where the address asks for what does not exist."""
        return super().qs if self.is_valid() else self.queryset.none()

    def chosen(self, name: str) -> list[str]:
        """Return the answers chosen in a facet, as the address has them."""
        return self.data.getlist(name)[:MOST_CHOICES]

    def filter_words(self, rows: InitiativeQuerySet, _: str, words: str) -> InitiativeQuerySet:
        """Keep what contains each of the words."""
        return rows.matching(words)

    def filter_partner(self, rows: InitiativeQuerySet, _: str, slugs: list[str]) -> InitiativeQuerySet:
        """Keep what one of these bodies delivers or supports. A draft body answers like one that does not exist."""
        bodies = Organisation.objects.public().filter(slug__in=slugs)
        return rows.filter(Q(lead_organisation__in=bodies) | Q(partners__in=bodies)).distinct()

    def filter_sort(self, rows: InitiativeQuerySet, _: str, order: str) -> InitiativeQuerySet:
        """Order by name; without this, and for an order that does not exist, by level."""
        return rows.order_by("name") if order == "name" else rows

    def _choices(self, name: str) -> list[tuple[str, str]]:
        """Return a facet's options as the form shows them, each with its number."""
        options = self.facets.get(name, [])
        return [(o.slug, format_html('{} <span class="count">{}</span>', o.name, o.count)) for o in options]

    def asked(self, *, leaving_out: str) -> InitiativeQuerySet:
        """Return what all facets but one, and the words, leave: without what others know of each, which costs time."""
        rows = Initiative.objects.public().order_by()
        words = self.data.get("q", "").strip()
        if len(words) > LONGEST_SEARCH:
            return rows.none()  # as the form, which refuses it
        rows = rows.matching(words)
        for name in self.labels:
            if name != leaving_out and (slugs := self.chosen(name)):
                rows = self.filters[name].filter(rows, slugs)
        return rows

    def options(self) -> dict[str, list[Option]]:
        """Return the answers that each facet offers."""
        found = defaultdict(list)
        left = {name: self.asked(leaving_out=name) for name in FACETS}
        for name, slug, label, _, count in options(Initiative.objects.public(), left):
            found[name].append(Option(slug, label, count, chosen=slug in self.chosen(name)))
        return dict(found)


def options(
    initiatives: InitiativeQuerySet, left: dict[str, InitiativeQuerySet]
) -> list[tuple[str, str, str, int, int]]:
    """Return (facet, slug, name, position, count) of all answers that one of the initiatives has, in one query.

    The count of an answer is the number of initiatives in ``left[facet]`` that have it: nought is shown too, so that
    the list of answers does not jump while somebody filters.
    """
    queries = []
    for name, facet in FACETS.items():
        position = F("position") if facet.model is PreventionLevel else Value(0, IntegerField())
        rows = facet.model._default_manager.filter(any_of(initiatives, facet.relations))
        if facet.model is Organisation:
            rows = rows.public()  # type: ignore[attr-defined]
        count = number_of(left[name], facet.relations)
        queries.append(rows.order_by().values_list(Value(name), "slug", "name", position, count))
    first, *others = queries
    return sorted(first.union(*others, all=True), key=lambda row: (row[3], row[2]))


def any_of(initiatives: InitiativeQuerySet, relations: tuple[str, ...]) -> Q:
    """Return the condition that one of the initiatives is related to the row.

    The related rows are gathered once; asked for each row (EXISTS), the database would read the initiatives each time.
    """
    return reduce(or_, (Q(pk__in=initiatives.order_by().values(relation)) for relation in relations))


def number_of(initiatives: InitiativeQuerySet, relations: tuple[str, ...]) -> Combinable:
    """Return how many of the initiatives are related to the row asked about: each once, by whichever relation."""
    counts = []
    for position, relation in enumerate(relations):
        rows = initiatives.filter(**{relation: OuterRef("pk")})
        for earlier in relations[:position]:
            rows = rows.exclude(**{earlier: OuterRef("pk")})
        one = rows.order_by().annotate(same=Value(1)).values("same").annotate(n=Count("pk", distinct=True)).values("n")
        counts.append(Coalesce(Subquery(one), 0))
    return reduce(add, counts)
