"""`manage.py load_unit FOLDER`: a unit's whole content, through the rules, or nothing of it."""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.python import Deserializer
from django.db import DatabaseError, models, transaction

from events.rules import check_agenda
from funding.rules import check_budget
from partners.models import Unit

# One file an app, in the order in which they build on one another.
FILES = ("partners", "programmes", "funding", "events", "declarations")


@dataclass(frozen=True)
class Record:
    """A record as it stands in a file, with the words that tell a person where."""

    place: str
    deserialized: DeserializedObject

    @property
    def row(self) -> models.Model:
        """The model instance."""
        return self.deserialized.object


class Command(BaseCommand):
    """Load a unit's fixtures into an empty portal."""

    help = "Loads a unit's content (YAML fixtures, one file an app) into an empty portal: all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path, help="such as fixtures/")

    def handle(self, *, folder: Path, verbosity: int, **options: Any) -> None:
        """Load the folder; raises CommandError with the record and the rule that it breaks."""
        if unit := Unit.objects.with_bodies().first():
            raise CommandError(f"This portal already holds {unit}. Content is loaded into an empty database only.")
        try:
            with transaction.atomic():
                count = load(folder)
        except DatabaseError as error:
            raise CommandError(f"The database refused the content of {folder}: {error}") from error
        if verbosity:
            self.stdout.write(f"Loaded {count} records from {folder}.")


def load(folder: Path) -> int:
    """Save every record of the folder, check it, and begin its history. Returns how many there are.

    Must run inside a transaction: whoever catches its CommandError rolls back.
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


def read(folder: Path) -> Iterator[Record]:
    """Yield the records of the folder's files, in their order; a reference may point further down."""
    paths = [path for name in FILES if (path := folder / f"{name}.yaml").is_file()]
    if not paths:
        raise CommandError(f"{folder} holds no content: expected {', '.join(f'{name}.yaml' for name in FILES)}.")
    if strangers := sorted({path.name for path in folder.glob("*.y*ml")} - {path.name for path in paths}):
        raise CommandError(f"{folder / strangers[0]} is not one of {', '.join(f'{name}.yaml' for name in FILES)}.")
    for path in paths:
        try:
            entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
            raise CommandError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(entries, list):
            raise CommandError(f"{path} must be a list of records, each with model and fields.")
        for number, entry in enumerate(entries, start=1):
            place = f"{path}, record {number}"
            if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict) or "model" not in entry:
                raise CommandError(f"{place} must have model and fields.")
            place += f" ({entry['model']} {naming(entry['fields'])})"
            refuse_unsafe_values(place, entry["fields"])
            try:
                deserialized = next(iter(Deserializer([entry], handle_forward_references=True)))
            except (
                DeserializationError,
                ValidationError,
                LookupError,
                TypeError,
                ValueError,
                AttributeError,
            ) as error:
                raise CommandError(f"{place}: {explain(error)}") from error
            yield Record(place, deserialized)


def naming(fields: dict[str, Any]) -> str:
    """Return what tells a person which record it is."""
    return str(
        next(
            (fields[key] for key in ("slug", "name", "title", "slot", "value", "person") if fields.get(key)),
            "unnamed",
        )
    )


def refuse_unsafe_values(place: str, fields: dict[str, Any]) -> None:
    """Refuse what YAML may have changed in reading: a sum written without quotation marks is a binary fraction."""
    for name, value in fields.items():
        if isinstance(value, float):
            raise CommandError(f"{place}: {name}: put {value} in quotation marks, or it is read as a binary fraction.")
        if not isinstance(value, str | int | bool | date | list | None):
            raise CommandError(f"{place}: {name}: {value!r} is not a text, number, date or list.")


def save(record: Record) -> None:
    """Save what can be saved at once, without history."""
    row = record.row
    deferred = {field.name for field in record.deserialized.deferred_fields or ()}
    check(record, lambda: row.clean_fields(exclude=deferred))
    row.skip_history_when_saving = True  # type: ignore[attr-defined]
    check(record, lambda: record.deserialized.save(force_insert=True))


def resolve(record: Record) -> None:
    """Fill in the references that pointed further down."""
    check(record, record.deserialized.save_deferred_fields)


def check(record: Record, action: Any) -> None:
    """Run the action; raises CommandError that names the record and the rule."""
    try:
        with transaction.atomic():
            action()
    except (ValidationError, DeserializationError, models.ObjectDoesNotExist, DatabaseError) as error:
        raise CommandError(f"{record.place}: {explain(error)}") from error


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
            history.bulk_history_create(rows, default_change_reason="Loaded with the unit")
