"""What the admin keeps of its own: changes that wait, addresses that were, files that are being read."""

from typing import Any

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Pending(models.Model):
    """What is to become of a record that the public sees, or of a draft on a day: nobody but staff sees it until then.

    One row a record; ``changes`` says how the record and its parts will differ (see `vru_portal.drafts`).
    """

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.BigIntegerField()
    record: Any = GenericForeignKey()
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    publish_at = models.DateTimeField("publish on", null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now=True)
    fault = models.TextField("why it could not be published", blank=True)

    class Meta:
        verbose_name = "change that waits"
        verbose_name_plural = "changes that wait"
        ordering = ["-saved_at"]
        constraints = [models.UniqueConstraint(fields=["content_type", "object_id"], name="vru_portal_pending_once")]
        permissions = [("publish", "Can publish and unpublish records and their changes")]

    def __str__(self) -> str:
        return str(self.record)


class OldAddress(models.Model):
    """An address that a record had before it was renamed: it leads to the record for as long as nothing else has it."""

    path = models.CharField(max_length=200, unique=True)
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.BigIntegerField()
    record: Any = GenericForeignKey()

    class Meta:
        verbose_name = "earlier address"
        verbose_name_plural = "earlier addresses"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class FileJob(models.Model):
    """A long file that the worker reads: how far it has come, and what came of it."""

    class State(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        TRIED = "tried", "Tried: nothing recorded yet"
        DONE = "done", "Recorded"
        REFUSED = "refused", "Refused: nothing was recorded"

    resource = models.CharField(max_length=120)
    name = models.CharField("file", max_length=200)
    stored = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    dry_run = models.BooleanField(default=True)
    rows = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "file that is read"
        verbose_name_plural = "files that are read"
        ordering = ["-begun_at"]

    def __str__(self) -> str:
        return self.name
