"""Who is asked to sign, by which mails, and what was prepared: personal data, dropped when its time is up."""

import os
from datetime import date, timedelta

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from events.declarations import querysets
from events.declarations.choices import OVER, Authority, Delivery, InvitationState, MailKind, Purpose
from events.declarations.models.texts import DeclarationVersion
from events.declarations.validators import unlinked, visible
from partners.models import Organisation, Sector

DAYS_OPEN = 90  # councils need weeks to decide


def closing_date() -> date:
    """Return the last day on which an invitation that is made today can be used."""
    return timezone.localdate() + timedelta(days=DAYS_OPEN)


class Scans(FileSystemStorage):
    """Where scans of paper lie: outside everything that is served."""

    @property
    def location(self) -> str:
        """The folder as the settings say it now: a test has one of its own."""
        return os.path.abspath(settings.SCANS)


def scans() -> FileSystemStorage:
    """Return where scans of paper lie; only the portal's own account reads them."""
    return Scans(base_url=None, file_permissions_mode=0o600, directory_permissions_mode=0o700)


class SignatoryBody(models.Model):
    """A body that is asked to sign, or has: whether or not it appears elsewhere in the portal."""

    name = models.CharField(max_length=200, unique=True, validators=[visible], help_text="As the register shows it.")
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="as_signatory",
        help_text="Its page in this portal, if it has one.",
    )

    class Meta:
        verbose_name_plural = "signatory bodies"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A body asked to sign a wording, at one mailbox. Only an entry of the register means that it has signed."""

    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="invitations")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(blank=True, help_text="Emptied when its time is up.")
    contact_name = models.CharField(max_length=120, blank=True)
    state = models.CharField(
        max_length=9, choices=InvitationState, default=InvitationState.DRAFT, db_index=True, editable=False
    )
    closes_on = models.DateField("can be used until", default=closing_date, db_index=True)
    decides_on = models.DateField("they decide on", null=True, blank=True, help_text="No reminder before this day.")
    declined_because = models.TextField(blank=True, editable=False)
    reminders = models.PositiveSmallIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    entry = models.OneToOneField(
        "declarations.Entry", on_delete=models.PROTECT, null=True, editable=False, related_name="invitation"
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["body", "version"],
                condition=~Q(state__in=OVER),
                name="declarations_invitation_once",
                violation_error_message="This body is invited to sign this wording already.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=InvitationState.values), name="declarations_invitation_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[InvitationState.SIGNED, InvitationState.WITHDRAWN]) | Q(entry__isnull=False),
                name="declarations_invitation_signed_by_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.body}: {self.get_state_display().lower()}"


class Preparation(models.Model):
    """What is filled in before somebody signs: by the signatory, or by an assistant who passes it on."""

    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="preparation")
    name = models.CharField(max_length=120, validators=[visible, unlinked])
    role = models.CharField(max_length=120, validators=[visible])
    email = models.EmailField(help_text="The signatory's own mailbox.")
    authority = models.CharField(max_length=9, choices=Authority, default=Authority.POST)
    authority_reference = models.CharField(max_length=160, blank=True)
    authority_date = models.DateField(null=True, blank=True)
    name_is_public = models.BooleanField(default=False)
    prepared_by = models.CharField(
        max_length=120, blank=True, validators=[visible, unlinked], help_text="The assistant, where there was one."
    )
    passed_on_at = models.DateTimeField(null=True, blank=True, editable=False)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(authority__in=Authority.values), name="declarations_preparation_authority_known"
            ),
            models.CheckConstraint(
                condition=Q(passed_on_at=None) | ~Q(prepared_by=""),
                name="declarations_preparation_passed_on_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"What was prepared for {self.invitation.body}"


class Token(models.Model):
    """A link that was mailed, known by its hash only. All of an invitation live until it is answered or over."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="tokens")
    purpose = models.CharField(max_length=8, choices=Purpose)
    sha256 = models.CharField(max_length=64, unique=True)
    mailbox = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the mailbox that it was sent to.")
    expires_at = models.DateTimeField()
    burnt_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="declarations_token_purpose_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.invitation.body}"


class Mail(models.Model):
    """A mail that must leave: kept until the mail server has taken it. Its words, and its link, are made then."""

    kind = models.CharField(max_length=10, choices=MailKind)
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="mails")
    to = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True, help_text="The same however often it is tried.")
    delivery = models.CharField(max_length=8, choices=Delivery, default=Delivery.WAITING, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField("next attempt", default=timezone.now)
    error = models.TextField("what the mail server said", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MailKind.values), name="declarations_mail_kind_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="declarations_mail_delivery_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.invitation.body}"


class SigningRequest(models.Model):
    """A body that was not invited and asks to sign: staff decide."""

    name = models.CharField("organisation", max_length=200, validators=[visible])
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact_name = models.CharField("your name", max_length=120, validators=[visible])
    email = models.EmailField("your work email address")
    message = models.TextField("anything that we should know", blank=True, max_length=1000)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    invitation = models.OneToOneField(
        Invitation, on_delete=models.SET_NULL, null=True, editable=False, related_name="request"
    )

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return self.name


class PaperSignature(models.Model):
    """A signature given on paper: one member of staff enters it with a scan, another confirms it."""

    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="paper_signatures")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="paper_signatures")
    signatory_name = models.CharField(max_length=120, blank=True, validators=[visible])
    signatory_role = models.CharField(max_length=120, blank=True, validators=[visible])
    signed_on = models.DateField()
    name_is_public = models.BooleanField(default=False, help_text="Only where the signatory agreed to it.")
    scan = models.FileField(storage=scans, upload_to="%Y", blank=True, help_text="PDF, JPEG or PNG, at most 10 MB.")
    scan_sha256 = models.CharField("scan's SHA-256", max_length=64, editable=False)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    entry = models.OneToOneField(
        "declarations.Entry", on_delete=models.PROTECT, null=True, editable=False, related_name="paper"
    )

    class Meta:
        ordering = ["-recorded_at"]
        permissions = [("confirm_papersignature", "Can confirm a signature on paper")]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("recorded_by")),
                name="declarations_paper_four_eyes",
                violation_error_message="Whoever entered a signature on paper cannot confirm it: ask a colleague.",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, entry=None) | Q(confirmed_by__isnull=False, entry__isnull=False),
                name="declarations_paper_confirmed_with_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.body}, on paper"
