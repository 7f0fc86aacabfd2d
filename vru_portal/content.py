"""A unit's whole content from a folder of YAML files: through the rules, or nothing of it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.python import Deserializer
from django.db import DatabaseError, models, transaction

from events.rules import check_agenda
from funding.rules import check_budget

# One file an app, in the order in which they build on one another.
FILES = ("partners", "programmes", "funding", "events", "declarations")
# What YAML must have read for a field to be what stands in the file.
KINDS: dict[type[models.Field[Any, Any]], tuple[type, ...]] = {
    models.BooleanField: (bool,),
    models.DateField: (date,),
    models.IntegerField: (int,),
    models.DecimalField: (str,),
    models.CharField: (str,),
    models.TextField: (str,),
    models.JSONField: (dict,),
}


class ContentError(Exception):
    """Content that breaks a rule: the message names the file, the record and the rule."""


@dataclass(frozen=True)
class Record:
    """A record as it stands in a file, with the words that tell a person where."""

    place: str
    deserialized: DeserializedObject

    @property
    def row(self) -> models.Model:
        """The model instance."""
        return self.deserialized.object


def load(folder: Path) -> int:
    """Save every record of the folder, check it, and begin its history. Returns how many there are.

    Must run inside a transaction: whoever catches its ContentError rolls back.
    """
    records: list[Record] = []
    for record in read(folder):
        save(record)
        records.append(record)
    for record in records:
        if record.deserialized.deferred_fields:
            resolve(record)
    # Only now is each record whole: what it refers to may have stood further down.
    for record in records:
        check(record, record.row.full_clean)
        match record.row._meta.label_lower:
            case "funding.financialyear":
                check(record, lambda row=record.row: check_budget(year=row))
            case "events.event":
                check(record, lambda row=record.row: check_agenda(event=row))
    begin_history(records)
    return len(records)


class Loader(yaml.SafeLoader):
    """YAML without objects, and without a key that stands twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; a merge (``<<``) is no repetition, what stands beside it goes before it."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(folder: Path) -> Iterator[Record]:
    """Yield the records of the folder's files, in their order; a reference may point further down."""
    paths = [path for name in FILES if (path := folder / f"{name}.yaml").is_file()]
    if not paths:
        raise ContentError(f"{folder} holds no content: expected {', '.join(f'{name}.yaml' for name in FILES)}.")
    if strangers := sorted({path.name for path in folder.glob("*.y*ml")} - {path.name for path in paths}):
        raise ContentError(f"{folder / strangers[0]} is not one of {', '.join(f'{name}.yaml' for name in FILES)}.")
    for path in paths:
        try:
            entries = yaml.load(path.read_text(encoding="utf-8"), Loader) or []  # noqa: S506 - Loader is a SafeLoader
        except OSError as error:
            raise ContentError(f"{path} cannot be read: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
            raise ContentError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(entries, list):
            raise ContentError(f"{path} must be a list of records, each with model and fields.")
        for number, entry in enumerate(entries, start=1):
            place = f"{path}, record {number}"
            if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict) or "model" not in entry:
                raise ContentError(f"{place} must have model and fields.")
            if strangers := sorted(set(entry) - {"model", "fields", "pk"}, key=str):
                raise ContentError(f"{place} has {strangers[0]}, and may have model, fields and pk.")
            place += f" ({entry['model']} {naming(entry['fields'])})"
            yield Record(place, deserialize(place, path.stem, entry))


def deserialize(place: str, app: str, entry: dict[str, Any]) -> DeserializedObject:
    """Return the entry as an instance of a model of the app; raises ContentError that names the field that is wrong."""
    try:
        model = apps.get_app_config(app).get_model(str(entry["model"]).removeprefix(f"{app}."))
    except LookupError as error:
        raise ContentError(f"{place}: {app} has no model {entry['model']}.") from error
    refuse_unsafe_values(place, model, entry["fields"])
    for name, value in entry["fields"].items():
        try:
            field: Any = model._meta.get_field(name)
            if not field.is_relation and value is not None:
                field.to_python(value)
        except ValidationError as error:
            raise ContentError(f"{place}: {name}: {explain(error)}") from error
    try:
        found = next(iter(Deserializer([entry], handle_forward_references=True)))
    except (DeserializationError, ValidationError, TypeError, ValueError) as error:
        raise ContentError(f"{place}: {explain(error)}") from error
    if found.object.pk is not None and "pk" not in entry and hasattr(model, "natural_key"):
        # Django has found a record with this natural key and would write over it.
        names = ", ".join(str(part) for part in found.object.natural_key())
        raise ContentError(f"{place}: a {model._meta.verbose_name} with the slug or place {names} already exists.")
    return found


def naming(fields: dict[str, Any]) -> str:
    """Return what tells a person which record it is."""
    return str(
        next(
            (fields[key] for key in ("slug", "name", "title", "slot", "value", "person") if fields.get(key)),
            "unnamed",
        )
    )


def refuse_unsafe_values(place: str, model: type[models.Model], fields: dict[str, Any]) -> None:
    """Refuse what YAML has changed in reading: 0300 is an octal number to it, 12:30 counts sixties, No is false.

    Text is text only in quotation marks where YAML would read it otherwise; a sum without them is a binary fraction.
    """
    for name, value in fields.items():
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ContentError(f"{place}: {name}: {model._meta.label_lower} has no such field.") from error
        kinds = next((kinds for type_, kinds in KINDS.items() if isinstance(field, type_)), (str, int, list))
        if value is not None and type(value) not in kinds:
            raise ContentError(
                f"{place}: {name}: put {value} in quotation marks: YAML reads it as {type(value).__name__}, "
                f"and this field takes {' or '.join(kind.__name__ for kind in kinds)}."
            )


def save(record: Record) -> None:
    """Save what can be saved at once, without history: what the rules say of it is said before the database does."""
    row = record.row
    deferred = record.deserialized.deferred_fields or {}
    for field, key in deferred.items():
        if not field.null and not field.many_to_many:
            raise ContentError(f"{record.place}: {field.name}: {missing(field, key)}, or it stands further down.")
    check(record, lambda: row.full_clean(exclude={field.name for field in deferred}))
    row.skip_history_when_saving = True  # type: ignore[attr-defined]
    check(record, lambda: record.deserialized.save(force_insert=True))


def resolve(record: Record) -> None:
    """Fill in the references that pointed further down; raises ContentError that names one that leads nowhere."""
    lists: dict[str, list[models.Model]] = {}
    for field, value in (record.deserialized.deferred_fields or {}).items():
        if field.many_to_many:
            lists[field.name] = [referred(record, field, key) for key in value]
        else:
            setattr(record.row, field.name, referred(record, field, value))
    check(record, record.row.full_clean)
    check(record, record.row.save)
    for name, rows in lists.items():
        getattr(record.row, name).set(rows)


def referred(record: Record, field: Any, key: list[Any]) -> models.Model:
    """Return the row that a reference leads to."""
    rows: Any = model_of(field)._default_manager
    try:
        return rows.get_by_natural_key(*key)
    except (models.ObjectDoesNotExist, TypeError) as error:
        raise ContentError(f"{record.place}: {field.name}: {missing(field, key)}.") from error


def missing(field: Any, key: list[Any]) -> str:
    """Return the sentence about a reference that leads nowhere."""
    return f"there is no {model_of(field)._meta.verbose_name} {', '.join(str(part) for part in key)}"


def model_of(reference: Any) -> type[models.Model]:
    """Return the model that a reference leads to."""
    return reference.remote_field.model


def check(record: Record, action: Any) -> None:
    """Run the action; raises ContentError that names the record and the rule."""
    try:
        with transaction.atomic():
            action()
    except (ValidationError, DeserializationError, models.ObjectDoesNotExist, DatabaseError) as error:
        raise ContentError(f"{record.place}: {explain(error)}") from error


def explain(error: Exception) -> str:
    """Return an error as one line: each field with its message."""
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        return "; ".join(
            message if field == "__all__" else f"{field}: {message}"
            for field, messages in error.message_dict.items()
            for message in messages
        )
    if isinstance(error, ValidationError):
        return "; ".join(error.messages)
    return str(error)


def begin_history(records: list[Record]) -> None:
    """Write the first history row of each record that has a history."""
    by_model: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for record in records:
        by_model[type(record.row)].append(record.row)
    for model, rows in by_model.items():
        if history := getattr(model, "history", None):
            versions = history.bulk_history_create(rows, default_change_reason="Loaded with the unit")
            for version, row in zip(versions, rows, strict=True):
                keep_lists(version, row)


def keep_lists(version: Any, row: Any) -> None:
    """Write the many-to-many lists of a first history row: a bulk writes none."""
    for field in version._history_m2m_fields:
        kept: Any = getattr(version, field.name).model
        through = field.remote_field.through
        for link in through.objects.filter(**{field.m2m_field_name(): row}):
            kept.objects.create(history=version, **{f.attname: getattr(link, f.attname) for f in through._meta.fields})
