"""What files of allocations and of payments have in common. Every row goes through the rules of the ledger."""

from decimal import Decimal
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db.models import Model
from import_export import fields
from import_export.results import RowResult

from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.outcomes import MAX_ROWS_SHOWN, ImportedRow, ImportResult
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.remarks import find_remarks
from vru_portal.tabular.reading.spreadsheet_rewrites import resaved_forms
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.widgets import MoneyWidget
from vru_portal.text.dates import format_date
from vru_portal.text.problems import Problems, collect_problems, raise_problems


class LedgerRow(ImportedRow):
    """The outcome of a row of the ledger."""

    column_names: ClassVar[dict[str, str]] = {"funding_source": "source", "public_id": "id"}
    exceptions: tuple[str, ...] = ()  # what is irregular about it, as the public will read it


class LedgerResult(ImportResult):
    """The outcome of a file of the ledger."""

    @property
    def exceptions(self) -> list[str]:
        """A sentence for each payment that is recorded and shown in public as an exception."""
        return [f"Row {row.number}, {row.instance}: {' '.join(row.exceptions)}" for row in self.rows if row.exceptions]

    @property
    def total(self) -> Decimal:
        return sum((row.instance.amount for row in self.new), Decimal(0))

    def report(self) -> dict[str, Any]:
        """The exceptions too."""
        exceptions = self.exceptions
        return super().report() | {
            "exceptions": exceptions[:MAX_ROWS_SHOWN],
            "more_exceptions": max(0, len(exceptions) - MAX_ROWS_SHOWN),
        }


class LedgerResource(FileResource):
    """What both files of the ledger have in common: rows that are already recorded never change."""

    may_leave_out = True
    key: ClassVar[str]  # the column that identifies a row of the ledger
    correction_advice: ClassVar[str]  # what to do about a row that is recorded with other values

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recorded: dict[str, Any] = {}
        self.remarks: set[int] = set()  # rows of totals and the like, counted from 1

    def summarise(self, result: LedgerResult) -> str:
        """How many rows a file records, and their total."""
        return f"{super().summarise(result)}, {format_pounds(result.total)} together"

    @classmethod
    def get_row_result_class(cls) -> type[LedgerRow]:
        return LedgerRow

    @classmethod
    def get_result_class(cls) -> type[LedgerResult]:
        return LedgerResult

    def record(self, row: Any) -> None:
        """Record a row of the ledger through its rule."""
        raise NotImplementedError

    def init_instance(self, row: Any = None) -> Any:
        return self._meta.model()

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Find totals, remarks and repeated headings too: they are not rows of the ledger."""
        super().check_columns(dataset)
        money = {field.column_name for field in self.get_import_fields() if isinstance(field.widget, MoneyWidget)}
        rows = (self.whole_headings, self.whole_rows, self.first_row)
        found = find_remarks(dataset, *rows, self.required, money, read_sum=MoneyWidget().clean)
        self.remarks = found.rows
        self.notes += found.notes

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Refuse nothing yet: `import_instance` tells what is wrong with the other cells too."""

    def import_instance(self, instance: Any, row: Any, *, problems: Problems | None = None, **kwargs: Any) -> None:
        """Read the cells. Raises ValidationError for all that is wrong with a row; some may be known already."""
        problems = problems or Problems()
        unreadable = self.cell_errors.get(kwargs["row_number"], {})
        with collect_problems(problems):
            super().import_instance(instance, {**row, **dict.fromkeys(unreadable, "")}, **kwargs)
        problems |= {name: [ValidationError(message)] for name, message in unreadable.items()}
        with collect_problems(problems):
            self.check_cells(instance, row, problems, kwargs["row_number"])
        if problems:
            self.find_other_problems(instance, row, problems)
        raise_problems(problems)

    def find_other_problems(self, instance: Any, row: Any, problems: Problems) -> None:
        """Add what the rule would refuse, as far as what was read of the row tells."""
        with collect_problems(problems):
            instance.clean_fields(exclude=self.unread_fields(row, problems))
        with collect_problems(problems):
            instance.clean()

    def check_cells(self, instance: Any, row: Any, problems: Problems, row_number: int) -> None:
        """Read what cells say together; raises ValidationError, or adds to the problems of the row."""

    def fields_with_problems(self, problems: Problems) -> set[str]:
        """The model's fields whose cells cannot be read, or must not be recorded."""
        return {
            field.attribute or ""
            for field in self.get_import_fields()
            if {field.attribute, field.column_name} & problems.keys()
        }

    def unread_fields(self, row: Any, problems: Problems) -> set[str]:
        """The fields about which a row has nothing that could be checked."""
        read = {
            field.attribute
            for field in self.get_import_fields()
            if field.attribute not in self.fields_with_problems(problems)
            and (field.column_name in self.required or cell_text(row.get(field.column_name)))
        }
        return {field.name for field in self._meta.model._meta.concrete_fields} - read

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> LedgerRow:
        """Keep the number and the cells of the row for messages, as they were understood."""
        number: int = kwargs["row_number"]
        if number in self.remarks:
            result = LedgerRow()
            result.import_type, result.row_values = RowResult.IMPORT_TYPE_SKIP, row
            self.on_row_done()
        else:
            result = super().import_row(row, instance_loader, **kwargs)
        result.number = number + self.first_row - 1
        result.is_ignored = number in self.remarks or not any(map(cell_text, row.values()))
        by_column = {field.column_name: field for field in self.get_import_fields()}
        result.cells = tuple(
            self.as_understood(by_column[name], result.instance, cell) if result.is_new() else cell_text(cell)
            for name, cell in row.items()
        )
        return result

    def as_understood(self, field: fields.Field, instance: Any, cell: Any) -> str:
        """What a cell was understood to say, as pages write it: “2 October 2019”, “£1,234.56”, a record's name."""
        if field.attribute and (display := getattr(instance, f"get_{field.attribute}_display", None)):
            return str(display())
        value = field.get_value(instance) if field.attribute else field.widget.clean(cell)
        if isinstance(value, Decimal):
            return f"{format_pounds(value)} (refund)" if value < 0 else format_pounds(value)
        return format_date(value) if hasattr(value, "year") and not isinstance(value, Model) else str(value or "")

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Skip empty rows and rows already recorded with the same values; refuse rows recorded with other values."""
        if not any(cell_text(cell) for cell in row.values()):
            return True
        if import_validation_errors or (recorded := self.find_recorded(instance, row)) is None:
            return False
        if differing := self.differences(instance, recorded, row):
            raise ValidationError(
                f"{recorded} is already recorded, with other values: {'; '.join(differing)}. Recorded rows never "
                f"change. {self.correction_advice}"
            )
        return True

    def find_recorded(self, instance: Any, row: Any) -> Any:
        """The row of the ledger that a row of the file repeats, if any."""
        return self.recorded.get(cell_text(row.get(self.key)))

    def differences(self, instance: Any, recorded: Any, row: Any) -> list[str]:
        """A phrase for each value that a row states and that is recorded otherwise."""
        columns = [
            field for field in self.get_import_fields() if field.attribute and self.is_stated(row, field.column_name)
        ]
        return [
            f"{field.column_name} is {format_for_message(field.get_value(recorded))}, "
            f"not {format_for_message(field.get_value(instance))}"
            for field in columns
            if not self.agrees(field, recorded, instance)
        ]

    def agrees(self, field: fields.Field, recorded: Any, instance: Any) -> bool:
        """Whether a row says what is recorded, perhaps in the form in which a spreadsheet saved it."""
        ours, theirs = field.get_value(recorded), field.get_value(instance)
        if ours in (theirs, REDACTED):
            return True
        if not isinstance(ours, str) or field.attribute == self.key:
            return False
        cleaned = self._meta.model._meta.get_field(field.attribute).to_python(theirs)
        return ours == cleaned or theirs in resaved_forms(ours)

    def is_stated(self, row: Any, column: str) -> bool:
        """Whether a row gives a value for a column, rather than leaving it to the rule."""
        return column in row

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        """Record it through the rule instead of saving it."""
        self.record(instance)


def format_for_message(value: Any) -> str:
    """A value for use in an error message."""
    return format_pounds(value) if isinstance(value, Decimal) else f"“{value}”" if value not in (None, "") else "empty"
