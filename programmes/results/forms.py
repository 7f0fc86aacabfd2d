"""The forms of a return. What is typed is kept as text; `answers` reads it, and says what is wrong with it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html

from programmes.results.models import Measure
from programmes.results.rules.answers import (
    MAX_CHARACTERS,
    SPEND,
    SPEND_LABEL,
    WORDS,
    group_name,
    read_figure,
    read_spend,
    read_words,
    require_parts_within,
    total_name,
)
from vru_portal.links.forms import LinkPageForm
from vru_portal.links.pages import before_fields


class AnswersForm(LinkPageForm):
    """Some of the answers of a return. Any text is valid: errors are shown, and what was typed is kept."""

    def __init__(self, answers: Mapping[str, str], typed: Mapping[str, str] | None = None, **options: Any) -> None:
        """``answers`` are those that are saved; ``typed`` is what has just been sent."""
        super().__init__(typed, initial=answers, **options)
        self.saved = answers

    def field_names(self) -> list[str]:
        return list(self.fields)

    def check_answers(self, answers: Mapping[str, str]) -> None:
        """Raise ValidationError, by field name, for what cannot be sent like this."""
        raise NotImplementedError

    @property
    def before(self) -> list[tuple[str, str]]:
        return before_fields(self.saved, self.fields)


def number_field(label: str, help_text: str = "") -> forms.CharField:
    attrs = {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false", "class": "govuk-input--width-5"}
    return forms.CharField(
        label=label, help_text=help_text, required=False, strip=False, widget=forms.TextInput(attrs=attrs)
    )


class MeasureForm(AnswersForm):
    """The count of one measure, and of each group of its breakdowns."""

    def __init__(self, measure: Measure, *args: Any, most: int | None = None, **options: Any) -> None:
        self.measure, self.most = measure, most
        super().__init__(*args, **options)
        self.fields[total_name(measure)] = number_field(f"Number of {measure.unit} in all", escape(measure.counts))
        layout: list[Any] = [total_name(measure)]
        for breakdown in measure.breakdowns.all():
            names = []
            for group in breakdown.groups.all():
                name = group_name(measure, group)
                self.fields[name] = number_field(group.name)
                names.append(name)
            legend = format_html(
                '<legend class="govuk-fieldset__legend">Of these, by {}</legend>'
                '<p class="govuk-hint">Leave all of them empty if you did not count this.</p>',
                str(breakdown).lower(),
            ).replace("{", "&#123;")  # crispy-forms renders it as a template
            layout.append(Div(HTML("<fieldset class='govuk-fieldset'>"), HTML(legend), *names, HTML("</fieldset>")))
        self.helper.layout = Layout(*layout)

    def check_answers(self, answers: Mapping[str, str]) -> None:
        """A part is compared with its whole if that was entered before; at the end, all figures are compared."""
        figure = read_figure(self.measure, answers, self.most)
        whole = None
        if self.measure.part_of:
            with suppress(ValidationError):  # which the page of the whole shows
                whole = read_figure(self.measure.part_of, self.saved)
        if figure and whole:
            require_parts_within([whole, figure])


class WordsForm(AnswersForm):
    """What went well, what did not, and what was spent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hints = {
            "went_well": "One sentence. It is published, so do not name anybody.",
            "went_badly": "One sentence. It is published too, and helps others to avoid the same problem.",
        }
        for name, label in WORDS.items():
            self.fields[name] = forms.CharField(
                label=label,
                help_text=hints[name],
                required=False,
                widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "data-max-length": MAX_CHARACTERS}),
            )
        self.fields[SPEND] = forms.CharField(
            label=SPEND_LABEL,
            help_text="In pounds, such as 1234.50. It is published. Leave it empty if you do not know yet.",
            required=False,
            widget=forms.TextInput(
                attrs={"inputmode": "decimal", "autocomplete": "off", "class": "govuk-input--width-10"}
            ),
        )
        self.helper.layout = Layout(*self.fields)

    def check_answers(self, answers: Mapping[str, str]) -> None:
        errors: dict[str, list[str]] = {}
        for read in (read_words, read_spend):
            try:
                read(answers)
            except ValidationError as error:
                errors |= error.message_dict
        if errors:
            raise ValidationError(errors)
