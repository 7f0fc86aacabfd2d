"""Files of measures, and files of figures that organisations have sent."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from import_export import fields
from import_export.results import RowResult

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results.choices import RETURN_COLUMNS
from programmes.results.models import Measure, Reporter, ReportingRules, Return
from programmes.results.quarters import Quarter, parse_quarter
from programmes.results.rules.answers import SPEND, WORDS, group_name, read_answers, total_name
from programmes.results.rules.recording import lock_drafts, record_answers
from programmes.results.rules.requests import measures_of, most_people
from vru_portal.tabular.outcomes import ImportedRow
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.named_records import NamedRecord, find_by_name
from vru_portal.tabular.reading.remarks import find_remarks
from vru_portal.tabular.records.resources import RecordResource
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.widgets import DateWidget
from vru_portal.text.problems import Problems, collect_problems, raise_problems
from vru_portal.text.typed_dates import EARLIEST, LATEST

QUARTER = "Enter a quarter in the format 2031-32 Q1 or April to June 2031, or its first day."
NOT_REPORTED = "{} does not report this. Leave the cell empty."
NOT_ASKED = (
    "Nobody was asked for these figures, and {} does not report them every quarter. Check that the row names the right "
    "organisation."
)


class MeasureResource(RecordResource):
    """Measures, with the slugs of their breakdowns and initiatives."""

    model = Measure


@dataclass
class ReturnOutcome:
    """The result of a row: a return that was recorded, nothing because it was already, or what is wrong."""

    recorded: Return | None = None
    note: str = ""
    error: ValidationError | None = None


class ReturnResource(FileResource):
    """Returns of figures: one row for an initiative, an organisation and a quarter, with a column for each number."""

    required = RETURN_COLUMNS
    # The other columns of the workbook of a year's returns, which can be sent back as it is.
    ignored = (
        *("level", "level of prevention", "areas", "areas served", "area codes", "official codes of the areas"),
        *("first day of the quarter", "last day of the quarter", "day of approval"),
    )
    rows_label = "returns of figures"
    permission = "results.add_return"
    may_leave_out = True

    class Meta(FileResource.Meta):
        model = Return
        use_bulk = True  # no savepoint for each row: `prepare` handles all rows at once

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answers: dict[str, str] = {}  # the name of the form's field, by column
        self.aliases: dict[str, tuple[str, ...]] = {  # type: ignore[misc]
            "initiative": ("project", "programme", "scheme"),
            "organisation": ("organisation that reported", "reported by", "provider", "recipient"),
            "quarter": ("period", "reporting period"),
        }
        self.measures = list(Measure.objects.prefetch_related("breakdowns__groups"))
        self.reported: dict[int, tuple[list[Measure], int | None]] = {}  # what `reported_by` has looked up
        for measure in self.measures:
            self.add_measure(measure)
        for name, label in WORDS.items():
            self.add_column(name, name, label)
        self.add_column(SPEND, SPEND, "spend reported", "spent")
        names = (*self.required, *self.answers)
        self.fields = {name: fields.Field(column_name=name) for name in names}

    def add_measure(self, measure: Measure) -> None:
        """A column for the total, and one for each group."""
        self.add_column(measure.name, total_name(measure), measure.slug)
        for breakdown in measure.breakdowns.all():
            for group in breakdown.groups.all():
                column = f"{measure.name} ({breakdown.name}: {group.name})"
                self.add_column(column, group_name(measure, group), f"{measure.slug} ({breakdown.slug}: {group.name})")

    def add_column(self, column: str, field: str, *aliases: str) -> None:
        self.answers[column], self.aliases[column] = field, aliases

    def get_import_order(self) -> list[str]:
        return list(self.fields)

    def check_columns(self, dataset: tablib.Dataset) -> None:
        super().check_columns(dataset)
        numbers = set(self.answers) - set(WORDS)
        found = find_remarks(dataset, self.whole_headings, self.whole_rows, self.first_row, self.required, numbers)
        self.remarks = found.rows
        self.notes += found.notes

    def look_up(self, keys: dict[str, set[str]]) -> None:
        initiatives = find_by_name(Initiative, keys["initiative"], "level")
        self.initiatives = NamedRecord("initiative", initiatives)
        self.organisations = NamedRecord("organisation", find_by_name(Organisation, keys["organisation"]))

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the file, then record all of it. `import_row` later only reports the outcome of each row."""
        super().prepare(dataset)
        self.lock_drafts(dataset)
        self.rules = ReportingRules.current()
        self.reporters = set(Reporter.objects.values_list("initiative", "organisation"))
        self.places: dict[tuple[int, int, date], int] = {}  # the number of the row that is about a return
        self.outcomes = []
        for number, cells in enumerate(dataset, 1):
            outcome = ReturnOutcome()
            row = dict(zip(dataset.headers, cells, strict=True))
            if number not in self.remarks and any(map(cell_text, cells)):
                try:
                    outcome.recorded = self.record(row, number)
                except ValidationError as error:
                    outcome.error = error
            outcome.note = self.note_about(outcome.recorded)
            self.outcomes.append(outcome)
            self.on_row_done()

    def lock_drafts(self, dataset: tablib.Dataset) -> None:
        """Lock all returns that the file can be about."""
        quarters = set()
        for cell in dataset["quarter"]:
            with suppress(ValidationError):
                quarters.add(read_quarter(cell).starts_on)
        initiatives, organisations = self.initiatives.found.records, self.organisations.found.records
        lock_drafts(initiatives=initiatives.values(), organisations=organisations.values(), quarters=quarters)

    def reported_by(self, initiative: Initiative) -> tuple[list[Measure], int | None]:
        """What an initiative reports, and how many people that can be; looked up once for each initiative."""
        if initiative.pk not in self.reported:
            self.reported[initiative.pk] = measures_of(initiative), most_people(initiative)
        return self.reported[initiative.pk]

    def note_about(self, recorded: Return | None) -> str:
        """What to check of a return that was recorded: its organisation, if nobody expects it to report."""
        if recorded is None or recorded.draft.email:
            return ""
        is_known = (recorded.initiative_id, recorded.organisation_id) in self.reporters
        return "" if is_known else NOT_ASKED.format(recorded.organisation)

    def record(self, row: dict[str, Any], number: int) -> Return | None:
        """Record a row. Raises ValidationError by column, for everything that is wrong with it."""
        problems = Problems()
        unreadable = self.cell_errors.get(number, {})
        problems |= {name: [ValidationError(message)] for name, message in unreadable.items()}
        row = {**row, **dict.fromkeys(unreadable, "")}
        initiative = self.named(self.initiatives, row, "initiative", problems)
        organisation = self.named(self.organisations, row, "organisation", problems)
        quarter = None
        if "quarter" not in unreadable:
            with collect_problems(problems):
                quarter = read_quarter(row["quarter"])
        columns = [column for column in self.answers if column in row]
        typed = {self.answers[column]: cell_text(row[column]) for column in columns}
        measures, most = (self.measures, None) if initiative is None else self.reported_by(initiative)
        if initiative is not None:
            own = {total_name(measure) for measure in measures}
            for measure in self.measures:
                for name, column in self.columns_of(measure).items():
                    if typed.get(name) and total_name(measure) not in own:
                        problems.setdefault(column, []).append(ValidationError(NOT_REPORTED.format(initiative)))
        recorded = None
        with collect_problems(problems):
            try:
                if problems or initiative is None or organisation is None or quarter is None:
                    read_answers(measures, typed)
                else:
                    self.require_once(initiative.pk, organisation.pk, quarter.starts_on, number)
                    recorded = record_answers(
                        by=self.by,
                        initiative=initiative,
                        organisation=organisation,
                        quarter=quarter.starts_on,
                        typed=typed,
                        measures=measures,
                        most=most,
                        rules=self.rules,
                    )
            except ValidationError as error:
                raise self.by_column(error) from error
        # Of a cell that cannot be read, nothing else is wrong.
        raise_problems(problems | {name: problems[name][:1] for name in unreadable})
        return recorded

    def named(self, widget: NamedRecord, row: dict[str, Any], column: str, problems: Problems) -> Any:
        """The record that a cell names; None, and a problem, if it names none."""
        try:
            found = widget.clean(row[column])
        except ValueError as error:
            problems[column] = [ValidationError(str(error))]
            return None
        if found is None and column not in problems:
            problems[column] = [ValidationError("This cell is empty. Fill it in.")]
        return found

    def columns_of(self, measure: Measure) -> dict[str, str]:
        """The columns of a measure, by the names of the forms' fields."""
        first = total_name(measure)
        return {name: column for column, name in self.answers.items() if name == first or name.startswith(f"{first}-")}

    def require_once(self, *place: Any) -> None:
        """Raise ValidationError if another row of the file is about the same return."""
        *key, number = place
        before = self.places.setdefault(tuple(key), number)
        if before != number:
            raise ValidationError(
                f"Row {before + self.first_row - 1} is about the same initiative, organisation and quarter."
            )

    def by_column(self, error: ValidationError) -> ValidationError:
        """An error by the names of the forms' fields, under the names of the columns."""
        if not hasattr(error, "error_dict"):
            return error
        columns = {field: column for column, field in self.answers.items()}
        return ValidationError({columns.get(name, name): errors for name, errors in error.error_dict.items()})

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> ImportedRow:
        """Report the result of a row."""
        number: int = kwargs["row_number"]
        outcome = self.outcomes[number - 1]
        result = ImportedRow()
        result.row_values = row
        result.number, result.cells = number + self.first_row - 1, tuple(map(cell_text, row.values()))
        if outcome.error:
            result.import_type, result.validation_error = RowResult.IMPORT_TYPE_INVALID, outcome.error
        elif outcome.recorded:
            result.import_type, result.instance = RowResult.IMPORT_TYPE_NEW, outcome.recorded
            result.cells = tuple(self.as_understood(name, cell) for name, cell in row.items())
            result.notes = (outcome.note,) if outcome.note else ()
        else:
            result.import_type = RowResult.IMPORT_TYPE_SKIP
            result.is_ignored = number in self.remarks or not any(result.cells)
        return result

    def as_understood(self, column: str, cell: Any) -> str:
        """What a cell was understood to say: a record's name, or the months of a quarter."""
        match column:
            case "initiative":
                return str(self.initiatives.clean(cell))
            case "organisation":
                return str(self.organisations.clean(cell))
            case "quarter":
                return str(read_quarter(cell))
        return cell_text(cell)


def read_quarter(cell: Any) -> Quarter:
    """The quarter in a cell: as words, or as its first day. Raises ValidationError."""
    text = cell_text(cell)
    if not isinstance(cell, date | datetime) and (quarter := parse_quarter(text)):
        return quarter
    try:
        day = DateWidget().clean(cell)
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= LATEST or Quarter.of(day).starts_on != day:
        raise ValidationError({"quarter": f"“{text[:40]}” is not a quarter. {QUARTER}" if text else QUARTER})
    return Quarter(day)
