from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from events.declarations.choices import OPEN, OVER, Delivery, InvitationState, Kind
from vru_portal.publishing import published
from vru_portal.slugs import SlugQuerySet

if TYPE_CHECKING:
    from events.declarations.models import Declaration, DeclarationVersion, Entry, Invitation  # noqa: F401 - bases name them

MOST_REMINDERS = 3
DAYS_BETWEEN_REMINDERS = 14
DAYS_TO_START = 5  # after which it is worth asking whether the mail has arrived
# Mails that failed for good and that somebody must see to: not those of an invitation that is over.
FAILED = Q(delivery=Delivery.REFUSED) & ~Q(invitation__state__in=OVER)


class DeclarationQuerySet(SlugQuerySet["Declaration"]):
    """Declarations."""

    def public(self) -> Self:
        """Return declarations whose event, if there is one, the public sees."""
        return self.filter(Q(event=None) | Q(**published("event"))).select_related("event__source")


class VersionQuerySet(models.QuerySet["DeclarationVersion"]):
    """Wordings of declarations."""

    def in_force(self, today: date) -> Self:
        """Return the wordings of public declarations that are or were in force on this day, the latest first.

        A draft has no day.
        """
        public = Q(declaration__event=None) | Q(**published("declaration__event"))
        return self.filter(public, in_force_from__lte=today).order_by("declaration", "-number")

    def with_progress(self) -> Self:
        """Annotate with how many bodies were asked to sign: each once, by what came of it last.

        ``asked_count`` is made of ``signed_count`` (those that stand), ``waiting_count``, ``declined_count`` and
        ``lapsed_count`` (did not answer in time, or withdrew).
        """
        relation: Any = self.model._meta.get_field
        invitations = relation("invitations").related_model._default_manager
        live = relation("live_signatures").related_model._default_manager
        same = {"body": OuterRef("body"), "version": OuterRef("version")}
        of_version = invitations.filter(~Exists(live.filter(**same)), version=OuterRef("pk"))
        waiting = of_version.open()
        declined = of_version.filter(~Exists(invitations.filter(**same).open()), state=InvitationState.DECLINED)
        asked = of_version.exclude(state__in=[InvitationState.DRAFT, InvitationState.REVOKED])
        signed = _bodies(live.filter(version=OuterRef("pk")))
        return self.annotate(
            signed_count=signed,
            asked_count=signed + _bodies(asked),
            waiting_count=_bodies(waiting),
            declined_count=_bodies(declined),
        ).annotate(lapsed_count=F("asked_count") - F("signed_count") - F("waiting_count") - F("declined_count"))


def _bodies(rows: models.QuerySet[Any]) -> Coalesce:
    """Return how many bodies there are in rows of the version that is asked about."""
    one = rows.order_by().annotate(all=Value(1)).values("all").annotate(n=Count("body", distinct=True)).values("n")
    return Coalesce(Subquery(one), 0)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def open(self) -> Self:
        """Return those by which somebody may still sign."""
        return self.filter(state__in=OPEN)

    def of_mailbox(self, email: str) -> Self:
        """Return those that a mailbox was asked by, or is asked to confirm."""
        address = email.strip()
        named = Q(email__iexact=address) | Q(preparation__email__iexact=address) | Q(mails__to__iexact=address)
        return self.filter(pk__in=self.model._default_manager.filter(named).values("pk"))

    def to_chase(self, today: date) -> Self:
        """Return those that want a telephone call: no mail arrives; or no answer after every reminder, or near the end.

        Whoever has said when they decide is left alone until then.
        """
        return self.filter(self.chased(today))

    def chased(self, today: date) -> Q:
        """Return the condition for it."""
        unanswered = Q(reminders__gte=MOST_REMINDERS) | Q(closes_on__lte=today + timedelta(days=DAYS_BETWEEN_REMINDERS))
        waiting = Q(state__in=[InvitationState.SENT, InvitationState.STARTED]) & unanswered
        silent = waiting & (Q(decides_on=None) | Q(decides_on__lt=today))
        return (Q(state=InvitationState.REFUSED) | silent) & Q(closes_on__gte=today)

    def not_started(self, now: datetime) -> Q:
        """Return the condition for those that were sent a while ago and that nobody has begun to answer."""
        return Q(state=InvitationState.SENT, sent_at__lt=now - timedelta(days=DAYS_TO_START))

    def with_last_mail(self) -> Self:
        """Annotate with how far the newest mail has come, and what it is: ``last_delivery`` and ``last_kind``."""
        mails = self.model._meta.get_field("mails").related_model._default_manager
        newest = mails.filter(invitation=OuterRef("pk")).order_by("-created_at", "-pk")
        return self.annotate(
            last_delivery=Subquery(newest.values("delivery")[:1]), last_kind=Subquery(newest.values("kind")[:1])
        )

    def past(self, today: date) -> Self:
        """Return those whose last day is over and that nobody has answered."""
        return self.filter(state__in=[InvitationState.DRAFT, *OPEN], closes_on__lt=today)

    def to_remind(self, today: date) -> Self:
        """Return those to be reminded today: not answered, not reminded lately or too often, not about to decide.

        The first reminder goes two weeks after the invitation, each later one two weeks after the one before.
        """
        waited = Q()
        for sent in range(MOST_REMINDERS):
            waited |= Q(reminders=sent, sent_at__date__lte=today - timedelta(days=DAYS_BETWEEN_REMINDERS * (sent + 1)))
        return self.filter(
            waited,
            Q(decides_on=None) | Q(decides_on__lt=today),
            state__in=[InvitationState.SENT, InvitationState.STARTED],
            closes_on__gte=today,
        )


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries of the register."""

    def signatures(self) -> Self:
        """Return the entries that record a signature."""
        return self.filter(kind=Kind.SIGNED)

    def with_status(self) -> Self:
        """Annotate signatures with whether they stand, the kind of the entry that ended them, and the latest consent.

        ``is_live``, ``ended_by`` (or None) and ``last_consent``: the leaf that last changed whether a name is public.
        """
        later = self.model._default_manager.filter(of=OuterRef("pk"))
        ended = later.filter(kind__in=[Kind.WITHDRAWN, Kind.SUPERSEDED])
        consent = later.filter(kind=Kind.CORRECTED, leaf__contains='"name_is_public":').order_by("-seq")
        live = self.model._meta.get_field("live").related_model._default_manager
        return self.annotate(
            is_live=Exists(live.filter(entry=OuterRef("pk"))),
            ended_by=Subquery(ended.values("kind")[:1]),
            last_consent=Subquery(consent.values("leaf")[:1]),
        )

    def with_names(self) -> Self:
        """Fetch what a line of the register names together with the entries."""
        return self.select_related("body__sector", "body__organisation", "version__declaration", "personal")
