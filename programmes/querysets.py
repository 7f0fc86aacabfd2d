import re
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from programmes.choices import Outcome, Slot
from vru_portal.publishing import PublishableQuerySet, published
from vru_portal.slugs import SlugQuerySet

if TYPE_CHECKING:
    from partners.models import Organisation
    from programmes.models import (  # noqa: F401 - bases name them as strings
        AssessmentDecision,
        Document,
        EvidenceAssessment,
        Initiative,
        Passage,
        Picture,
        Predecessor,
        PreventionLevel,
        Story,
        SuccessCondition,
        Term,
        Vocabulary,
    )


SHOWN = 6  # initiatives of a level, where a page shows all levels


class LevelQuerySet(PublishableQuerySet["PreventionLevel"]):
    """Levels of prevention."""

    def with_counts(self) -> Self:
        """Add `initiative_count`, the number of initiatives that the public sees."""
        return self.annotate(initiative_count=Count("initiatives", filter=Q(**published("initiatives")), distinct=True))

    def with_initiatives(self) -> Self:
        """Add `public_initiatives`, the first few of each level: `initiative_count` says how many there are."""
        from programmes.models import Initiative

        rows = Initiative.objects.public().select_related("source").order_by("position", "name")[:SHOWN]
        return self.prefetch_related(Prefetch("initiatives", queryset=rows, to_attr="public_initiatives"))


class InitiativeQuerySet(PublishableQuerySet["Initiative"]):
    """Initiatives, public as far as their level is."""

    def public(self) -> Self:
        """Return published initiatives of published levels."""
        return super().public().filter(**published("level"))

    def matching(self, words: str) -> Self:
        """Return initiatives with each of the words, or its stem, in their name, what they do, for whom or where."""
        rows = self
        for word in words.split():
            condition = Q()
            for field in ("name", "summary", "description", "audience_text", "setting_text", "area_text"):
                condition |= Q(**{f"{field}__icontains": stem(word)})
            rows = rows.filter(condition)
        return rows

    def involving(self, organisation: "Organisation") -> Self:
        """Return what this body delivers or supports."""
        return self.filter(Q(lead_organisation=organisation) | Q(partners=organisation)).distinct()

    def near(self, initiative: "Initiative") -> Self:
        """Return others of its level, for the same people or in the same kind of place, in this order.

        Each says which in `same_level`, `same_audience` and `same_setting`.
        """
        return (
            self.exclude(pk=initiative.pk)
            .annotate(
                same_level=Q(level=initiative.level_id),
                same_audience=shared(self.model.audiences.through.objects.filter(audience__initiatives=initiative)),
                same_setting=shared(self.model.settings.through.objects.filter(setting__initiatives=initiative)),
            )
            .filter(Q(same_level=True) | Q(same_audience=True) | Q(same_setting=True))
            .order_by("-same_level", "-same_audience", "-same_setting", "position", "name")
        )


class AssessmentQuerySet(QuerySet["EvidenceAssessment"]):
    """Evidence assessments."""

    def undecided(self) -> Self:
        """Return those that wait for a second pair of eyes."""
        from programmes.models import AssessmentDecision

        return self.filter(~Exists(AssessmentDecision.objects.standing().filter(assessment=OuterRef("pk"))))

    def approved(self, *, by_day: date | None = None) -> Self:
        """Return those approved, on or before the day where one is given, latest first; adds `approved_on`.

        That it was somebody other than the author, the database sees to.
        """
        day = {"decisions__decided_on__lte": by_day} if by_day else {}
        rows = self.filter(
            decisions__outcome=Outcome.APPROVED, decisions__reverses=None, decisions__reversed_by=None, **day
        )
        return rows.annotate(approved_on=F("decisions__decided_on")).order_by("-decisions__decided_on", "-pk")


class DecisionQuerySet(QuerySet["AssessmentDecision"]):
    """Decisions on evidence assessments."""

    def standing(self) -> Self:
        """Return those that nothing has reversed, and that reverse nothing themselves."""
        return self.filter(reverses=None, reversed_by=None)


class VocabularyQuerySet(SlugQuerySet["Vocabulary"]):
    """Words that initiatives share."""


def stem(word: str) -> str:
    """Return a word without its ending, so that “injured” finds “injury” and “schools” a school."""
    return re.sub(r"(?<=\w{4})(ing|ed|ies|es|s|y)$", "", word)


def shared(words: QuerySet[Any]) -> Exists:
    """Return whether the initiative asked about has one of these words, which another has."""
    return Exists(words.filter(initiative=OuterRef("pk")))


class ConditionQuerySet(PublishableQuerySet["SuccessCondition"]):
    """Conditions for success."""


class PredecessorQuerySet(PublishableQuerySet["Predecessor"]):
    """What the unit builds on."""


class TermQuerySet(PublishableQuerySet["Term"]):
    """Words explained."""


class StoryQuerySet(PublishableQuerySet["Story"]):
    """News."""


class PassageQuerySet(PublishableQuerySet["Passage"]):
    """The unit's own words."""

    def get_by_natural_key(self, slot: str) -> "Passage":
        """Return the passage in this slot."""
        return self.get(slot=slot)

    def in_slots(self, *prefixes: str) -> "dict[str, Passage]":
        """Return the public passages of these pages by slot; an empty slot is absent."""
        slots = [slot for slot in Slot.values if slot.startswith(prefixes)]
        return {p.slot: p for p in self.public().filter(slot__in=slots).select_related("source")}


class PictureQuerySet(PublishableQuerySet["Picture"]):
    """Pictures."""


class DocumentQuerySet(PublishableQuerySet["Document"]):
    """Documents."""
