"""The forms of the signing pages. They check what was typed; whether something is allowed is for `rules` to decide."""

from typing import Any

from crispy_forms.layout import Div, Layout
from django import forms
from django.utils import timezone

from events.declarations.choices import Authority
from events.declarations.models import Preparation, SignatoryBody, SigningRequest
from events.declarations.rules import signing
from events.declarations.validators import validate_readable
from partners.models import Sector
from vru_portal.links.forms import LinkPageForm
from vru_portal.text.form_fields import CalendarDateFormField, EmailAddressFormField, LineFormField, LongTextFormField

SIGNS_SELF, SIGNS_ANOTHER = "me", "another"  # the answers to “who signs?”
NAME_IS_PUBLIC_CHOICES = {"no": "Only the organisation", "yes": "The organisation, my name and my role"}
# Some fields are needed only for some answers. A style sheet hides them otherwise (frontend/_signing.scss), so that
# the pages work without JavaScript.
FIELD_CSS_CLASSES = {
    "prepared_by": "for-another",
    "email": "for-another",
    "authority_reference": "for-decision",
    "authority_date": "for-decision",
    "name_is_public": "for-me",
    "authorised": "for-me",
}


class SingleLineField(LineFormField):
    """A line of readable text."""

    def __init__(self, *, required_message: str, max_length: int = 120, **options: Any) -> None:
        super().__init__(max_length=max_length, validators=[validate_readable], **options)
        self.error_messages["required"] = required_message


class DetailsForm(LinkPageForm):
    """Who signs, and by what authority. An assistant may fill it in for somebody else, who then confirms it."""

    who = forms.ChoiceField(
        widget=forms.RadioSelect, initial=SIGNS_SELF, error_messages={"required": "Select who signs"}
    )
    prepared_by = SingleLineField(
        label="Your own name",
        help_text="The person who signs will see who prepared this.",
        required_message="Enter your own name",
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    name = SingleLineField(
        label="Full name of the person who signs",
        help_text="The name that you type here is the signature.",
        required_message="Enter the full name of the person who signs",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    role = SingleLineField(
        label="Role",
        help_text="For example, chief executive or head teacher.",
        required_message="Enter the role, for example chief executive",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization-title"}),
    )
    email = EmailAddressFormField(
        label="Their work email address",
        help_text="We will email them a link. Then only they can sign, not you.",
        max_length=254,
        required=False,
        error_messages={"invalid": "Enter an email address in the correct format, like name@example.org"},
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    authority = forms.ChoiceField(
        choices=[
            (Authority.POST, "Their post, for example chief executive"),
            (Authority.DELEGATED, "A decision that delegates it to them, for example a minute of the board"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Select what gives this person authority to sign"},
    )
    authority_reference = SingleLineField(
        label="Reference of the decision",
        help_text="For example, minute 14 of the board.",
        required_message="Enter the reference of the decision",
        max_length=160,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    authority_date = CalendarDateFormField(label="Date of the decision", required=False)
    name_is_public = forms.ChoiceField(
        label="What the public register shows",
        help_text="It never shows an email address. You can take your name off later, from your receipt.",
        choices=list(NAME_IS_PUBLIC_CHOICES.items()),
        initial="no",
        required=False,
        widget=forms.RadioSelect,
    )
    authorised = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, organisation: SignatoryBody, is_confirming: bool, **options: Any) -> None:
        """``is_confirming``: the visitor is the person an assistant has passed the invitation on to."""
        super().__init__(data, **options)
        self.fields["who"].label = f"Who signs for {organisation}?"
        self.fields["who"].choices = [  # type: ignore[attr-defined]
            (SIGNS_SELF, "I do"),
            (SIGNS_ANOTHER, "Somebody else. I will fill this in and they will confirm it from their own email"),
        ]
        self.fields["authority"].label = f"What gives this person authority to sign for {organisation}?"
        self.fields["authorised"].label = signing.STATEMENT_OF_AUTHORITY.format(body=organisation)
        if is_confirming:
            for name in ("who", "prepared_by", "email"):
                del self.fields[name]
            self.fields["name"].label = "Your full name"
        self.helper.layout = Layout(*(Div(name, css_class=FIELD_CSS_CLASSES.get(name, "")) for name in self.fields))

    @classmethod
    def initial_from(cls, preparation: Preparation | None) -> dict[str, Any]:
        """The answers that were saved before, to be shown again."""
        if preparation is None:
            return {}
        initial = {name: getattr(preparation, name) for name in cls.base_fields if hasattr(preparation, name)}
        initial["name_is_public"] = "yes" if preparation.name_is_public else "no"
        # After passing it on, “who signs?” starts empty: pressing the button alone must not email somebody again.
        return initial | {"who": None if preparation.passed_on_at else SIGNS_SELF}

    @property
    def is_for_another_person(self) -> bool:
        return self.cleaned_data.get("who") == SIGNS_ANOTHER

    def clean(self) -> dict[str, Any]:
        """Require the fields that the chosen answers need, and drop those that they do not."""
        answers = self.cleaned_data
        if self.is_for_another_person:
            self.require_answer("prepared_by", "Enter your own name")
            self.require_answer("email", "Enter the email address of the person who signs")
            answers |= {"name_is_public": "no", "authorised": False}
        else:
            answers |= {"email": "", "prepared_by": ""}
            for name in ("email", "prepared_by"):
                self.errors.pop(name, None)
            self.require_answer(
                "authorised", "Confirm that you are authorised to sign, or select that somebody else signs"
            )
        if answers.get("authority") == Authority.DELEGATED:
            self.require_answer("authority_reference", "Enter the reference of the decision")
            self.require_answer("authority_date", "Enter the date of the decision")
            authority_date = answers.get("authority_date")
            if authority_date and authority_date > timezone.localdate():
                self.add_error("authority_date", "The date of the decision must be today or in the past")
        else:
            answers |= {"authority_reference": "", "authority_date": None}
            for name in ("authority_reference", "authority_date"):
                self.errors.pop(name, None)
        return answers

    def require_answer(self, name: str, message: str) -> None:
        """Add an error if the answer is empty, unless the field has an error already."""
        if not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, message)

    @property
    def signatory(self) -> signing.Signatory:
        names = ("name", "role", "email", "prepared_by", "authority", "authority_reference", "authority_date")
        answers = {name: self.cleaned_data[name] for name in names}
        return signing.Signatory(name_is_public=self.cleaned_data["name_is_public"] == "yes", **answers)


class DeclineForm(LinkPageForm):
    """Why an organisation will not sign."""

    reason = LongTextFormField(
        label="Why will your organisation not sign?",
        help_text="One sentence is enough. Only our staff read it. We never publish it.",
        max_length=1000,
        validators=[validate_readable],
        error_messages={"required": "Enter why your organisation will not sign"},
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )


class DecisionDateForm(LinkPageForm):
    """The date on which an organisation decides."""

    day = CalendarDateFormField(
        label="When will you decide?",
        help_text="For example, the date when your board or committee meets.",
        error_messages={"required": "Enter the date when you will decide"},
    )


class ConfirmationForm(LinkPageForm):
    """A box to tick before something that a button alone must not do, since some mail scanners press buttons."""

    confirmed = forms.BooleanField()

    def __init__(self, data: Any = None, *, label: str, required_message: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["confirmed"].label = label
        self.fields["confirmed"].error_messages["required"] = required_message


class RequestToSignForm(LinkPageForm):
    """An organisation that was not invited asks to sign."""

    name = SingleLineField(
        label="Name of your organisation",
        help_text="As the public register should show it.",
        required_message="Enter the name of your organisation",
        max_length=200,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization"}),
    )
    sector = forms.ModelChoiceField(
        label="Sector", queryset=Sector.objects.none(), required=False, empty_label="None of these, or not sure"
    )
    contact_name = SingleLineField(
        label="Your name",
        required_message="Enter your name",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "name", "spellcheck": "false"}),
    )
    email = EmailAddressFormField(
        label="Your work email address",
        help_text="If we agree, we will send the invitation to this address.",
        max_length=SigningRequest._meta.get_field("email").max_length,
        error_messages={
            "required": "Enter your work email address",
            "invalid": "Enter an email address in the correct format, like name@example.org",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    message = LongTextFormField(
        label="Is there anything else we should know? (optional)",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        sectors = Sector.objects.public()
        self.fields["sector"].queryset = sectors  # type: ignore[attr-defined]
        if not sectors:
            del self.fields["sector"]
            self.helper.layout = Layout(*self.fields)
