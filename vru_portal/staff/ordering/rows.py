"""The order of rows: staff move rows, and the numbers follow.

Numbers are often unique, and neither database checks that at the end of a statement only. So rows whose numbers change
are first moved out of the way, and then saved one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.forms.models import BaseInlineFormSet

from vru_portal.publishing.changesets import park_numbers

POSITION = "position"  # the field of the rows of an inline


@dataclass(frozen=True)
class Place:
    """Where a row is in a list, and where it should be."""

    now: int | None  # None for a new row
    wanted: int | None  # None for a row whose number somebody has left empty

    @property
    def is_moved(self) -> bool:
        return self.wanted is not None and self.wanted != self.now

    @property
    def direction(self) -> int:
        """If two rows want one place, a row that moves up or is new goes before the one that was there."""
        if not self.is_moved:
            return 0
        return -1 if self.now is None or (self.wanted or 0) < self.now else 1


def new_numbers(places: Sequence[Place], *, removed: bool = False) -> list[int]:
    """The number of each row, in the order of ``places``.

    Rows that nobody has moved keep their numbers, and new ones follow. Otherwise all are numbered from 1: also if rows
    are ``removed`` from a list that is numbered without gaps.
    """
    last = max((place.now for place in places if place.now is not None), default=0)
    kept = [place.now for place in places if place.now is not None]
    moved = any(place.is_moved for place in places)
    closes_gap = removed and min(kept, default=1) >= 1 and len(set(kept)) == len(kept)
    order = sorted(range(len(places)), key=lambda index: _sort_key(places[index], last, index))
    if moved or closes_gap:
        return [order.index(index) + 1 for index in range(len(places))]
    numbers = []
    for place in places:
        if place.now is None:
            last += 1
        numbers.append(last if place.now is None else place.now)
    return numbers


def _sort_key(place: Place, last: int, index: int) -> tuple[int, int, int]:
    wanted = place.now if place.wanted is None else place.wanted
    return (last + 1 if wanted is None else wanted, place.direction, index)


class OrderedFormSet(BaseInlineFormSet[Any, Any, Any]):
    """The rows of an inline, in their order if they have one. `staff.js` replaces their numbers by buttons."""

    order_within = ""  # the field by which the rows are grouped, if each group has its own order

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if (field := form.fields.get(POSITION)) is None:
            return
        field.required = False
        field.widget.attrs |= {"data-order": self.order_within}
        form._get_validation_exclusions = lambda: type(form)._get_validation_exclusions(form) | {POSITION}
        if form.instance._state.adding:
            form.initial[POSITION] = None

    def clean(self) -> None:
        """Give each row its number, so that rows can be swapped, inserted and removed in one go."""
        super().clean()
        if any(self.errors) or not all(POSITION in form.fields for form in self.forms):
            return
        removed = self.deleted_forms
        groups: dict[Any, list[Any]] = {}
        for form in self.forms:
            if form not in removed and (not form.instance._state.adding or form.has_changed()):
                groups.setdefault(form.cleaned_data.get(self.order_within), []).append(form)
        for group, forms in groups.items():
            gone = any(getattr(form.instance, self.order_within, None) == group for form in removed)
            places = [Place(form.initial.get(POSITION), form.cleaned_data.get(POSITION)) for form in forms]
            for form, number in zip(forms, new_numbers(places, removed=gone), strict=True):
                form.instance.position = form.cleaned_data[POSITION] = number
                if number != form.initial.get(POSITION) and POSITION not in form.changed_data:
                    form.changed_data.append(POSITION)  # or a row that only makes room would not be saved

    def save(self, commit: bool = True) -> Any:
        deleted = self.deleted_forms
        moved = [form.instance for form in self.initial_forms if POSITION in form.changed_data or form in deleted]
        park_numbers([row for row in moved if hasattr(row, POSITION)], POSITION)
        return super().save(commit)
