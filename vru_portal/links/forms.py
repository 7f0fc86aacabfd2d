from collections.abc import Callable
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError

from vru_portal.text.characters import is_letter_or_number
from vru_portal.text.form_fields import EmailAddressFormField, LineFormField

SENDS_SELF, SENDS_ANOTHER = "me", "another"


def readable_name(text: str) -> None:
    if not any(map(is_letter_or_number, text)) or "://" in text or "www." in text.casefold():
        raise ValidationError("Enter only a name.")


class LinkPageForm(forms.Form):
    """A form of a page behind an emailed link, in the style of the GOV.UK Design System.

    Its errors are text above the fields and in the summary of the page, so the browser's own checks are off.
    """

    use_required_attribute = False

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.template = "forms/fields.html"
        self.helper.layout = Layout(*self.fields)

    def add_rule_error(self, error: ValidationError) -> None:
        """Show the error of a rule beside the field that it is about; above the form if there is no such field."""
        fields = getattr(error, "error_dict", None) or {None: error}
        for name, errors in fields.items():
            self.add_error(name if name in self.fields else None, errors)


class SendForm(LinkPageForm):
    """Who sends the answers: the visitor, or a second person who checks them first."""

    who = forms.ChoiceField(
        label="Who sends it?",
        widget=forms.RadioSelect,
        initial=SENDS_SELF,
        choices=[(SENDS_SELF, "I send it now"), (SENDS_ANOTHER, "Somebody else checks it first, and sends it")],
        error_messages={"required": "Select who sends it"},
    )
    seen = forms.CharField(widget=forms.HiddenInput)
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
        help_text="We will email them a link. Then only they can send it.",
        max_length=254,
        required=False,
        error_messages={"invalid": "Enter an email address in the correct format, like name@example.org"},
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, is_confirming: bool, shown: str, **options: Any) -> None:
        """A second person is not asked who sends it: only they can.

        ``shown`` is the fingerprint of the answers that the page shows above the form.
        """
        super().__init__(data, initial={"seen": shown}, **options)
        if is_confirming:
            for name in ("who", "confirm_name", "confirm_email"):
                del self.fields[name]
        other = {"confirm_name": "for-another", "confirm_email": "for-another"}
        self.helper.layout = Layout(*(Div(name, css_class=other.get(name, "")) for name in self.fields))

    @property
    def is_for_another_person(self) -> bool:
        return self.cleaned_data.get("who") == SENDS_ANOTHER

    def send(self, secret: str, *, pass_on: Callable[..., object], submit: Callable[..., object]) -> None:
        """Pass the answers on or send them, by the rules of what was asked. Raises what they raise."""
        data = self.cleaned_data
        # If it is refused because the answers have changed, the page shows those of now, and the form is about them.
        self.data = {**dict(self.data.items()), "seen": self.initial["seen"]}
        if self.is_for_another_person:
            other = {name: data[name] for name in ("confirm_name", "confirm_email")}
            pass_on(secret=secret, prepared_by=data["name"], seen=data["seen"], **other)
        else:
            submit(secret=secret, name=data["name"], seen=data["seen"])

    def clean(self) -> dict[str, Any]:
        answers = self.cleaned_data
        others = {"confirm_name": "Enter the name of the other person", "confirm_email": "Enter their email address"}
        for name, message in others.items():
            if not self.is_for_another_person:
                self.errors.pop(name, None)
            elif not answers.get(name) and name not in self.errors:
                self.add_error(name, message)
        return answers


# What people type into it, for pages that show what could not be saved.
SEND_LABELS = {name: str(SendForm.base_fields[name].label) for name in ("name", "confirm_name", "confirm_email")}
