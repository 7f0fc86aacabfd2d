from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms

from programmes.filters import InitiativeFilter


def catalogue_form(question: InitiativeFilter) -> forms.Form:
    """Return the catalogue's question as a form: words, and checkboxes for each facet that has an answer."""
    form = question.form
    for name in question.labels:
        if name in question.facets and name != "level":
            form.fields[name].widget = forms.CheckboxSelectMultiple(choices=form.fields[name].choices)
    for name in ("level", "sort"):  # chosen by links above the list; the form keeps them
        form.fields[name].widget = forms.MultipleHiddenInput() if name == "level" else forms.HiddenInput()
    form.helper = FormHelper()
    form.helper.form_method = "get"
    form.helper.form_id = "filters"
    form.helper.form_action = "programmes:initiatives"
    form.helper.disable_csrf = True
    form.helper.attrs = {"aria-label": "Filter initiatives"}
    shown = [name for name in question.labels if name in question.facets]
    form.helper.layout = Layout("q", *shown, "sort", Submit("", "Show initiatives"))
    return form
