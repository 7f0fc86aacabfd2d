"""The filters of the catalogue and of the news, with the number of rows that each of their values would leave."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import ClassVar, Generic, Protocol, TypeVar

from django.db.models import QuerySet
from django.http import QueryDict

from programmes.choices import NewsKind
from programmes.models import EvidenceAssessment, Initiative, Story, ToolkitApproach
from programmes.querysets import InitiativeQuerySet
from vru_portal.publishing.addresses import slug_of
from vru_portal.publishing.state import published
from vru_portal.web.facets import AnyFacet, Facet, FacetedFilters, FacetValue, KeysByValue, union
from vru_portal.web.filters import Order
from vru_portal.web.prepared_queries import prepared
from vru_portal.web.public_pages import cached_per_content_version

# What the approach of a toolkit adds to the filters: the parameters, and what the page calls them.
APPROACH_FACETS = {
    "approach": "Toolkit approach",
    "impact": "Impact, as its toolkit rates it",
    "evidence": "Evidence, as its toolkit rates it",
    "cost": "Cost, as its toolkit rates it",
}


class InitiativeFilters(FacetedFilters):
    """The catalogue's filters. A subclass may add facets."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "level": Facet("Level of prevention", ("level",), order_by="position"),
        "audience": Facet("Who it is for", ("audiences",)),
        "setting": Facet("Where", ("settings",)),
        "area": Facet("Area", ("areas",)),
        "partner": Facet("Partner", ("lead_organisation", "partners"), only=published()),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "level": Order("By level", ("level__position", "position", "name")),
        "name": Order("By name", ("name",)),
    }

    @property
    def labels(self) -> dict[str, str]:
        return {**super().labels, **APPROACH_FACETS}

    def load_keys(self) -> dict[str, KeysByValue]:
        keys_by_facet = super().load_keys()
        return {**keys_by_facet, **keys_by_approach(self.approaches, keys_with_a_level(keys_by_facet))}

    @cached_property
    def approaches(self) -> dict[int, ToolkitApproach]:
        return cited_approaches()

    def public_rows(self) -> InitiativeQuerySet:
        return Initiative.objects.public()

    @property
    def keys(self) -> list[int]:
        """The keys of the matching initiatives, in the order that was asked for."""
        return [key for key in keys_in_order(fields=self.order) if key in self.matching_keys]

    @cached_property
    def all_keys(self) -> set[int]:
        """The keys of all public initiatives: every initiative has a level."""
        is_loaded = "keys_by_facet" in self.__dict__
        return keys_with_a_level(self.keys_by_facet) if is_loaded else set(super().all_keys)

    def with_words(self, words: str) -> QuerySet[Initiative]:
        return Initiative.objects.public().matching(words)

    def add_details(self, initiatives: Collection[Initiative]) -> None:
        """Set what the page shows beside the initiatives' own fields; a subclass may know more."""
        for initiative in initiatives:
            initiative.approach = self.approaches.get(initiative.pk)


def keys_with_a_level(keys_by_facet: dict[str, KeysByValue]) -> set[int]:
    return union(keys_by_facet["level"].values())


def keys_by_approach(approaches: Mapping[int, ToolkitApproach], initiatives: Collection[int]) -> dict[str, KeysByValue]:
    """The keys of these initiatives by the approach that each cites, and by what its toolkit states of it.

    Toolkits rate on scales of their own, so a rating is never without the name of its toolkit.
    """
    found: dict[str, KeysByValue] = {name: defaultdict(set) for name in APPROACH_FACETS}
    for key, approach in approaches.items():
        if key not in initiatives:
            continue
        found["approach"][FacetValue(approach.title, str(approach), approach.slug)].add(key)
        for name in ("impact", "evidence", "cost"):
            if rating := getattr(approach, name):
                label = f"{approach.toolkit}: {rating}"
                found[name][FacetValue(label, label, slug_of(label))].add(key)
    return found


def cited_approaches() -> dict[int, ToolkitApproach]:
    """The approach that the latest approved assessment of each initiative cites, by the initiative's primary key."""
    return cached_per_content_version("approaches", _read_approaches)


def _read_approaches() -> dict[int, ToolkitApproach]:
    approaches = {approach.pk: approach for approach in public_approaches()}
    latest: dict[int, int | None] = {}
    for initiative, approach in approaches_of_assessments() if approaches else ():
        latest.setdefault(initiative, approach)
    return {key: approaches[approach] for key, approach in latest.items() if approach in approaches}


@prepared
def public_approaches() -> QuerySet[ToolkitApproach]:
    return ToolkitApproach.objects.public()


@prepared
def approaches_of_assessments() -> QuerySet[EvidenceAssessment, tuple[int, int | None]]:
    """The approved assessments, the latest approval first."""
    return EvidenceAssessment.objects.approved().values_list("initiative", "approach")


@prepared
def keys_in_order(*, fields: tuple[str, ...]) -> QuerySet[Initiative, int]:
    return Initiative.objects.public().order_by(*fields, "pk").values_list("pk", flat=True)


class NewsLine(Protocol):
    """What the filters of the news read of a line of it."""

    dated: date
    title: str
    kind: NewsKind
    story_key: int | None


Line = TypeVar("Line", bound=NewsLine)


class NewsFilters(FacetedFilters, Generic[Line]):
    """Stories and milestones. These follow from many tables, so a key is the place of an item among all of them."""

    LABELS: ClassVar[dict[str, str]] = {"kind": "Kind", "year": "Year"}
    ORDERS: ClassVar[dict[str, Order]] = {"newest": Order("Newest first", ()), "oldest": Order("Oldest first", ())}
    SEARCHED = ("title", "summary", "body")  # of a story; a milestone has no more than its title

    def __init__(self, data: QueryDict, items: Iterable[Line]) -> None:
        self.items = list(items)  # the latest first
        super().__init__(data)

    @property
    def labels(self) -> dict[str, str]:
        return self.LABELS

    def public_rows(self) -> QuerySet[Story]:
        return Story.objects.public()

    @cached_property
    def all_keys(self) -> set[int]:
        return set(range(len(self.items)))

    @cached_property
    def keys_by_facet(self) -> dict[str, KeysByValue]:
        found: dict[str, KeysByValue] = {"kind": defaultdict(set), "year": defaultdict(set)}
        order = list(NewsKind)
        for key, item in enumerate(self.items):
            year = item.dated.year
            found["kind"][FacetValue(order.index(item.kind), item.kind.label, item.kind.value)].add(key)
            found["year"][FacetValue(-year, str(year), str(year))].add(key)
        return found

    def keys_with(self, words: str) -> frozenset[int]:
        stories = set(self.with_words(words).order_by().values_list("pk", flat=True))
        folded = words.casefold().split()
        return frozenset(
            key
            for key, item in enumerate(self.items)
            if (item.story_key in stories if item.story_key else all(word in item.title.casefold() for word in folded))
        )

    @property
    def found(self) -> list[Line]:
        """The items that match, in the order that was asked for."""
        items = [item for key, item in enumerate(self.items) if key in self.matching_keys]
        return items[::-1] if self.sort == "oldest" else items
