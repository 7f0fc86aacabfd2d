"""The promise and its wordings: a published wording is frozen to the byte."""

import hashlib

from django.db import models
from django.db.models import Q
from django.urls import reverse

from events.declarations import querysets
from events.models import Event
from partners.provenance import Sourced
from vru_portal.append_only import AppendOnly
from vru_portal.slugs import Slugged


class Declaration(Slugged):
    """A promise that organisations sign."""

    title = models.CharField(max_length=120)
    event = models.OneToOneField(
        Event,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="declaration",
        help_text="The event at which it was first signed.",
    )
    paused_because = models.CharField(
        "signing is paused because",
        max_length=200,
        blank=True,
        help_text="While this says something nobody can sign; they read it instead. The register stays up.",
    )

    objects = querysets.DeclarationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title


class DeclarationVersion(AppendOnly, Sourced):
    """A wording of a declaration. Without a day it is a draft, which only staff see; published, it never changes."""

    frozen_once = "OLD.in_force_from IS NOT NULL"
    open_fields = ("checked_on",)

    declaration = models.ForeignKey(Declaration, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    text = models.TextField(help_text="Markdown.")
    note = models.TextField(blank=True, help_text="Where the wording comes from.")
    in_force_from = models.DateField(null=True, blank=True, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, editable=False)

    objects = querysets.VersionQuerySet.as_manager()

    class Meta:
        ordering = ["declaration", "-number"]
        permissions = [("publish_declarationversion", "Can put a wording in force")]
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
        """The page of this wording, which stays when another takes its place."""
        return reverse("declarations:version", args=[self.number])

    @property
    def is_public(self) -> bool:
        """Whether it was ever put in force."""
        return self.in_force_from is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text's bytes, in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()
