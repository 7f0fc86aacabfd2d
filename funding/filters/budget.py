"""Filters of decisions, variations and conditions."""

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import Q

from funding.choices import VariationKind
from funding.filters.money import SLUG_PARAMETERS, MoneyFilters
from funding.models import Decision, SourceCondition, Variation
from funding.querysets import DecisionQuerySet, SourceConditionQuerySet, VariationQuerySet
from vru_portal.text.folded_search import contains_words
from vru_portal.web.filters import Order, Parameter, choice, search_words, text

REFERENCE = text("Reference", 60, "Enter a reference of up to 60 characters.")


class DecisionFilters(MoneyFilters):
    """Filters of decisions."""

    YEAR_FIELD = "year"
    SLUG_FIELDS: ClassVar[Mapping[str, str]] = {}
    ORDERS: ClassVar[Mapping[str, Order]] = {
        "newest": Order("Newest first", ("-year__first_year", "-decided_on", "-pk")),
        "oldest": Order("Oldest first", ("year__first_year", "decided_on", "pk")),
        "title": Order("By title", ("title", "-decided_on", "-pk")),
    }
    PARAMETERS: ClassVar[Mapping[str, Parameter]] = {
        "q": search_words("Words"),
        "reference": REFERENCE,
        "sort": choice("Sort", ORDERS, narrows=False),
    }
    SEARCHED = ("title", "reasons", "reference")

    @property
    def rows(self) -> DecisionQuerySet:
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return Decision.objects.none()
        if reference := self.value("reference"):
            condition &= Q(reference__iexact=reference)
        condition &= contains_words(self.SEARCHED, self.value("q"))
        return Decision.objects.standing(self.cut_off).filter(condition).order_by(*self.order)


class VariationFilters(MoneyFilters):
    """Filters of variations and returns."""

    YEAR_FIELD = "funding_source__year"
    SLUG_FIELDS = {
        "source": "funding_source__slug",
        "initiative": "allocation__initiative__slug",
        "heading": "allocation__heading__slug",
        "recipient": "allocation__recipient__slug",
    }
    PARAMETERS: ClassVar[Mapping[str, Parameter]] = {
        **{name: SLUG_PARAMETERS[name] for name in SLUG_FIELDS},
        "kind": choice("Kind", VariationKind.values, error=f"Enter one of these: {', '.join(VariationKind.values)}."),
    }

    @property
    def rows(self) -> VariationQuerySet:
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return Variation.objects.none()
        if kind := self.value("kind"):
            condition &= Q(kind=kind)
        return Variation.objects.standing(self.cut_off).filter(condition).order_by("varied_on", "pk")


class ConditionFilters(MoneyFilters):
    """Filters of the conditions of sources."""

    YEAR_FIELD = "funding_source__year"
    SLUG_FIELDS = {"source": "funding_source__slug"}
    PARAMETERS: ClassVar[Mapping[str, Parameter]] = {"source": SLUG_PARAMETERS["source"]}

    @property
    def rows(self) -> SourceConditionQuerySet:
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return SourceCondition.objects.none()
        rows = SourceCondition.objects.standing(self.cut_off).filter(condition)
        return rows.order_by("funding_source__year", "funding_source__position", "pk")
