"""Who is asked to sign, the emails and links they get, and their answers. All of it is personal data, and deleted when
its retention period ends.
"""

import os
from datetime import date, timedelta

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from events.declarations import querysets
from events.declarations.choices import (
    ENDED_INVITATION_STATES,
    FINAL_NOTICES,
    Authority,
    InvitationState,
    MailKind,
    PaperAuthority,
    SigningLinkPurpose,
)
from events.declarations.models.versions import DeclarationVersion
from events.declarations.validators import validate_no_link, validate_readable
from partners.models import Organisation, Sector
from vru_portal.links.models import Delivery, EmailedLink, QueuedMail
from vru_portal.text.fields import CalendarDateField, EmailAddressField, LineField, LongTextField
from vru_portal.text.look_alikes import DistinctNames
from vru_portal.text.typed_dates import IN_OUR_TIME

DAYS_OPEN = 90  # councils need weeks to decide


def closing_date() -> date:
    """The last day of an invitation that is made today."""
    return timezone.localdate() + timedelta(days=DAYS_OPEN)


class ScanStorage(FileSystemStorage):
    """Scans of signatures on paper, in a folder that no web server serves."""

    @property
    def location(self) -> str:
        """Read from the settings each time, since each test has a folder of its own."""
        return os.path.abspath(settings.SCANS)


def scan_storage() -> FileSystemStorage:
    """Files that only the portal's own user account can read."""
    return ScanStorage(base_url=None, file_permissions_mode=0o600, directory_permissions_mode=0o700)


class SignatoryBody(DistinctNames):
    """An organisation that is asked to sign, or has signed, whether or not it has a page in the portal."""

    name = LineField(max_length=200, unique=True, validators=[validate_readable], help_text="As the register shows it.")
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
        verbose_name_plural = "signatory organisations"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """An organisation asked to sign a version, at one mailbox. Its `entry`, not its state, proves that it signed."""

    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="invitations")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="invitations")
    email = EmailAddressField(blank=True, help_text="Deleted at the end of its retention period.")
    contact_name = LineField(max_length=120, blank=True)
    state = models.CharField(
        max_length=9, choices=InvitationState, default=InvitationState.DRAFT, db_index=True, editable=False
    )
    closes_on = CalendarDateField("can be used until", **IN_OUR_TIME, default=closing_date, db_index=True)
    decides_on = CalendarDateField(
        "they decide on", null=True, blank=True, help_text="No reminder is sent before this date."
    )
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
                condition=~Q(state__in=ENDED_INVITATION_STATES),
                name="declarations_invitation_once",
                violation_error_message="This organisation is already invited to sign this version.",
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
    """The answers on the form, before somebody signs: from the signatory, or from an assistant who passes them on."""

    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="preparation")
    name = LineField(max_length=120, validators=[validate_readable, validate_no_link])
    role = LineField(max_length=120, validators=[validate_readable])
    email = EmailAddressField(help_text="The signatory's own email address.")
    authority = models.CharField(max_length=9, choices=Authority)
    authority_reference = LineField(max_length=160, blank=True)
    authority_date = CalendarDateField(null=True, blank=True)  # a standing order may be old
    name_is_public = models.BooleanField(default=False)
    prepared_by = LineField(
        max_length=120,
        blank=True,
        validators=[validate_readable, validate_no_link],
        help_text="The assistant, if there was one.",
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
        return f"Prepared signature of {self.invitation.body}"


class Token(EmailedLink):
    """A link that was emailed. It works until its invitation is answered or ends."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="tokens")
    purpose = models.CharField(max_length=8, choices=SigningLinkPurpose)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=SigningLinkPurpose.values), name="declarations_token_purpose_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.invitation.body}"


class Mail(QueuedMail):
    """An email about an invitation or a request to sign."""

    kind = models.CharField(max_length=11, choices=MailKind)
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, related_name="mails")
    request = models.ForeignKey("SigningRequest", on_delete=models.CASCADE, null=True, related_name="mails")

    class Meta(QueuedMail.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MailKind.values), name="declarations_mail_kind_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="declarations_mail_delivery_known"),
            models.CheckConstraint(
                condition=Q(kind=MailKind.TURNED_DOWN, invitation=None, request__isnull=False)
                | ~Q(kind=MailKind.TURNED_DOWN) & Q(invitation__isnull=False, request=None),
                name="declarations_mail_about_one_matter",
            ),
            models.UniqueConstraint(
                fields=["invitation", "kind", "to"],
                condition=Q(kind__in=FINAL_NOTICES),
                name="declarations_mail_closes_invitation_once",
            ),
            models.UniqueConstraint(fields=["request", "kind"], name="declarations_mail_closes_request_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.organisation}"

    @property
    def organisation(self) -> str:
        """The name of the organisation that it is about."""
        return self.invitation.body.name if self.invitation else str(self.request)


class SigningRequest(models.Model):
    """An organisation that was not invited asks to sign. Staff decide."""

    name = LineField("organisation", max_length=200, validators=[validate_readable])
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact_name = LineField("your name", max_length=120, validators=[validate_readable])
    email = EmailAddressField("your work email address")
    message = LongTextField("anything we should know", blank=True, max_length=1000)
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
    signatory_name = LineField(max_length=120, blank=True, validators=[validate_readable])
    signatory_role = LineField(max_length=120, blank=True, validators=[validate_readable])
    authority = models.CharField(
        "authority to sign",
        max_length=10,
        choices=PaperAuthority,
        default=PaperAuthority.NOT_STATED,
        help_text="Only what the paper says. The register commits to it permanently.",
    )
    authority_reference = LineField(
        "reference of the decision",
        max_length=160,
        blank=True,
        validators=[validate_readable],
        help_text="For a decision that delegates it, for example “minute 14 of the board”.",
    )
    authority_date = CalendarDateField(
        "date of the decision", null=True, blank=True, help_text="If it is stated on the paper."
    )
    signed_on = CalendarDateField(**IN_OUR_TIME)
    name_is_public = models.BooleanField(default=False, help_text="Only if the signatory agreed to it.")
    scan = models.FileField(
        storage=scan_storage, upload_to="%Y", blank=True, help_text="PDF, JPEG or PNG, up to 10 MB."
    )
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
                violation_error_message="You entered this signature, so you cannot confirm it. Ask a colleague.",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, entry=None) | Q(confirmed_by__isnull=False, entry__isnull=False),
                name="declarations_paper_confirmed_with_entry",
            ),
            models.CheckConstraint(
                condition=Q(authority__in=PaperAuthority.values), name="declarations_paper_authority_known"
            ),
            models.CheckConstraint(
                condition=Q(authority=PaperAuthority.DELEGATED) & ~Q(authority_reference="")
                | ~Q(authority=PaperAuthority.DELEGATED) & Q(authority_reference="", authority_date=None),
                name="declarations_paper_decision_with_reference",
                violation_error_message="Enter the reference of a decision if one delegates authority, and only then.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.body}, on paper"
