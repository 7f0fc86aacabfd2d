"""Changesets: the difference between two snapshots of a record, as it is stored, and how it is applied.

Only the difference is stored, so that two people's edits of different fields do not undo each other.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from vru_portal.publishing.snapshots import Snapshot, id_in_key, model_in_key, rows_with_key

# {"set": [[key, values]], "new": [[key, values]], "gone": [key]}, each only where there is something to do.
# Pairs rather than objects: PostgreSQL's jsonb does not keep the order of an object's keys, and parts have an order.
Changeset = dict[str, list[Any]]

# A part that a pending change adds has no row yet, but forms and other new parts have to refer to it. Until it is
# published it bears an ID from this range, which no sequence will ever reach. It still fits JavaScript's integers.
FIRST_PLACEHOLDER_ID = 2**52
PLACEHOLDERS_PER_RECORD = 2**20

LAST_POSITION = 32_767  # the largest value of a PositiveSmallIntegerField

VALUE_TAKEN = "Another record now uses a value that this change needs to be unique. Open the record and save it again."
ROW_DELETED = "This change refers to something that has been deleted. Open the record, choose another and save again."


def changeset_between(before: Snapshot, after: Snapshot) -> Changeset:
    """What turns the first snapshot of a record into the second: changed values, new parts, parts that are gone."""
    changed = []
    for key, values in after.items():
        if key in before and (own := {name: value for name, value in values.items() if before[key].get(name) != value}):
            changed.append([key, own])
    new = {key: values for key, values in after.items() if key not in before}
    gone = [key for key in before if key not in after]
    sections = (("set", changed), ("new", _with_placeholder_ids(new, next(iter(before)))), ("gone", gone))
    return {name: entries for name, entries in sections if entries}


def overwritten_values(earlier: Changeset, later: Changeset) -> Changeset:
    """The values of a pending change that a later one has replaced by others, or does no longer have."""
    kept = dict(entry for section in ("set", "new") for entry in later.get(section, ()))
    lost = [
        [key, own]
        for section in ("set", "new")
        for key, values in earlier.get(section, ())
        if (own := {name: value for name, value in values.items() if kept.get(key, {}).get(name, ...) != value})
    ]
    return {"set": lost} if lost else {}


def _with_placeholder_ids(new: Snapshot, root_key: str) -> list[Any]:
    """Give new parts placeholder IDs, in their order, also where one new part refers to another.

    A part that was new in the pending change already keeps its placeholder: an open form may refer to it.
    """
    first = FIRST_PLACEHOLDER_ID + id_in_key(root_key) * PLACEHOLDERS_PER_RECORD
    in_use = [id_in_key(key) for key in new if id_in_key(key) >= FIRST_PLACEHOLDER_ID]
    unused = count(max(in_use, default=first - 1) + 1)
    ids = {key: id_in_key(key) if id_in_key(key) >= FIRST_PLACEHOLDER_ID else next(unused) for key in new}
    entries = []
    for key, values in new.items():
        model = model_in_key(key)
        own = {name: ids.get(f"{_related_label(model, name)}:{value}", value) for name, value in values.items()}
        entries.append([f"{model._meta.label_lower}:{ids[key]}", own])
    return sorted(entries, key=lambda entry: id_in_key(entry[0]))


def _related_label(model: type[models.Model], name: str) -> str:
    """The label of the model that a foreign key refers to; empty for any other field."""
    field: Any = model._meta.get_field(name)
    return field.related_model._meta.label_lower if field.many_to_one or field.one_to_one else ""


def apply_changeset(changeset: Changeset, *, by: Any = None, reason: str = "", final: bool = False) -> None:
    """Change the record and its parts. Raises ValidationError if a rule refuses that, or if a row has been deleted.

    ``final`` gives new parts IDs from their sequence instead of their placeholders, and writes history in the name of
    ``by``, with the reason. Otherwise nothing is to last, and no history is written.
    """
    try:
        # First what goes, then what changes, then what is new: a new part may take the position of one that goes, and
        # refer to any other.
        for key in changeset.get("gone", ()):
            for row in rows_with_key(key):
                set_history_details(row, by, reason, final)
                row.delete()
        rows = []
        for key, values in changeset.get("set", ()):
            if not (row := rows_with_key(key).first()):
                raise ValidationError(ROW_DELETED)
            rows.append((row, values))
        park_numbers([row for row, values in rows if "position" in values], "position")
        _save_in_possible_order(rows, partial(_save_row, new_ids={}, by=by, reason=reason, final=final))
        new_ids: dict[str, Any] = {}  # of the parts created so far, by the keys that later parts know them by
        for key, values in changeset.get("new", ()):
            row = model_in_key(key)()
            # For as long as nothing lasts, the placeholder is its ID, so that an open form finds the part again.
            row.pk = None if final else id_in_key(key)
            _save_row(row, values, new_ids=new_ids, by=by, reason=reason, final=final)
            new_ids[key] = row.pk
    except models.ProtectedError as error:
        names = ", ".join(sorted({str(row) for row in error.protected_objects})[:3])
        raise ValidationError(f"This change removes something that {names} refers to. Change that first.") from error
    except IntegrityError as error:
        raise ValidationError(VALUE_TAKEN) from error


def park_numbers(rows: Sequence[Any], name: str) -> None:
    """Move rows whose number changes out of the way: of two that swap, each would find its new number taken."""
    for offset, row in enumerate(rows):
        if _is_unique(row, name):
            type(row)._default_manager.filter(pk=row.pk).update(**{name: LAST_POSITION - offset})


def _is_unique(row: models.Model, name: str) -> bool:
    field: Any = row._meta.get_field(name)
    return bool(field.unique) or any(name in constraint.fields for constraint in row._meta.total_unique_constraints)


def _save_in_possible_order(rows: list[tuple[Any, dict[str, Any]]], save: Callable[..., None]) -> None:
    """Save all rows, however unique values move between them: a row is retried after the others have been saved.

    Raises the first row's ValidationError as soon as a round saves none.
    """
    while rows:
        refused = []
        for row, values in rows:
            try:
                with transaction.atomic():
                    save(row, values)
            except ValidationError as error:
                refused.append((row, values, error))
        if len(refused) == len(rows):
            raise refused[0][2]
        rows = [(row, values) for row, values, _ in refused]


def _save_row(row: Any, values: dict[str, Any], *, new_ids: dict[str, Any], by: Any, reason: str, final: bool) -> None:
    """Set and save these values, once all rules agree."""
    set_history_details(row, by, reason, final)
    related_ids = {}
    for name, value in values.items():
        field = row._meta.get_field(name)
        if field.many_to_many:
            related_ids[name] = value
        else:
            label = _related_label(type(row), name)
            setattr(row, field.attname, new_ids.get(f"{label}:{value}", value) if label else field.to_python(value))
    row.full_clean()
    row.save()
    for name, ids in related_ids.items():
        relation = getattr(row, name)
        if relation.model._default_manager.filter(pk__in=ids).count() < len(ids):
            raise ValidationError({name: ROW_DELETED})
        relation.set(ids)


def set_history_details(row: Any, by: Any, reason: str, final: bool) -> None:
    """Tell simple_history who is about to save the row and why; or to write no history, if nothing is to last."""
    if final:
        row._history_user, row._change_reason = by, reason or None
    else:
        row.skip_history_when_saving = True
