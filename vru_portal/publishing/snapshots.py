"""Snapshots: the values of a record and of its parts (an event with its agenda items), as JSON can hold them.

A record is edited, published and reverted as a whole. Comparing two snapshots of it shows what an edit changed.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from vru_portal.publishing.state import Part

# A row is named by its model and primary key, "events.agendaitem:12": in JSON, the keys of an object are strings.
Snapshot = dict[str, dict[str, Any]]  # row key -> field name -> value; the record itself comes first

NOT_COMPARED = {"id", "state"}  # the state changes by publishing and unpublishing, never by an edit


def owning_record(row: Any) -> Any:
    """The record that is published as a whole: the row itself, or what the row is a part of."""
    return row.owner if isinstance(row, Part) else row


def record_and_parts(record: Any) -> Iterator[Any]:
    """Yield a record, its parts, and their parts, as they are in the database."""
    yield record
    for name in record.parts:
        for part in getattr(record, name).all().order_by("pk"):
            yield from record_and_parts(part)


def take_snapshot(root: Any) -> Snapshot:
    # The instance at hand may hold what a form has filled in, or what somebody else has changed since.
    fresh = type(root)._default_manager.get(pk=root.pk)
    return {row_key(row): row_values(row) for row in record_and_parts(fresh)}


def record_fingerprint(root: Any) -> str:
    """A hash that changes when the record or any of its parts does.

    Forms carry it, so that a save or a publication can be refused if somebody has changed the record in between.
    """
    text = json.dumps([getattr(root, "state", ""), take_snapshot(root)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def row_values(row: models.Model, related_ids: dict[str, list[int]] | None = None) -> dict[str, Any]:
    """A row's values by field name. Many-to-many fields are sorted primary keys.

    ``related_ids`` gives those of many-to-many fields that are not saved yet.
    """
    values = {f.name: f.value_from_object(row) for f in row._meta.concrete_fields if f.name not in NOT_COMPARED}
    for name in (field.name for field in row._meta.many_to_many):
        unsaved = (related_ids or {}).get(name)
        values[name] = sorted(getattr(row, name).values_list("pk", flat=True) if unsaved is None else unsaved)
    # Through JSON and back, so that a fresh snapshot compares equal to one that was stored.
    return json.loads(json.dumps({name: _file_name(value) for name, value in values.items()}, cls=DjangoJSONEncoder))


def _file_name(value: Any) -> Any:
    return value.name if isinstance(value, models.fields.files.FieldFile) else value


# Row keys -------------------------------------------------------------------------------------------------------------


def row_key(row: models.Model) -> str:
    return f"{row._meta.label_lower}:{row.pk}"


def model_in_key(key: str) -> type[models.Model]:
    return apps.get_model(key.partition(":")[0])


def id_in_key(key: str) -> int:
    return int(key.partition(":")[2])


def rows_with_key(key: str) -> models.QuerySet[Any]:
    """A queryset of the one row that the key names, empty if that has been deleted."""
    return model_in_key(key)._default_manager.filter(pk=id_in_key(key))
