from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from programmes.models import Document, Picture, Story
from programmes.uploads.documents import prepare_document
from programmes.uploads.prepared_file import PreparedFile
from vru_portal.text.cleaning import truncate
from vru_portal.text.form_fields import LineFormField


class UploadForm(forms.ModelForm[Any]):
    """A form with a file that is checked before it is stored. If no file is sent, the stored one stays."""

    note = ""  # for the person who sent the file

    @staticmethod
    def prepare(uploaded: Any) -> PreparedFile:
        """Check the file and turn it into what is stored; raises ValidationError if it is refused."""
        raise NotImplementedError

    def clean_file(self) -> Any:
        uploaded = self.cleaned_data["file"]
        if not isinstance(uploaded, UploadedFile):
            return uploaded
        uploaded.seek(0)
        prepared = self.prepare(uploaded)
        self.instance.size, self.instance.sha256 = prepared.size, prepared.sha256
        self.note = prepared.note
        if prepared.width:
            self.instance.width, self.instance.height = prepared.width, prepared.height
        return prepared.file


PICTURE_KINDS = {"accept": "image/jpeg,image/png,image/webp,image/gif"}
PICTURE_RULES = (
    "JPEG, PNG, WebP or GIF, up to 10 MB, and no more than three times as tall as it is wide. Large pictures are made "
    "smaller. What the camera recorded, such as the place, is removed."
)


class PictureForm(UploadForm):
    """A picture."""

    @staticmethod
    def prepare(uploaded: Any) -> PreparedFile:
        from programmes.uploads.pictures import prepare_picture  # Pillow takes long to import

        return prepare_picture(uploaded)

    class Meta:
        model = Picture
        fields = ("title", "slug", "file", "alternative_text", "credit")
        widgets = {"file": forms.FileInput(attrs=PICTURE_KINDS)}
        help_texts = {"file": PICTURE_RULES}


class DocumentForm(UploadForm):
    """A document."""

    prepare = staticmethod(prepare_document)

    class Meta:
        model = Document
        fields = ("title", "slug", "file", "publication", "role", "credit")
        widgets = {"file": forms.FileInput(attrs={"accept": ".pdf,.docx,.xlsx,.odt,.ods,.csv,.txt"})}
        help_texts = {
            "file": "PDF, DOCX, XLSX, ODT, ODS, CSV or TXT, up to 20 MB, without a password. We refuse documents with "
            "the usual marks of macros or scripts, but do not check for viruses: only upload documents that you made "
            "or trust. Documents are published as they are, so check for names, comments and hidden columns first."
        }


class StoryForm(forms.ModelForm[Story]):
    """A story. Its picture is one that the portal has, or is uploaded with it (see `picture_form_of`)."""

    new_picture = forms.FileField(
        label="Upload a picture",
        required=False,
        widget=forms.FileInput(attrs=PICTURE_KINDS),
        help_text=PICTURE_RULES,
    )
    alternative_text = LineFormField(
        label="What the picture shows",
        required=False,
        max_length=250,
        widget=AdminTextInputWidget(attrs={"size": "80"}),
        help_text="For people who cannot see it. You only need this if you upload a picture here.",
    )
    credit = LineFormField(
        label="Credit",
        required=False,
        max_length=160,
        widget=AdminTextInputWidget(attrs={"size": "80"}),
        help_text="Who made the picture, if this must be stated.",
    )

    class Meta:
        model = Story
        fields = ("title", "slug", "published_on", "summary", "body", "picture")
        labels = {"picture": "Or choose a picture that is already in the portal"}

    def clean(self) -> dict[str, Any]:
        """Say why a picture that was sent has not been stored."""
        cleaned = super().clean() or {}
        form = picture_form_of(self.data, self.files)
        if form is None:
            if cleaned.get("alternative_text"):
                self.add_error("new_picture", "Choose the file of the picture that you have described.")
            return cleaned
        for name, sentences in form.errors.items():
            field = "new_picture" if name == "file" else name
            if field not in self.errors:
                self.add_error(field if field in self.fields else None, sentences)
        if "new_picture" not in self.errors:
            self.add_error("new_picture", "Choose the file again, because the browser does not keep it.")
        return cleaned


def picture_form_of(data: Any, files: Any) -> PictureForm | None:
    """The form of the picture that was sent with a story, under the story's title; None if no file was sent."""
    if "new_picture" not in files:
        return None
    title = data.get("title", "").strip() or data.get("alternative_text", "")
    sent = {"title": truncate(title, 160), **{name: data.get(name, "") for name in ("alternative_text", "credit")}}
    form = PictureForm(sent, MultiValueDict({"file": [files["new_picture"]]}))
    form.fields["alternative_text"].required = True
    form.fields["alternative_text"].error_messages["required"] = (
        "Describe in one sentence what the picture shows, for people who cannot see it."
    )
    return form
