import re
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from programmes.choices import Outcome, PassagePlace
from vru_portal.publishing.relations import related_manager
from vru_portal.publishing.slugs import SlugQuerySet
from vru_portal.publishing.state import PublishableQuerySet, published
from vru_portal.text.folded_search import any_contains, search_terms
from vru_portal.web.public_pages import cached_per_content_version

if TYPE_CHECKING:
    from partners.models import Organisation
    from programmes.models import (  # noqa: F401 - bases name them as strings
        AssessmentDecision,
        Document,
        EvidenceAssessment,
        FilterWord,
        Initiative,
        Passage,
        Picture,
        Predecessor,
        PreventionLevel,
        Story,
        SuccessCondition,
        Term,
        ToolkitApproach,
    )


SEARCHED = ("name", "summary", "description", "audience_text", "setting_text", "area_text")  # of initiatives


class LevelQuerySet(PublishableQuerySet["PreventionLevel"]):
    """Levels of prevention."""

    def with_counts(self) -> Self:
        """Add `initiative_count`, the number of initiatives that the public sees."""
        return self.annotate(initiative_count=Count("initiatives", filter=Q(**published("initiatives")), distinct=True))

    def listed(self) -> "list[PreventionLevel]":
        """The public levels with their sources and counts, as most pages show them."""
        return cached_per_content_version("levels", lambda: list(self.public().select_related("source").with_counts()))


class InitiativeQuerySet(PublishableQuerySet["Initiative"]):
    """Initiatives: public only while their level is."""

    def public(self) -> Self:
        """Published initiatives of published levels."""
        return super().public().filter(**published("level"))

    def matching(self, words: str) -> Self:
        """Initiatives that contain every one of the words, or its stem, in any of the searched fields."""
        rows = self
        for word in search_terms(words):
            rows = rows.filter(any_contains(SEARCHED, stem(word)))
        return rows

    def involving(self, organisation: "Organisation") -> Self:
        """Initiatives that this organisation delivers or supports."""
        return self.filter(Q(lead_organisation=organisation) | Q(partners=organisation)).distinct()

    def similar_to(self, initiative: Any, level: Any) -> Self:
        """Other initiatives of the same level, audience or setting as the one with this key and level, in this order.

        The annotations `same_level`, `same_audience` and `same_setting` say what each has in common with it, and
        `shared_audience` names the first audience that both are for.
        """
        audiences = self.model.audiences.through.objects.filter(audience__initiatives=initiative)
        return (
            self.exclude(pk=initiative)
            .annotate(
                same_level=Q(level=level),
                same_audience=shares_vocabulary(audiences),
                shared_audience=Subquery(
                    audiences.filter(initiative=OuterRef("pk")).order_by("audience__name").values("audience__name")[:1]
                ),
                same_setting=shares_vocabulary(
                    self.model.settings.through.objects.filter(setting__initiatives=initiative)
                ),
            )
            .filter(Q(same_level=True) | Q(same_audience=True) | Q(same_setting=True))
            .order_by("-same_level", "-same_audience", "-same_setting", "position", "name")
        )


class AssessmentQuerySet(QuerySet["EvidenceAssessment"]):
    """Evidence assessments."""

    def get_by_natural_key(self, initiative: str) -> "EvidenceAssessment":
        """The only assessment of an initiative: a unit's content names it by the initiative's slug."""
        return self.get(initiative__slug=initiative)

    def undecided(self) -> Self:
        """Assessments without a decision in force."""
        return self.filter(~self._decision_exists())

    def decided(self) -> Self:
        """Assessments with a decision in force."""
        return self.filter(self._decision_exists())

    def _decision_exists(self) -> Exists:
        decisions = related_manager(self.model, "decisions")
        return Exists(decisions.standing().filter(assessment=OuterRef("pk")))

    def approved(self, *, by_day: date | None = None) -> Self:
        """Approved assessments, the latest approval first, with its date in `approved_on`.

        With `by_day`, only those approved on or before that date. A database trigger makes sure that the approver was
        not the author.
        """
        until = {"decisions__decided_on__lte": by_day} if by_day else {}
        rows = self.filter(
            decisions__outcome=Outcome.APPROVED, decisions__reverses=None, decisions__reversed_by=None, **until
        )
        return rows.annotate(approved_on=F("decisions__decided_on")).order_by("-decisions__decided_on", "-pk")


class ApproachQuerySet(PublishableQuerySet["ToolkitApproach"]):
    """Approaches of toolkits."""


class AssessmentDecisionQuerySet(QuerySet["AssessmentDecision"]):
    """Decisions on evidence assessments."""

    def standing(self) -> Self:
        """Decisions that have not been reversed, without the reversals themselves."""
        return self.filter(reverses=None, reversed_by=None)


class FilterWordQuerySet(SlugQuerySet["FilterWord"]):
    """Words that visitors filter initiatives by."""


def stem(word: str) -> str:
    """A word without its ending, so that “injured” finds “injury” and “schools” finds “school”."""
    return re.sub(r"(?<=\w{4})(ing|ed|ies|es|s|y)$", "", word)


def shares_vocabulary(links: QuerySet[Any]) -> Exists:
    """Whether the outer initiative is among these rows, which link initiatives to the words of another one."""
    return Exists(links.filter(initiative=OuterRef("pk")))


class SuccessConditionQuerySet(PublishableQuerySet["SuccessCondition"]):
    """Conditions for success."""


class PredecessorQuerySet(PublishableQuerySet["Predecessor"]):
    """Earlier work that the unit builds on."""


class TermQuerySet(PublishableQuerySet["Term"]):
    """Terms and their definitions."""


class StoryQuerySet(PublishableQuerySet["Story"]):
    """News."""


class PassageQuerySet(PublishableQuerySet["Passage"]):
    """Passages of the unit's own text."""

    def get_by_natural_key(self, slot: str) -> "Passage":
        return self.get(slot=slot)

    def in_slots(self, *prefixes: str) -> "dict[str, Passage]":
        """The public passages of these pages, by slot. A slot without a published passage is missing."""
        return cached_per_content_version(f"passages {prefixes}", lambda: self._read_slots(prefixes))

    def _read_slots(self, prefixes: tuple[str, ...]) -> "dict[str, Passage]":
        slots = [slot for slot in PassagePlace.values if slot.startswith(prefixes)]
        return {row.slot: row for row in self.public().filter(slot__in=slots).select_related("source")}


class PictureQuerySet(PublishableQuerySet["Picture"]):
    """Pictures."""


class DocumentQuerySet(PublishableQuerySet["Document"]):
    """Documents."""
