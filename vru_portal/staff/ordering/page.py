"""The page on which the order of a whole list is changed: each row is moved, and everything is saved at once."""

import hashlib
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst

from vru_portal.models import ProposedOrder
from vru_portal.publishing.changesets import LAST_POSITION, park_numbers, set_history_details
from vru_portal.publishing.state import PUBLISH
from vru_portal.staff.admin_links import changelist_url
from vru_portal.staff.ordering.rows import Place, new_numbers
from vru_portal.staff.worklist import WorklistItem, WorklistRow
from vru_portal.text.dates import format_datetime

CHANGED_MEANWHILE = (
    "Somebody else changed this list or its order while you were moving records. Your order is not saved yet, but it "
    "is below. If you save it now, it replaces theirs. “Cancel” leaves theirs as it is."
)
PROPOSED = (
    "You have proposed this order. Publishers see it on their start page. The public sees it once a Publisher saves it."
)


def order_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_order")


def orders_waiting_for(user: Any) -> list[ProposedOrder]:
    """The proposed orders that this person may save: all of them, or none."""
    return list(ProposedOrder.objects.select_related("content_type", "by")) if user.has_perm(PUBLISH) else []


def list_name(proposed: ProposedOrder) -> str:
    return capfirst(str(proposed.content_type.model_class()._meta.verbose_name_plural))  # type: ignore[union-attr]


def proposed_order_items(request: HttpRequest) -> list[WorklistItem]:
    """What the start page says about proposed orders."""
    rows = tuple(
        WorklistRow(
            list_name(one),
            order_url(one.content_type.model_class()),
            f"{one.by or 'Somebody'}, {format_datetime(one.at)}.",
        )
        for one in orders_waiting_for(request.user)
    )
    item = WorklistItem("Orders proposed", "Check each order, then save or discard it.", (), rows=rows)
    return [item] if rows else []


def row_name(row: Any) -> str:
    """Without the number that a row may bear in front of its title: it is about to change."""
    return str(getattr(row, "title", row))


def order_fingerprint(rows: list[Any], name: str, proposed: ProposedOrder | None) -> str:
    """A hash that changes when somebody adds, removes or moves a row, or proposes another order."""
    now = [[row.pk, getattr(row, name)] for row in rows], proposed and proposed.at
    return hashlib.sha256(repr(now).encode()).hexdigest()[:32]


class OrderForm(forms.Form):
    """The numbers of a list's rows, one field a row. `staff.js` replaces them by buttons."""

    def __init__(self, rows: list[Any], name: str, numbers: dict[str, int], **data: Any) -> None:
        """Show the rows under these numbers, by primary key, or else under their own."""
        super().__init__(**data)
        for row in rows:
            self.fields[str(row.pk)] = forms.IntegerField(
                label=row_name(row),
                required=False,
                min_value=1,
                max_value=LAST_POSITION,
                initial=numbers.get(str(row.pk), getattr(row, name)),
                widget=forms.NumberInput(attrs={"data-order": "", "aria-label": f"Place of {row_name(row)}"}),
            )

    def place_of(self, row: Any) -> int:
        """Where the page shows a row: as its reader has sent it, if the form comes back."""
        initial: int = self.fields[str(row.pk)].initial
        return (self.cleaned_data.get(str(row.pk)) or initial) if self.is_bound else initial


class OrderPageMixin:
    """An admin of records that have an order of their own: their forms do not ask for a number."""

    order_field = "position"
    order_within = ""  # the relation within which the rows are ordered

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_order"  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(self.order_view)  # type: ignore[attr-defined]
        return [path("order/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may_change = self.has_change_permission(request)  # type: ignore[attr-defined]
        extra = {"order_url": order_url(self.model) if may_change else ""}  # type: ignore[attr-defined]
        return super().changelist_view(request, {**(extra_context or {}), **extra})  # type: ignore[misc]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(super().get_exclude(request, obj) or ()), self.order_field]  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Put a new record at the end of its list."""
        if not change:
            others = self.ordered_rows().filter(**self._group(obj))
            last = others.order_by(self.order_field).values_list(self.order_field, flat=True).last()
            setattr(obj, self.order_field, (last or 0) + 1)
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def ordered_rows(self) -> Any:
        return self.model._default_manager.all()  # type: ignore[attr-defined]

    def _group(self, row: Any) -> dict[str, Any]:
        return {self.order_within: getattr(row, self.order_within)} if self.order_within else {}

    # The page ---------------------------------------------------------------------------------------------------------

    def order_view(self, request: HttpRequest) -> HttpResponse:
        """Those who may change the rows put them in order; those who may only publish, if an order is proposed."""
        kind = ContentType.objects.get_for_model(self.model)  # type: ignore[attr-defined]
        proposed = ProposedOrder.objects.filter(content_type=kind).select_related("by").first()
        publishes = request.user.has_perm(PUBLISH)
        if not (self.has_change_permission(request) or (publishes and proposed)):  # type: ignore[attr-defined]
            raise PermissionDenied
        within = [self.order_within] if self.order_within else []
        rows = list(self.ordered_rows().select_related(*within).order_by(*within, self.order_field, "pk"))
        may_discard = proposed is not None and (publishes or proposed.by == request.user)
        if may_discard and "_discard" in request.POST:
            ProposedOrder.objects.filter(content_type=kind).delete()
            messages.success(request, "The proposed order has been discarded.")
            return HttpResponseRedirect(changelist_url(self.model))  # type: ignore[attr-defined]
        numbers = proposed.numbers if proposed else {}
        form = OrderForm(rows, self.order_field, numbers, data=request.POST if request.method == "POST" else None)
        seen = order_fingerprint(rows, self.order_field, proposed)
        if form.is_bound and form.is_valid() and request.POST.get("seen", seen) != seen:
            form.add_error(None, CHANGED_MEANWHILE)
        if form.is_bound and form.is_valid():
            messages.success(request, self._change_order(rows, form, kind, request.user))
            return HttpResponseRedirect(changelist_url(self.model))  # type: ignore[attr-defined]
        groups = [
            (
                str(key) if key is not None else "",
                [(row, row_name(row), form[str(row.pk)]) for row in sorted(group, key=lambda row: form.place_of(row))],
            )
            for key, group in groupby(rows, lambda row: getattr(row, self.order_within) if self.order_within else None)
        ]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": f"Order of {self.opts.verbose_name_plural}",  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "form": form,
            "seen": seen,
            "groups": groups,
            "proposed": proposed
            and f"{proposed.by or 'Somebody'} proposed this order on {format_datetime(proposed.at)}.",
            "may_discard": may_discard,
            "publishes": publishes,
        }
        return TemplateResponse(request, "admin/order.html", context, status=422 if form.errors else 200)

    def _change_order(self, rows: list[Any], form: OrderForm, kind: ContentType, by: Any) -> str:
        """Save the order or, for an Editor who moves what the public sees, propose it; return what to say."""
        moved = self._moved_rows(rows, form)
        if any(getattr(row, "is_public", False) for row in moved) and not by.has_perm(PUBLISH):
            numbers = {str(row.pk): getattr(row, self.order_field) for row in rows}
            values = {"numbers": numbers, "by": by, "at": timezone.now()}
            ProposedOrder.objects.update_or_create(content_type=kind, defaults=values)
            return PROPOSED
        self._save_order(moved, by)
        if by.has_perm(PUBLISH):
            ProposedOrder.objects.filter(content_type=kind).delete()
        return "The order has been saved." if moved else "You did not move anything."

    def _moved_rows(self, rows: list[Any], form: OrderForm) -> list[Any]:
        """The rows whose numbers change, with their new numbers."""
        moved = []
        for _, group in groupby(rows, lambda row: self._group(row)):
            together = list(group)
            places = [Place(getattr(row, self.order_field), form.cleaned_data[str(row.pk)]) for row in together]
            for row, number in zip(together, new_numbers(places), strict=True):
                if getattr(row, self.order_field) != number:
                    setattr(row, self.order_field, number)
                    moved.append(row)
        return moved

    @transaction.atomic
    def _save_order(self, rows: list[Any], by: Any) -> None:
        park_numbers(rows, self.order_field)
        for row in rows:
            set_history_details(row, by, "Order changed", final=True)
            row.save(update_fields=[self.order_field])
        if rows:
            LogEntry.objects.log_actions(by.pk, rows, CHANGE, "Order changed")
