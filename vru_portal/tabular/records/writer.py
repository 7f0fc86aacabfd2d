"""Saving the rows of a file of records: a draft is changed at once, a published record gets a pending change."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from vru_portal.publishing.changesets import park_numbers
from vru_portal.publishing.snapshots import owning_record
from vru_portal.publishing.state import Part, Record
from vru_portal.publishing.submissions import dates_lost_by
from vru_portal.publishing.workflow import propose
from vru_portal.tabular.records.columns import RecordColumn, columns_of_field, field_value
from vru_portal.tabular.records.lookup import References, primary_keys_by_texts, split_list
from vru_portal.tabular.records.permissions import root_model_of
from vru_portal.tabular.records.rows import RecordOutcome
from vru_portal.text.problems import Problems, collect_problems

logger = logging.getLogger(__name__)

REFUSED_BY_DATABASE = "Another record already has a value that must be unique. Look for that record in the list."
NO_OWNER = "There is no {owner} yet that this {part} could belong to. Add the {owner} first."
REMOVED_BY_PENDING_CHANGE = "The pending change removes this. Publish or discard the pending change first."
PLACE_TAKEN = "Another {} has this number. To change the order, use “Change the order” above the list."
MAX_REASON_LENGTH = 100  # of a reason in the history of a record


class RecordWriter:
    """Saves the outcomes that `RecordReader` has found no error in. What is refused is noted in them, too."""

    def __init__(
        self,
        model: type[models.Model],
        columns: Sequence[RecordColumn],
        key: tuple[str, ...],
        references: References,
        *,
        by: Any,
        file_name: str,
        on_row_done: Callable[[], object],
    ) -> None:
        self.model, self.columns, self.key, self.references = model, columns, key, references
        self.by, self.file_name, self.on_row_done = by, file_name, on_row_done
        self.key_columns = [column for column in columns if column.field.name in key]
        # A contact point belongs to the one unit: its owner identifies it, too, though no column of a file names it.
        owner = model.owner_name if issubclass(model, Part) else ""
        self.identifying_fields = key if not owner or owner in key else (*key, owner)

    def write(self, outcomes: list[RecordOutcome]) -> None:
        """Add new records, then change existing ones root by root.

        Roots are locked in the order of their primary keys, so that two files cannot wait for each other.
        """
        changes_by_root: dict[Any, list[RecordOutcome]] = {}
        new = []
        for outcome in outcomes:
            if outcome.is_new and not issubclass(self.model, Part):
                new.append(outcome)
            else:
                self.attempt(partial(self.group_by_root, outcome, changes_by_root), [outcome])
        self.park_places(changes_by_root)
        self.add(new)
        for root in sorted(changes_by_root, key=lambda root: root.pk):
            self.change(root, changes_by_root[root])

    def park_places(self, changes_by_root: dict[Any, list[RecordOutcome]]) -> None:
        """Let drafts change places, of which each would find its new one taken. Published ones do so on their page."""
        drafts = [o for root, rows in changes_by_root.items() if not getattr(root, "is_public", False) for o in rows]
        for name in self.places:
            park_numbers([o.existing for o in drafts if o.existing and name in o.changed_fields], name)

    @property
    def places(self) -> list[str]:
        """The fields of the file that say where a record stands in its list, and in which no two are equal."""
        fields = {column.field for column in self.columns if column.field.name not in self.key}
        return [f.name for f in fields if f.unique and isinstance(f, models.PositiveSmallIntegerField)]

    def group_by_root(self, outcome: RecordOutcome, groups: dict[Any, list[RecordOutcome]]) -> None:
        groups.setdefault(self.root_of_row(outcome), []).append(outcome)

    def root_of_row(self, outcome: RecordOutcome) -> Any:
        """The record on whose page the row would be edited; raises ValidationError if a new part has no owner."""
        if not outcome.is_new:
            return owning_record(outcome.existing)
        part: Any = self.model()
        self.fill(part, outcome, self.identifying_fields)
        if getattr(part, self.attname(part.owner_name)) is None:
            owner, part_name = root_model_of(self.model)._meta.verbose_name, self.model._meta.verbose_name
            raise ValidationError(NO_OWNER.format(owner=owner, part=part_name))
        return owning_record(part)

    def add(self, remaining: list[RecordOutcome]) -> None:
        """Add new records, each after those of the same file that it refers to."""
        while remaining:
            blocked = [o for o in remaining if any(self.refers_to_unsaved(o, name) for name in o.changed_fields)]
            # If all of them are blocked they refer to each other in a circle: saving them says what is wrong.
            ready = [outcome for outcome in remaining if outcome not in blocked] or remaining
            for outcome in ready:
                self.attempt(partial(self.save, outcome), [outcome])
                self.on_row_done()
            remaining = [outcome for outcome in remaining if outcome not in ready]

    def refers_to_unsaved(self, outcome: RecordOutcome, name: str) -> bool:
        """Whether a field refers to a record that a row of this file has yet to add."""
        columns = columns_of_field(self.columns, name)
        if not columns[0].is_relation or columns[0].field.related_model is not self.model:
            return False
        return outcome.texts_of(columns) not in self.references.primary_keys[self.model]

    def change(self, root: Any, outcomes: list[RecordOutcome]) -> None:
        """Change a record and its parts: at once if it is a draft, else as its pending change.

        What is never published, such as a measure, has no pending changes either.
        """

        def save_all() -> None:
            for outcome in outcomes:
                self.attempt(partial(self.save, outcome), [outcome])
                self.on_row_done()
            if any(outcome.refusal for outcome in outcomes):
                raise ValidationError("")  # the outcomes say why: this only takes back what was saved

        def propose_all() -> None:
            if not isinstance(root, Record):
                save_all()
                return
            cancelled = dates_lost_by(self.by, root)
            is_pending = propose(root, by=self.by, edit=save_all)
            outcomes[0].notes += cancelled
            for outcome in outcomes:
                outcome.is_pending = is_pending

        self.attempt(propose_all, outcomes)

    def attempt(self, action: Callable[[], object], outcomes: list[RecordOutcome]) -> None:
        """Do something for these rows; if it is refused, note it in the first, unless one of them says why already."""
        try:
            with transaction.atomic():
                action()
        except ValidationError as error:
            if not any(outcome.refusal for outcome in outcomes):
                outcomes[0].refusal = error
        except IntegrityError as error:  # the database's message may have the whole row, so it is not logged
            logger.error("The database refused a row of a file: %s", type(error).__name__)
            outcomes[0].refusal = ValidationError(REFUSED_BY_DATABASE)

    def save(self, outcome: RecordOutcome) -> None:
        record = self.current_record(outcome)
        lists = self.fill(record, outcome, outcome.changed_fields)
        if hasattr(self.model, "history"):
            record._history_user = self.by
            record._change_reason = f"From the file {self.file_name}"[:MAX_REASON_LENGTH]
        try:
            record.full_clean()
        except ValidationError as error:
            raise self.with_advice(error) from error
        record.save()
        for name, primary_keys in lists.items():
            getattr(record, name).set(primary_keys)
        outcome.saved = record
        if self.model in self.references.primary_keys:
            self.references.primary_keys[self.model][outcome.texts_of(self.key_columns)] = record.pk

    def with_advice(self, error: ValidationError) -> ValidationError:
        """The same refusal, which says how records change places if that is what was refused."""
        advice = ValidationError(PLACE_TAKEN.format(self.model._meta.verbose_name))
        taken = {
            name: advice for name in self.places if any(e.code == "unique" for e in error.error_dict.get(name, ()))
        }
        return ValidationError({**error.error_dict, **taken})

    def check_other_cells(self, outcome: RecordOutcome) -> None:
        """Add to the errors of a row what is wrong with its other cells: its sender is to hear of all at once."""
        record, problems = self.model(), Problems()
        unchecked = {field.name for field in self.model._meta.get_fields()}
        for name in {column.field.name for column in (outcome.changed if outcome.existing else self.columns)}:
            columns = columns_of_field(self.columns, name)
            if {column.name for column in columns} - outcome.texts.keys() or name in outcome.errors:
                continue
            if columns[0].is_relation and (columns[0].field.many_to_many or any(outcome.texts_of(columns))):
                continue  # the reader has looked up what they name
            with collect_problems(problems):
                if outcome.existing or any(outcome.texts_of(columns)):  # else it has its default
                    self.fill(record, outcome, [name])
                unchecked.remove(name)
        with collect_problems(problems):
            record.clean_fields(exclude=unchecked)
        outcome.errors |= ValidationError(problems).message_dict

    def current_record(self, outcome: RecordOutcome) -> Any:
        """The record as it is with its pending change, in which a part that is new to the public may exist already."""
        if outcome.existing is not None:
            record = self.model._default_manager.filter(pk=outcome.existing.pk).first()
            if record is None:
                raise ValidationError(REMOVED_BY_PENDING_CHANGE)
            return record
        # A model without a key has one row, such as the unit, and its primary key is 1.
        record = self.model() if self.key else self.model(pk=1)
        if not issubclass(self.model, Part):
            return record
        self.fill(record, outcome, self.identifying_fields)
        values = {self.attname(name): getattr(record, self.attname(name)) for name in self.identifying_fields}
        given = {name: value for name, value in values.items() if value is not None}
        empty = {f"{name}__isnull": True for name in values if name not in given}
        return self.model._default_manager.filter(**given, **empty).first() or record

    def attname(self, name: str) -> str:
        """The attribute that has a field's value; for a foreign key, the one that has the primary key."""
        return str(self.model._meta.get_field(name).attname)  # type: ignore[union-attr]

    def fill(self, record: Any, outcome: RecordOutcome, names: Iterable[str]) -> dict[str, list[Any]]:
        """Set fields from the texts of a row.

        Returns the primary keys of many-to-many fields, which can be set only once the record is saved.
        """
        lists: dict[str, list[Any]] = {}
        for name in names:
            columns = columns_of_field(self.columns, name)
            texts = outcome.texts_of(columns)
            field: Any = self.model._meta.get_field(name)
            related = field.related_model
            if field.many_to_many:
                lists[name] = [self.references.primary_keys[related][(slug,)] for slug in split_list(texts[0])]
            elif not field.is_relation:
                setattr(record, field.attname, field_value(field, texts[0]))
            elif columns:
                known = self.references.primary_keys.setdefault(related, {})
                setattr(record, field.attname, known.get(texts) if any(texts) else None)
            else:  # a single owner, such as the unit: no column names it
                setattr(record, field.attname, primary_keys_by_texts(related).get(()))
        return lists
