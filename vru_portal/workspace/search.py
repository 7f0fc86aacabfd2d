"""Staff's search over the records that they may view, with drafts. It queries the database, not `vru_portal.search`."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from vru_portal.publishing.state import Publishable
from vru_portal.staff.admin_links import change_url, changelist_url
from vru_portal.staff.base_admin import MAX_SEARCH_CHARACTERS
from vru_portal.staff.help import matching_subjects
from vru_portal.staff.worklist import count_rows
from vru_portal.workspace.recent_changes import Model, viewable_models

ROWS_SHOWN = 5  # of each model: the rest is in its list


@dataclass(frozen=True)
class SearchHit:
    """A record that matches the search."""

    name: str
    url: str
    is_draft: bool
    has_pending_change: bool


@dataclass(frozen=True)
class SearchGroup:
    """The records of one model that match the search: the first few, and how many there are."""

    title: str
    count: int
    hits: list[SearchHit]
    url: str

    @property
    def has_more(self) -> bool:
        return self.count > len(self.hits)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Search all lists of the admin at once, each by its own search fields."""
    typed = request.GET.get("q", "").strip()
    query = typed[:MAX_SEARCH_CHARACTERS]
    groups = find_groups(request, query) if query else []
    context = {
        **admin.site.each_context(request),
        "title": f"Search: {query}" if query else "Search",
        "query": query,
        "shortened": len(typed) > MAX_SEARCH_CHARACTERS,
        "longest": MAX_SEARCH_CHARACTERS,
        "groups": groups,
        "help_subjects": matching_subjects(query) if query else [],
        "total": sum(group.count for group in groups),
    }
    return TemplateResponse(request, "admin/search.html", context)


def find_groups(request: HttpRequest, query: str) -> list[SearchGroup]:
    """What matches, by model: one query for all counts, and one for each model that has any."""
    searchable = [model for model in viewable_models(request) if is_searchable(request, model)]
    keys = {model: matching_keys(request, model, query) for model in searchable}
    counts = count_rows({model: model._default_manager.filter(pk__in=matching) for model, matching in keys.items()})
    groups = []
    for model, count in counts.items():
        if not count:
            continue
        rows = admin.site.get_model_admin(model).get_queryset(request).filter(pk__in=keys[model])[:ROWS_SHOWN]
        hits = [make_hit(row) for row in rows]
        groups.append(SearchGroup(str(model._meta.verbose_name_plural), count, hits, changelist_url(model, q=query)))
    return groups


def make_hit(row: Any) -> SearchHit:
    return SearchHit(
        str(row),
        change_url(row),
        is_draft=isinstance(row, Publishable) and not row.is_public,
        has_pending_change=getattr(row, "has_pending_change", False),  # annotated by `RecordAdmin.get_queryset`
    )


def is_searchable(request: HttpRequest, model: Model) -> bool:
    return bool(admin.site.get_model_admin(model).get_search_fields(request))


def matching_keys(request: HttpRequest, model: Model, query: str) -> models.QuerySet[Any]:
    """The primary keys of the rows that the model's own list shows for this search."""
    model_admin = admin.site.get_model_admin(model)
    rows, _ = model_admin.get_search_results(request, model_admin.get_queryset(request), query)
    return rows.order_by().values("pk")
