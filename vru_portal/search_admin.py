"""Search over everything that staff keep, by the words that each list searches by."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from vru_portal.admin import LONGEST_SEARCH
from vru_portal.publishing import Publishable
from vru_portal.start import Model, visible
from vru_portal.step_admin import row_url
from vru_portal.todo import count_all, listed

MOST = 5  # rows of a kind: the rest is in its list


@dataclass(frozen=True)
class Hit:
    """A record that was found."""

    name: str
    address: str
    is_draft: bool
    waits: bool  # whether a change of it does


@dataclass(frozen=True)
class Group:
    """The records of one kind that were found: the first few, and how many there are."""

    title: str
    number: int
    hits: list[Hit]
    address: str

    @property
    def has_more(self) -> bool:
        """Whether its list shows more than stands here."""
        return self.number > len(self.hits)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What was found, by kind."""
    typed = request.GET.get("q", "").strip()
    words = typed[:LONGEST_SEARCH]
    groups = groups_of(request, words) if words else []
    context = {
        **admin.site.each_context(request),
        "title": f"Search: {words}" if words else "Search",
        "query": words,
        "shortened": len(typed) > LONGEST_SEARCH,
        "longest": LONGEST_SEARCH,
        "groups": groups,
        "total": sum(group.number for group in groups),
    }
    return TemplateResponse(request, "admin/search.html", context)


def groups_of(request: HttpRequest, words: str) -> list[Group]:
    """Return what is found: one question for all the numbers, and one for each kind that has any."""
    found = {model: rows_of(request, model, words) for model in visible(request) if searches(request, model)}
    numbers = count_all({model: model._default_manager.filter(pk__in=rows) for model, rows in found.items()})
    shown: dict[Model, list[Any]] = {}
    for model, number in numbers.items():
        if number:
            rows = admin.site.get_model_admin(model).get_queryset(request).filter(pk__in=found[model])
            shown[model] = list(rows[:MOST])
    return [
        Group(
            str(model._meta.verbose_name_plural),
            numbers[model],
            [
                Hit(
                    str(row),
                    row_url(row),
                    is_draft=isinstance(row, Publishable) and not row.is_public,
                    waits=getattr(row, "waits", False),  # `RecordAdmin` adds it
                )
                for row in rows
            ],
            listed(model, q=words),
        )
        for model, rows in shown.items()
    ]


def searches(request: HttpRequest, model: Model) -> bool:
    """Return whether a list can be searched."""
    return bool(admin.site.get_model_admin(model).get_search_fields(request))


def rows_of(request: HttpRequest, model: Model, words: str) -> models.QuerySet[Any]:
    """Return the keys of the rows that a list shows when it is searched."""
    kept = admin.site.get_model_admin(model)
    rows, _ = kept.get_search_results(request, kept.get_queryset(request), words)
    return rows.order_by().values("pk")
