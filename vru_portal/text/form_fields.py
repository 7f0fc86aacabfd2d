"""Form fields for what people type. Text is cleaned as the model fields clean it; nothing is cut off unseen."""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vru_portal.text.characters import validate_characters
from vru_portal.text.cleaning import normalise_email, normalise_line, normalise_text
from vru_portal.text.sums import parse_count
from vru_portal.text.typed_dates import EARLIEST, LATEST, local_moment, parse_date, parse_time
from vru_portal.text.web_addresses import normalise_web_address

TOO_LONG: dict[str, Any] = {"max_length": "Shorten this to %(limit_value)d characters. It has %(show_value)d."}
NOT_A_WEB_ADDRESS: dict[str, Any] = {"invalid": "Enter a web address, such as https://www.example.org/report."}


class _TextFormField(forms.CharField):
    """Text whose length is checked by the form, not by the browser, which would cut off a paste without a word."""

    default_error_messages = TOO_LONG
    default_validators = [validate_characters]

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        if (length := attrs.pop("maxlength", None)) is not None:
            attrs["data-max-length"] = length  # for the counter of the page's script
        return attrs


class LineFormField(_TextFormField):
    """Text in a single line."""

    def to_python(self, value: Any) -> str:
        return normalise_line(super().to_python(value) or "")


class LongTextFormField(_TextFormField):
    """Text in any number of lines."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return normalise_text(super().to_python(value) or "").strip()


class EmailAddressFormField(forms.EmailField):
    """An email address."""

    def to_python(self, value: Any) -> str:
        return normalise_email(super().to_python(value) or "")


class WebAddressFormField(forms.URLField):
    """The address of a page or file on the web, https unless it says otherwise."""

    default_error_messages = NOT_A_WEB_ADDRESS

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"assume_scheme": "https", **options})

    def to_python(self, value: Any) -> Any:
        return super().to_python(normalise_web_address(value) if isinstance(value, str) else value)


class CalendarDateFormField(forms.DateField):
    """A date in any form that `parse_date` reads: chosen in a date picker, or typed."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, *, earliest: date = EARLIEST, latest: date = LATEST, **options: Any) -> None:
        self.earliest, self.latest = earliest, latest
        super().__init__(**options)

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, datetime | date):
            return super().to_python(value)
        return parse_date(str(value), earliest=self.earliest, latest=self.latest)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        if widget.attrs.get("type") == "date":
            attrs |= {"min": str(self.earliest), "max": str(self.latest)}
        return attrs


class ClockTimeFormField(forms.TimeField):
    """A time of day in any form that `parse_time` reads."""

    widget = forms.TimeInput(format="%H:%M")

    def to_python(self, value: Any) -> time | None:
        if value in self.empty_values or (isinstance(value, str) and not value.strip()):
            return None
        return value if isinstance(value, time) else parse_time(str(value))


class CountFormField(forms.IntegerField):
    """A whole number in any form that `parse_count` reads. A box for numbers would drop what it cannot read."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values or (isinstance(value, str) and not value.strip()):
            return None
        return value if isinstance(value, int) else parse_count(str(value))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "numeric"}


class MomentFormField(forms.SplitDateTimeField):
    """A date and a time of day in the portal's time zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fields = (CalendarDateFormField(required=False), ClockTimeFormField(required=False))
        for widget, part in zip(self.widget.widgets, ("date", "time"), strict=True):
            widget.attrs["aria-label"] = f"{self.label or 'Day and time'}: {part}"

    def compress(self, data_list: Any) -> datetime | None:
        day, at = data_list or (None, None)
        if day and at:
            return local_moment(day, at)
        if day or at:
            raise ValidationError("Enter the time too, such as 9am." if day else "Enter the date too.")
        return None
