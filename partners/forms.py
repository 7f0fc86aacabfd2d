from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from partners.models import Unit
from partners.phrases import GROUPS, PHRASES, Phrase
from vru_portal.text.form_fields import LineFormField

PREFIX = "phrase_"


class PhraseField(LineFormField):
    """One phrase. Empty if the unit uses the portal's wording."""

    def __init__(self, phrase: Phrase) -> None:
        widget = AdminTextInputWidget(attrs={"size": "80", "placeholder": phrase.text})
        super().__init__(required=False, label=phrase.where, help_text=phrase.help_text, widget=widget)
        self.phrase = phrase

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value:
            self.phrase.check(value)


class UnitForm(forms.ModelForm[Unit]):
    """The unit, with a field for each phrase of its pages."""

    class Meta:
        model = Unit
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets say which

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, text in self.instance.phrases.items():
            self.initial.setdefault(PREFIX + key, text)

    def _post_clean(self) -> None:
        own_phrases = {key: self.cleaned_data.get(PREFIX + key, "") for key in PHRASES if PREFIX + key in self.fields}
        self.instance.phrases = {key: text for key, text in own_phrases.items() if text}
        super()._post_clean()  # type: ignore[misc]


# Set on the class, since the admin looks there for the fields that its fieldsets name.
UnitForm.base_fields.update({PREFIX + key: PhraseField(phrase) for key, phrase in PHRASES.items()})
UnitForm.declared_fields.update(
    {name: field for name, field in UnitForm.base_fields.items() if name.startswith(PREFIX)}
)

# One collapsed fieldset for each page, as most units change only a few phrases.
PHRASE_FIELDSETS: tuple[tuple[str, Any], ...] = tuple(
    (
        title,
        {
            "classes": ["collapse"],
            "fields": [PREFIX + key for key, phrase in PHRASES.items() if phrase.group == title],
            "description": "Headings, labels and buttons. If a field is empty, the page shows the text in grey. "
            "For longer text about the programme, see Passages under Programmes.",
        },
    )
    for title in GROUPS.values()
)
