"""How cells of a file become values: the widgets of django-import-export's fields."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from import_export import widgets

from vru_portal.ledger.money import parse_pounds
from vru_portal.tabular.readers import cell_text
from vru_portal.text.typed_dates import parse_date, parse_time


class TextWidget(widgets.Widget):
    """Text, without spaces around it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return cell_text(value)


class MoneyWidget(widgets.Widget):
    """Pounds and pence; a spreadsheet's number counts as what it shows when it has no more than two decimals."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal | None:
        """Pounds, or None for an empty cell; raises ValueError for anything that is not an amount."""
        if isinstance(value, bool):
            raise ValueError(f"{value} is not an amount in pounds and pence, such as 1234.50.")
        text = cell_text(value)
        try:
            return parse_pounds(text) if text else None
        except ValidationError as error:
            raise ValueError(error.messages[0]) from error


class DateWidget(widgets.Widget):
    """A date, as people write it or in a date cell of a spreadsheet."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date | None:
        """The date, or None for an empty cell; raises ValueError for anything else."""
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = cell_text(value)
        try:
            return parse_date(text) if text else None
        except ValidationError as error:
            raise ValueError(error.messages[0]) from error


class TimeWidget(widgets.Widget):
    """A time of day, as people write it or in a time cell of a spreadsheet."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> time | None:
        """The time, or None for an empty cell; raises ValueError for anything else."""
        text = cell_text(value)
        try:
            return parse_time(text) if text else None
        except ValidationError as error:
            raise ValueError(error.messages[0]) from error
