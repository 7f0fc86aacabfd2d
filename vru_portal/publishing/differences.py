"""Differences between two snapshots, for people: field labels and displayed values instead of names and keys."""

from dataclasses import dataclass
from typing import Any

from django.db import models

from vru_portal.publishing.changesets import Changeset
from vru_portal.publishing.snapshots import Snapshot, model_in_key


@dataclass(frozen=True)
class Difference:
    """One field, or one part, that differs."""

    what: str
    before: str
    after: str


def describe_differences(before: Snapshot, after: Snapshot) -> list[Difference]:
    """How two states of a record differ. The rows that their values refer to must still exist."""
    differences = []
    root_key = next(iter(after))
    for key in [*after, *(key for key in before if key not in after)]:
        model = model_in_key(key)
        old, new = before.get(key, {}), after.get(key, {})
        part = "" if key == root_key else f"{_part_title(model, old or new)}: "
        if old and new:
            for name in new:
                shown_before, shown_after = (display_value(model, name, values.get(name)) for values in (old, new))
                if shown_before != shown_after:
                    differences.append(Difference(f"{part}{field_label(model, name)}", shown_before, shown_after))
        else:
            values = _all_values(model, old or new)
            what = f"{part}{'removed' if old else 'new'}"
            differences.append(Difference(what, values if old else "", values if new else ""))
    return differences


def summarise_changeset(changeset: Changeset) -> str:
    """Which fields and parts a changeset changes, without values: the log keeps this permanently."""
    changes = [field_label(model_in_key(key), name) for key, values in changeset.get("set", ()) for name in values]
    changes += [f"{model_in_key(key)._meta.verbose_name} added" for key, _ in changeset.get("new", ())]
    changes += [f"{model_in_key(key)._meta.verbose_name} removed" for key in changeset.get("gone", ())]
    return ", ".join(dict.fromkeys(changes))


def field_label(model: Any, name: str) -> str:
    """What a form calls a field."""
    return "the record as a whole" if name == "__all__" else str(model._meta.get_field(name).verbose_name)


def display_value(model: type[models.Model], name: str, value: Any) -> str:
    """A field's value from a snapshot, as a person reads it."""
    field: Any = model._meta.get_field(name)
    if value in (None, "", [], {}):
        return ""
    if field.many_to_many:
        return ", ".join(str(row) for row in field.related_model._default_manager.filter(pk__in=value))
    if field.many_to_one or field.one_to_one:
        return str(field.related_model._default_manager.filter(pk=value).first() or "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):  # a JSON field: only its model knows what it means
        return str(getattr(model, f"display_{name}")(value))
    return str(dict(field.flatchoices).get(value, value))


def _all_values(model: type[models.Model], values: dict[str, Any]) -> str:
    lines = ((field_label(model, name), display_value(model, name, value)) for name, value in values.items())
    return "\n".join(f"{label}: {text}" for label, text in lines if text)


def _part_title(model: type[models.Model], values: dict[str, Any]) -> str:
    """What people call a part: its kind, and its title if it has one."""
    title = next((values[name] for name in ("title", "value", "description") if values.get(name)), "")
    return f"{model._meta.verbose_name} “{title}”" if title else str(model._meta.verbose_name)
