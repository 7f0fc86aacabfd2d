"""Pending changes: edits of a published record that the public does not see until somebody publishes them.

There is at most one a record (`vru_portal.models.Pending`); further edits are added to it. The record's own rows are
not touched until it is published. Two context managers show the record as it will be:

- `editing_with_pending_change` applies the changeset in a transaction and rolls it back. Every rule and constraint is
  checked, but it takes a writer's locks: for saving.
- `viewing_with_pending_change` applies it to temporary copies of the tables that only this connection sees. It takes no
  locks and makes nobody wait: for forms, previews and comparisons.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction

from vru_portal.models import OldAddress, Pending
from vru_portal.publishing.changesets import Changeset, apply_changeset
from vru_portal.publishing.differences import Difference, describe_differences
from vru_portal.publishing.shadow_tables import shadow_tables
from vru_portal.publishing.snapshots import row_key, rows_with_key, take_snapshot
from vru_portal.publishing.state import State


def pending_change(root: models.Model) -> Pending | None:
    return Pending.objects.filter(**pending_lookup(root)).first()


def pending_lookup(root: models.Model) -> dict[str, Any]:
    """The filter that finds a record's pending change."""
    return {"content_type": ContentType.objects.get_for_model(root), "object_id": root.pk}


def root_with_new_part(key: str) -> Any:
    """The record whose pending change adds the part with this placeholder key; None if there is none."""
    for pending in Pending.objects.all():
        if any(new_key == key for new_key, _ in pending.changes.get("new", ())):
            return pending.record
    return None


def pending_version(root: Any) -> str:
    """A token that changes whenever the pending change is saved; empty if there is none."""
    pending = pending_change(root)
    return f"{pending.pk} {pending.saved_at.isoformat()}" if pending else ""


def save_pending_change(root: Any, changeset: Changeset, *, by: Any) -> None:
    """Replace the record's pending change; drop it if nothing would change any more.

    A scheduled publication is cancelled: the person who scheduled it had read something else.
    """
    if changeset:
        values = {"changes": changeset, "by": by, "fault": "", "publish_at": None, "together": []}
        Pending.objects.update_or_create(**pending_lookup(root), defaults=values)
    else:
        Pending.objects.filter(**pending_lookup(root)).delete()


def pending_differences(root: Any) -> list[Difference]:
    """What publishing the pending change would change. Raises ValidationError if it can no longer be applied."""
    before = take_snapshot(root)
    with viewing_with_pending_change(root):
        return describe_differences(before, take_snapshot(root))


# The record as it will be ---------------------------------------------------------------------------------------------


class _RollBack(Exception):  # noqa: N818 - no error
    """Ends a transaction whose changes were not to last."""


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo, at the end of the block, all that was done to the database in it."""
    try:
        with transaction.atomic():
            yield
            raise _RollBack
    except _RollBack:
        pass


@contextmanager
def editing_with_pending_change(root: Any) -> Iterator[None]:
    """Inside the block, the record is as if its pending change were published, and can be edited further.

    All changes are rolled back at the end: take a snapshot before that. Raises ValidationError if a rule refuses the
    pending change.
    """
    with rolled_back():
        if pending := pending_change(root):
            apply_changeset(pending.changes)
        yield


@contextmanager
def viewing_with_pending_change(
    root: Any, *, as_published: bool = False, together: Collection[Any] = ()
) -> Iterator[None]:
    """Inside the block, this connection sees the record as if its pending change were published.

    ``as_published`` shows a draft as if it were published, too; ``together`` are other drafts to show so. Raises
    ValidationError if the change cannot be applied.
    """
    model: Any = type(root)
    pending = pending_change(root)
    changeset = pending.changes if pending else {}
    drafts = [*together, *([root] if as_published and not root.is_public else [])]
    if not drafts and not changeset:
        yield
        return
    written: set[Any] = {type(draft) for draft in drafts}
    with shadow_tables(
        written | _writable_models(model) if changeset else written, _part_histories(model) if changeset else ()
    ):
        if changeset:
            apply_changeset(changeset)
        for draft in drafts:
            rows_with_key(row_key(draft)).update(state=State.PUBLISHED)
        yield


@cache
def _writable_models(model: Any) -> frozenset[type[models.Model]]:
    """The models whose rows a record's changeset may write: its own, its parts', and those deleted with parts."""
    parts = _part_models(model)
    writable: set[Any] = {model, *parts, OldAddress}
    for part in parts:
        writable |= {
            related.related_model
            for related in part._meta.related_objects
            if related.on_delete is not models.PROTECT and related.related_model is not None
        }
    through = {field.remote_field.through for one in {model, *parts} for field in one._meta.many_to_many}
    return frozenset(writable | through)


def _part_histories(model: Any) -> set[Any]:
    """The history models of a record's parts: a row is written there when a part is deleted."""
    return {part.history.model for part in _part_models(model)}


def _part_models(model: Any) -> set[type[Any]]:
    """The models of a record's parts, and of their parts."""
    found: set[type[Any]] = set()
    for name in model.parts:
        part = model._meta.get_field(name).related_model
        found |= {part} | _part_models(part)
    return found
