"""The forms of a return. What is typed is kept as text; `answers` reads it, and says what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html

from programmes.results.models import Measure
from programmes.results.rules.answers import (
    MAX_CHARACTERS,
    SPEND,
    WORDS,
    group_name,
    read_figure,
    read_spend,
    read_words,
    total_name,
)
from vru_portal.links.forms import LinkPageForm
from vru_portal.text.characters import is_letter_or_number
from vru_portal.text.form_fields import EmailAddressFormField, LineFormField

SENDS_SELF, SENDS_ANOTHER = "me", "another"
BEFORE = "before-"  # the hidden fields that hold what the form showed


def readable_name(text: str) -> None:
    if not any(map(is_letter_or_number, text)) or "://" in text or "www." in text.casefold():
        raise ValidationError("Enter only a name.")


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
        """The hidden fields with which a form says what it showed when it was opened."""
        return [(f"{BEFORE}{name}", str(self.saved.get(name, ""))) for name in self.fields]


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
            )
            layout.append(Div(HTML("<fieldset class='govuk-fieldset'>"), HTML(legend), *names, HTML("</fieldset>")))
        self.helper.layout = Layout(*layout)

    def check_answers(self, answers: Mapping[str, str]) -> None:
        read_figure(self.measure, answers, self.most)


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
            label="What you spent on it in this quarter",
            help_text="In pounds, such as 1234.50. Leave it empty if you do not know yet.",
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


class SendForm(LinkPageForm):
    """Who sends the figures: the visitor, or a second person who checks them first."""

    who = forms.ChoiceField(
        label="Who sends the figures?",
        widget=forms.RadioSelect,
        initial=SENDS_SELF,
        choices=[(SENDS_SELF, "I send them now"), (SENDS_ANOTHER, "Somebody else checks them first, and sends them")],
        error_messages={"required": "Select who sends the figures"},
    )
    name = LineFormField(
        label="Your name",
        help_text="Only our staff see it.",
        max_length=120,
        validators=[readable_name],
        error_messages={"required": "Enter your name"},
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    confirm_name = LineFormField(
        label="Their name",
        max_length=120,
        required=False,
        validators=[readable_name],
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off", "spellcheck": "false"}),
    )
    confirm_email = EmailAddressFormField(
        label="Their work email address",
        help_text="We will email them a link. Then only they can send the figures.",
        max_length=254,
        required=False,
        error_messages={"invalid": "Enter an email address in the correct format, like name@example.org"},
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, is_confirming: bool, **options: Any) -> None:
        super().__init__(data, **options)
        if is_confirming:
            for name in ("who", "confirm_name", "confirm_email"):
                del self.fields[name]
        other = {"confirm_name": "for-another", "confirm_email": "for-another"}
        self.helper.layout = Layout(*(Div(name, css_class=other.get(name, "")) for name in self.fields))

    @property
    def is_for_another_person(self) -> bool:
        return self.cleaned_data.get("who") == SENDS_ANOTHER

    def clean(self) -> dict[str, Any]:
        answers = self.cleaned_data
        others = {"confirm_name": "Enter the name of the other person", "confirm_email": "Enter their email address"}
        for name, message in others.items():
            if not self.is_for_another_person:
                self.errors.pop(name, None)
            elif not answers.get(name) and name not in self.errors:
                self.add_error(name, message)
        return answers
