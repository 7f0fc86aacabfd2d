from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from partners.models import Unit
from partners.phrases import GROUPS, PHRASES, Phrase

PREFIX = "phrase_"


class PhraseField(forms.CharField):
    """One phrase: empty where the unit says what the portal says."""

    def __init__(self, phrase: Phrase) -> None:
        widget = AdminTextInputWidget(attrs={"size": "80", "placeholder": phrase.text})
        super().__init__(required=False, label=phrase.where, help_text=phrase.help_text, widget=widget)
        self.phrase = phrase

    def validate(self, value: Any) -> None:
        """Hold it to what can stand there."""
        super().validate(value)
        if value:
            self.phrase.check(value)


class UnitForm(forms.ModelForm[Unit]):
    """The unit, with a field for each word of its pages."""

    class Meta:
        model = Unit
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets say which

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, text in self.instance.phrases.items():
            self.initial.setdefault(PREFIX + key, text)

    def _post_clean(self) -> None:
        said = {key: self.cleaned_data.get(PREFIX + key, "") for key in PHRASES if PREFIX + key in self.fields}
        self.instance.phrases = {key: text for key, text in said.items() if text}
        super()._post_clean()  # type: ignore[misc]


# As fields of the class: the admin looks there for what its fieldsets name.
UnitForm.base_fields.update({PREFIX + key: PhraseField(phrase) for key, phrase in PHRASES.items()})
UnitForm.declared_fields.update(
    {name: field for name, field in UnitForm.base_fields.items() if name.startswith(PREFIX)}
)

# The phrases of each page, folded away: most units change few of them.
PHRASE_FIELDSETS: tuple[tuple[str, Any], ...] = tuple(
    (
        title,
        {
            "classes": ["collapse"],
            "fields": [PREFIX + key for key, phrase in PHRASES.items() if phrase.group == title],
            "description": "Headings, labels and buttons. Empty fields say what stands in grey. "
            "Sentences about the programme are passages, under Programmes.",
        },
    )
    for title in GROUPS.values()
)
