"""The forms of a report of onward grants. What is typed is kept as text; `rules.answers` says what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from crispy_forms.layout import Fieldset, Layout
from django import forms
from django.core.exceptions import ValidationError

from funding.regranting.files import FIELDS
from vru_portal.links.forms import LinkPageForm
from vru_portal.links.pages import before_fields

LABELS = {
    "recipient": "Who received it",
    "amount": "How much you awarded",
    "awarded_on": "When you awarded it",
    "title": "What the grant is called",
    "description": "What it is for",
    "reference": "Your identifier for the grant",
    "recipient_org_id": "Identifier of who received it",
    "area": "Where it helps",
    "area_code": "Official code of that place",
    "url": "Where you publish it",
}
HINTS = {
    "recipient": "The name of the organisation. For a grant to a person, enter “An individual”. Do not enter a name.",
    "amount": "In pounds, such as 1234.50. Enter only the part that came from this grant.",
    "awarded_on": "For example, 27 3 2020 or 27 March 2020.",
    "title": "For example, After-school boxing.",
    "description": "A sentence. It is published, so do not name anybody.",
    "reference": "If you publish in the 360Giving standard, the identifier in your file.",
    "recipient_org_id": "For example, GB-CHC-1234567 for a charity. See org-id.guide.",
    "area": "A ward, town or district.",
    "area_code": "For example, E08000025.",
    "url": "The address of a page, such as https://www.example.org/grants.",
}
# Bytes. The portal takes no larger form from people without an account (`vru_portal/server/rsgi.py:LARGEST_FORM`).
LARGEST_FILE = 1_000_000
TOO_LARGE = (
    "This file is larger than 1 MB. Leave out grants that you did not make from our money, save it as CSV, or email "
    "it to us."
)
OPTIONAL = ("reference", "recipient_org_id", "area", "area_code", "url")


class GrantForm(LinkPageForm):
    """One grant. Any text is valid: errors are shown, and what was typed is kept."""

    def __init__(
        self, saved: Mapping[str, str], typed: Mapping[str, str] | None = None, errors: Mapping[str, list[str]] = {}
    ) -> None:
        """``saved`` is what is in the list; ``typed`` is what has just been sent, and ``errors`` what is wrong."""
        super().__init__(saved if typed is None and errors else typed, initial=saved)
        self.saved = saved
        for name in FIELDS:
            attrs = {"autocomplete": "off", "dir": "auto"} | {"amount": {"inputmode": "decimal"}}.get(name, {})
            if name in ("amount", "awarded_on", "area_code"):
                attrs["class"] = "govuk-input--width-10"
            widget = forms.Textarea(attrs={"rows": 3, "dir": "auto"}) if name == "description" else None
            self.fields[name] = forms.CharField(
                label=LABELS[name],
                help_text=HINTS[name],
                required=False,
                strip=False,
                widget=widget or forms.TextInput(attrs=attrs),
            )
        self.helper.layout = Layout(
            *(name for name in FIELDS if name not in OPTIONAL),
            Fieldset("Only if you have them", *OPTIONAL),
        )
        if self.is_bound:
            self.full_clean()
            self.add_rule_error(ValidationError(dict(errors)))

    @property
    def before(self) -> list[tuple[str, str]]:
        """What the form showed when it was opened."""
        return before_fields(self.saved, FIELDS)


class FileForm(LinkPageForm):
    """A file of grants."""

    file = forms.FileField(
        label="Your file",
        help_text="JSON or CSV in the 360Giving standard, or a spreadsheet (CSV or XLSX) with a row for each grant. It "
        "can be up to 1 MB.",
        error_messages={
            "required": "Choose a file",
            "empty": "This file is empty. Choose one that has your grants.",
        },
        widget=forms.FileInput(attrs={"accept": ".json,.csv,.xlsx", "class": "govuk-file-upload"}),
    )
    replace = forms.BooleanField(
        label="Replace the grants in your list that have the same identifier",
        help_text="For example, if you have corrected a file that you uploaded earlier.",
        required=False,
    )

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LARGEST_FILE:
            raise ValidationError(TOO_LARGE)
        return self.cleaned_data["file"]
