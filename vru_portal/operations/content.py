"""Loading a unit's whole content from a folder of YAML files: every record passes the rules, or none is loaded."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, MultipleObjectsReturned, ValidationError
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.python import Deserializer
from django.db import DatabaseError, models, transaction

from events.models import Event
from events.rules import check_agenda
from funding.models import Allocation, FinancialYear, Variation
from funding.rules.allocations import check_deadline
from funding.rules.sources import check_budget
from funding.rules.variations import check_arrived
from programmes.results.models import ApprovedFigure, ApprovedPart, ApprovedReturn
from vru_portal.permissions import has_model_permission
from vru_portal.publishing.history import LOADED

# One file for each app, in the order in which they refer to one another.
FILE_NAMES = ("partners", "programmes", "results", "funding", "events", "declarations")
# The Python types that YAML must yield for a field's value to be what is written in the file.
YAML_TYPES: dict[type[models.Field[Any, Any]], tuple[type, ...]] = {
    models.BooleanField: (bool,),
    models.DateField: (date,),
    models.TimeField: (str,),
    models.IntegerField: (int,),
    models.DecimalField: (str,),
    models.CharField: (str,),
    models.TextField: (str,),
    models.JSONField: (dict,),
}
# The fields that name an account. An assessment and its approval need them: they are by two people.
ACCOUNTS = ("author", "recorded_by")


# What approving has made public of the figures that organisations reported.
APPROVED = (ApprovedReturn, ApprovedFigure, ApprovedPart)


class ContentError(Exception):
    """Content that breaks rules. Each line of the message names a file, the record and the rule."""


class MissingReferenceError(ContentError):
    """A reference to a record that is not there."""

    def __init__(self, message: str, model: type[models.Model]) -> None:
        super().__init__(message)
        self.model = model


class Refusals:
    """All problems of the content, and the models that miss a record because it was refused."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.incomplete: set[type[models.Model]] = set()

    @contextmanager
    def collected(self, *models_of: type[models.Model]) -> Iterator[None]:
        """Note a ContentError, unless it may only follow from another: it misses a record that was refused itself."""
        try:
            yield
        except ContentError as error:
            if not isinstance(error, MissingReferenceError) or error.model not in self.incomplete:
                self.sentences.append(str(error))
            self.incomplete.update(models_of)

    def refuse_incomplete(self, record: "ContentRecord") -> None:
        """Raise MissingReferenceError for a record that may refer to a refused one: rules would find it wrong, too."""
        for field in record.deserialized.deferred_fields or ():
            if (model := referenced_model(field)) in self.incomplete:
                raise MissingReferenceError(f"{record.place}: {field.name} may have been refused.", model)

    def raise_all(self) -> None:
        if self.sentences:
            raise ContentError("\n".join(self.sentences))


@dataclass(frozen=True)
class ContentRecord:
    """A record of a file, and the text that tells people where in the file it is."""

    place: str
    deserialized: DeserializedObject

    @property
    def row(self) -> models.Model:
        return self.deserialized.object


def load_content(folder: Path) -> int:
    """Save every record of the folder, check it, and record its first version. Returns how many there are.

    Must run inside a transaction, which the caller rolls back on ContentError.
    """
    refusals = Refusals()
    records: list[ContentRecord] = []
    for record in read_records(folder, refusals):
        with refusals.collected(type(record.row)):
            refusals.refuse_incomplete(record)
            save_record(record)
            records.append(record)
    for record in records:
        if record.deserialized.deferred_fields:
            with refusals.collected(type(record.row)):
                resolve_references(record)
    refusals.raise_all()
    # Only now is each record complete: what it refers to may be further down.
    for record in records:
        with refusals.collected():
            check_complete(record)
    refusals.raise_all()
    record_first_history(records)
    return len(records)


def check_complete(record: ContentRecord) -> None:
    """Check what a record says together with others: most rules are of models and triggers. Raises ContentError.

    The database has accepted it by then, so it is unique and within its table's constraints.
    """
    run_checked(record, partial(record.row.full_clean, validate_unique=False, validate_constraints=False))
    match record.row:
        case FinancialYear() as year:
            run_checked(record, partial(check_budget, year=year))
        case Allocation() as allocation:
            run_checked(record, partial(check_deadline, allocation))
        case Variation() as variation:
            run_checked(record, partial(check_arrived, variation))
        case Event() as event:
            run_checked(record, partial(check_agenda, event=event))


class StrictLoader(yaml.CSafeLoader):
    """YAML without Python objects, and without duplicate keys: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Keys merged in with ``<<`` are not duplicates: the mapping's own keys take precedence over them."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} is used twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_records(folder: Path, refusals: Refusals) -> Iterator[ContentRecord]:
    """Yield the records of the folder's files in order. A reference may point to a record further down."""
    paths = [path for name in FILE_NAMES if (path := folder / f"{name}.yaml").is_file()]
    expected = ", ".join(f"{name}.yaml" for name in FILE_NAMES)
    if not paths:
        raise ContentError(f"{folder} holds no content: expected {expected}.")
    for name in sorted({path.name for path in folder.glob("*.y*ml")} - {path.name for path in paths}):
        refusals.sentences.append(f"{folder / name} is not one of {expected}.")
    for path in paths:
        models_of_file = [*apps.get_app_config(path.stem).get_models()]
        entries: list[Any] = []
        with refusals.collected(*models_of_file):
            entries = read_entries(path)
        for number, entry in enumerate(entries, start=1):
            record = None
            with refusals.collected(*models_of_file):
                place, model = identify(f"{path}, record {number}", path.stem, entry)
                with refusals.collected(model):
                    record = ContentRecord(place, deserialize(place, model, entry))
            if record:
                yield record


def read_entries(path: Path) -> list[Any]:
    """The entries of a file. Raises ContentError for what is not a list, or cannot be read."""
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), StrictLoader) or []  # noqa: S506 - Loader is a SafeLoader
    except OSError as error:
        raise ContentError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ContentError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(entries, list):
        raise ContentError(f"{path} must be a list of records, each with model and fields.")
    return entries


def identify(place: str, app: str, entry: Any) -> tuple[str, type[models.Model]]:
    """Where an entry is, in words, and its model. Raises ContentError for what is not a record of the app."""
    if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict) or "model" not in entry:
        raise ContentError(f"{place} must have model and fields.")
    if unexpected := sorted(set(entry) - {"model", "fields", "pk"}, key=str):
        raise ContentError(f"{place} has the key {unexpected[0]}: only model, fields and pk are allowed.")
    place += f" ({entry['model']} {label_of_entry(entry['fields'])})"
    try:
        model = apps.get_app_config(app).get_model(str(entry["model"]).removeprefix(f"{app}."))
    except LookupError as error:
        raise ContentError(f"{place}: {app} has no model {entry['model']}.") from error
    if model in APPROVED:
        raise ContentError(
            f"{place}: published figures are not loaded. Record them with manage.py record_returns, and approve them: "
            "only then are small numbers suppressed."
        )
    return place, model


def deserialize(place: str, model: type[models.Model], entry: dict[str, Any]) -> DeserializedObject:
    """Make an entry an instance of its model. Raises ContentError that names each field which is wrong."""
    if wrong := [sentence for item in entry["fields"].items() if (sentence := problem_of_value(model, *item))]:
        raise ContentError("\n".join(f"{place}: {sentence}" for sentence in wrong))
    try:
        found = next(iter(Deserializer([entry], handle_forward_references=True)))
    except models.ObjectDoesNotExist as error:  # the record that identifies it is missing
        refuse_missing_references(place, model, entry["fields"])
        raise ContentError(f"{place}: {error}") from error
    except (DeserializationError, ValidationError, TypeError, ValueError) as error:
        if isinstance(error, DeserializationError):
            refuse_missing_references(place, model, entry["fields"])
        raise ContentError("\n".join(f"{place}: {sentence}" for sentence in error_texts(error))) from error
    if found.object.pk is not None and "pk" not in entry and hasattr(model, "natural_key"):
        # Django found a record with this natural key and would overwrite it.
        names = ", ".join(str(part) for part in found.object.natural_key())
        raise ContentError(f"{place}: a {model._meta.verbose_name} with the slug or place {names} already exists.")
    return found


def label_of_entry(fields: dict[str, Any]) -> str:
    """What tells people which record it is: the first of its slug, name and so on."""
    names = ("slug", "name", "public_id", "reference", "title", "slot", "value", "person")
    return str(next((fields[key] for key in names if fields.get(key)), "unnamed"))


def refuse_missing_references(place: str, model: type[models.Model], fields: dict[str, Any]) -> None:
    """Raise MissingReferenceError for the first field of a record that refers to one that is not loaded yet."""
    for field in model._meta.concrete_fields:
        if field.is_relation and isinstance(key := fields.get(field.name), list):
            find_referenced(place, field, key, ", or it is further down.")


def problem_of_value(model: type[models.Model], name: str, value: Any) -> str:
    """Why a field cannot have a value of a file; empty if it can.

    Some values YAML does not read as they are written. To YAML 1.1, 0300 is an octal number, 12:30 is 750, No is false,
    and 0.10 is a binary fraction, which holds no pennies. Quotation marks keep such a value as text.
    """
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return f"{name}: {model._meta.label_lower} has no such field."
    kinds = next((kinds for type_, kinds in YAML_TYPES.items() if isinstance(field, type_)), (str, int, list))
    if value is not None and type(value) not in kinds:
        return (
            f"{name}: put {value} in quotation marks: YAML reads it as {type(value).__name__}, "
            f"and this field takes {' or '.join(kind.__name__ for kind in kinds)}."
        )
    try:
        if not field.is_relation and value is not None:
            field.to_python(value)
    except ValidationError as error:
        return f"{name}: {' '.join(error.messages)}"
    return ""


def save_record(record: ContentRecord) -> None:
    """Save a record without the references that point further down, and without history.

    It is validated first: a rule's message helps more than the database's.
    """
    row = record.row
    deferred = record.deserialized.deferred_fields or {}
    for field, key in deferred.items():
        if field.name in ACCOUNTS:
            name = ", ".join(map(str, key))
            raise ContentError(
                f"{record.place}: {field.name}: there is no account {name}. Add it first: manage.py staff add {name}"
            )
        if not field.null and not field.many_to_many:
            raise missing_reference(record.place, field, key, ", or it is further down.")
    refuse_without_permission(record)
    run_checked(record, lambda: row.full_clean(exclude={field.name for field in deferred}))
    row.skip_history_when_saving = True  # type: ignore[attr-defined]
    run_checked(record, lambda: record.deserialized.save(force_insert=True))


def refuse_without_permission(record: ContentRecord) -> None:
    """Refuse a record whose author or recorder is an account that could not have recorded it in the admin.

    The permission is the one that Django makes for adding to the model, which the admin's actions name, too.
    """
    for name in ACCOUNTS:
        user: Any = getattr(record.row, name, None)
        if user and not has_model_permission(user, "add", type(record.row)):
            raise ContentError(
                f"{record.place}: {name}: {user} does not have permission to record "
                f"{record.row._meta.verbose_name_plural}. Give the account a role that has it."
            )


def resolve_references(record: ContentRecord) -> None:
    """Fill in the references that pointed further down. Raises ContentError for one that matches no record."""
    related: dict[str, list[models.Model]] = {}
    for field, value in (record.deserialized.deferred_fields or {}).items():
        if field.many_to_many:
            related[field.name] = [find_referenced(record.place, field, key) for key in value]
        else:
            setattr(record.row, field.name, find_referenced(record.place, field, value))
    run_checked(record, record.row.full_clean)
    run_checked(record, record.row.save)
    for name, rows in related.items():
        getattr(record.row, name).set(rows)


def find_referenced(place: str, field: Any, key: list[Any], end: str = ".") -> models.Model:
    """The record that a reference names. Raises MissingReferenceError."""
    rows: Any = referenced_model(field)._default_manager
    try:
        return rows.get_by_natural_key(*key)
    except MultipleObjectsReturned as error:
        names = referenced_model(field)._meta.verbose_name_plural
        raise ContentError(
            f"{place}: {field.name}: there are several {names} {', '.join(map(str, key))}. Content can refer to "
            "one only if there is no other."
        ) from error
    except (models.ObjectDoesNotExist, TypeError) as error:
        raise missing_reference(place, field, key, end) from error


def missing_reference(place: str, field: Any, key: list[Any], end: str) -> MissingReferenceError:
    model = referenced_model(field)
    name = ", ".join(str(part) for part in key)
    return MissingReferenceError(f"{place}: {field.name}: there is no {model._meta.verbose_name} {name}{end}", model)


def referenced_model(reference: Any) -> type[models.Model]:
    return reference.remote_field.model


def run_checked(record: ContentRecord, action: Callable[[], object]) -> None:
    """Run an action on a record; turn the error of a rule or the database into a ContentError that names the record."""
    try:
        with transaction.atomic():
            action()
    except (ValidationError, DeserializationError, models.ObjectDoesNotExist, DatabaseError) as error:
        raise ContentError("\n".join(f"{record.place}: {sentence}" for sentence in error_texts(error))) from error


def error_texts(error: Exception) -> list[str]:
    """The sentences of an error, each behind the field that it is about."""
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        return [
            message if field == "__all__" else f"{field}: {message}"
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    return error.messages if isinstance(error, ValidationError) else [str(error)]


def record_first_history(records: list[ContentRecord]) -> None:
    """Write the first history row of each record whose model has a history."""
    by_model: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for record in records:
        by_model[type(record.row)].append(record.row)
    for model, rows in by_model.items():
        if history := getattr(model, "history", None):
            versions = history.bulk_history_create(rows, default_change_reason=LOADED)
            for version, row in zip(versions, rows, strict=True):
                record_many_to_many_history(version, row)


def record_many_to_many_history(version: Any, row: Any) -> None:
    """Write the many-to-many relations of a first history row: `bulk_history_create` writes none."""
    for field in version._history_m2m_fields:
        history_link: Any = getattr(version, field.name).model
        through = field.remote_field.through
        for link in through.objects.filter(**{field.m2m_field_name(): row}):
            history_link.objects.create(
                history=version, **{f.attname: getattr(link, f.attname) for f in through._meta.fields}
            )
