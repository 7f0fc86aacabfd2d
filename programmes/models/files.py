import os

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from partners.models import Publication
from programmes import querysets
from programmes.choices import FileRole
from vru_portal.publishing.history import HistoryManager
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField
from vru_portal.web.addresses import address_of


class UploadStorage(FileSystemStorage):
    """The folder named by the `UPLOADS` setting.

    The setting is read each time, since tests change it: Django's own storage reads its location only once.
    """

    @property
    def base_location(self) -> str:
        return str(settings.UPLOADS)

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)


def upload_storage() -> FileSystemStorage:
    """Where uploaded files are kept. They have no URL of their own: a view checks who may see each of them."""
    return UploadStorage(base_url=None)


class UploadedFileRecord(Slugged, Publishable):
    """A file that staff upload, with its title, its size and its fingerprint."""

    title = LineField(max_length=160, help_text="What it is. Links to the file show this text.")
    size = models.PositiveIntegerField("bytes", default=0, editable=False)
    sha256 = models.CharField("fingerprint", max_length=64, editable=False)
    credit = LineField(max_length=160, blank=True, help_text="Who made it, if this must be stated.")

    class Meta(Publishable.Meta):
        abstract = True
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Picture(UploadedFileRecord):
    """A picture for stories, stored without what the camera recorded, such as the place."""

    file = models.FileField(storage=upload_storage, upload_to="pictures", max_length=200)
    alternative_text = LineField(
        max_length=250,
        blank=True,
        help_text="What the picture shows, for people who cannot see it. A picture cannot be published without "
        "it. Do not start with “picture of”.",
    )
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.PictureQuerySet.as_manager()

    class Meta(UploadedFileRecord.Meta):
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state="draft") | ~Q(alternative_text=""),
                name="programmes_picture_needs_alternative_text",
                violation_error_message="Enter an alternative text before you publish this picture.",
            ),
        ]

    def get_absolute_url(self) -> str:
        return address_of("programmes:picture", self.slug)

    def publishing_blockers(self) -> dict[str, str]:
        if not self.alternative_text.strip():
            return {
                "alternative_text": "Describe in one sentence what the picture shows, for people who cannot see it."
            }
        return super().publishing_blockers()


class Document(UploadedFileRecord):
    """A document to download, such as a PDF, a spreadsheet or a text. It may be a file of a publication."""

    publication = models.ForeignKey(
        Publication,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="files",
        help_text="The publication that this file belongs to, if any. Its page will show the file.",
    )
    role = models.CharField(
        "role in the publication",
        max_length=10,
        choices=FileRole,
        default=FileRole.ITSELF,
    )
    file = models.FileField(storage=upload_storage, upload_to="documents", max_length=200)
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.DocumentQuerySet.as_manager()

    class Meta(UploadedFileRecord.Meta):
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(role__in=FileRole.values), name="programmes_document_role_known"),
        ]

    def get_absolute_url(self) -> str:
        return address_of("programmes:document", self.slug)

    @property
    def extension(self) -> str:
        """The kind of file, which was told from its content."""
        return str(self.file.name).rpartition(".")[2]


class DocumentText(models.Model):
    """The text of the file with this fingerprint, for search: see `programmes.uploads.text`."""

    sha256 = models.CharField("fingerprint", max_length=64, primary_key=True)
    text = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.sha256
