"""The forms of the signing journey. They ask and explain; `rules` decide."""

import unicodedata
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.declarations import rules
from events.declarations.choices import Authority
from events.declarations.models import Preparation, SignatoryBody, SigningRequest
from events.declarations.validators import visible
from partners.models import Sector

ME, ANOTHER = "me", "another"
SHOWN = {"no": "Only the organisation", "yes": "The organisation, my name and my role"}
# Fields that only some answers need: a style sheet hides them from the others (frontend/_signing.scss).
GROUPS = {
    "prepared_by": "for-another",
    "email": "for-another",
    "authority_reference": "for-decision",
    "authority_date": "for-decision",
    "name_is_public": "for-me",
    "authorised": "for-me",
}
DAY_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%d %b %Y", "%d.%m.%Y"]


class Line(forms.CharField):
    """A line of text that somebody can read: blanks are evened, and letters composed in the one usual way."""

    def __init__(self, *, asked: str, longest: int = 120, **more: Any) -> None:
        super().__init__(max_length=longest, validators=[visible], **more)
        self.error_messages["required"] = asked
        self.max_length = longest

    def to_python(self, value: Any) -> str:
        """Return the line as it is kept."""
        return unicodedata.normalize("NFC", " ".join(str(super().to_python(value) or "").split()))


class Day(forms.DateField):
    """A day: chosen in the browser's own way, or typed as people write it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, *, asked: str, **more: Any) -> None:
        super().__init__(input_formats=DAY_FORMATS, **more)
        self.error_messages |= {"required": asked, "invalid": "Enter a real day, such as 27 3 2031 as 27/03/2031."}


class JourneyForm(forms.Form):
    """A form whose errors are words above its fields, never bubbles of the browser."""

    use_required_attribute = False

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, label_suffix="", **more)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.template = "forms/fields.html"
        self.helper.layout = Layout(*self.fields)

    def take(self, error: ValidationError) -> None:
        """Show what a rule has refused beside the field that it is about, if it is about one."""
        fields = getattr(error, "error_dict", None) or {None: error}
        for name, errors in fields.items():
            self.add_error(name if name in self.fields else None, errors)


class DetailsForm(JourneyForm):
    """Who signs, and on what basis. An assistant fills it in for somebody else, who confirms it."""

    who = forms.ChoiceField(widget=forms.RadioSelect, initial=ME, error_messages={"required": "Choose who signs"})
    prepared_by = Line(
        label="Your own name",
        help_text="The signatory sees who has prepared this.",
        asked="Enter your own name",
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    name = Line(
        label="Full name of the person who signs",
        help_text="The name, as it is typed here, is the signature.",
        asked="Enter the full name, as it is signed",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    role = Line(
        label="Role",
        help_text="For example, chief executive or head teacher.",
        asked="Enter the role, such as chief executive",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization-title"}),
    )
    email = forms.EmailField(
        label="Their work email address",
        help_text="We send them a link. Only they can then sign, not you.",
        max_length=254,
        required=False,
        error_messages={"invalid": "Enter an email address in the correct format, such as name@example.org"},
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    authority = forms.ChoiceField(
        choices=[
            (Authority.POST, "The post they hold, such as chief executive"),
            (Authority.DELEGATED, "A decision that delegates it, such as a minute of the board"),
        ],
        initial=Authority.POST,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what lets this person sign"},
    )
    authority_reference = Line(
        label="Reference of the decision",
        help_text="For example, minute 14 of the board.",
        asked="Enter the reference of the decision",
        longest=160,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    authority_date = Day(label="Day of the decision", asked="Enter the day of the decision", required=False)
    name_is_public = forms.ChoiceField(
        label="What the public register shows",
        help_text="Never an email address. You can take your name off later, from your receipt.",
        choices=list(SHOWN.items()),
        initial="no",
        required=False,
        widget=forms.RadioSelect,
    )
    authorised = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, body: SignatoryBody, confirms: bool, **more: Any) -> None:
        """Ask for a body; ``confirms``: of the person to whom an assistant has passed it on."""
        super().__init__(data, **more)
        self.fields["who"].label = f"Who signs for {body}?"
        self.fields["who"].choices = [  # type: ignore[attr-defined]
            (ME, "I do"),
            (ANOTHER, "Somebody else. I fill this in, and they confirm it from their own mailbox"),
        ]
        self.fields["authority"].label = f"What lets this person sign for {body}?"
        self.fields["authorised"].label = rules.STATEMENT.format(body=body)
        if confirms:
            for name in ("who", "prepared_by", "email"):
                del self.fields[name]
            self.fields["name"].label = "Your full name"
        self.helper.layout = Layout(*(Div(name, css_class=GROUPS.get(name, "")) for name in self.fields))

    @classmethod
    def answers_of(cls, preparation: Preparation | None) -> dict[str, Any]:
        """Return what was filled in before, to be shown again."""
        if preparation is None:
            return {}
        kept = {name: getattr(preparation, name) for name in cls.base_fields if hasattr(preparation, name)}
        kept["name_is_public"] = "yes" if preparation.name_is_public else "no"
        # whoever has passed it on chooses anew: a press of the button alone must not send it to somebody again
        return kept | {"who": None if preparation.passed_on_at else ME}

    @property
    def for_another(self) -> bool:
        """Whether somebody else is to sign."""
        return self.cleaned_data.get("who") == ANOTHER

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen answers need, and forget what they do not."""
        answers = self.cleaned_data
        if self.for_another:
            self.require("prepared_by", "Enter your own name")
            self.require("email", "Enter the email address of the person who signs")
            answers |= {"name_is_public": "no", "authorised": False}
        else:
            answers |= {"email": "", "prepared_by": ""}
            for name in ("email", "prepared_by"):
                self.errors.pop(name, None)
            self.require("authorised", "Confirm that you are authorised to sign, or choose that somebody else signs")
        if answers.get("authority") == Authority.DELEGATED:
            self.require("authority_reference", "Enter the reference of the decision")
            self.require("authority_date", "Enter the day of the decision")
            day = answers.get("authority_date")
            if day and day > timezone.localdate():
                self.add_error("authority_date", "The day of the decision must be today or in the past")
        else:
            answers |= {"authority_reference": "", "authority_date": None}
            for name in ("authority_reference", "authority_date"):
                self.errors.pop(name, None)
        return answers

    def require(self, name: str, asked: str) -> None:
        """Refuse an empty answer, unless something else was wrong with it."""
        if not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, asked)

    @property
    def signatory(self) -> rules.Signatory:
        """Who signs, as it was filled in."""
        names = ("name", "role", "email", "prepared_by", "authority", "authority_reference", "authority_date")
        answers = {name: self.cleaned_data[name] for name in names}
        return rules.Signatory(name_is_public=self.cleaned_data["name_is_public"] == "yes", **answers)


class DeclineForm(JourneyForm):
    """Why a body will not sign."""

    because = forms.CharField(
        label="Why not?",
        help_text="A sentence is enough. Only our staff read it; it is never published.",
        max_length=1000,
        validators=[visible],
        error_messages={"required": "Say why, in a sentence"},
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )


class DecideForm(JourneyForm):
    """When a body decides."""

    day = Day(
        label="On which day do you decide?",
        help_text="For example, when your board or committee meets.",
        asked="Enter the day on which you decide",
    )


class SureForm(JourneyForm):
    """A box to tick before something that a press of a button alone must not do: mail scanners press buttons."""

    sure = forms.BooleanField()

    def __init__(self, data: Any = None, *, label: str, asked: str, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["sure"].label = label
        self.fields["sure"].error_messages["required"] = asked


class AskForm(JourneyForm):
    """A body that was not invited asks to sign."""

    name = Line(
        label="Name of your organisation",
        help_text="As the public register is to show it.",
        asked="Enter the name of your organisation",
        longest=200,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization"}),
    )
    sector = forms.ModelChoiceField(
        label="Sector", queryset=Sector.objects.none(), required=False, empty_label="None of these, or not sure"
    )
    contact_name = Line(
        label="Your name",
        asked="Enter your name",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    email = forms.EmailField(
        label="Your work email address",
        help_text="If we agree, the invitation goes there.",
        max_length=SigningRequest._meta.get_field("email").max_length,
        error_messages={
            "required": "Enter your work email address",
            "invalid": "Enter an email address in the correct format, such as name@example.org",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    message = forms.CharField(
        label="Anything that we should know",
        help_text="You can leave this empty.",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        sectors = Sector.objects.public()
        self.fields["sector"].queryset = sectors  # type: ignore[attr-defined]
        if not sectors:
            del self.fields["sector"]
            self.helper.layout = Layout(*self.fields)
