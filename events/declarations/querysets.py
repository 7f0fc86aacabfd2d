from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery

from events.declarations.choices import ENDED_INVITATION_STATES, OPEN_INVITATION_STATES, EntryKind, InvitationState
from vru_portal.links.models import Delivery
from vru_portal.publishing.slugs import SlugQuerySet
from vru_portal.publishing.state import published

if TYPE_CHECKING:
    from events.declarations.models import Declaration, DeclarationVersion, Entry, Invitation  # noqa: F401 - bases name them

MAX_REMINDERS = 3
DAYS_BETWEEN_REMINDERS = 14
DAYS_TO_START = 5  # after which staff may ask whether the email has arrived
# Emails that failed permanently and need attention: not those of an invitation that has ended.
FAILED_MAILS = Q(delivery=Delivery.REFUSED) & ~Q(invitation__state__in=ENDED_INVITATION_STATES)


class DeclarationQuerySet(SlugQuerySet["Declaration"]):
    """Queries about declarations."""

    def public(self) -> Self:
        """Declarations whose event, if they have one, is public."""
        return self.filter(Q(event=None) | Q(**published("event"))).select_related("event__source")


class VersionQuerySet(models.QuerySet["DeclarationVersion"]):
    """Queries about versions of declarations."""

    def in_force(self, today: date) -> Self:
        """The versions of public declarations that are or were in force on this day, the newest first.

        Drafts are not among them: they have no `in_force_from`.
        """
        public = Q(declaration__event=None) | Q(**published("declaration__event"))
        return self.filter(public, in_force_from__lte=today).order_by("declaration", "-number")


def add_progress(versions: "Sequence[DeclarationVersion]") -> None:
    """Set on each version how many organisations were asked to sign, each counted once by its latest outcome.

    ``asked_count`` is the sum of ``signed_count`` (signatures in force), ``waiting_count``, ``declined_count`` and
    ``lapsed_count`` (did not answer in time, or withdrew). Two queries, however many versions there are.
    """
    if not versions:
        return
    # Models import this module, so it reaches them through their relations.
    relation: Any = versions[0]._meta.get_field
    invitations = relation("invitations").related_model._default_manager
    live = relation("live_signatures").related_model._default_manager
    same_organisation = {"body": OuterRef("body"), "version": OuterRef("version")}
    signed = dict(live.filter(version__in=versions).values_list("version").annotate(Count("body", distinct=True)))
    declined = Q(~Exists(invitations.filter(**same_organisation).open()), state=InvitationState.DECLINED)
    never_asked = Q(state__in=[InvitationState.DRAFT, InvitationState.REVOKED])
    unsigned = invitations.filter(~Exists(live.filter(**same_organisation)), version__in=versions).values_list(
        "version"
    )
    counts = unsigned.annotate(
        asked=Count("body", distinct=True, filter=~never_asked),
        waiting=Count("body", distinct=True, filter=Q(state__in=OPEN_INVITATION_STATES)),
        declined=Count("body", distinct=True, filter=declined),
    )
    others = {version: numbers for version, *numbers in counts}
    for version in versions:
        asked, version.waiting_count, version.declined_count = others.get(version.pk, (0, 0, 0))
        version.signed_count = signed.get(version.pk, 0)
        version.asked_count = version.signed_count + asked
        version.lapsed_count = asked - version.waiting_count - version.declined_count


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Queries about invitations."""

    def open(self) -> Self:
        """Those with which somebody can still sign."""
        return self.filter(state__in=OPEN_INVITATION_STATES)

    def asked(self) -> Self:
        """Those that asked an organisation to sign: not the ones that were never sent or were revoked."""
        return self.exclude(state__in=[InvitationState.DRAFT, InvitationState.REVOKED])

    def of_mailbox(self, email: str) -> Self:
        """Those that were sent to a mailbox, or that it is asked to confirm."""
        address = email.strip()
        sent_to = Q(email__iexact=address) | Q(preparation__email__iexact=address) | Q(mails__to__iexact=address)
        return self.filter(pk__in=self.model._default_manager.filter(sent_to).values("pk"))

    def to_chase(self, today: date) -> Self:
        """Those that need a telephone call: email is refused, or no answer came after all reminders or near the end.

        Organisations that have told us when they decide are left alone until then.
        """
        return self.filter(self.needs_chasing(today))

    def needs_chasing(self, today: date) -> Q:
        """The condition of `to_chase`."""
        unanswered = Q(reminders__gte=MAX_REMINDERS) | Q(closes_on__lte=today + timedelta(days=DAYS_BETWEEN_REMINDERS))
        waiting = Q(state__in=[InvitationState.SENT, InvitationState.STARTED]) & unanswered
        silent = waiting & (Q(decides_on=None) | Q(decides_on__lt=today))
        return (Q(state=InvitationState.REFUSED) | silent) & Q(closes_on__gte=today)

    def not_started(self, now: datetime) -> Q:
        """The condition for those that were sent a while ago and that nobody has started to answer."""
        return Q(state=InvitationState.SENT, sent_at__lt=now - timedelta(days=DAYS_TO_START))

    def with_last_mail(self) -> Self:
        """Annotate with the delivery state and the kind of the newest email: ``last_delivery`` and ``last_kind``."""
        mails = self.model._meta.get_field("mails").related_model._default_manager
        newest = mails.filter(invitation=OuterRef("pk")).order_by("-created_at", "-pk")
        return self.annotate(
            last_delivery=Subquery(newest.values("delivery")[:1]), last_kind=Subquery(newest.values("kind")[:1])
        )

    def overdue(self, today: date) -> Self:
        """Those whose last day has passed and that nobody has answered."""
        return self.filter(state__in=[InvitationState.DRAFT, *OPEN_INVITATION_STATES], closes_on__lt=today)

    def to_remind(self, today: date) -> Self:
        """Those to remind today: not answered, not reminded recently or too often, and not waiting for a decision date.

        The first reminder is sent two weeks after the invitation, each later one two weeks after the one before.
        """
        waited = Q()
        for sent in range(MAX_REMINDERS):
            waited |= Q(reminders=sent, sent_at__date__lte=today - timedelta(days=DAYS_BETWEEN_REMINDERS * (sent + 1)))
        return self.filter(
            waited,
            Q(decides_on=None) | Q(decides_on__lt=today),
            state__in=[InvitationState.SENT, InvitationState.STARTED],
            closes_on__gte=today,
        )


class EntryQuerySet(models.QuerySet["Entry"]):
    """Queries about entries of the register."""

    def signatures(self) -> Self:
        """Entries that record a signature."""
        return self.filter(kind=EntryKind.SIGNED)

    def with_status(self) -> Self:
        """Fetch what `Entry.status` and the properties beside it need."""
        return self.select_related("live").prefetch_related("followed_by")

    def with_names(self) -> Self:
        """Fetch the organisation, signatory and version of each entry."""
        return self.select_related("body__sector", "personal").prefetch_related(
            "version"
        )  # not joined: many entries share one long text
