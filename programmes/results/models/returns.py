"""What organisations are asked to report, and their answers until staff have approved them.

That a return is due, and whether it was reported, is public. Who was asked, and what they have typed so far, is not.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results import querysets
from programmes.results.choices import ReturnMailKind, ReturnStatus
from programmes.results.fields import QuarterField
from programmes.results.models.measures import QUARTER_HELP
from programmes.results.quarters import Quarter
from vru_portal.links.choices import UNENDED_STATES, DraftState, LinkPurpose
from vru_portal.links.models import Delivery, LinkDraft, QueuedMail, RequestLink
from vru_portal.text.fields import CalendarDateField, EmailAddressField, LineField
from vru_portal.text.typed_dates import IN_OUR_TIME


class Reporter(models.Model):
    """Who is asked every quarter for the figures of an initiative."""

    initiative = models.ForeignKey(Initiative, on_delete=models.CASCADE, related_name="reporters")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    contact_name = LineField(max_length=120, blank=True)
    email = EmailAddressField(help_text="Never published.")
    first_quarter = QuarterField(help_text=f"{QUARTER_HELP} The first to report.")
    last_quarter = QuarterField(null=True, blank=True, help_text="The last to report, if it has an end.")

    class Meta:
        ordering = ["initiative__name", "organisation__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["initiative", "organisation"],
                name="results_reporter_once",
                violation_error_message="This organisation is already asked for these figures.",
            ),
            models.CheckConstraint(
                condition=Q(last_quarter=None) | Q(last_quarter__gte=F("first_quarter")),
                name="results_reporter_quarters_in_order",
                violation_error_message="The last quarter must not be before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} for {self.initiative}"


class Return(models.Model):
    """An organisation is asked for an initiative's figures of one quarter."""

    initiative = models.ForeignKey(Initiative, on_delete=models.PROTECT, related_name="returns")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="returns")
    quarter = QuarterField(help_text=QUARTER_HELP)
    due_on = CalendarDateField(**IN_OUR_TIME, help_text="After this date the page says “Not reported by …”.")
    closes_on = CalendarDateField("can be filled in until", **IN_OUR_TIME)
    reported_at = models.DateTimeField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    draft: "ReturnDraft"

    objects = querysets.ReturnQuerySet.as_manager()

    class Meta:
        verbose_name = "return of figures"
        verbose_name_plural = "returns of figures"
        ordering = ["-quarter", "initiative__name", "id"]
        permissions = [
            ("approve_return", "Can send figures back and approve them"),
            ("erase_return", "Can erase the personal data of a return"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["initiative", "organisation", "quarter"],
                name="results_return_once",
                violation_error_message="This organisation has already been asked for these figures.",
            ),
            models.CheckConstraint(
                condition=Q(closes_on__gte=F("due_on")),
                name="results_return_closes_after_due",
                violation_error_message="A return cannot close before it is due.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.initiative}, {self.period}, {self.organisation}"

    @property
    def period(self) -> Quarter:
        return Quarter(self.quarter)

    @property
    def status_while_unpublished(self) -> ReturnStatus:
        """What the public sees while none of its figures is published."""
        if self.reported_at:
            return ReturnStatus.CHECKING
        return ReturnStatus.LATE if self.due_on < timezone.localdate() else ReturnStatus.DUE


class ReturnDraft(LinkDraft):
    """The answers to a return, as they were typed, with whom they are expected from.

    They are kept by the field names of the forms, such as "measure-3" and "measure-3-group-7".
    """

    return_of_figures: Any = models.OneToOneField(Return, on_delete=models.CASCADE, related_name="draft")
    questioned_answers = models.CharField(
        max_length=64, blank=True, editable=False, help_text="The fingerprint of those that the question is about."
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="Who recorded the answers from a file, if they were not sent through a link.",
    )

    texts: ClassVar[tuple[str, ...]] = ("question", "questioned_answers", "answers")
    titles: ClassVar[tuple[str, str, str]] = ("Return of figures", "Email about a return", "Link to a return")
    noun = "return"
    withdrawn_because = "The initiative, its level or the organisation is not published. Publish it first."

    objects = querysets.ReturnDraftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DraftState.values), name="results_draft_state_known"),
            models.CheckConstraint(
                condition=~Q(state=DraftState.PASSED_ON) | ~Q(confirm_email=""),
                name="results_draft_passed_on_to_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.return_of_figures}: {self.get_state_display().lower()}"

    @property
    def state_once_erased(self) -> str:
        """What was published stays published. Anything else is as if nobody had been asked yet."""
        if self.state not in UNENDED_STATES:
            return self.state
        return DraftState.APPROVED if self.return_of_figures.approved.exists() else DraftState.STARTED

    def answers_erased(self) -> None:
        """Nothing is being checked any more: the figures count as not reported, unless some are published."""
        if not self.return_of_figures.approved.exists():
            Return.objects.filter(pk=self.return_of_figures_id).update(reported_at=None)

    @property
    def staff_row(self) -> Return:
        row: Return = self.return_of_figures
        return row

    @property
    def asked_at(self) -> datetime:
        return self.return_of_figures.asked_at

    @property
    def due_on(self) -> date:
        return self.return_of_figures.due_on

    @property
    def closes_on(self) -> date:
        return self.return_of_figures.closes_on


class Token(RequestLink):
    """A link to a return that was emailed."""

    draft = models.ForeignKey(ReturnDraft, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=LinkPurpose.values), name="results_token_purpose_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.draft.return_of_figures}"


class Mail(QueuedMail):
    """An email about a return."""

    draft = models.ForeignKey(ReturnDraft, on_delete=models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=8, choices=ReturnMailKind)

    class Meta(QueuedMail.Meta):
        verbose_name = "email about a return"
        verbose_name_plural = "emails about returns"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ReturnMailKind.values), name="results_mail_kind_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="results_mail_delivery_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.draft.return_of_figures.organisation}"
