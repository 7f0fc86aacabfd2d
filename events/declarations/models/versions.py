"""The declaration and its versions. No byte of a published version can be changed."""

import hashlib

from django.db import models
from django.db.models import Q

from events.declarations import querysets
from events.models import Event
from partners.provenance import Sourced
from vru_portal.ledger.append_only.models import AppendOnly
from vru_portal.publishing.slugs import Slugged
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of


class Declaration(Slugged):
    """A public promise that organisations sign."""

    title = LineField(max_length=120)
    event = models.OneToOneField(
        Event,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="declaration",
        help_text="The event where it was first signed.",
    )
    paused_because = LineField(
        "signing is paused because",
        max_length=200,
        blank=True,
        help_text="While this is filled in, nobody can sign and this text is shown instead. The register stays online.",
    )

    objects = querysets.DeclarationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title


class DeclarationVersion(AppendOnly, Sourced):
    """A version of a declaration. Without `in_force_from` it is a draft, which only staff see; with it, it is final."""

    # Set by `querysets.add_progress()`, for the pages that ask for it.
    asked_count: int
    signed_count: int
    waiting_count: int
    declined_count: int
    lapsed_count: int

    frozen_when = "OLD.in_force_from IS NOT NULL"
    changeable_fields = ("checked_on",)

    declaration = models.ForeignKey(Declaration, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    text = LongTextField(help_text="Markdown.")
    note = LongTextField(blank=True, help_text="Where the wording comes from.")
    in_force_from = models.DateField(null=True, blank=True, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, editable=False)

    objects = querysets.VersionQuerySet.as_manager()

    class Meta:
        ordering = ["declaration", "-number"]
        permissions = [("publish_declarationversion", "Can put a version in force")]
        constraints = [
            models.UniqueConstraint(fields=["declaration", "number"], name="declarations_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="declarations_version_counts_from_one"),
            models.CheckConstraint(
                condition=Q(in_force_from=None, sha256="") | Q(in_force_from__isnull=False) & ~Q(sha256=""),
                name="declarations_version_published_with_fingerprint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.declaration}, version {self.number}"

    def get_absolute_url(self) -> str:
        """The page of this version, which stays when a newer one replaces it."""
        return address_of("declarations:version", self.number)

    @property
    def is_public(self) -> bool:
        """Whether it is, or ever was, in force."""
        return self.in_force_from is not None

    @property
    def file_stem(self) -> str:
        """The name of its files, without the ending."""
        return f"{self.declaration.slug}-version-{self.number}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text's bytes, in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()
