from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.core.files.uploadedfile import UploadedFile

from programmes import uploads
from programmes.filters import InitiativeFilter
from programmes.models import Document, Picture


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


class UploadForm(forms.ModelForm[Any]):
    """A file, made safe and measured before it is kept. An empty field keeps the file that is there."""

    @staticmethod
    def made_safe(sent: Any) -> uploads.Upload:
        """Return what is kept of a file; raises ValidationError for one that may not be."""
        raise NotImplementedError

    def clean_file(self) -> Any:
        """Return what is kept of what was sent."""
        sent = self.cleaned_data["file"]
        if not isinstance(sent, UploadedFile):
            return sent
        sent.seek(0)
        made = self.made_safe(sent)
        self.instance.size, self.instance.sha256 = made.size, made.sha256
        if made.width:
            self.instance.width, self.instance.height = made.width, made.height
        return made.file


class PictureForm(UploadForm):
    """A picture."""

    made_safe = staticmethod(uploads.picture)

    class Meta:
        model = Picture
        fields = ("title", "slug", "file", "alternative_text", "credit")
        widgets = {"file": forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"})}
        help_texts = {
            "file": "JPEG, PNG, WebP or GIF, up to 10 MB. It is made smaller, and loses what the camera wrote."
        }


class DocumentForm(UploadForm):
    """A document."""

    made_safe = staticmethod(uploads.document)

    class Meta:
        model = Document
        fields = ("title", "slug", "file", "credit")
        widgets = {"file": forms.FileInput(attrs={"accept": ".pdf,.docx,.xlsx,.odt,.ods,.csv,.txt"})}
        help_texts = {
            "file": "PDF, DOCX, XLSX, ODT, ODS, CSV or TXT, up to 20 MB, without a password. It is looked through for "
            "the usual marks of macros and scripts, not for viruses: send only what you made or trust. It is published "
            "as it is: look for names, comments and hidden columns first."
        }
