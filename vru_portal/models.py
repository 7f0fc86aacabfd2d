"""Tables that belong to no single app: pending changes, long imports, the content's version, heartbeats …"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from vru_portal.text.fields import LineField, LongTextField


class Pending(models.Model):
    """A pending change: what a published record will become, or the day on which a draft is to be published.

    Only staff see it until then. A record has at most one; ``changes`` says how it and its parts will differ
    (`publishing/changesets.py`).
    """

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.BigIntegerField()
    record: Any = GenericForeignKey()
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    publish_at = models.DateTimeField("publish on", null=True, blank=True)
    together = models.JSONField(default=list, blank=True, help_text="The keys of the drafts to be published with it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now=True)
    fault = models.TextField("why it could not be published", blank=True)

    class Meta:
        verbose_name = "pending change"
        verbose_name_plural = "pending changes"
        ordering = ["-saved_at"]
        constraints = [models.UniqueConstraint(fields=["content_type", "object_id"], name="vru_portal_pending_once")]
        permissions = [("publish", "Can publish and unpublish records and their changes")]

    def __str__(self) -> str:
        return str(self.record)


class Submission(models.Model):
    """What Editors and Publishers have told each other about publishing a record. It ends when that is decided."""

    class State(models.TextChoices):
        """Whose turn it is: an Editor's if it was sent back, otherwise a Publisher's."""

        READY = "ready", "Ready to publish"
        SENT_BACK = "sent_back", "Sent back"
        DATE_CANCELLED = "date_cancelled", "Date cancelled by a later change"

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.BigIntegerField()
    record: Any = GenericForeignKey()
    state = models.CharField(max_length=14, choices=State)
    note = LongTextField(blank=True, max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    concerns = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who marked it ready, or set the date.",
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who has changed the record since, if somebody else.",
    )
    publish_at = models.DateTimeField("date that was cancelled", null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "record to decide on"
        verbose_name_plural = "records to decide on"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["content_type", "object_id"], name="vru_portal_submission_once"),
            models.CheckConstraint(
                condition=Q(state__in=["ready", "sent_back", "date_cancelled"]),
                name="vru_portal_submission_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent_back") | ~Q(note=""), name="vru_portal_submission_sent_back_with_note"
            ),
        ]

    def __str__(self) -> str:
        return str(self.record)


class ProposedOrder(models.Model):
    """The order of a list as an Editor has proposed it. The public sees it once a Publisher has saved it."""

    content_type = models.OneToOneField(ContentType, on_delete=models.CASCADE, related_name="+")
    numbers = models.JSONField(help_text="The number of each row by its primary key, which JSON spells as a string.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Order of {self.content_type}"


class ContentVersion(models.Model):
    """What `vru_portal/ledger/content_version.py` makes of every change to what the public can read."""

    token = models.CharField(max_length=36)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.token


class OldAddress(models.Model):
    """An address that a record had before it was renamed. It redirects to the record until another record takes it."""

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


class FirstPassword(models.Model):
    """Says that an account has a password that somebody else has set: its owner has to choose another."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.user)


class DailyEmail(models.Model):
    """Whether an account wants to be emailed what waits for it, and when it last was."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    wanted = models.BooleanField("Email me when something needs my attention, at most once a day", default=True)
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.user)


class FileJob(models.Model):
    """A file too long to import while its sender waits: the worker reads it, and notes its progress and result here."""

    class State(models.TextChoices):
        """A file is first tried; somebody confirms it, and another job then records it."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        TRIED = "tried", "Checked: nothing recorded yet"
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
        verbose_name = "imported file"
        verbose_name_plural = "imported files"
        ordering = ["-begun_at"]

    def __str__(self) -> str:
        return self.name


class HeartbeatManager(models.Manager["Heartbeat"]):
    """Heartbeats, and how to give one."""

    def beat(self, part: str, fault: str = "") -> None:
        """Note that a part of the portal works, or what it failed with."""
        row = self.model(part=part, at=timezone.now(), fault=fault)
        self.bulk_create([row], update_conflicts=True, unique_fields=["part"], update_fields=["at", "fault"])


class Heartbeat(models.Model):
    """When a part of the portal last said that it works. Each part has one row, which it writes again and again."""

    class Part(models.TextChoices):
        """What is watched: two processes, and the mail server as the last email found it."""

        TIMER = "timer", "Timer"
        MAIL_QUEUE = "mail queue", "Mail queue"
        MAIL_SERVER = "mail server", "Mail server"

    part = models.CharField(max_length=20, primary_key=True, choices=Part)
    at = models.DateTimeField()
    fault = models.CharField(max_length=100, blank=True, help_text="The class of the last error, if it failed.")

    objects = HeartbeatManager()

    def __str__(self) -> str:
        return f"{self.get_part_display()}: {self.fault or 'works'}"

    @property
    def age(self) -> timedelta:
        return timezone.now() - self.at


class MissedWord(models.Model):
    """A word that visitors searched for and no page has, with a count. Nothing else is stored of these searches."""

    word = models.CharField(max_length=30, unique=True)
    count = models.PositiveIntegerField(default=0)
    last_on = models.DateField()

    class Meta:
        default_permissions = ()
        ordering = ["-count", "word"]

    def __str__(self) -> str:
        return self.word


class HeadingMapping(models.Model):
    """What the headings of one system's files mean."""

    name = LineField("system", max_length=80, help_text="The system that writes such files, such as Oracle or Sage.")
    # `FileResource.get_display_name`, the words that staff see: to change them, change the rows in a migration too.
    kind = LineField("files of", max_length=60, editable=False)
    # The column by heading; an empty text for a heading that is not read.
    columns = models.JSONField("what the headings mean", default=dict)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name", "kind"], name="vru_portal_headingmapping_once")]

    def __str__(self) -> str:
        return self.name
