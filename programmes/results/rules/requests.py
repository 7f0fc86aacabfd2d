"""Returns as requests that go out as emailed links (`vru_portal.links.requests`): what only results know of them."""

from typing import Any

from django.db.models import QuerySet

from programmes.models import Initiative
from programmes.results.models import AreaPopulation, Measure, ReturnDraft, Token
from programmes.results.rules.answers import Answers, read_answers
from programmes.results.tasks import deliver
from vru_portal.links.querysets import RequestQuerySet
from vru_portal.links.requests import Requests


def measures_of(initiative: Initiative) -> list[Measure]:
    return list(Measure.objects.of(initiative).prefetch_related("breakdowns__groups"))


def most_people(initiative: Initiative) -> int | None:
    """How many people live in the areas that an initiative serves; None if that is not known of all of them."""
    areas = list(initiative.areas.values_list("pk", flat=True))
    known = AreaPopulation.objects.filter(area__in=areas)
    if not areas or known.count() != len(areas):
        return None
    return sum(known.values_list("people", flat=True))


def answers_of(draft: ReturnDraft, measures: list[Measure] | None = None) -> Answers:
    """The answers as figures. Raises ValidationError, by field name, for what has to be corrected first."""
    initiative = draft.return_of_figures.initiative
    known = measures_of(initiative) if measures is None else measures
    return read_answers(known, draft.answers, most_people(initiative))


def drafts() -> RequestQuerySet[Any]:
    return ReturnDraft.objects.select_related("return_of_figures__initiative__level", "return_of_figures__organisation")


def tokens() -> QuerySet[Any]:
    return Token.objects.select_related(
        "draft__return_of_figures__initiative__level", "draft__return_of_figures__organisation"
    )


RETURN_REQUESTS = Requests(drafts=drafts, tokens=tokens, deliver=deliver, check_answers=answers_of)
