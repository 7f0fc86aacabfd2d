"""What all files of rows have in common, whatever they record: each row goes through the rule that the form uses."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db import transaction
from import_export import resources
from import_export.formats import base_formats
from import_export.instance_loaders import BaseInstanceLoader

from vru_portal.models import HeadingMapping
from vru_portal.tabular.outcomes import ImportedRow, ImportResult
from vru_portal.tabular.readers import (
    CSV,
    ODS,
    OUTSIDE_QUOTES,
    XLSX,
    cell_problem,
    cell_text,
    is_blank,
    is_ruled_line,
    refuse_more_cells,
)
from vru_portal.tabular.reading.headings import (
    ROWS_SEARCHED,
    ColumnNames,
    Headings,
    UnclearHeadings,
    find_headings,
    heading_key,
)
from vru_portal.tabular.reading.sheets import join_names
from vru_portal.tabular.refused_rows import store_refused_rows
from vru_portal.tabular.trial_copy import trial_copy
from vru_portal.tabular.writers import unescape_formula
from vru_portal.text.cleaning import truncate

ONE_COLUMN = "Each row is one cell. Separate the cells by commas, semicolons or tabs, or send a spreadsheet."


class FileResource(resources.Resource):
    """A kind of file: its columns, and how its rows are recorded, all of them or none."""

    required: ClassVar[tuple[str, ...]]  # columns
    required_note: ClassVar[str] = ""
    formats: ClassVar[tuple[type[base_formats.Format], ...]] = (CSV, XLSX, ODS)
    aliases: ClassVar[Mapping[str, Sequence[str]]] = {}  # other headings that mean a column
    ignored: ClassVar[Sequence[str]] = ()  # headings that such files have and the portal does not read
    only_in_standard_files: ClassVar[Sequence[str]] = ()  # columns that nobody is asked to fill in
    rows_label: ClassVar[str]  # what a file has, in the plural: "payments"
    permission: ClassVar[str]
    may_leave_out = False  # whether its sender may have the good rows recorded without the refused ones
    recorded_together = False  # whether rows are checked one by one, and then recorded all at once by `record_rows`

    class Meta:
        instance_loader_class = BaseInstanceLoader
        force_init_instance = True
        skip_diff = True
        store_instance = True
        store_row_values = True
        report_skipped = True
        clean_model_instances = False  # the rules that record a row validate it

    def __init__(self, *, by: Any = None, name: str = "", max_rows_in_request: int = 0, **kwargs: Any) -> None:
        """A file with more than `max_rows_in_request` rows is for the worker; 0 is for no limit."""
        super().__init__(**kwargs)
        self.by, self.name, self.max_rows_in_request = by, name, max_rows_in_request
        self.first_row = 2  # its number, as a spreadsheet shows it
        self.unclear = UnclearHeadings()
        self.notes: list[str] = []  # what was read of the file and what was not
        self.renamed: list[
            tuple[str, str]
        ] = []  # headings that are not called like their column, each with that column
        self.mapping: HeadingMapping | None = None  # the saved one by which its headings were read
        self.whole_headings: list[str] = []
        self.whole_rows: list[Any] = []  # as the file has them, with the columns that are not read
        self.cell_errors: dict[int, dict[str, str]] = {}  # by row, counted from 1, and by column
        self.on_row_done: Callable[[], object] = lambda: None  # how a long file tells its progress

    @classmethod
    def can_import(cls, user: Any) -> bool:
        """Whether a user may send such a file: anyone who may record one row may record many."""
        return user.has_perm(cls.permission)

    @classmethod
    def row_model(cls) -> Any:
        """The model of what a row becomes."""
        return cls._meta.model

    def named_columns(self) -> list[str]:
        """The columns that pages and messages name, and that an empty file has."""
        names = [field.column_name for field in self.get_import_fields()]
        return [name for name in names if name not in self.only_in_standard_files]

    @classmethod
    def get_display_name(cls) -> str:
        return cls.rows_label

    @classmethod
    def get_row_result_class(cls) -> type[ImportedRow]:
        return ImportedRow

    @classmethod
    def get_result_class(cls) -> type[ImportResult]:
        return ImportResult

    def run(
        self,
        dataset: tablib.Dataset,
        *,
        dry_run: bool,
        left_out: list[int] | None = None,
        on_recorded: Callable[[Any], object] | None = None,
    ) -> Any:
        """Record a file, or find out what recording it would do; if a row is refused, nothing is recorded.

        `left_out` has the numbers of the rows that its sender has chosen to leave out. If other rows than these are
        refused, nothing is recorded either. `on_recorded` is given the result in the transaction that records the rows.
        """
        return self.import_data(dataset, dry_run=dry_run, left_out=left_out, on_recorded=on_recorded)

    def import_data(
        self,
        dataset: tablib.Dataset,
        *args: Any,
        dry_run: bool = False,
        left_out: list[int] | None = None,
        on_recorded: Callable[[Any], object] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Record the rows of a file; one with too many rows comes back untried (`defer`)."""
        if self.max_rows_in_request and len(dataset) > self.max_rows_in_request:
            return self.defer(dataset)
        kwargs |= {"dry_run": dry_run, "rollback_on_validation_errors": left_out is None}
        with trial_copy() if dry_run else nullcontext():
            result = self.record_checked(dataset, *args, on_recorded=on_recorded, left_out=left_out, **kwargs)
            if dry_run and result.refused_rows and self.whole_rows:
                result.refused_file = store_refused_rows(self.whole_headings, self.whole_rows, self.first_row, result)
        result.unclear, result.reading = self.unclear, self.notes
        if self.renamed:
            meanings = ", ".join(f"“{truncate(heading, 60)}” as {column}" for heading, column in self.renamed)
            result.reading = [*self.notes, f"Headings that were recognised: {meanings}."]
        result.mapping = self.mapping.pk if self.mapping else None
        return result

    def defer(self, dataset: tablib.Dataset) -> Any:
        """The number of rows of a file that the worker is to try, unless its headings are refused at once."""
        result = self.get_result_class()()
        try:
            self.read_headings(dataset)
        except ValidationError as error:
            result.append_base_error(self.get_error_result_class()(error))
            result.unclear = self.unclear
        else:
            result.deferred_rows = len(dataset)
        return result

    def record_checked(
        self,
        dataset: tablib.Dataset,
        *args: Any,
        dry_run: bool,
        left_out: list[int] | None,
        on_recorded: Callable[[Any], object] | None,
        **kwargs: Any,
    ) -> Any:
        """Check all rows and record them, or none. Rows that are recorded together are checked before others wait."""
        kwargs |= {"dry_run": dry_run, "use_transactions": not self.recorded_together}
        result = super().import_data(dataset, *args, **kwargs) if self.recorded_together else None
        with transaction.atomic():
            if result is None:
                result = super().import_data(dataset, *args, **kwargs)
            else:
                self.record_rows(result)
            result.left_out = left_out
            result.summary = self.summarise(result)
            if dry_run:
                self.describe_recorded(result)
            elif on_recorded and not result.is_refused:
                on_recorded(result)
            if dry_run or result.is_refused:
                transaction.set_rollback(True)
        if not dry_run and not result.is_refused:
            self.describe_recorded(result)
        return result

    def record_rows(self, result: Any) -> None:
        """Record the rows that were checked; whatever refuses one now becomes its `validation_error`."""
        raise NotImplementedError

    def describe_recorded(self, result: Any) -> None:
        """Add what only the database knows about the new rows."""

    def import_row(self, *args: Any, **kwargs: Any) -> Any:
        result = super().import_row(*args, **kwargs)
        self.on_row_done()
        return result

    def summarise(self, result: Any) -> str:
        """How much a file records, as a phrase such as "1 payment"."""
        count = len(result.new)
        return f"{count} {self.row_model()._meta.verbose_name if count == 1 else self.rows_label}"

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Prepare the rows; if that fails, drop them, because each would fail again in a less helpful way."""
        try:
            self.prepare(dataset)
        except Exception:
            dataset.wipe()
            raise

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the columns and the cells, then look up all that the rows refer to."""
        self.check_columns(dataset)
        self.cell_errors = {
            number: errors
            for number, row in enumerate(dataset, 1)
            if (errors := {n: e for n, cell in zip(dataset.headers, row, strict=True) if (e := cell_problem(cell))})
        }
        self.look_up(
            {name: {cell_text(c) for c in dataset[name] if not cell_problem(c)} - {""} for name in dataset.headers}
        )

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Refuse a row with cells that cannot be read."""
        if errors := self.cell_errors.get(kwargs["row_number"]):
            raise ValidationError(errors)

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Find the headings and leave only the columns that they mean; raises ValidationError where that fails."""
        rows = [dataset.headers, *dataset]
        found = self.read_headings(dataset)
        self.first_row = dataset.first_row + found.row
        self.notes = [*dataset.notes, *found.notes]
        self.renamed = found.renamed
        if found.left_out:
            self.notes.append(f"Columns that were ignored: {join_names(found.left_out)}.")
        self.keep_columns(dataset, rows[found.row + 1 :], found)

    def read_headings(self, dataset: tablib.Dataset) -> Headings:
        """What the headings mean, if need be by a saved mapping.

        Raises ValidationError for headings that are unknown, missing or there twice; `unclear` has what to ask then.
        """
        known = [field.column_name for field in self.get_import_fields()]
        has_raw_text = getattr(dataset, "has_raw_text", False)
        rows = [dataset.headers, *islice(dataset, 0 if has_raw_text else ROWS_SEARCHED + 1)]
        names = ColumnNames.of(known, self.aliases, self.headings_not_read(dataset))
        first_number = dataset.first_row - 1
        found = find_headings(rows, names, first_number)
        mapping, said = None, dict[str, str]()
        if not self.settles(found):
            mapping, said, found = self.apply_mapping(found, rows, names, first_number)
        missing = self.missing_columns({*found.columns})
        problems = found.repeated
        problems += [
            f"{what} columns: {', '.join(columns)}."
            for what, columns in (
                *(("Unknown", found.unknown), ("Missing", missing)),
                ("Ignored", found.left_out if missing else []),
            )
            if columns
        ]
        if problems:
            asked = [*found.unclear, *(found.left_out if missing else ())]
            likely = {text: names.column(text) or names.likely(text) for text in asked}
            below = dataset[found.row : found.row + ROWS_SEARCHED]
            if len(found.texts) > 1:
                self.unclear = UnclearHeadings.of(likely | said, found, below, mapping)
            elif missing:
                problems.append(ONE_COLUMN)
            spelling = [f"“{text}” may mean {meant}." for text in found.unknown if (meant := names.likely(text))]
            listed = f" The columns are: {', '.join(self.named_columns())}." if problems != found.repeated else ""
            raise ValidationError(f"{' '.join([*problems, *spelling])}{listed}")
        self.mapping = mapping
        return found

    def headings_not_read(self, dataset: tablib.Dataset) -> Sequence[str]:
        """Headings that are not read, except those that mean a column."""
        return self.ignored

    def settles(self, found: Headings) -> bool:
        """Whether it is clear what each heading means, and no column is missing."""
        return not found.unclear and not self.missing_columns({*found.columns})

    def apply_mapping(
        self, found: Headings, rows: list[Any], names: ColumnNames, first_number: int
    ) -> tuple[HeadingMapping | None, dict[str, str], Headings]:
        """The saved mapping that settles what the headings mean, what it says of them, and the headings as it has them.

        Of several, the one that knows most of the headings. If none settles it, what is still unclear is to be added.
        """
        best: tuple[tuple[bool, int], Any] = ((False, 0), (None, {}, found))
        for mapping in HeadingMapping.objects.filter(kind=self.get_display_name()):  # by its label: see the model
            columns = {
                heading_key(h): column for h, column in mapping.columns.items() if column in (*names.columns, "")
            }
            mapped = find_headings(rows, names.with_mapping(columns), first_number)
            said = {text: columns[key] for text in mapped.texts if (key := heading_key(text)) in columns}
            # Another system may use one of the headings for something else: a file of this one has all required ones.
            required = {key for key, column in columns.items() if column in self.required}
            is_its_file = required <= {*map(heading_key, said)}
            rank = (is_its_file and self.settles(mapped), len(said))
            if said and rank > best[0]:
                mapped.notes.append(f"Headings were read as saved for {mapping}.")
                best = rank, (mapping, said, mapped if is_its_file else found)
        return best[1]

    def missing_columns(self, found: set[str | None]) -> list[str]:
        """The required columns that are not among those found."""
        return [name for name in self.required if name not in found]

    def keep_columns(self, dataset: tablib.Dataset, rows: list[Any], found: Headings) -> None:
        """Fill a dataset with the cells of the columns that are read, under the names of these columns."""
        without_heading = [place for place, text in enumerate(found.texts) if not text]
        refuse_more_cells(
            [
                number
                for number, row in enumerate(rows, self.first_row)
                if any(not is_blank(row[place]) for place in without_heading) and not is_ruled_line(row)
            ],
            "Give each column a heading, or delete its cells." if without_heading else OUTSIDE_QUOTES,
        )
        self.whole_headings, self.whole_rows = found.texts, rows
        places = [place for place, column in enumerate(found.columns) if column]
        has_raw_text = getattr(dataset, "has_raw_text", False)
        dataset.wipe()
        dataset.headers = [found.columns[place] for place in places]
        for row in rows:
            cells = [row[place] for place in places]
            # CSV and XLSX that the portal has written have an apostrophe before what looks like a formula.
            dataset.append(cells if has_raw_text else [unescape_formula(c) if isinstance(c, str) else c for c in cells])

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch, all at once, what the cells of each column refer to; `keys` has the distinct texts of each column."""
        raise NotImplementedError
