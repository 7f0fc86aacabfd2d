"""Changes that wait: what the public sees stays byte for byte as it is until somebody publishes them.

A record is edited together with its parts (a person with their posts). What a change would do is found by doing it in
a transaction, comparing, and rolling back; what is kept is the difference, so two people's changes of different fields
do not undo each other, and every rule and constraint has been asked already. To look at a change, as a preview and a
form do, it is made on copies of the tables that only this connection sees: that waits for nobody.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import count
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from vru_portal.models import OldAddress, Pending
from vru_portal.publishing import Part, Publishable, State
from vru_portal.shadow_tables import shadow_tables

logger = logging.getLogger(__name__)

# Parts that are new in a change that waits bear numbers from here on until they are published: no sequence comes near.
PLACEHOLDERS = 2**52
MOST_PARTS = 2**20  # of one record
LAST_PLACE = 32_767  # that a position can be
NOT_COMPARED = {"id", "state"}
Changes = dict[str, list[Any]]
Snapshot = dict[str, dict[str, Any]]  # values of fields by name, of a record and its parts, by model and number

TAKEN = "Another record has taken what this change needs. Look at the record, and save the change anew."
GONE = "This change names something that is there no longer. Open the record, choose another, and save it again."


def root_of(record: Any) -> Any:
    """Return the record that is published as a whole: itself, or what it is a part of."""
    return record.owner if isinstance(record, Part) else record


def pending_of(root: models.Model) -> Pending | None:
    """Return the change that waits, if any."""
    return Pending.objects.filter(**naming(root)).first()


def naming(root: models.Model) -> dict[str, Any]:
    """Return what says of which record a change waits."""
    return {"content_type": ContentType.objects.get_for_model(root), "object_id": root.pk}


def root_of_new(key: str) -> Any:
    """Return the record in whose change that waits this part is new; None where there is none."""
    new = ((waiting, dict(waiting.changes.get("new", ()))) for waiting in Pending.objects.all())
    return next((waiting.record for waiting, parts in new if key in parts), None)


# What a record is -----------------------------------------------------------------------------------------------------


def members(record: Any) -> Iterator[Any]:
    """Yield a record, its parts, and theirs, as the database has them."""
    yield record
    for name in record.parts:
        for part in getattr(record, name).all().order_by("pk"):
            yield from members(part)


def key_of(row: models.Model) -> str:
    """Return what names a row in a snapshot."""
    return f"{row._meta.label_lower}:{row.pk}"


def values_of(row: models.Model, lists: dict[str, list[int]] | None = None) -> dict[str, Any]:
    """Return a row's values as JSON can hold them; many-to-many as sorted keys, those given or the database's."""
    found = {f.name: f.value_from_object(row) for f in row._meta.concrete_fields if f.name not in NOT_COMPARED}
    for name in (field.name for field in row._meta.many_to_many):
        keys = lists[name] if lists and name in lists else getattr(row, name).values_list("pk", flat=True)
        found[name] = sorted(keys)
    return json.loads(json.dumps({name: plain(value) for name, value in found.items()}, cls=DjangoJSONEncoder))


def plain(value: Any) -> Any:
    """Return what a file field holds as its name."""
    return value.name if isinstance(value, models.fields.files.FieldFile) else value


def snapshot(root: Any) -> Snapshot:
    """Return a record with its parts as the database has them now."""
    fresh = type(root)._default_manager.get(pk=root.pk)
    return {key_of(row): values_of(row) for row in members(fresh)}


def fingerprint(root: Any) -> str:
    """Return what changes as soon as the record or a part of it does: an editor's form names by it what was read."""
    text = json.dumps([getattr(root, "state", ""), snapshot(root)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# How two differ, and making one into the other ------------------------------------------------------------------------


def difference(before: Snapshot, after: Snapshot) -> Changes:
    """Return what to do to the first to get the second: values to set, parts that are new, parts that are gone.

    Lists of pairs, not objects: PostgreSQL keeps no order of an object's keys, and parts come in the order of the form.
    """
    changed = []
    for key, values in after.items():
        if key in before and (own := {name: value for name, value in values.items() if before[key].get(name) != value}):
            changed.append([key, own])
    new = {key: values for key, values in after.items() if key not in before}
    gone = [key for key in before if key not in after]
    found = (("set", changed), ("new", numbered(new, next(iter(before)))), ("gone", gone))
    return {name: pairs for name, pairs in found if pairs}


def numbered(new: Snapshot, root: str) -> list[Any]:
    """Give new parts numbers of their own until they are published: in their order, also where one names another."""
    first = PLACEHOLDERS + number_of(root) * MOST_PARTS
    known = [number_of(key) for key in new if number_of(key) >= PLACEHOLDERS]
    free = count(max(known, default=first - 1) + 1)
    numbers = {key: number_of(key) if number_of(key) >= PLACEHOLDERS else next(free) for key in new}
    named = []
    for key, values in new.items():
        model = model_of(key)
        own = {name: numbers.get(f"{target_of(model, name)}:{value}", value) for name, value in values.items()}
        named.append([f"{model._meta.label_lower}:{numbers[key]}", own])
    return sorted(named, key=lambda pair: number_of(pair[0]))


def number_of(key: str) -> int:
    """Return the number in a key."""
    return int(key.partition(":")[2])


def model_of(key: str) -> type[models.Model]:
    """Return the model that a key is of."""
    return apps.get_model(key.partition(":")[0])


def target_of(model: type[models.Model], name: str) -> str:
    """Return the label of the model that a field leads to; empty for one that leads to none."""
    field: Any = model._meta.get_field(name)
    return field.related_model._meta.label_lower if field.many_to_one or field.one_to_one else ""


def apply(changes: Changes, *, by: Any = None, reason: str = "", final: bool = False) -> None:
    """Change the record and its parts; raises ValidationError where a rule refuses it, or a row is gone.

    ``final`` gives new parts numbers like any other's, and writes history with the person and the reason.
    """
    try:
        for key in changes.get("gone", ()):
            for row in rows_of(key):
                mark(row, by, reason, final)
                row.delete()
        rows = []
        for key, values in changes.get("set", ()):
            if not (row := rows_of(key).first()):
                raise ValidationError(GONE)
            rows.append((row, values))
        park(rows)
        write_all(rows, partial(write, numbers={}, by=by, reason=reason, final=final))
        numbers: dict[str, Any] = {}
        for key, values in changes.get("new", ()):
            row = model_of(key)()
            row.pk = None if final else number_of(key)
            write(row, values, numbers=numbers, by=by, reason=reason, final=final)
            numbers[key] = row.pk
    except models.ProtectedError as error:
        names = ", ".join(sorted({str(row) for row in error.protected_objects})[:3])
        raise ValidationError(f"What this change removes is still named by {names}: change that first.") from error
    except IntegrityError as error:
        raise ValidationError(TAKEN) from error


def park(rows: list[tuple[Any, dict[str, Any]]]) -> None:
    """Take rows that change places off them first: each of two that swap would find its new place taken."""
    for number, (row, values) in enumerate(rows):
        if "position" in values and any("position" in one.fields for one in row._meta.total_unique_constraints):
            type(row)._default_manager.filter(pk=row.pk).update(position=LAST_PLACE - number)


def write_all(rows: list[tuple[Any, dict[str, Any]]], write_one: Callable[..., None]) -> None:
    """Save rows, those first whose new values nothing else has any more; raises ValidationError where none is left."""
    while rows:
        refused = []
        for row, values in rows:
            try:
                with transaction.atomic():
                    write_one(row, values)
            except ValidationError as error:
                refused.append((row, values, error))
        if len(refused) == len(rows):
            raise refused[0][2]
        rows = [(row, values) for row, values, _ in refused]


def rows_of(key: str) -> Any:
    """Return the row that a key names, as a query."""
    return model_of(key)._default_manager.filter(pk=number_of(key))


def mark(row: Any, by: Any, reason: str, final: bool) -> None:
    """Say who changes a row and why, for its history; or that none is written."""
    if final:
        row._history_user, row._change_reason = by, reason or None
    else:
        row.skip_history_when_saving = True


def write(row: Any, values: dict[str, Any], *, numbers: dict[str, Any], by: Any, reason: str, final: bool) -> None:
    """Save a row with these values, once all rules agree."""
    mark(row, by, reason, final)
    lists = {}
    for name, value in values.items():
        field = row._meta.get_field(name)
        if field.many_to_many:
            lists[name] = value
        else:
            target = target_of(type(row), name)
            number = numbers.get(f"{target}:{value}", value) if target else field.to_python(value)
            setattr(row, field.attname, number)
    row.full_clean()
    row.save()
    for name, keys in lists.items():
        relation = getattr(row, name)
        if relation.model._default_manager.filter(pk__in=keys).count() < len(keys):
            raise ValidationError({name: GONE})
        relation.set(keys)


# Proposing, publishing ------------------------------------------------------------------------------------------------


class _Undone(Exception):  # noqa: N818 - nothing went wrong
    """Ends a transaction whose work was only to be looked at."""


@contextmanager
def undone() -> Iterator[None]:
    """Take back, at the end of the block, what is done in it."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


@contextmanager
def editing_proposed(root: Any) -> Iterator[None]:
    """Let the database be, inside the block, as if the change that waits were published, so that it can be edited.

    Every rule and constraint is asked, so it takes the locks of a writer. Raises ValidationError where one refuses.
    """
    with undone():
        if waiting := pending_of(root):
            apply(waiting.changes)
        yield


@contextmanager
def viewing_proposed(root: Any, *, published: bool = False) -> Iterator[None]:
    """Let this connection see, inside the block, the record as if the change that waits were published.

    It takes no lock: what waits is applied to copies of the tables. ``published`` shows a draft as if it were
    published too. Raises ValidationError where the change could not be made.
    """
    kind: Any = type(root)
    waiting = pending_of(root)
    changes = waiting.changes if waiting else {}
    as_public = published and not root.is_public
    if not as_public and not changes:
        yield
        return
    with shadow_tables(changed_models(kind), histories_of(kind)) if changes else shadow_tables([kind]):
        if changes:
            apply(changes)
        if as_public:
            rows_of(key_of(root)).update(state=State.PUBLISHED)
        yield


@cache
def changed_models(model: Any) -> frozenset[type[models.Model]]:
    """Return the models whose rows a change to one record may write: its own, its parts', and what goes with them."""
    parts = part_models(model)
    found: set[Any] = {model, *parts, OldAddress}
    for part in parts:  # a part may be removed, with what names it
        found |= {
            related.related_model
            for related in part._meta.related_objects
            if related.on_delete is not models.PROTECT and related.related_model is not None
        }
    lists = {field.remote_field.through for one in {model, *parts} for field in one._meta.many_to_many}
    return frozenset(found | lists)


def histories_of(model: Any) -> set[Any]:
    """Return the models of the histories that tell of a part which is removed."""
    return {part.history.model for part in part_models(model)}


def part_models(model: Any) -> set[type[Any]]:
    """Return the models of a record's parts, and of theirs."""
    found: set[type[Any]] = set()
    for name in model.parts:
        part = model._meta.get_field(name).related_model
        found |= {part} | part_models(part)
    return found


@dataclass(frozen=True)
class Proposal:
    """A record with the change that waits, as somebody looks at it who decides whether to publish."""

    fingerprint: str
    differences: list["Difference"]  # from what the public sees now
    obstacles: list[str]  # what must be mended before it can be published


def proposal_of(root: Any) -> Proposal:
    """Look at the change that waits, without making it; raises ValidationError where it cannot be made any more."""
    live = snapshot(root)
    with viewing_proposed(root):
        return Proposal(fingerprint(root), worded(live, snapshot(root)), obstacles_now(root))


def lock(root: Any) -> Any:
    """Hold the record against others until the transaction ends, and return it as it is now."""
    return type(root)._default_manager.select_for_update().get(pk=root.pk)


@transaction.atomic
def propose(root: Any, *, by: Any, edit: Callable[[], object]) -> bool:
    """Do what ``edit`` does to a record and its parts: to a draft at once, to a public record once it is published.

    ``edit`` saves through the ORM, and sees the change that waits already, so changes add up. Returns whether it waits.
    A day on which it was to be published is taken back: what is read then is not what somebody had decided on.
    Raises ValidationError where a rule refuses it; then nothing is changed.
    """
    if not lock(root).is_public:
        edit()
        discard(root)
        return False
    live = snapshot(root)
    with editing_proposed(root):
        edit()
        after = snapshot(root)
    keep(root, difference(live, after), by=by)
    return True


def keep(root: Any, changes: Changes, *, by: Any) -> None:
    """Keep a change, or drop the one that waits where nothing would change any more."""
    if changes:
        values = {"changes": changes, "by": by, "fault": "", "publish_at": None}
        Pending.objects.update_or_create(**naming(root), defaults=values)
    else:
        Pending.objects.filter(**naming(root)).delete()


def names(changes: Changes) -> str:
    """Return in words what a change changes, without the values: the log keeps it for good."""
    said = [title(model_of(key), name) for key, values in changes.get("set", ()) for name in values]
    said += [f"{model_of(key)._meta.verbose_name} added" for key, _ in changes.get("new", ())]
    said += [f"{model_of(key)._meta.verbose_name} removed" for key in changes.get("gone", ())]
    return ", ".join(dict.fromkeys(said))


def obstacles(root: Any) -> list[str]:
    """Return what must be mended before the record, with the change that waits, can be published: where, and how."""
    try:
        with viewing_proposed(root):
            return obstacles_now(root)
    except ValidationError as error:
        return list(error.messages)


def obstacles_now(root: Any) -> list[str]:
    """Return what must be mended before the record can be published as the database has it."""
    record = type(root)._default_manager.get(pk=root.pk)
    if isinstance(record, Publishable):
        record.state = State.PUBLISHED
    said: list[str] = []
    for row in members(record):
        place = "" if row is record else f"{row}, "
        said += [f"{place}{title(row, name)}: {sentence}" for name, sentence in lacking(row)]
    return said


def lacking(row: Any) -> Iterator[tuple[str, str]]:
    """Yield each field that keeps a row from being published, with what to do about it."""
    said = row.lacks()
    yield from said.items()
    try:
        row.full_clean()
    except ValidationError as error:
        for name, sentences in error.message_dict.items():
            yield from ((name, sentence) for sentence in sentences if name not in said)


def title(row: Any, name: str) -> str:
    """Return what a form calls a field."""
    return "the record as a whole" if name == "__all__" else str(row._meta.get_field(name).verbose_name)


@transaction.atomic
def publish(root: Any, *, by: Any, at: datetime | None = None, read: str = "") -> None:
    """Show a draft, or the change that waits, to the public: now, or at a moment to come.

    ``read`` is the `fingerprint` of what the person had before them: where it has been changed since, nothing is
    published. Raises ValidationError with all that is missing.
    """
    root = lock(root)
    with viewing_proposed(root):
        if read and read != fingerprint(root):
            raise ValidationError(
                "Somebody changed this while you read it. What it says now is above: read it, then publish."
            )
        if said := obstacles_now(root):
            raise ValidationError(said)
    if at is not None:
        if at <= timezone.now():
            raise ValidationError({"publish_at": "This moment is over: choose one to come, or leave it empty."})
        values = {"publish_at": at, "by": by, "fault": ""}
        Pending.objects.update_or_create(**naming(root), defaults=values)
        return
    waiting = pending_of(root)
    apply(waiting.changes if waiting else {}, by=by, reason="Published", final=True)
    if waiting:
        waiting.delete()
    root.refresh_from_db()
    if not root.is_public:
        show(root, State.PUBLISHED, by=by, reason="Published")


@transaction.atomic
def unpublish(root: Any, *, by: Any) -> None:
    """Take a record from the public, with the change that waits in it; raises ValidationError for what must stay."""
    root = lock(root)
    if said := root.needed_by():
        raise ValidationError(said)
    show(root, State.DRAFT, by=by, reason="Unpublished")
    if waiting := pending_of(root):
        apply(waiting.changes, by=waiting.by, reason="Changes that waited", final=True)
        waiting.delete()


def show(root: Any, state: State, *, by: Any, reason: str) -> None:
    """Set who sees a record."""
    root.state = state
    mark(root, by, reason, final=True)
    root.full_clean()
    root.save()


def version_of(root: Any) -> str:
    """Return what names the change that waits, as it is now."""
    waiting = pending_of(root)
    return f"{waiting.pk} {waiting.saved_at.isoformat()}" if waiting else ""


@transaction.atomic
def discard(root: Any, *, read: str = "") -> None:
    """Drop the change that waits, and the day on which it would have been published.

    ``read`` is the `version_of` what the person had before them; raises ValidationError where that is another by now.
    """
    lock(root)
    if read and read != version_of(root):
        raise ValidationError("Somebody changed this while you read it. What waits now is above: read it, then decide.")
    Pending.objects.filter(**naming(root)).delete()


@transaction.atomic
def remove(row: Any) -> None:
    """Delete a draft with what waits for it, or a part of one: a day that was set was set for what it said before."""
    root = root_of(row)
    discard(root)
    row.delete()


def publish_due() -> int:
    """Publish what is due; what cannot be is kept with the reason, for the staff's start page. Returns how many."""
    done = 0
    due = Pending.objects.filter(publish_at__lte=timezone.now(), fault="").order_by("publish_at", "pk")
    for key in list(due.values_list("pk", flat=True)):
        try:
            done += publish_if_due(key)
        except ValidationError as error:
            fault = " ".join(error.messages)
        except Exception as error:  # of one record: the others are published all the same
            logger.error("A record could not be published on its day: %s", type(error).__name__)
            fault = "Something went wrong. Try to publish it by hand, and tell whoever runs the portal."
        else:
            continue
        Pending.objects.filter(pk=key).update(fault=fault)
    return done


@transaction.atomic
def publish_if_due(key: int) -> bool:
    """Publish what waits, if that still stands once nobody else is changing the record; return whether it was."""
    waiting = Pending.objects.filter(pk=key).first()
    if waiting is None:
        return False
    if waiting.record is None:
        waiting.delete()
        return False
    root = lock(waiting.record)
    waiting = Pending.objects.filter(pk=key, publish_at__lte=timezone.now(), fault="").select_related("by").first()
    if waiting is None:  # somebody has changed it since, or dropped it
        return False
    if waiting.by is not None and not waiting.by.has_perm("vru_portal.publish"):
        raise ValidationError(f"{waiting.by}, who set the day, may not publish any more: publish it by hand.")
    publish(root, by=waiting.by)
    if waiting.by is not None:
        LogEntry.objects.log_actions(waiting.by.pk, [root], CHANGE, "Published", single_object=True)
    return True


# In words -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """What changes, from what, to what: in words."""

    what: str
    before: str
    after: str


def differences(root: Any) -> list[Difference]:
    """Return what the change that waits would change, in words."""
    live = snapshot(root)
    with viewing_proposed(root):
        return worded(live, snapshot(root))


def worded(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Return how two states of a record differ. The rows that they name must still be there."""
    said = []
    for key in [*after, *(key for key in before if key not in after)]:
        model = model_of(key)
        old, new = before.get(key, {}), after.get(key, {})
        part = "" if key == next(iter(after)) else f"{part_name(model, old or new)}: "
        if not old or not new:
            values = "\n".join(f"{title(model, name)}: {text}" for name in old or new
                               if (text := in_words(model, name, (old or new)[name])))  # fmt: skip
            said.append(
                Difference(f"{part}{'removed' if old else 'new'}", values if old else "", values if new else "")
            )
            continue
        for name in new:
            a, b = (in_words(model, name, values.get(name)) for values in (old, new))
            if a != b:
                said.append(Difference(f"{part}{title(model, name)}", a, b))
    return said


def part_name(model: type[models.Model], values: dict[str, Any]) -> str:
    """Return what a person calls a part: its kind, and what it is called."""
    called = next((values[name] for name in ("title", "value", "description") if values.get(name)), "")
    return f"{model._meta.verbose_name} “{called}”" if called else str(model._meta.verbose_name)


def in_words(model: type[models.Model], name: str, value: Any) -> str:
    """Return a value of a field as a person reads it."""
    field: Any = model._meta.get_field(name)
    if value in (None, "", [], {}):
        return ""
    if field.many_to_many:
        return ", ".join(str(row) for row in field.related_model._default_manager.filter(pk__in=value))
    if field.many_to_one or field.one_to_one:
        return str(field.related_model._default_manager.filter(pk=value).first() or "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return str(getattr(model, f"{name}_in_words")(value))
    return str(dict(field.flatchoices).get(value, value))
