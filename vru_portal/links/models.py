"""What every app that emails links stores of them. Each has tables of its own, tied to what its links are about."""

from django.db import models
from django.utils import timezone


class Delivery(models.TextChoices):
    """The delivery state of an email."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    DROPPED = "dropped", "Not sent: no longer needed"


class EmailedLink(models.Model):
    """A link that was emailed, of which only the hash is known."""

    sha256 = models.CharField(max_length=64, unique=True)
    mailbox = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the email address that it was sent to.")
    expires_at = models.DateTimeField()
    burnt_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class QueuedMail(models.Model):
    """An email to be sent, kept until the mail server has accepted it. Its text and its link are created only then."""

    to = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True, help_text="Stays the same for every attempt.")
    delivery = models.CharField(max_length=8, choices=Delivery, default=Delivery.WAITING, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField("next attempt", default=timezone.now)
    error = models.TextField("what the mail server said", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["-created_at", "-id"]
