from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import ValidationError


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
