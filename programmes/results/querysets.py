from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from vru_portal.links.querysets import RequestQuerySet
from vru_portal.publishing.relations import related_manager
from vru_portal.publishing.slugs import SlugQuerySet
from vru_portal.publishing.state import published
from vru_portal.web.public_pages import cached_per_content_version

if TYPE_CHECKING:
    from programmes.models import Initiative
    from programmes.results.models import (  # noqa: F401 - bases name them as strings
        ApprovedFigure,
        ApprovedPart,
        ApprovedReturn,
        Breakdown,
        Measure,
        Return,
        ReturnDraft,
    )


def of_public(path: str = "") -> Q:
    """The condition for returns, at this path, that pages can show: both initiative and organisation are public."""
    names = ("initiative", "initiative__level", "organisation")
    return Q(*(Q(**published(f"{path}{name}")) for name in names))


class BreakdownQuerySet(SlugQuerySet["Breakdown"]):
    """Ways to divide the people a measure counts."""


class MeasureQuerySet(SlugQuerySet["Measure"]):
    """What is counted."""

    def are_in_use(self) -> bool:
        """Whether the unit has any measures: while it has none, most pages ask no more than this."""
        return cached_per_content_version("measures are in use", self.exists)

    def of(self, initiative: "Initiative") -> Self:
        """What this initiative reports."""
        own = self.model.initiatives.through.objects.filter(measure=OuterRef("pk"))
        return self.filter(~Exists(own) | Exists(own.filter(initiative=initiative)))


class ReturnQuerySet(RequestQuerySet["Return"]):
    """Returns of figures."""

    def public(self) -> Self:
        """Those of public initiatives that have not been cancelled."""
        return self.filter(of_public(), cancelled_at=None)

    def with_still_asked(self) -> Self:
        """Add `still_asked`: what is not public is no longer asked for."""
        return self.annotate(still_asked=of_public())

    def unpublished(self, known_before: datetime | None = None) -> Self:
        """Those for which nothing has been approved or, with a moment, had been approved by then."""
        approved = related_manager(self.model, "approved").filter(
            initiative=OuterRef("initiative"), organisation=OuterRef("organisation"), quarter=OuterRef("quarter")
        )
        return self.filter(~Exists(approved.filter(**known(known_before))))


class ReturnDraftQuerySet(RequestQuerySet["ReturnDraft"]):
    """The answers to returns."""

    def with_still_asked(self) -> Self:
        """Add `still_asked`, as that of their returns."""
        return self.annotate(still_asked=of_public("return_of_figures__"))


class ApprovedReturnQuerySet(models.QuerySet["ApprovedReturn"]):
    """Approved returns: the first version of each, and every correction."""

    def current(self, known_before: datetime | None = None) -> Self:
        """What is current; with a moment, what was current just before it."""
        return self.filter(**known(known_before)).filter(~Exists(corrections(self.model, "", known_before)))


class ApprovedFigureQuerySet(models.QuerySet["ApprovedFigure"]):
    """Approved counts."""

    def current(self, known_before: datetime | None = None) -> Self:
        """The current counts; with a moment, those that were current just before it."""
        approved = self.model._meta.get_field("approved").related_model
        newer = corrections(approved, "approved__", known_before)
        return self.filter(**known(known_before, "approved__")).filter(~Exists(newer))


class ApprovedPartQuerySet(models.QuerySet["ApprovedPart"]):
    """Approved counts of groups."""

    def current(self, known_before: datetime | None = None) -> Self:
        """The current counts; with a moment, those that were current just before it."""
        figure: Any = self.model._meta.get_field("figure").related_model
        approved = figure._meta.get_field("approved").related_model
        newer = corrections(approved, "figure__approved__", known_before)
        return self.filter(**known(known_before, "figure__approved__")).filter(~Exists(newer))


def known(before: datetime | None, path: str = "") -> dict[str, datetime]:
    return {f"{path}recorded_at__lt": before} if before else {}


def corrections(approved: Any, path: str, before: datetime | None) -> models.QuerySet[Any]:
    """The approved returns that correct the one at this path, as far as they were known by then."""
    same = {name: OuterRef(f"{path}{name}") for name in ("initiative", "organisation", "quarter")}
    return approved._default_manager.filter(**same, **known(before), number__gt=OuterRef(f"{path}number")).order_by()


def late(day: date) -> Q:
    """The condition for returns that were due before this day and have not been reported."""
    return Q(due_on__lt=day, reported_at=None)
