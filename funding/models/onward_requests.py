"""Recipients of grants for regranting are asked which grants they have made, through emailed links. Never public."""

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from funding import querysets
from funding.choices import OnwardMailKind
from funding.models.allocations import Allocation
from vru_portal.links.choices import DraftState, LinkPurpose
from vru_portal.links.models import Delivery, LinkDraft, QueuedMail, RequestLink
from vru_portal.text.fields import CalendarDateField
from vru_portal.text.typed_dates import IN_OUR_TIME

ENDED_STATES = (DraftState.APPROVED, DraftState.CANCELLED)
ALREADY_ASKED = (
    "The recipient has been asked already, and that request is neither approved nor cancelled. Send it again, extend "
    "it, or cancel it first."
)


class OnwardRequest(LinkDraft):
    """The recipient of a grant is asked which grants it has made out of it, and what it has answered so far.

    The grants are a list under "grants" in `answers`: of each, its key and what was typed, by the columns of a file.
    """

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="onward_requests")
    due_on: date = CalendarDateField(**IN_OUR_TIME)  # type: ignore[assignment]
    closes_on: date = CalendarDateField("can be filled in until", **IN_OUR_TIME)  # type: ignore[assignment]
    reported_at = models.DateTimeField("sent in", null=True, editable=False)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    titles: ClassVar[tuple[str, str, str]] = (
        *("Request for onward grants", "Email about onward grants", "Link to report onward grants"),
    )
    noun = "request"
    withdrawn_because = (
        "The grant was reversed, or is no longer recorded as one that is awarded on, so nothing can be recorded for "
        "it. Cancel this request."
    )

    objects = querysets.OnwardRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        permissions = [("erase_onwardrequest", "Can erase the personal data of a request for onward grants")]
        verbose_name = "request for onward grants"
        verbose_name_plural = "requests for onward grants"
        constraints = [
            models.UniqueConstraint(
                fields=["allocation"],
                condition=~Q(state__in=ENDED_STATES),
                name="funding_onwardrequest_one_at_a_time",
                violation_error_message=ALREADY_ASKED,
            ),
            models.CheckConstraint(condition=Q(state__in=DraftState.values), name="funding_onwardrequest_state_known"),
            models.CheckConstraint(
                condition=~Q(state=DraftState.PASSED_ON) | ~Q(confirm_email=""),
                name="funding_onwardrequest_passed_on_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(closes_on__gte=F("due_on")),
                name="funding_onwardrequest_closes_after_due",
                violation_error_message="A request cannot close before it is due.",
            ),
        ]

    def __str__(self) -> str:
        return f"Onward grants of {self.allocation}"

    @property
    def state_once_erased(self) -> str:
        """It ends: an erased list would read as one that says that nothing was awarded, and nobody is left to ask."""
        return self.state if self.state in ENDED_STATES else DraftState.CANCELLED


class OnwardToken(RequestLink):
    """A link to a request for onward grants that was emailed."""

    draft = models.ForeignKey(OnwardRequest, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=LinkPurpose.values), name="funding_onwardtoken_purpose_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.draft}"


class OnwardMail(QueuedMail):
    """An email about a request for onward grants."""

    draft = models.ForeignKey(OnwardRequest, on_delete=models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=8, choices=OnwardMailKind)

    class Meta(QueuedMail.Meta):
        verbose_name = "email about onward grants"
        verbose_name_plural = "emails about onward grants"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=OnwardMailKind.values), name="funding_onwardmail_kind_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="funding_onwardmail_delivery_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.draft.allocation.recipient}"
