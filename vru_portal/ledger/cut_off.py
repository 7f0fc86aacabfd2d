"""Which rows of a ledger count when it is shown for a day in the past."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.utils import timezone

from vru_portal.ledger.append_only.models import AppendOnly


class Basis(models.TextChoices):
    """What “as at a day” means: what was known by then, or what is dated by then even if it was learned later."""

    KNOWN = "known", "as known by that day"
    DATED = "dated", "as dated by that day"


@dataclass(frozen=True)
class CutOff:
    """The cut-off date of a ledger that is shown; without a day, now.

    With `Basis.KNOWN` a row counts from the day it was recorded here, so later entries never change the picture of an
    earlier day. With `Basis.DATED` it counts from the date it carries, and anything corrected since is left out.
    """

    day: date | None = None
    basis: Basis = Basis.KNOWN

    @property
    def known_before(self) -> datetime | None:
        """The time before which a row must have been recorded to count; None if that does not matter."""
        if self.day is None or self.basis == Basis.DATED:
            return None
        # Midnight in the portal's time zone. Not 24 hours after the last one: two days a year are longer or shorter.
        return timezone.make_aware(datetime.combine(self.day + timedelta(days=1), time.min))

    def counted_rows(self, date_field: str, prefix: str = "") -> Q:
        """The rows that count, reversed or not. ``date_field`` is the field that dates them."""
        if self.known_before:
            return Q(**{f"{prefix}recorded_at__lt": self.known_before})
        return Q(**{f"{prefix}{date_field}__lte": self.day}) if self.day else Q()

    def knows(self, row: AppendOnly) -> bool:
        """Whether a later addition to a row (its reversal, an explanation) was known by then."""
        return self.includes(row.recorded_at)

    def includes(self, recorded_at: datetime) -> bool:
        """Whether what was recorded at this moment was known by then."""
        return self.known_before is None or recorded_at < self.known_before

    def standing_rows(self, prefix: str = "") -> Q:
        """The rows that are not reversed and are not reversals themselves."""
        not_reversed = Q(**{f"{prefix}reversed_by": None})
        if self.known_before:
            not_reversed |= Q(**{f"{prefix}reversed_by__recorded_at__gte": self.known_before})
        # `reverses IS NULL`, in a form that stops SQLite using the index on `reverses`: its planner takes NULL for one
        # rare key among others, although nearly every row has it.
        return Q(Exact(Coalesce(F(f"{prefix}reverses_id"), 0), 0)) & not_reversed


NOW = CutOff()
