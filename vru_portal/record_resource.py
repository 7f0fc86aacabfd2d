"""Records in bulk, as staff edit them one by one: a draft is changed, a public record's change waits, all rows or none.

A file can do nothing that the form cannot: the same permissions, fields and rules, and nothing becomes public by it.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import tablib
from django.contrib.admin.models import ADDITION, CHANGE
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from import_export import fields
from import_export.results import RowResult

from vru_portal.differences import Words, changed_words
from vru_portal.drafts import propose, root_of
from vru_portal.importing import FileResource, FileResult, FileRow
from vru_portal.publishing import Part, Publishable, State
from vru_portal.record_columns import (
    BETWEEN,
    KEYS,
    MOST_NAMED,
    STATE,
    RecordColumn,
    columns_of,
    key_fields,
    plain_text,
    value_of,
)
from vru_portal.sheets import CONTROL, CSV, HALF, JSON, XLSX, text_of, unseen
from vru_portal.tables import plain

logger = logging.getLogger(__name__)

RESOURCES: dict[type[models.Model], type["RecordResource"]] = {}
MEANWHILE = "The database refused this row: another record has what it would take. Look for it in the list."
NO_OWNER = "There is no {} yet that this {} could belong to. Add that first."
ONLY_SHOWN = "{} is “{}” there and {} here: a file cannot change it. Publish or unpublish the record on its page"


@dataclass
class Outcome:
    """A row of a file, and what becomes of it."""

    number: int
    cells: dict[str, Any]
    texts: dict[str, str] = field(default_factory=dict)
    live: Any = None  # the record that it is about, as the public or, of a draft, staff see it
    errors: list[str] = field(default_factory=list)
    refused: ValidationError | None = None
    changed: list[RecordColumn] = field(default_factory=list)
    saved: Any = None
    waits: bool = False

    @property
    def is_new(self) -> bool:
        """Whether there is no such record."""
        return self.live is None

    @property
    def names(self) -> list[str]:
        """The fields that it changes."""
        return list(dict.fromkeys(column.field.name for column in self.changed))


class RecordRow(FileRow):
    """What became of a row of records."""

    root: Any = None
    waits = False
    differences: tuple[tuple[str, Words, Words], ...] = ()

    @property
    def in_words(self) -> dict[str, Any]:
        """What it changes, as JSON can hold it."""
        said = [{"column": column, "before": old, "after": new} for column, old, new in self.differences]
        return {"number": self.number, "record": self.object_repr, "waits": self.waits, "differences": said}


class RecordResult(FileResult):
    """What became of a file of records."""

    @property
    def changed(self) -> list[RecordRow]:
        """The rows that change a record."""
        return [row for row in self.rows if row.is_update()]

    @property
    def logged(self) -> list[tuple[int, list[Any]]]:
        """What is written into the admin's log: records, by what happened to them."""
        new = [row.instance for row in self.new if not row.waits]
        changed = {(type(row.root), row.root.pk): row.root for row in [*self.changed, *self.new] if row.root}
        return [(ADDITION, new), (CHANGE, list(changed.values()))]


class RecordResource(FileResource):
    """What the files of all models have in common: the columns of `record_columns`, and every rule of the form."""

    model: ClassVar[type[models.Model]]
    key: ClassVar[tuple[str, ...]] = ("slug",)  # the fields that say which record a row is about; none for an only one
    formats = (CSV, XLSX, JSON)

    class Meta(FileResource.Meta):
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        RESOURCES[cls.model] = cls
        KEYS[cls.model] = cls.key

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = columns_of(self.model)
        self.required = tuple(column.name for column in self.columns if column.field.name in self.key)  # type: ignore[misc]
        self.what = str(self.model._meta.verbose_name_plural)  # type: ignore[misc]
        self.fields = {column.name: fields.Field(column_name=column.name) for column in self.columns}
        self.keys: dict[type[models.Model], dict[tuple[str, ...], Any]] = {}
        self.slugs: dict[type[models.Model], Names] = {}
        # what says which record a row is about, with an owner of which there is but one
        owner = self.model.owner_name if issubclass(self.model, Part) else ""
        self.named_by = self.key if not owner or owner in self.key else (*self.key, owner)

    @classmethod
    def permits(cls, by: Any) -> bool:
        """Whoever may add or change a record by hand may send a file; each row asks for its own right."""
        return may(by, "add", cls.model) or may(by, "change", cls.model)

    @classmethod
    def held(cls) -> type[models.Model]:
        """Return the model of what a file holds."""
        return cls.model

    @classmethod
    def get_display_name(cls) -> str:
        """What a file holds."""
        return str(cls.model._meta.verbose_name_plural)

    @classmethod
    def get_row_result_class(cls) -> type[RecordRow]:
        """Rows know what they change."""
        return RecordRow

    @classmethod
    def get_result_class(cls) -> type[RecordResult]:
        """Results know what changes."""
        return RecordResult

    def get_import_order(self) -> list[str]:
        """Return the columns in their order."""
        return list(self.fields)

    def summary(self, result: Any) -> str:
        """Say how much a file adds and changes, and how much of it waits."""
        rows = [*result.new, *result.changed]
        waiting = sum(row.waits for row in rows)
        drafts = sum(not row.waits for row in result.changed)
        new = sum(not row.waits for row in result.new)
        told = (" as a draft" if new == 1 else " as drafts") if issubclass(self.model, Publishable) else ""
        waits = "change that waits" if waiting == 1 else "changes that wait"
        said = [
            f"{new} new {named(self.model, new)}{told}" if new else "",
            f"{drafts} changed {named(self.model, drafts)}" if drafts else "",
            f"{waiting} {waits} to be published" if waiting else "",
        ]
        return "; ".join(part for part in said if part) or "nothing"

    # Reading the rows ------------------------------------------------------------------------------------------------

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the columns, then do what all rows say; what became of each is said row by row."""
        self.check_columns(dataset)
        if not len(dataset):
            raise ValidationError("The file names columns, and has no rows below them.")
        as_text = unchanged if getattr(dataset, "as_it_stands", False) else unmarked
        self.outcomes = [
            Outcome(number, {name: as_text(cell) for name, cell in zip(dataset.headers, row, strict=True)})
            for number, row in enumerate(dataset, 2)
        ]
        self.look_up_all(dataset.headers)
        self.find()
        for outcome in self.outcomes:
            self.read(outcome)
            if outcome.errors or not outcome.changed:
                self.step()
        self.apply([outcome for outcome in self.outcomes if outcome.changed and not outcome.errors])

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Refuse other columns, and half of what names a row."""
        super().check_columns(dataset)
        here = set(dataset.headers)
        named = {column.field.name for column in self.columns if column.name in here}
        if lacking := [c.name for c in self.columns if c.field.name in named and c.name not in here]:
            raise ValidationError(f"Missing columns: {', '.join(lacking)}. They belong to others that are there.")

    def look_up_all(self, headings: Iterable[str]) -> None:
        """Fetch the names of all rows that the columns could lead to."""
        for column in self.columns:
            if column.is_relation and column.name in headings and column.field.related_model not in self.keys:
                self.keys[column.field.related_model] = keys_of(column.field.related_model)
            if (model := column.named) and column.name in headings and model not in self.slugs:
                coming = (text_of(outcome.cells["slug"]) for outcome in self.outcomes) if model is self.model else ()
                self.slugs[model] = Names(model, coming)

    def find(self) -> None:
        """Read what names each row's record, and find it; two rows about the same one are refused."""
        rows = {self.key_of(row): row for row in rows_with_all(self.model)}
        seen: dict[tuple[str, ...], int] = {}
        for outcome in self.outcomes:
            if not any(text_of(cell) for cell in outcome.cells.values()):
                continue
            self.read_cells(outcome, (column for column in self.columns if column.name in outcome.cells))
            key = tuple(outcome.texts.get(name, "") for name in self.required)
            if self.lacking(outcome):
                continue
            if key in seen:
                outcome.errors.append(f"The same {self.model._meta.verbose_name} is in row {seen[key]} already.")
            seen[key] = outcome.number
            outcome.live = rows.get(key)
        self.coming = {tuple(o.texts.get(n, "") for n in self.required) for o in self.outcomes if o.texts and o.is_new}

    def lacking(self, outcome: Outcome) -> list[str]:
        """Return the fields that must say which record a row is about, and do not."""
        columns = [c for c in self.columns if c.field.name in self.key and not c.field.blank]
        said = {c.field.name for c in columns if outcome.texts.get(c.name)}
        return list(dict.fromkeys(c.field.name for c in columns if c.field.name not in said))

    def key_of(self, row: Any) -> tuple[str, ...]:
        """Return what names a record."""
        return tuple(column.text(row) for column in self.columns if column.field.name in self.key)

    def read_cells(self, outcome: Outcome, columns: Iterable[RecordColumn]) -> None:
        """Read cells, each with what is wrong with it."""
        for column in columns:
            cell = outcome.cells[column.name]
            if isinstance(cell, str) and (half := HALF.search(cell)):
                outcome.errors.append(f"{column.name}: {unseen(half[0])}")
                continue
            try:
                outcome.texts[column.name] = self.by_slug(column, column.read(cell))
            except ValueError as error:
                said = str(error)
                outcome.errors.append(said if said.startswith(column.name) else f"{column.name}: {said}")

    def by_slug(self, column: RecordColumn, text: str) -> str:
        """Return the slugs of what a cell names in another case, or by a name that nothing else has."""
        if not (names := self.slugs.get(column.named) if column.named else None):
            return text
        if column.field.many_to_many:
            return f"{BETWEEN} ".join(sorted({names.slug(name) for name in split(text)}))
        return names.slug(text)

    def read(self, outcome: Outcome) -> None:
        """Say what a row changes, and refuse what its sender, or a file at all, may not do."""
        if not outcome.texts or outcome.errors:
            return
        if lacking := self.lacking(outcome):
            what = self.model._meta.verbose_name
            outcome.errors += [f"{name} is empty, and it says which {what} this is. Fill it in" for name in lacking]
            return
        texts, live = outcome.texts, outcome.live
        own = [column for column in self.columns if column.name in texts and column.name != STATE]
        outcome.changed = [c for c in own if (texts[c.name] if live is None else not c.same(live, texts[c.name]))]
        if texts.get(STATE) and texts[STATE] != (live.state if live else State.DRAFT):
            now = "new" if live is None else f"“{live.state}”"
            outcome.errors.append(ONLY_SHOWN.format(STATE, texts[STATE], now))
        if live is None or outcome.changed:
            outcome.errors += self.forbidden(outcome)
        for column in outcome.changed if live else [column for column in self.columns if column.name in texts]:
            cell = outcome.cells[column.name]
            if isinstance(cell, str) and (found := CONTROL.search(cell)):
                outcome.errors.append(f"{column.name}: {unseen(found[0])}")
        for name in outcome.names:
            if said := self.unknown(outcome, name):
                outcome.errors.append(said)

    def forbidden(self, outcome: Outcome) -> list[str]:
        """Say which right is missing."""
        if not outcome.is_new:
            missing = [] if may(self.by, "change", self.model) else [("change", self.model)]
        else:
            needed = [("add", self.model)]
            if issubclass(self.model, Part):  # which its owner's page alone adds
                needed.append(("change", root_model(self.model)))
            missing = [right for right in needed if not may(self.by, *right)]
        return [f"You may not {what} {model._meta.verbose_name_plural}" for what, model in missing]

    def unknown(self, outcome: Outcome, name: str) -> str:
        """Say which row that a field should lead to is not there."""
        columns = [column for column in self.columns if column.field.name == name]
        if not columns[0].is_relation:
            return ""
        model = columns[0].field.related_model
        known = self.keys[model].keys() | (self.coming if model is self.model else set())
        texts = tuple(outcome.texts[column.name] for column in columns)
        wanted: list[tuple[str, ...]]
        if columns[0].field.many_to_many:
            wanted = [(slug,) for slug in split(texts[0])]
        else:
            wanted = [texts] if any(texts) else []
        strangers = [key for key in wanted if key not in known]
        if not strangers:
            return ""
        shown = ", ".join(part or "(nothing)" for part in strangers[0])
        if len(texts) == 1 and len(known) <= MOST_NAMED:
            return f"{name} {shown!r} is not one of {', '.join(sorted(key[0] for key in known)) or '(none yet)'}"
        return f"{name} {shown!r} is not there: no {model._meta.verbose_name} has this name in files"

    # Doing what they say ---------------------------------------------------------------------------------------------

    def apply(self, outcomes: list[Outcome]) -> None:
        """Add new records, those that others name first, then change those there are, in one order for everybody."""
        groups: dict[Any, list[Outcome]] = {}
        new = []
        for outcome in outcomes:
            if outcome.is_new and not issubclass(self.model, Part):
                new.append(outcome)
            else:
                self.try_to(partial(self.group, outcome, groups), [outcome])
        self.add(new)
        for root in sorted(groups, key=lambda root: root.pk):
            self.change(root, groups[root])

    def group(self, outcome: Outcome, groups: dict[Any, list[Outcome]]) -> None:
        """Put a row to the others of the record that it belongs to."""
        groups.setdefault(self.root(outcome), []).append(outcome)

    def root(self, outcome: Outcome) -> Any:
        """Return the record that a row belongs to."""
        if not outcome.is_new:
            return root_of(outcome.live)
        part: Any = self.model()
        self.fill(part, outcome, self.named_by)
        if getattr(part, self.attname(part.owner_name)) is None:
            owner = root_model(self.model)._meta.verbose_name
            raise ValidationError(NO_OWNER.format(owner, self.model._meta.verbose_name))
        return root_of(part)

    def add(self, waiting: list[Outcome]) -> None:
        """Add new records; one that names another of the same file comes after it."""
        while waiting:
            later = [outcome for outcome in waiting if any(self.missing(outcome, name) for name in outcome.names)]
            now = [outcome for outcome in waiting if outcome not in later] or waiting
            for outcome in now:
                self.try_to(partial(self.save, outcome), [outcome])
                self.step()
            waiting = [outcome for outcome in waiting if outcome not in now]

    def missing(self, outcome: Outcome, name: str) -> bool:
        """Whether a field leads to a record that this file has yet to add."""
        columns = [column for column in self.columns if column.field.name == name]
        if not columns[0].is_relation or columns[0].field.related_model is not self.model:
            return False
        return tuple(outcome.texts[column.name] for column in columns) not in self.keys[self.model]

    def change(self, root: Any, outcomes: list[Outcome]) -> None:
        """Change a record and its parts: at once where it is a draft."""

        def edit() -> None:
            for outcome in outcomes:
                self.try_to(partial(self.save, outcome), [outcome])
                self.step()
            if any(outcome.refused for outcome in outcomes):
                raise ValidationError("")

        def proposed() -> None:
            waits = propose(root, by=self.by, edit=edit)
            for outcome in outcomes:
                outcome.waits = waits

        self.try_to(proposed, outcomes)

    def try_to(self, act: Callable[[], object], outcomes: list[Outcome]) -> None:
        """Do something for these rows; where it is refused, the first of them says why unless one does already."""
        try:
            with transaction.atomic():
                act()
        except ValidationError as error:
            if not any(outcome.refused for outcome in outcomes):
                outcomes[0].refused = error
        except IntegrityError as error:  # its words may hold the whole row
            logger.error("The database refused a row of a file: %s", type(error).__name__)
            outcomes[0].refused = ValidationError(MEANWHILE)

    def save(self, outcome: Outcome) -> None:
        """Save a row as it is at this moment, with what the file changes of it."""
        row = self.at_this_moment(outcome)
        lists = self.fill(row, outcome, outcome.names)
        if hasattr(self.model, "history"):
            row._history_user, row._change_reason = self.by, f"From the file {self.name}"[:100]
        row.full_clean()
        row.save()
        for name, keys in lists.items():
            getattr(row, name).set(keys)
        outcome.saved = row
        if self.model in self.keys:
            self.keys[self.model][tuple(outcome.texts[name] for name in self.required)] = row.pk

    def at_this_moment(self, outcome: Outcome) -> Any:
        """Return the row with the change that waits; a part that is new may be in that already."""
        if outcome.live is not None:
            row = self.model._default_manager.filter(pk=outcome.live.pk).first()
            if row is None:
                raise ValidationError("The change that waits takes this away: publish or discard that change first.")
            return row
        row = self.model() if self.key else self.model(pk=1)
        if not issubclass(self.model, Part):
            return row
        self.fill(row, outcome, self.named_by)
        named = {self.attname(name): getattr(row, self.attname(name)) for name in self.named_by}
        given = {name: value for name, value in named.items() if value is not None}
        empty = {f"{name}__isnull": True for name in named if name not in given}
        return self.model._default_manager.filter(**given, **empty).first() or row

    def attname(self, name: str) -> str:
        """Return the attribute of a field that holds its value or its key."""
        return str(self.model._meta.get_field(name).attname)  # type: ignore[union-attr]

    def fill(self, row: Any, outcome: Outcome, names: Iterable[str]) -> dict[str, list[Any]]:
        """Set fields from the row's texts; return the lists, which are set once the row has a key."""
        lists: dict[str, list[Any]] = {}
        for name in names:
            columns = [column for column in self.columns if column.field.name == name]
            texts = tuple(outcome.texts[column.name] for column in columns)
            own: Any = self.model._meta.get_field(name)
            if own.many_to_many:
                lists[name] = [self.keys[own.related_model][(slug,)] for slug in split(texts[0])]
            elif own.is_relation:
                target = self.keys.setdefault(own.related_model, {}) if columns else keys_of(own.related_model)
                setattr(row, own.attname, target.get(texts) if any(texts) or not columns else None)
            else:
                setattr(row, own.attname, value_of(own, texts[0]))
        return lists

    # Saying what became of them --------------------------------------------------------------------------------------

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> RecordRow:
        """Say what became of a row."""
        outcome = self.outcomes[kwargs["row_number"] - 1]
        result = RecordRow()
        result.number, result.cells, result.row_values = outcome.number, tuple(map(text_of, row.values())), row
        if outcome.errors or outcome.refused:
            result.import_type = RowResult.IMPORT_TYPE_INVALID
            result.validation_error = outcome.refused or ValidationError(outcome.errors)
        elif outcome.saved is None:
            result.import_type = RowResult.IMPORT_TYPE_SKIP
        else:
            result.import_type = RowResult.IMPORT_TYPE_NEW if outcome.is_new else RowResult.IMPORT_TYPE_UPDATE
            result.instance, result.waits = outcome.saved, outcome.waits
            result.object_repr = str(outcome.saved)
            result.root = None if outcome.is_new and not outcome.waits else root_of(outcome.saved)
            result.differences = tuple(self.differences(outcome))
        return result

    def differences(self, outcome: Outcome) -> Iterable[tuple[str, Words, Words]]:
        """Yield what changes, from what, to what."""
        for column in outcome.changed if not outcome.is_new else ():
            yield column.name, *changed_words(column.text(outcome.live), outcome.texts[column.name])


def may(by: Any, what: str, model: type[models.Model]) -> bool:
    """Whether somebody may add or change records of a model."""
    return by.has_perm(f"{model._meta.app_label}.{what}_{model._meta.model_name}")


def named(model: type[models.Model], count: int) -> str:
    """Return what so many records of a model are called."""
    return str(model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural)


def unchanged(cell: Any) -> Any:
    """Return a cell of a format that puts nothing before a formula."""
    return cell


def unmarked(cell: Any) -> Any:
    """Return a cell without the apostrophe that an export put before a formula."""
    return plain(cell) if isinstance(cell, str) else cell


def split(text: str) -> list[str]:
    """Return the slugs of a list."""
    return [slug for name in text.split(BETWEEN) if (slug := name.strip())]


def root_model(model: type[models.Model]) -> type[models.Model]:
    """Return the model of the record that a part belongs to."""
    while issubclass(model, Part):
        model = model._meta.get_field(model.owner_name).related_model  # type: ignore[assignment]
    return model


class Names:
    """The slugs of a model, and what else may stand for one in a file: a slug in another case, or a record's name.

    A slug as it is written comes before one in another case, and that before a name; what two share names neither.
    """

    def __init__(self, model: type[models.Model], more: Iterable[str] = ()) -> None:
        called = next((field.name for field in model._meta.fields if field.name in ("name", "title")), "slug")
        rows = [(slug, plain_text(str(name))) for slug, name in model._default_manager.values_list("slug", called)]
        self.slugs = {slug for slug, _ in rows} | {*more}
        by_name = only((name, slug) for slug, name in rows if name)
        self.others = by_name | only((slug, slug) for slug in self.slugs)

    def slug(self, text: str) -> str:
        """Return the slug that a text stands for; the text itself where it stands for none."""
        return text if text in self.slugs else self.others.get(text.casefold(), text)


def only(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what each text stands for, in any case, without the texts that stand for several."""
    found: dict[str, set[str]] = {}
    for text, slug in pairs:
        found.setdefault(text.casefold(), set()).add(slug)
    return {text: min(slugs) for text, slugs in found.items() if len(slugs) == 1}


def rows_with_all(model: type[models.Model]) -> Any:
    """Return the rows of a model with everything that their columns name."""
    columns = columns_of(model)
    single = {way for c in columns if c.is_relation and not c.field.many_to_many if (way := c.path.rpartition("__")[0])}
    lists = [column.field.name for column in columns if column.field.many_to_many]
    return model._default_manager.select_related(*sorted(single)).prefetch_related(*lists)


def keys_of(model: type[models.Model]) -> dict[tuple[str, ...], Any]:
    """Return the keys of all rows of a model, by what names them in files."""
    columns = [column for name in key_fields(model) for column in columns_of(model) if column.field.name == name]
    rows = model._default_manager.values_list("pk", *(column.path for column in columns))
    return {tuple(plain_text("" if value is None else str(value)) for value in values): pk for pk, *values in rows}
