"""The start page of the admin: what needs doing, how much money is left and for how long, and who changed what."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

import events.declarations.worklist
import funding.worklist
import partners.worklist
import programmes.results.worklist
import programmes.worklist
import vru_portal.operations.worklist
from events.declarations.rules import availability
from partners.stale_facts import CheckedFilter, unchecked
from vru_portal.ledger.append_only.models import Reversible
from vru_portal.models import Pending, Submission
from vru_portal.operations.backup.status import read_status
from vru_portal.publishing.state import Publishable, State
from vru_portal.staff.admin_links import changelist_url
from vru_portal.staff.ordering.page import proposed_order_items
from vru_portal.staff.records.submission_list import submission_items
from vru_portal.staff.worklist import WorklistItem, WorklistLink, count_rows, item_unless_empty
from vru_portal.workspace.recent_changes import recent_changes, viewable_models

CHANGES_SHOWN = 10

Model = type[models.Model]


@require_safe
def start_page(request: HttpRequest) -> HttpResponse:
    """What needs doing. Every part shows only what the user may view."""
    version = availability.version_in_force()
    last_backup = read_status()
    items = [
        *vru_portal.operations.worklist.worklist_items(request, last_backup),
        *events.declarations.worklist.worklist_items(request, version),
        *programmes.results.worklist.worklist_items(request),
        *programmes.worklist.worklist_items(request),
        *funding.worklist.worklist_items(request),
        *partners.worklist.worklist_items(request),
        *items_across_models(request),
    ]
    context = {
        "title": "What needs doing",
        "today": timezone.localdate(),
        "worklist": sorted(items, key=lambda item: not item.urgent),
        "money": list(funding.worklist.unspent_years(request)),
        "progress": events.declarations.worklist.invitation_progress(request, version),
        "last_backup": last_backup if vru_portal.operations.worklist.can_see_backups(request) else None,
        "changes": recent_changes(request, CHANGES_SHOWN),
        "app_list": admin.site.get_app_list(request),
    }
    return admin.site.index(request, context)


def items_across_models(request: HttpRequest) -> list[WorklistItem]:
    """Pending changes, drafts, and facts that nobody has checked for a year, of whatever kind of record."""
    viewable = viewable_models(request)
    drafts = {
        model: model._default_manager.filter(state=State.DRAFT) for model in viewable if issubclass(model, Publishable)
    }
    with_facts = [model for model in viewable if has_checked_filter(request, model)]
    facts = {model: standing_rows(model).filter(unchecked()) for model in with_facts}
    counts = count_rows(
        {("draft", model): rows for model, rows in drafts.items()}
        | {("fact", model): rows for model, rows in facts.items()}
    )
    draft_links = [counted_link(model, counts["draft", model], state__exact=State.DRAFT) for model in drafts]
    fact_links = [
        counted_link(
            model,
            counts["fact", model],
            checked="no",
            **({"standing": "yes"} if issubclass(model, Reversible) else {}),
        )
        for model in with_facts
    ]
    return [
        *(submission_items(request) if Submission in viewable else ()),
        *proposed_order_items(request),
        *(pending_change_items() if Pending in viewable else ()),
        *item_by_model("Drafts are not published", "Only staff can see them.", draft_links),
        *item_by_model(
            "Facts that nobody has checked for a year",
            "Compare each with its source, then enter the date you checked it.",
            fact_links,
        ),
    ]


def has_checked_filter(request: HttpRequest, model: Model) -> bool:
    """Whether the list of a model can be filtered by whether its facts are due for a check."""
    return CheckedFilter in admin.site.get_model_admin(model).get_list_filter(request)


def standing_rows(model: Model) -> models.QuerySet[Any]:
    """The rows of a model; of a ledger, those that are not reversed and reverse nothing."""
    rows = model._default_manager.all()
    return rows.filter(reverses=None, reversed_by=None) if issubclass(model, Reversible) else rows


def counted_link(model: Model, count: int, **conditions: str) -> WorklistLink:
    """A link to the list of one kind of record, labelled with their number."""
    name = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
    return WorklistLink(f"{count} {name}", changelist_url(model, **conditions), count)


def item_by_model(heading: str, explanation: str, links: list[WorklistLink]) -> list[WorklistItem]:
    """One item that links to the list of each model, the longest first; nothing if all are empty."""
    not_empty = sorted((link for link in links if link.count), key=lambda link: -(link.count or 0))
    return [WorklistItem(heading, explanation, tuple(not_empty))] if not_empty else []


def pending_change_items() -> list[WorklistItem]:
    """Changes that nobody has published, and scheduled ones that could not be published."""
    counts = Pending.objects.aggregate(
        failed=Count("pk", filter=~Q(fault="")), open=Count("pk", filter=Q(publish_at=None))
    )
    return [
        *item_unless_empty(
            "Changes could not be published on schedule",
            "Each gives the reason. Correct it, then publish.",
            "See why",
            changelist_url(Pending, due="failed"),
            counts["failed"],
            urgent=True,
        ),
        *item_unless_empty(
            "Changes are not published",
            "The public still sees the earlier version.",
            "View the changes",
            changelist_url(Pending, due="open"),
            counts["open"],
        ),
    ]
