"""Filters of approved figures and of returns. A page, its files and the API share them."""

from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from programmes.results.choices import MeasureKind, ReturnStatus
from programmes.results.models import ApprovedFigure, ApprovedPart, Return
from programmes.results.quarters import Quarter
from programmes.results.querysets import late
from vru_portal.ledger.cut_off import CutOff
from vru_portal.publishing.state import published
from vru_portal.web.cut_off import DAY_PARAMETERS, read_cut_off
from vru_portal.web.facets import (
    AnyFacet,
    Facet,
    FacetedFilters,
    FacetValue,
    KeysByValue,
    QueryFacet,
    ValueFacet,
    choice_facet,
    union,
)
from vru_portal.web.filters import Choices, Order, Parameter, choice

# What the totals can be shown by.
BY: Choices = [("measure", "Measure"), ("level", "Level of prevention"), ("area", "Area"), ("year", "Financial year")]


def year_value(day: date) -> FacetValue:
    label = Quarter(day).year_label
    return FacetValue(-Quarter(day).first_year, label, label)


def quarter_value(day: date) -> FacetValue:
    quarter = Quarter(day)
    return FacetValue(-day.toordinal(), quarter.short, quarter.slug)


def facets_at(path: str) -> dict[str, AnyFacet]:
    """What figures and returns have in common; ``path`` leads to the row that names the initiative and the quarter."""
    return {
        "level": Facet("Level of prevention", (f"{path}initiative__level",), order_by="position"),
        "initiative": Facet("Initiative", (f"{path}initiative",)),
        "area": Facet("Area", (f"{path}initiative__areas",)),
        "organisation": Facet("Organisation", (f"{path}organisation",), only=published()),
        "year": ValueFacet("Financial year", f"{path}quarter", year_value),
        "quarter": ValueFacet("Quarter", f"{path}quarter", quarter_value),
    }


class CutOffFilters(FacetedFilters):
    """Filters of a list that can be seen as it was known on an earlier day."""

    PLAIN_PARAMETERS: ClassVar[dict[str, Parameter]] = {"as_at": DAY_PARAMETERS["as_at"]}

    def __init__(self, data: QueryDict) -> None:
        cut_off, errors = read_cut_off(data)
        self.cut_off = CutOff(cut_off.day)
        super().__init__(data)
        if "as_at" in errors:
            self.errors["as_at"] = errors["as_at"]

    @cached_property
    def keys_by_facet(self) -> dict[str, KeysByValue]:
        if not self.cut_off.day:
            return super().keys_by_facet
        now, then = type(self)(QueryDict("")).keys_by_facet, self.load_keys()
        # A value that no figure had by that day can still be chosen: it finds nothing.
        return {
            name: {value: then[name].get(value, set()) for value in (*values, *then[name])}
            for name, values in now.items()
        }

    @cached_property
    def all_keys(self) -> set[int]:
        if self.cut_off.day:
            return set(self.public_rows().order_by().values_list("pk", flat=True))
        return super().all_keys


class FigureFilters(CutOffFilters):
    """The current approved figures."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "measure": Facet("Measure", ("measure",), order_by="position"),
        "kind": choice_facet("Kind", "measure__kind", MeasureKind.choices),
        **facets_at("approved__"),
    }
    PLAIN_PARAMETERS: ClassVar[dict[str, Parameter]] = {
        **CutOffFilters.PLAIN_PARAMETERS,
        "by": choice("Totals by", [value for value, _ in BY], narrows=False, error="Select one of the ways to add up."),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order(
            "Newest first",
            ("-approved__quarter", "approved__initiative__name", "approved__organisation__name", "measure__position"),
        ),
        "initiative": Order("By initiative", ("approved__initiative__name", "measure__position", "-approved__quarter")),
    }
    SEARCHED = ("measure__name", "approved__initiative__name", "approved__organisation__name")

    def public_rows(self) -> QuerySet[Any]:
        return ApprovedFigure.objects.current(self.cut_off.known_before)

    @property
    def by(self) -> str:
        return self.valid.get("by") or BY[0][0]


class PartFilters(CutOffFilters):
    """The current approved figures of groups."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "measure": Facet("Measure", ("figure__measure",), order_by="position"),
        "kind": choice_facet("Kind", "figure__measure__kind", MeasureKind.choices),
        "breakdown": Facet("Breakdown", ("group__breakdown",), order_by="position"),
        **facets_at("figure__approved__"),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order(
            "Newest first", ("-figure__approved__quarter", "figure__approved__initiative__name", "group__position")
        ),
        "initiative": Order("By initiative", ("figure__approved__initiative__name", "-figure__approved__quarter")),
    }
    SEARCHED = (
        *("figure__measure__name", "figure__approved__initiative__name", "figure__approved__organisation__name"),
        "group__name",
    )

    def public_rows(self) -> QuerySet[Any]:
        return ApprovedPart.objects.current(self.cut_off.known_before)


def query_of_groups(filters: FigureFilters) -> str | None:
    """The query string with which the file of groups has the filters of the figures.

    None if no figure with one of the values is divided into groups. Without that filter, the file would have others.
    """
    if filters.is_filtered:
        parts = ApprovedPart.objects.current(filters.cut_off.known_before).order_by()
        divided = set(parts.values_list("figure", flat=True))
        for name in filters.labels:
            for slug in filters.valid.getlist(name):
                keys = union(keys for value, keys in filters.keys_by_facet[name].items() if value.slug == slug)
                if not keys & divided:
                    return None
    known = {"q", "sort", *PartFilters.FACETS, *PartFilters.PLAIN_PARAMETERS}
    query = filters.link(**{name: [] for name in filters.parameters if name not in known})
    return "" if query == "?" else query


def due(rows: Any) -> QuerySet[Return]:
    return rows.unpublished().filter(due_on__gte=timezone.localdate(), reported_at=None)


def not_reported(rows: Any) -> QuerySet[Return]:
    return rows.unpublished().filter(late(timezone.localdate()))


def checking(rows: Any) -> QuerySet[Return]:
    return rows.unpublished().exclude(reported_at=None)


def published_returns(rows: Any) -> QuerySet[Return]:
    return rows.exclude(pk__in=rows.unpublished().values("pk"))


class ReturnFilters(FacetedFilters):
    """Which figures were asked for, and whether they were reported."""

    FACETS: ClassVar[dict[str, AnyFacet]] = {
        "status": QueryFacet(
            "Status",
            {
                ReturnStatus.LATE.value: (ReturnStatus.LATE.label, not_reported),
                ReturnStatus.DUE.value: (ReturnStatus.DUE.label, due),
                ReturnStatus.CHECKING.value: (ReturnStatus.CHECKING.label, checking),
                ReturnStatus.PUBLISHED.value: (ReturnStatus.PUBLISHED.label, published_returns),
            },
        ),
        **facets_at(""),
    }
    ORDERS: ClassVar[dict[str, Order]] = {
        "newest": Order("Newest first", ("-quarter", "initiative__name", "organisation__name")),
        "due": Order("By due date", ("due_on", "initiative__name", "organisation__name")),
    }
    SEARCHED = ("initiative__name", "organisation__name")

    def public_rows(self) -> QuerySet[Any]:
        return Return.objects.public()
